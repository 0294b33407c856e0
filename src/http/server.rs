//! The server: an accept loop of our own over warp's routes.
//!
//! warp's own loop has no header timeout, no cap on connections and no `TCP_NODELAY`, and its
//! ordered end waits for open streams for ever.

use std::future::{Future, poll_fn};
use std::io;
use std::net::SocketAddr;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::Poll;
use std::time::Duration;

use hyper::server::conn::http1;
use hyper::service::service_fn;
use hyper_util::rt::{TokioIo, TokioTimer};
use tokio::net::TcpListener;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{Instant, sleep, timeout};

use super::connection::Connection;
use super::context::Context;
use super::limits::{DESCRIPTORS_PAUSE, HEAD_BYTES, HEADERS};
use super::service::Routes;
use super::service::{self, Shared};
use super::socket::Socket;
use super::stream::{Open, Phase};
use super::unix_listener;

/// Descriptors count as scarce until accepting has not failed for this long.
const STARVED_FOR: Duration = Duration::from_secs(2);

/// Dropping what is left takes no longer than this.
const CUT: Duration = Duration::from_millis(500);

/// A bound socket, not yet served.
#[derive(Debug)]
pub struct Server {
    listener: Listener,
    address: Option<SocketAddr>,
}

#[derive(Debug)]
enum Listener {
    Tcp(TcpListener),
    Unix(unix_listener::Listener),
}

impl Listener {
    /// A client's end, and where it is.
    async fn accept(&self) -> io::Result<(Socket, Option<SocketAddr>)> {
        match self {
            Self::Tcp(listener) => {
                listener.accept().await.map(|(socket, peer)| (Socket::Tcp(socket), Some(peer)))
            }
            Self::Unix(listener) => listener.accept().await.map(|it| (Socket::Unix(it), None)),
        }
    }
}

impl Server {
    /// Binds; port 0 is any free one. From here on clients may connect; they are answered once
    /// [`Self::run`] is. Must be called within the runtime.
    pub fn bind(listen: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let listener = TcpListener::from_std(listener)?;
        let address = Some(listener.local_addr()?);
        Ok(Self { listener: Listener::Tcp(listener), address })
    }

    /// Binds to a Unix socket that only this user can connect to. A file that is there already is
    /// replaced only if it is a socket on which nobody listens. Must be called within the runtime,
    /// while nothing else makes files: the process's umask is another one for a moment.
    pub fn bind_unix(path: &Path) -> io::Result<Self> {
        let listener = unix_listener::Listener::bind(path)?;
        Ok(Self { listener: Listener::Unix(listener), address: None })
    }

    /// The network address where it listens; none for a Unix socket.
    pub const fn local_addr(&self) -> Option<SocketAddr> {
        self.address
    }

    /// Serves until `shutdown`, then ends within 5 s in every case: streams are told, other
    /// connections end with their answer, what is left is dropped.
    pub async fn run(self, context: Context, routes: Routes, shutdown: impl Future<Output = ()>) {
        let slots = Arc::new(Semaphore::new(context.limits.connections));
        let all = u32::try_from(context.limits.connections).unwrap_or(u32::MAX);
        let shared = Arc::new(Shared::new(context, routes));
        let limits = shared.context.limits;
        let streams = Arc::clone(&shared.context.streams);

        tokio::select! {
            () = accept(&self.listener, &slots, &shared) => {}
            () = shutdown => {}
        }
        drop(self.listener);

        streams.enter(Phase::Ending);
        if timeout(limits.shutdown, slots.acquire_many(all)).await.is_err() {
            let left = streams.counts.connections.load(Ordering::Relaxed);
            tracing::warn!(left, "connections are cut because they did not end in time");
            streams.enter(Phase::Cut);
            let _ = timeout(CUT, slots.acquire_many(all)).await;
        }
    }
}

async fn accept(listener: &Listener, slots: &Arc<Semaphore>, shared: &Arc<Shared>) {
    let counts = &shared.context.streams.counts;
    let mut starved: Option<Instant> = None;
    loop {
        let accepted = if starved.is_some() {
            timeout(STARVED_FOR, listener.accept()).await
        } else {
            Ok(listener.accept().await)
        };
        // One in between is no recovery: it would be told each time.
        if starved.is_some_and(|failed| failed.elapsed() >= STARVED_FOR)
            && !matches!(&accepted, Ok(Err(_)))
        {
            starved = None;
            counts.starved.store(false, Ordering::Relaxed);
            tracing::info!("new connections are taken again");
        }
        let Ok(accepted) = accepted else { continue };
        match accepted {
            Ok((socket, peer)) => {
                if let Ok(slot) = Arc::clone(slots).try_acquire_owned() {
                    tokio::spawn(serve(socket, peer, slot, Arc::clone(shared)));
                } else {
                    // Closed without an answer: see the cap's reason.
                    counts.refused.fetch_add(1, Ordering::Relaxed);
                }
            }
            Err(error) if is_the_clients(&error) => {}
            Err(error) => {
                // No descriptor or memory left: the client waits in the backlog, streams go on.
                if starved.replace(Instant::now()).is_none() {
                    counts.starved.store(true, Ordering::Relaxed);
                    tracing::warn!(%error, "new connections must wait");
                }
                sleep(DESCRIPTORS_PAUSE).await;
            }
        }
    }
}

/// The client went while it was waiting; nothing of ours is at fault.
fn is_the_clients(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

async fn serve(
    socket: Socket,
    peer: Option<SocketAddr>,
    slot: OwnedSemaphorePermit,
    shared: Arc<Shared>,
) {
    let limits = shared.context.limits;
    let streams = &shared.context.streams;
    let mut ending = streams.ending();
    let open = Open::new(streams, |counts| &counts.connections);
    let socket = Connection::new(socket, peer, limits.stall, open, slot);
    let link = socket.link();
    let service = service_fn(|request| {
        // Boxed: a connection lives longer than its requests, and most of them are streams.
        Box::pin(service::answer(Arc::clone(&shared), Arc::clone(&link), request))
    });
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.header)
        .max_buf_size(HEAD_BYTES)
        .max_headers(HEADERS)
        .serve_connection(TokioIo::new(socket), service);
    let mut phase = Phase::Ending;
    let takeover = loop {
        // How a connection ends is the client's matter: resets and time-outs are everyday.
        let served = poll_fn(|cx| match Pin::new(&mut connection).poll(cx) {
            Poll::Ready(_) => Poll::Ready(None),
            Poll::Pending => link.take_over().map_or(Poll::Pending, |it| Poll::Ready(Some(it))),
        });
        tokio::select! {
            takeover = served => break takeover,
            () = ending.reaches(phase) => {}
        }
        // hyper ends idle connections by itself, but not those that never asked anything.
        if phase == Phase::Cut || link.is_unused() {
            return;
        }
        Pin::new(&mut connection).graceful_shutdown();
        phase = Phase::Cut;
    };
    if let Some(takeover) = takeover {
        let parts = connection.into_parts();
        let context = Arc::clone(&shared.context);
        takeover.begin(context, parts.io.into_inner(), parts.read_buf).await;
    }
}
