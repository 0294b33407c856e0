//! A plain HTTP/1.1 client that sends exactly the bytes it is given.

use std::io::{BufRead, BufReader, Write};
use std::net::TcpStream;

use super::DEADLINE;

/// An answer, its body whole.
#[derive(Debug)]
pub(crate) struct Response {
    pub(crate) status: u16,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Response {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_slice(&self.body).unwrap()
    }
}

pub(crate) fn get(port: u16, path: &str) -> Response {
    send(
        port,
        format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"),
    )
    .unwrap_or_else(|| panic!("no answer to GET {path}"))
}

/// Sends raw bytes; `None` when the server closes without an answer.
pub(crate) fn send(port: u16, request: impl AsRef<[u8]>) -> Option<Response> {
    let mut stream = connect(port);
    stream.write_all(request.as_ref()).ok()?;
    read_response(&mut BufReader::new(stream), false)
}

pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect(("127.0.0.1", port)).unwrap();
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// The head of an answer: status and headers.
pub(crate) fn read_head(reader: &mut impl BufRead) -> Option<(u16, Vec<(String, String)>)> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let status = line.split(' ').nth(1)?.parse().ok()?;
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
        let line = line.trim_end();
        if line.is_empty() {
            return Some((status, headers));
        }
        let (name, value) = line.split_once(':')?;
        headers.push((name.to_owned(), value.trim().to_owned()));
    }
}

pub(crate) fn read_response(reader: &mut impl BufRead, head_only: bool) -> Option<Response> {
    let (status, headers) = read_head(reader)?;
    let mut response = Response { status, headers, body: Vec::new() };
    if head_only || status == 304 || status == 204 {
        return Some(response);
    }
    if response.header("transfer-encoding") == Some("chunked") {
        while let Some(chunk) = read_chunk(reader) {
            response.body.extend(chunk);
        }
    } else if let Some(length) = response.header("content-length") {
        let mut body = vec![0; length.parse().unwrap()];
        reader.read_exact(&mut body).ok()?;
        response.body = body;
    } else {
        reader.read_to_end(&mut response.body).ok()?;
    }
    Some(response)
}

/// What a body that ends with its connection has just now, at least a byte; `None` at its end.
pub(crate) fn read_some(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let read = reader.fill_buf().ok()?.to_vec();
    reader.consume(read.len());
    (!read.is_empty()).then_some(read)
}

/// One chunk of a chunked body; `None` at its end or when the connection is gone.
pub(crate) fn read_chunk(reader: &mut impl BufRead) -> Option<Vec<u8>> {
    let mut line = String::new();
    reader.read_line(&mut line).ok().filter(|read| *read > 0)?;
    let length = usize::from_str_radix(line.trim(), 16).ok()?;
    let mut chunk = vec![0; length + 2];
    reader.read_exact(&mut chunk).ok()?;
    chunk.truncate(length);
    (length > 0).then_some(chunk)
}
