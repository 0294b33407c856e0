//! As much of HTTP as a measurement needs: one request, one answer, the connection closed.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail, ensure};

/// Longer than any answer takes.
const PATIENCE: Duration = Duration::from_secs(20);

pub(crate) fn address(port: u16) -> SocketAddr {
    SocketAddr::from(([127, 0, 0, 1], port))
}

/// A port that was free a moment ago.
pub(crate) fn free_port() -> Result<u16> {
    Ok(TcpListener::bind(address(0))?.local_addr()?.port())
}

/// Waits until somebody listens there.
pub(crate) fn until_listening(port: u16) -> Result<()> {
    until("a listener", Duration::from_secs(10), || Ok(TcpStream::connect(address(port)).ok()))
}

/// Asks again and again until there is an answer.
pub(crate) fn until<T>(
    what: &str,
    patience: Duration,
    mut ask: impl FnMut() -> Result<Option<T>>,
) -> Result<()> {
    let start = Instant::now();
    while ask()?.is_none() {
        ensure!(start.elapsed() < patience, "waited {patience:?} for {what}");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok(())
}

/// The body of a GET that must be answered with 200.
pub(crate) fn get(port: u16, path: &str) -> Result<Vec<u8>> {
    exchange(port, path, &format!("GET {path} HTTP/1.1\r\n"), "")
}

/// A GET whose answer is JSON.
pub(crate) fn json(port: u16, path: &str) -> Result<serde_json::Value> {
    Ok(serde_json::from_slice(&get(port, path)?)?)
}

/// A POST of JSON that must be answered with 200.
pub(crate) fn post(port: u16, path: &str, body: &str) -> Result<Vec<u8>> {
    let length = body.len();
    let head = format!(
        "POST {path} HTTP/1.1\r\nContent-Type: application/json\r\nContent-Length: {length}\r\n"
    );
    exchange(port, path, &head, body)
}

fn exchange(port: u16, path: &str, head: &str, body: &str) -> Result<Vec<u8>> {
    let mut stream = TcpStream::connect(address(port))?;
    stream.set_read_timeout(Some(PATIENCE))?;
    write!(stream, "{head}Host: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n{body}")?;
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).with_context(|| format!("no answer to {path}"))?;
    let end = memchr::memmem::find(&answer, b"\r\n\r\n").context("an answer without head")?;
    let head = String::from_utf8_lossy(&answer[..end]).to_ascii_lowercase();
    if !head.starts_with("http/1.1 200") {
        bail!("{path}: {}", String::from_utf8_lossy(&answer));
    }
    let body = &answer[end + 4..];
    if !head.contains("transfer-encoding: chunked") {
        return Ok(body.to_vec());
    }
    let mut whole = Vec::new();
    crate::load::Chunked::default().feed(body, |part| whole.extend_from_slice(part));
    Ok(whole)
}
