//! The load client: up to 5,000 listeners on one thread. It counts marked events, nothing else, so
//! that it costs less than what it measures.

mod mark;
mod wire;

use std::io::{ErrorKind, Read, Write};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};
use mio::net::TcpStream;
use mio::{Events, Interest, Poll, Token};

pub(crate) use mark::{Marks, mark, now_ns};
pub(crate) use wire::{Chunked, Kind};
use wire::{Frames, Wire};

/// More than these are a test of the machine.
pub(crate) const MOST_CLIENTS: usize = 5_000;
/// More deliveries than this are not waited for.
const MOST_DELIVERIES: u64 = 20_000_000;
/// When nothing at all comes for so long, the rest is lost.
const PATIENCE: Duration = Duration::from_secs(15);
const BUFFER: usize = 256 * 1024;

/// Listeners of one server.
pub(crate) struct Clients {
    poll: Poll,
    events: Events,
    open: Vec<Client>,
    buffer: Vec<u8>,
}

struct Client {
    stream: TcpStream,
    wire: Wire,
    marks: Marks,
    open: bool,
}

/// What they got.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    pub(crate) deliveries: u64,
    pub(crate) bytes: u64,
    /// How long each delivery was under way, in microseconds.
    pub(crate) latencies_us: Vec<u32>,
    /// From the beginning of the count to the first byte and to the last delivery.
    pub(crate) first_byte: Duration,
    pub(crate) took: Duration,
    /// This thread's processor time in that time, in seconds.
    pub(crate) cpu_s: f64,
    closed: usize,
}

impl Tally {
    /// How much of one core the client itself took.
    pub(crate) fn client_share(&self) -> f64 {
        self.cpu_s / self.took.as_secs_f64().max(1e-9)
    }
}

impl Clients {
    /// Opens so many of them.
    pub(crate) fn connect(at: SocketAddr, kind: Kind, path: &str, count: usize) -> Result<Self> {
        Self::connect_each(at, kind, std::iter::repeat_n(path.to_owned(), count))
    }

    /// Opens one for each of these addresses.
    pub(crate) fn connect_each(
        at: SocketAddr,
        kind: Kind,
        paths: impl ExactSizeIterator<Item = String>,
    ) -> Result<Self> {
        let count = paths.len();
        ensure!(at.ip().is_loopback(), "{at} is another machine");
        ensure!(count <= MOST_CLIENTS, "{count} clients are more than {MOST_CLIENTS}");
        let poll = Poll::new()?;
        let mut all = Self {
            poll,
            events: Events::with_capacity(1024),
            open: Vec::with_capacity(count),
            buffer: vec![0; BUFFER],
        };
        for (n, path) in paths.enumerate() {
            let (mut client, rest) = Client::open(at, kind, &path)
                .with_context(|| format!("client {} of {count}", n + 1))?;
            all.poll.registry().register(&mut client.stream, Token(n), Interest::READABLE)?;
            client.take(&rest, |_| ());
            all.open.push(client);
        }
        Ok(all)
    }

    /// Reads what greets them, until nothing more comes for this long.
    pub(crate) fn settle(&mut self, quiet: Duration) -> Result<()> {
        let start = Instant::now();
        loop {
            let mut tally = Tally::default();
            self.turn(quiet, u64::MAX, &mut tally)?;
            if tally.bytes == 0 {
                return Ok(());
            }
            ensure!(start.elapsed() < Duration::from_secs(60), "the clients never come to rest");
        }
    }

