//! A WebSocket client.

use std::net::TcpStream;

use serde_json::Value;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::DEADLINE;

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
        let url = format!("ws://127.0.0.1:{port}/ws{query}");
        let (socket, _) = tungstenite::client(url, stream).ok()?;
        Some(Self { socket })
    }

    /// The next JSON message; `None` when the socket closed or nothing came in time.
    pub(crate) fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.read().ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
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
