//! A WebSocket client.

use std::net::TcpStream;
use std::time::{Duration, Instant};

use serde_json::Value;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::DEADLINE;
use super::bench::PATIENCE;

pub(crate) struct Ws {
    socket: WebSocket<TcpStream>,
}

impl Ws {
    /// Opens `/ws` with a query such as `?last_event_id=5`.
    pub(crate) fn open(port: u16, query: &str) -> Self {
        Self::try_open(port, query).expect("a socket")
    }

    pub(crate) fn try_open(port: u16, query: &str) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        Self::over(stream, &format!("127.0.0.1:{port}"), query)
    }

    /// On a connection that is open, to a server of this name.
    pub(crate) fn over(stream: TcpStream, host: &str, query: &str) -> Option<Self> {
        let url = format!("ws://{host}/ws{query}");
        // Small buffers: tests open many.
        let config = WebSocketConfig::default().read_buffer_size(8 * 1024);
        let (socket, _) =
            tungstenite::client::client_with_config(url, stream, Some(config)).ok()?;
        Some(Self { socket })
    }

    /// Opens a socket at this address, such as `/p/lantern/ws`.
    pub(crate) fn at(port: u16, path: &str) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let url = format!("ws://127.0.0.1:{port}{path}");
        let (socket, _) = tungstenite::client(url, stream).ok()?;
        Some(Self { socket })
    }

    /// How long one read may take.
    pub(crate) fn set_timeout(&self, timeout: Duration) {
        self.socket.get_ref().set_read_timeout(Some(timeout)).unwrap();
    }

    /// Reads until `count` pings have come, and answers each.
    pub(crate) fn until_pings(&mut self, count: usize) -> Option<()> {
        let mut seen = 0;
        while seen < count {
            match self.socket.read().ok()? {
                Message::Ping(_) => seen += 1,
                Message::Pong(_) => {}
                other => panic!("a message of which nobody knows: {other:?}"),
            }
            self.socket.flush().ok()?;
        }
        Some(())
    }

    /// The next JSON message; `None` when the socket closed or nothing but pings came in time.
    pub(crate) fn next(&mut self) -> Option<Value> {
        let start = Instant::now();
        while start.elapsed() < PATIENCE {
            match self.socket.read().ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
        None
    }

    /// The next JSON message, or the code that the socket was closed with; `None` if with none.
    pub(crate) fn next_or_close(&mut self) -> Result<Value, Option<u16>> {
        loop {
            match self.socket.read() {
                Ok(Message::Text(text)) => return Ok(serde_json::from_str(&text).unwrap()),
                Ok(Message::Close(frame)) => return Err(frame.map(|frame| frame.code.into())),
                Ok(_) => {}
                Err(_) => return Err(None),
            }
        }
    }

    /// Reads until the close frame and gives its code.
    pub(crate) fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Message::Close(frame) = self.socket.read().ok()? {
                return frame.map(|frame| frame.code.into());
            }
        }
    }

    pub(crate) fn send(&mut self, json: &Value) {
        self.socket.send(Message::text(json.to_string())).unwrap();
    }
}
