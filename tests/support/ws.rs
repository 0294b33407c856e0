//! A WebSocket client.

use std::net::TcpStream;
use std::time::Duration;

use serde_json::Value;
use tokio_tungstenite::tungstenite::{self, Message, WebSocket};

use super::DEADLINE;

pub struct Ws {
    socket: WebSocket<TcpStream>,
}

impl Ws {
    /// Opens `/ws` with a query such as `?last_event_id=5`.
    pub fn open(port: u16, query: &str) -> Self {
        Self::try_open(port, query).expect("a socket")
    }

    pub fn try_open(port: u16, query: &str) -> Option<Self> {
        let stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        let url = format!("ws://127.0.0.1:{port}/ws{query}");
        let (socket, _) = tungstenite::client(url, stream).ok()?;
        Some(Self { socket })
    }

    pub fn set_timeout(&self, timeout: Duration) {
        self.socket.get_ref().set_read_timeout(Some(timeout)).unwrap();
    }

    /// The next JSON message; `None` when the socket closed or nothing came in time.
    pub fn next(&mut self) -> Option<Value> {
        loop {
            match self.socket.read().ok()? {
                Message::Text(text) => return Some(serde_json::from_str(&text).unwrap()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    /// Reads until the close frame and gives its code.
    pub fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Message::Close(frame) = self.socket.read().ok()? {
                return frame.map(|frame| frame.code.into());
            }
        }
    }

    pub fn send(&mut self, json: &Value) {
        self.socket.send(Message::text(json.to_string())).unwrap();
    }

    /// Sends any message, to be hostile with.
    pub fn send_raw(&mut self, message: Message) {
        self.socket.send(message).unwrap();
    }
}
