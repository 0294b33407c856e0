//! stub
pub struct Context {}
pub struct Server {}
impl Server {
 pub fn bind(a: std::net::SocketAddr) -> std::io::Result<Self> { todo!("{a}") }
 pub fn local_addr(&self) -> std::net::SocketAddr { todo!() }
 pub async fn run(self, _c: Context, _s: impl Future<Output=()>) {}
}
