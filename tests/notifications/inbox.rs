//! A receiver of webhooks: keeps what it is sent, answers as it is told, and repeats the address.

use std::collections::VecDeque;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Instant;

use serde_json::Value;
use socket2::{Domain, Socket, Type};

use crate::support::eventually;

/// What was sent.
#[derive(Debug, Clone)]
pub(crate) struct Post {
    pub(crate) path: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) at: Instant,
}

impl Post {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(known, _)| known.eq_ignore_ascii_case(name));
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn id(&self) -> String {
        self.header("idempotency-key").unwrap().to_owned()
    }
}

/// How to answer.
#[derive(Debug, Clone)]
pub(crate) enum Reply {
    /// Status line and header lines, without the last empty one.
    Head(String),
    /// Not at all.
    Nothing,
}

#[derive(Default)]
struct Kept {
    posts: Vec<Post>,
    replies: VecDeque<Reply>,
    /// Those that were never answered stay open.
    silent: Vec<TcpStream>,
}

/// Listens until the test ends.
pub(crate) struct Inbox {
    kept: Arc<Mutex<Kept>>,
    port: u16,
}

pub(crate) fn status(line: &str) -> Reply {
    Reply::Head(format!("HTTP/1.1 {line}\r\n"))
}

impl Inbox {
    pub(crate) fn open() -> Self {
        Self::with(TcpListener::bind("127.0.0.1:0").unwrap())
    }

    /// Where a receiver is to be later: until it listens, connections are refused, and nobody else
    /// can be there.
    pub(crate) fn reserve() -> (Socket, String) {
        let socket = Socket::new(Domain::IPV4, Type::STREAM, None).unwrap();
        socket.bind(&SocketAddr::from(([127, 0, 0, 1], 0)).into()).unwrap();
        let address = socket.local_addr().unwrap().as_socket().unwrap();
        (socket, format!("http://{address}/hook"))
    }

    pub(crate) fn at(reserved: Socket) -> Self {
        reserved.listen(16).unwrap();
        Self::with(reserved.into())
    }

    fn with(listener: TcpListener) -> Self {
        let port = listener.local_addr().unwrap().port();
        let kept: Arc<Mutex<Kept>> = Arc::default();
        let inbox = Self { kept: Arc::clone(&kept), port };
        std::thread::spawn(move || {
            for stream in listener.incoming().map_while(Result::ok) {
                let kept = Arc::clone(&kept);
                std::thread::spawn(move || take(stream, &kept));
            }
        });
        inbox
    }

    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://127.0.0.1:{}/{path}", self.port)
    }

    /// The next answers; then 200.
    pub(crate) fn answer(&self, replies: &[Reply]) {
        self.kept.lock().unwrap().replies.extend(replies.iter().cloned());
    }

    pub(crate) fn posts(&self) -> Vec<Post> {
        self.kept.lock().unwrap().posts.clone()
    }

    /// Waits until so many were sent; gives all.
    pub(crate) fn wait(&self, count: usize) -> Vec<Post> {
        eventually(&format!("{count} messages"), || {
            let posts = self.posts();
            (posts.len() >= count).then_some(posts)
        })
    }

    /// Waits for a message of this rule; gives its JSON.
    pub(crate) fn of(&self, rule: &str) -> Value {
        eventually(rule, || self.posts().iter().map(Post::json).find(|body| body["rule"] == rule))
    }
}

fn take(stream: TcpStream, kept: &Mutex<Kept>) {
    let mut reader = BufReader::new(stream.try_clone().unwrap());
    let mut line = String::new();
    if reader.read_line(&mut line).unwrap_or(0) == 0 {
        return;
    }
    let path = line.split(' ').nth(1).unwrap_or_default().to_owned();
    let mut headers = Vec::new();
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).unwrap_or(0);
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.push((name.to_owned(), value.to_owned()));
    }
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let length = length.map_or(0, |(_, value)| value.parse().unwrap());
    let mut body = vec![0; length];
    if reader.read_exact(&mut body).is_err() {
        return;
    }
    let mut kept = kept.lock().unwrap();
    kept.posts.push(Post { path: path.clone(), headers, body, at: Instant::now() });
    match kept.replies.pop_front().unwrap_or_else(|| status("200 OK")) {
        Reply::Nothing => kept.silent.push(stream),
        Reply::Head(head) => {
            // Who asked may have gone.
            let length = path.len();
            let head = format!("{head}content-length: {length}\r\nconnection: close\r\n\r\n");
            let _ = write!(&stream, "{head}{path}");
        }
    }
}