    /// Reads until so many events sent since then have been delivered.
    pub(crate) fn receive(&mut self, wanted: u64, since_ns: u64) -> Result<Tally> {
        ensure!(wanted <= MOST_DELIVERIES, "{wanted} deliveries are more than {MOST_DELIVERIES}");
        let cpu_s = crate::machine::own_thread_cpu_s()?;
        let mut tally = Tally::default();
        tally.latencies_us.reserve(wanted as usize);
        let start = Instant::now();
        let mut last_came = start;
        while tally.deliveries < wanted {
            let before = tally.deliveries;
            self.turn(Duration::from_secs(1), since_ns, &mut tally)?;
            if tally.bytes > 0 && tally.first_byte.is_zero() {
                tally.first_byte = start.elapsed();
            }
            if tally.deliveries > before {
                last_came = Instant::now();
            } else if last_came.elapsed() > PATIENCE {
                let (got, closed) = (tally.deliveries, tally.closed);
                bail!("{got} of {wanted} deliveries came; {closed} connections were closed");
            }
        }
        ensure!(tally.deliveries == wanted, "{} deliveries, not {wanted}", tally.deliveries);
        tally.took = last_came - start;
        tally.cpu_s = crate::machine::own_thread_cpu_s()? - cpu_s;
        Ok(tally)
    }

    /// Reads what is there now, or comes first.
    fn turn(&mut self, wait: Duration, since_ns: u64, tally: &mut Tally) -> Result<()> {
        if let Err(error) = self.poll.poll(&mut self.events, Some(wait)) {
            if error.kind() == ErrorKind::Interrupted {
                return Ok(());
            }
            return Err(error.into());
        }
        for event in &self.events {
            self.open[event.token().0].read(&mut self.buffer, since_ns, tally);
        }
        Ok(())
    }
}

impl Client {
    /// Connects and reads the answer's head; what came behind it is given back.
    fn open(at: SocketAddr, kind: Kind, path: &str) -> Result<(Self, Vec<u8>)> {
        let mut stream = std::net::TcpStream::connect(at)?;
        stream.set_read_timeout(Some(Duration::from_secs(10)))?;
        stream.set_nodelay(true)?;
        let (more, wanted) = match kind {
            Kind::Sse => ("Accept: text/event-stream\r\n", "http/1.1 200"),
            Kind::Ws => (
                "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: c3ByaW50LXJ1bm5lci1iZQ==\r\n",
                "http/1.1 101",
            ),
        };
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {at}\r\n{more}\r\n")?;
        let mut answer = Vec::new();
        let end = loop {
            let mut part = [0; 4096];
            let length = stream.read(&mut part)?;
            ensure!(length > 0, "closed before its answer");
            answer.extend_from_slice(&part[..length]);
            if let Some(at) = memchr::memmem::find(&answer, b"\r\n\r\n") {
                break at + 4;
            }
        };
        let rest = answer.split_off(end);
        let head = String::from_utf8_lossy(&answer).to_ascii_lowercase();
        ensure!(head.starts_with(wanted), "{path} was answered with: {head}");
        let wire = match kind {
            Kind::Ws => Wire::Frames(Frames::default()),
            Kind::Sse if head.contains("transfer-encoding: chunked") => {
                Wire::Chunked(Chunked::default())
            }
            Kind::Sse => Wire::Plain,
        };
        stream.set_nonblocking(true)?;
        let stream = TcpStream::from_std(stream);
        Ok((Self { stream, wire, marks: Marks::default(), open: true }, rest))
    }

    fn read(&mut self, buffer: &mut [u8], since_ns: u64, tally: &mut Tally) {
        while self.open {
            let length = match self.stream.read(buffer) {
                Ok(0) => 0,
                Ok(length) => length,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return,
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(_) => 0,
            };
            if length == 0 {
                self.open = false;
                tally.closed += 1;
                return;
            }
            let now = now_ns();
            tally.bytes += length as u64;
            self.take(&buffer[..length], |sent| {
                // Older ones stand in what greets a client.
                if sent >= since_ns {
                    let us = now.saturating_sub(sent) / 1000;
                    tally.latencies_us.push(u32::try_from(us).unwrap_or(u32::MAX));
                    tally.deliveries += 1;
                }
            });
            // There is no more: epoll tells it anew when there is.
            if length < buffer.len() {
                return;
            }
        }
    }

    fn take(&mut self, bytes: &[u8], mut found: impl FnMut(u64)) {
        let Self { wire, marks, stream, .. } = self;
        wire.feed(bytes, |text| marks.read(text, &mut found));
        if let Some(answer) = wire.answer() {
            // A pong that does not fit in the socket is not missed: another ping comes.
            let _ = stream.write(&answer);
        }
    }
}
