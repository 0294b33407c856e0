//! A Server-Sent Events client after the WHATWG rules.

use std::io::{BufReader, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::DEADLINE;
use super::bench::PATIENCE;
use super::http::{self, read_chunk, read_some};

/// One block of the stream that carried data.
#[derive(Debug, Clone)]
pub(crate) struct Message {
    /// The last id in force, as a browser would send it back.
    pub(crate) id: String,
    pub(crate) json: Value,
}

pub(crate) struct Sse {
    reader: BufReader<TcpStream>,
    pub(crate) headers: Vec<(String, String)>,
    /// Somebody in between parts the body: the server does not.
    chunked: bool,
    buffer: Vec<u8>,
    /// How far the buffer is read.
    at: usize,
    id: String,
    data: String,
    /// The block so far holds an id or data.
    fields: bool,
    /// Comments seen so far.
    pub(crate) comments: usize,
    pub(crate) retry_ms: Option<u64>,
}

impl Sse {
    /// Opens `/sse` with a query such as `?types=command:*`.
    pub(crate) fn open(port: u16, query: &str, last_event_id: Option<&str>) -> Self {
        Self::try_open(port, query, last_event_id).expect("a stream")
    }

    pub(crate) fn try_open(port: u16, query: &str, last_event_id: Option<&str>) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self::over(stream, &format!("127.0.0.1:{port}"), query, last_event_id)
    }

    /// Opens a stream at this address, such as `/p/lantern/sse`.
    pub(crate) fn at(port: u16, path: &str, last_event_id: Option<&str>) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self::asking(stream, &format!("127.0.0.1:{port}"), path, last_event_id)
    }

    /// On a connection that is open, to a server of this name.
    pub(crate) fn over(
        stream: TcpStream,
        host: &str,
        query: &str,
        last_event_id: Option<&str>,
    ) -> Option<Self> {
        Self::asking(stream, host, &format!("/sse{query}"), last_event_id)
    }

    fn asking(
        mut stream: TcpStream,
        host: &str,
        path: &str,
        last_event_id: Option<&str>,
    ) -> Option<Self> {
        let resume = last_event_id.map(|id| format!("Last-Event-ID: {id}\r\n")).unwrap_or_default();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: {host}\r\n{resume}\r\n").ok()?;
        let mut reader = BufReader::with_capacity(64 * 1024, stream);
        let (status, headers) = http::read_head(&mut reader)?;
        // Not now: whoever can try again does.
        if status == 503 {
            return None;
        }
        assert_eq!(status, 200, "the stream's status");
        let chunked = headers.iter().any(|(name, value)| {
            name.eq_ignore_ascii_case("transfer-encoding") && value == "chunked"
        });
        Some(Self {
            reader,
            headers,
            chunked,
            buffer: Vec::new(),
            at: 0,
            id: last_event_id.unwrap_or_default().to_owned(),
            data: String::new(),
            fields: false,
            comments: 0,
            retry_ms: None,
        })
    }

    fn read(&mut self) -> Option<()> {
        let read = if self.chunked { read_chunk } else { read_some };
        self.buffer.extend(read(&mut self.reader)?);
        Some(())
    }

    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.reader.get_ref().set_read_timeout(Some(timeout)).unwrap();
    }

    /// The next message; `None` when the stream ended or nothing came in time.
    pub(crate) fn next(&mut self) -> Option<Message> {
        let data = self.next_data()?;
        Some(self.message(&data))
    }

    /// The id and the undecoded data of the next message, for those who read very many.
    pub(crate) fn next_raw(&mut self) -> Option<(u64, String)> {
        let data = self.next_data()?;
        let id = self.id.split_once(':').and_then(|(_, id)| id.parse().ok());
        Some((id.expect("an id"), data))
    }

    /// Reads until `count` comments have come.
    pub(crate) fn until_comments(&mut self, count: usize) -> Option<()> {
        while self.comments < count {
            self.read()?;
            assert!(self.data_in_buffer().is_none(), "a message of which nobody knows");
        }
        Some(())
    }

    fn message(&self, data: &str) -> Message {
        Message { id: self.id.clone(), json: serde_json::from_str(data).expect("JSON") }
    }

    /// `None` also when nothing but comments came in time.
    fn next_data(&mut self) -> Option<String> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            if let Some(data) = self.data_in_buffer() {
                return Some(data);
            }
            self.read()?;
        }
        None
    }

    fn data_in_buffer(&mut self) -> Option<String> {
        while let Some(length) = self.buffer[self.at..].iter().position(|byte| *byte == b'\n') {
            let line = self.buffer[self.at..self.at + length].to_vec();
            self.at += length + 1;
            assert!(!line.contains(&b'\r') && !line.contains(&0), "a raw CR or NUL");
            let line = String::from_utf8(line).expect("UTF-8");
            if let Some(data) = self.line(&line) {
                return Some(data);
            }
        }
        self.buffer.drain(..self.at);
        self.at = 0;
        None
    }

    /// The next message that comes before `deadline`, whatever heartbeats come in between.
    pub(crate) fn next_before(&mut self, deadline: Instant) -> Option<Message> {
        loop {
            let left = deadline.checked_duration_since(Instant::now())?;
            self.set_timeout(left.max(Duration::from_millis(1)));
            if let Some(data) = self.data_in_buffer() {
                return Some(self.message(&data));
            }
            self.read()?;
        }
    }

    fn line(&mut self, line: &str) -> Option<String> {
        if line.is_empty() {
            // Some clients hand every block to their user, whatever it holds.
            assert!(self.fields, "a block with nothing in it");
            self.fields = false;
            let data = std::mem::take(&mut self.data);
            return (!data.is_empty()).then_some(data);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "" => self.comments += 1,
            "data" => {
                self.fields = true;
                self.data.push_str(value);
            }
            "id" => {
                self.fields = true;
                value.clone_into(&mut self.id);
            }
            "retry" => self.retry_ms = value.parse().ok(),
            other => panic!("an unexpected field: {other}"),
        }
        None
    }
}
