//! Clients as a test needs them: bytes on a socket, SSE blocks, WebSocket messages.

use std::net::SocketAddr;

use futures_util::{SinkExt, StreamExt};
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::{Error, Message};

use super::stage::DEADLINE;

/// Sends a request as it is and reads the whole answer; what is missing is filled in.
pub(super) async fn ask(address: SocketAddr, request: &[u8]) -> (u16, String) {
    let mut socket = TcpStream::connect(address).await.unwrap();
    // The server may refuse before it has read all.
    let _ = socket.write_all(request).await;
    let mut answer = Vec::new();
    let _ = timeout(DEADLINE, socket.read_to_end(&mut answer)).await.expect("an answer");
    let answer = String::from_utf8_lossy(&answer).into_owned();
    (answer.get(9..12).and_then(|status| status.parse().ok()).unwrap_or(0), answer)
}

/// One SSE block.
#[derive(Debug, Default, PartialEq, Eq, Clone)]
pub(super) struct Block {
    pub(super) id: Option<String>,
    pub(super) data: Option<String>,
    pub(super) comment: bool,
    pub(super) retry: Option<u64>,
}

impl Block {
    pub(super) fn json(&self) -> Value {
        serde_json::from_str(self.data.as_deref().expect("a block with data")).expect("JSON")
    }
}

pub(super) struct Sse {
    socket: TcpStream,
    pub(super) status: u16,
    pub(super) head: String,
    /// What was read and not taken yet.
    raw: Vec<u8>,
}

impl Sse {
    /// `lines` are raw header lines, each with its CRLF.
    pub(super) async fn open(address: SocketAddr, target: &str, lines: &[u8]) -> Self {
        let mut socket = TcpStream::connect(address).await.unwrap();
        let mut request = format!("GET {target} HTTP/1.1\r\nHost: {address}\r\n").into_bytes();
        request.extend_from_slice(lines);
        request.extend_from_slice(b"\r\n");
        socket.write_all(&request).await.unwrap();
        let mut sse = Self { socket, status: 0, head: String::new(), raw: Vec::new() };
        let end = loop {
            if let Some(at) = sse.raw.windows(4).position(|four| four == b"\r\n\r\n") {
                break at + 4;
            }
            assert!(sse.read().await, "a whole head: {:?}", String::from_utf8_lossy(&sse.raw));
        };
        sse.head = String::from_utf8(sse.raw.drain(..end).collect()).unwrap();
        sse.status = sse.head[9..12].parse().unwrap();
        sse
    }

    async fn read(&mut self) -> bool {
        let read =
            timeout(DEADLINE, self.socket.read_buf(&mut self.raw)).await.expect("something comes");
        matches!(read, Ok(count) if count > 0)
    }

    /// The next block or comment, or the lines before the stream's end; `None` behind it.
    pub(super) async fn block(&mut self) -> Option<Block> {
        loop {
            let lines = self.raw.split_inclusive(|byte| *byte == b'\n');
            let mut read = 0;
            let end = lines.into_iter().find_map(|line| {
                read += line.len();
                matches!(line, b"\n" | b":\n").then_some(read)
            });
            if let Some(end) = end {
                let block: Vec<u8> = self.raw.drain(..end).collect();
                return Some(parse(std::str::from_utf8(&block).expect("UTF-8")));
            }
            if !self.read().await {
                let rest = std::mem::take(&mut self.raw);
                return (!rest.is_empty())
                    .then(|| parse(std::str::from_utf8(&rest).expect("UTF-8")));
            }
        }
    }

    /// The next block that carries data.
    pub(super) async fn event(&mut self) -> Option<Block> {
        loop {
            let block = self.block().await?;
            if block.data.is_some() {
                return Some(block);
            }
        }
    }
}

fn parse(text: &str) -> Block {
    let mut block = Block::default();
    for line in text.lines().filter(|line| !line.is_empty()) {
        match line.split_once(": ").unwrap_or((line, "")) {
            ("id", id) => block.id = Some(id.to_owned()),
            ("data", data) => {
                assert!(block.data.replace(data.to_owned()).is_none(), "data stands on one line");
            }
            ("retry", ms) => block.retry = Some(ms.parse().unwrap()),
            (":", "") => block.comment = true,
            other => panic!("no such field: {other:?}"),
        }
    }
    block
}

pub(super) struct Ws {
    pub(super) socket: WebSocketStream<TcpStream>,
}

impl Ws {
    pub(super) async fn open(address: SocketAddr, target: &str) -> Self {
        Self::try_open(address, target, &[]).await.expect("a handshake")
    }

    pub(super) async fn try_open(
        address: SocketAddr,
        target: &str,
        headers: &[(&'static str, &str)],
    ) -> Result<Self, Error> {
        let mut request = format!("ws://{address}{target}").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        let socket = TcpStream::connect(address).await.unwrap();
        let (socket, _) = timeout(DEADLINE, tokio_tungstenite::client_async(request, socket))
            .await
            .expect("an answer")?;
        Ok(Self { socket })
    }

    pub(super) async fn say(&mut self, text: &str) {
        self.socket.send(Message::text(text)).await.unwrap();
    }

    /// The next message of any kind; `None` at the end.
    pub(super) async fn message(&mut self) -> Option<Message> {
        timeout(DEADLINE, self.socket.next()).await.expect("something comes").and_then(Result::ok)
    }

    /// The next text message.
    pub(super) async fn text(&mut self) -> Option<String> {
        loop {
            match self.message().await? {
                Message::Text(text) => return Some(text.to_string()),
                Message::Close(_) => return None,
                _ => {}
            }
        }
    }

    pub(super) async fn json(&mut self) -> Value {
        serde_json::from_str(&self.text().await.expect("a message")).expect("JSON")
    }

    /// The code of the close frame, past all other messages; `None` when the socket just ended.
    pub(super) async fn close_code(&mut self) -> Option<u16> {
        loop {
            if let Message::Close(frame) = self.message().await? {
                return frame.map(|frame| frame.code.into());
            }
        }
    }
}
