//! One client's socket: sees whether its reader stands still, and ends it without leaving traces.
//!
//! - A write that waits longer than the bound without one byte of progress fails: the peer does
//!   not read at all. This holds for streams, upgraded or not, and for plain answers alike.
//! - Such a socket is reset, so that the kernel frees what it still holds for it.
//! - Its slot among the open connections is given back when it is dropped, never earlier.

use std::future::Future;
use std::io::{self, IoSlice};
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Sleep, sleep};

use super::limits::LINGER;
use super::socket::Socket;
use super::stream::Open;
use super::stream::takeover::Takeover;

/// What a request's answerer may ask of its connection.
#[derive(Debug, Default)]
pub(super) struct Link {
    peer: Option<SocketAddr>,
    linger: AtomicBool,
    asked: AtomicBool,
    takeover: Mutex<Option<Box<Takeover>>>,
}

impl Link {
    /// The answer goes out before the request's body was read: throw the rest away for a moment
    /// at the end, else the client finds a reset instead of the answer.
    pub(super) fn linger(&self) {
        self.linger.store(true, Ordering::Relaxed);
    }

    /// Where the client is; none for a Unix socket.
    pub(super) const fn peer(&self) -> Option<SocketAddr> {
        self.peer
    }

    /// A request's head has come.
    pub(super) fn asked(&self) {
        self.asked.store(true, Ordering::Relaxed);
    }

    /// True when no request has come yet: browsers open connections ahead of need.
    pub(super) fn is_unused(&self) -> bool {
        !self.asked.load(Ordering::Relaxed)
    }

    /// From here on the connection is a stream's, and HTTP's no more.
    pub(super) fn hand_over(&self, takeover: Box<Takeover>) {
        *self.takeover.lock().unwrap_or_else(PoisonError::into_inner) = Some(takeover);
    }

    /// The stream that takes the connection over. Nothing of an earlier answer is left in hyper:
    /// it takes the next request only once the last answer is flushed.
    pub(super) fn take_over(&self) -> Option<Box<Takeover>> {
        self.takeover.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The socket.
#[derive(Debug)]
pub(super) struct Connection {
    socket: Socket,
    link: Arc<Link>,
    stall: Duration,
    /// Runs while a write waits.
    waiting: Option<Pin<Box<Sleep>>>,
    /// Runs while the rest of a refused body is thrown away.
    lingering: Option<Pin<Box<Sleep>>>,
    /// A write that had waited went on: the peer reads.
    progressed: bool,
    /// The bound was reached once; who still wants to say something bounds it himself.
    stalled: bool,
    /// HTTP heads are read here, not yet a stream's frames.
    heads: bool,
    open: Open,
    _slot: OwnedSemaphorePermit,
}

impl Connection {
    /// Sets the socket's options.
    pub(super) fn new(
        socket: Socket,
        peer: Option<SocketAddr>,
        stall: Duration,
        open: Open,
        slot: OwnedSemaphorePermit,
    ) -> Self {
        socket.prepare();
        Self {
            socket,
            link: Arc::new(Link { peer, ..Link::default() }),
            stall,
            waiting: None,
            lingering: None,
            progressed: false,
            stalled: false,
            heads: true,
            open,
            _slot: slot,
        }
    }

    /// For the one who answers its requests.
    pub(super) fn link(&self) -> Arc<Link> {
        Arc::clone(&self.link)
    }

    /// From here on it carries no heads of requests.
    pub(super) const fn taken_over(&mut self) {
        self.heads = false;
    }

    /// True once after a write that had waited went on.
    pub(super) const fn took_progress(&mut self) -> bool {
        std::mem::replace(&mut self.progressed, false)
    }

    /// When it is dropped the peer gets a reset and the kernel keeps nothing for it.
    pub(super) fn reset_on_drop(&self) {
        self.socket.reset_on_drop();
    }

    /// Passes a write's outcome on, with its wait bounded.
    fn bounded<T>(
        &mut self,
        cx: &mut Context<'_>,
        outcome: Poll<io::Result<T>>,
    ) -> Poll<io::Result<T>> {
        if outcome.is_ready() {
            self.progressed |= self.waiting.take().is_some();
            return outcome;
        }
        if self.stalled {
            return Poll::Pending;
        }
        let stall = self.stall;
        let waiting = self.waiting.get_or_insert_with(|| Box::pin(sleep(stall)));
        ready!(waiting.as_mut().poll(cx));
        self.waiting = None;
        self.stalled = true;
        self.reset_on_drop();
        self.open.counts().slow.fetch_add(1, Ordering::Relaxed);
        Poll::Ready(Err(io::Error::new(io::ErrorKind::TimedOut, "the client does not read")))
    }

    /// Reads and forgets until the peer ends or the time is up.
    fn poll_linger(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let lingering = self.lingering.get_or_insert_with(|| Box::pin(sleep(LINGER)));
        if lingering.as_mut().poll(cx).is_ready() {
            return Poll::Ready(());
        }
        let mut waste = [0; 4096];
        loop {
            let mut buffer = ReadBuf::new(&mut waste);
            match ready!(Pin::new(&mut self.socket).poll_read(cx, &mut buffer)) {
                Ok(()) if !buffer.filled().is_empty() => {}
                _ => return Poll::Ready(()),
            }
        }
    }
}

/// Controls that mean nothing in HTTP: all but tab, CR and LF.
const fn is_control(byte: u8) -> bool {
    byte.is_ascii_control() && !matches!(byte, b'\t' | b'\r' | b'\n')
}

impl AsyncRead for Connection {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = buffer.filled().len();
        ready!(Pin::new(&mut self.socket).poll_read(cx, buffer))?;
        if self.heads {
            // hyper answers a head that holds a NUL or another control character with 400; in a
            // Last-Event-ID it must not, or a browser's stream never comes back. 0xFF is as wrong
            // everywhere else: no name, path or JSON holds either.
            for byte in buffer.filled_mut()[before..].iter_mut().filter(|byte| is_control(**byte)) {
                *byte = 0xff;
            }
        }
        Poll::Ready(Ok(()))
    }
}

impl AsyncWrite for Connection {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write(cx, bytes);
        self.bounded(cx, outcome)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        let outcome = Pin::new(&mut self.socket).poll_write_vectored(cx, slices);
        self.bounded(cx, outcome)
    }

    fn is_write_vectored(&self) -> bool {
        self.socket.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.socket).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<io::Result<()>> {
        ready!(Pin::new(&mut self.socket).poll_shutdown(cx))?;
        if self.link.linger.load(Ordering::Relaxed) {
            ready!(self.poll_linger(cx));
        }
        Poll::Ready(Ok(()))
    }
}
