//! Behaviour 10, by pulling the plug: a client in a network namespace whose link goes down.

use std::fs::File;
use std::io::{BufReader, Write};
use std::net::{SocketAddr, TcpStream};
use std::os::fd::AsFd;
use std::process::Command;
use std::time::{Duration, Instant};

use rustix::thread::{LinkNameSpaceType, move_into_link_name_space};
use tokio_tungstenite::tungstenite::WebSocket;
use tokio_tungstenite::tungstenite::protocol::Role;

use crate::support::heavy::{Need, heavy};
use crate::support::http::{self, read_some};
use crate::support::server::binary;
use crate::support::{DEADLINE, LENIENCE, Project, Server, eventually};

const TOKEN: &str = "a-token-of-our-own-for-a-test";

/// A namespace and a pair of interfaces, one end in it; gone when dropped.
struct Namespace {
    name: String,
    ours: String,
    theirs: String,
    address: String,
}

fn ip(arguments: &[&str]) -> bool {
    Command::new("ip").args(arguments).output().is_ok_and(|output| output.status.success())
}

impl Namespace {
    fn new() -> Self {
        let pid = std::process::id();
        // Of the range that is kept for such tests (RFC 2544).
        let net = format!("198.18.{}", pid % 256);
        let space = Self {
            name: format!("sprint-{pid}"),
            ours: format!("spr{}a", pid % 100_000),
            theirs: format!("spr{}b", pid % 100_000),
            address: format!("{net}.1"),
        };
        let Self { name, ours, theirs, address } = &space;
        assert!(ip(&["netns", "add", name]), "a namespace");
        assert!(ip(&["link", "add", ours, "type", "veth", "peer", "name", theirs]));
        assert!(ip(&["link", "set", theirs, "netns", name]));
        assert!(ip(&["addr", "add", &format!("{address}/24"), "dev", ours]));
        assert!(ip(&["link", "set", ours, "up"]));
        assert!(ip(&["-n", name, "addr", "add", &format!("{net}.2/24"), "dev", theirs]));
        assert!(ip(&["-n", name, "link", "set", theirs, "up"]));
        space
    }

    /// A connection from within.
    fn connect(&self, port: u16) -> TcpStream {
        let namespace = File::open(format!("/run/netns/{}", self.name)).unwrap();
        let address: SocketAddr = format!("{}:{port}", self.address).parse().unwrap();
        let within = std::thread::spawn(move || {
            // This thread alone moves, and ends there.
            move_into_link_name_space(namespace.as_fd(), Some(LinkNameSpaceType::Network)).unwrap();
            let start = Instant::now();
            loop {
                match TcpStream::connect_timeout(&address, Duration::from_secs(1)) {
                    Ok(stream) => return stream,
                    // The interface needs a moment.
                    Err(error) => assert!(start.elapsed() < DEADLINE, "{error}"),
                }
            }
        });
        let stream = within.join().unwrap();
        stream.set_read_timeout(Some(DEADLINE)).unwrap();
        stream
    }

    fn unplug(&self) {
        assert!(ip(&["-n", &self.name, "link", "set", &self.theirs, "down"]));
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        ip(&["link", "del", &self.ours]);
        ip(&["netns", "del", &self.name]);
    }
}

/// What a request needs besides its first line.
fn head(port: u16) -> String {
    format!("Host: 127.0.0.1:{port}\r\nAuthorization: Bearer {TOKEN}\r\n")
}

/// Asks and reads the head of the answer.
fn ask(mut stream: TcpStream, request: &str, status: u16) -> BufReader<TcpStream> {
    stream.write_all(request.as_bytes()).unwrap();
    let mut reader = BufReader::new(stream);
    let (answered, _) = http::read_head(&mut reader).expect("an answer");
    assert_eq!(answered, status, "{request}");
    reader
}

#[test]
fn b10_an_unplugged_client_is_noticed_and_leaves_nothing() {
    const NAME: &str = "b10_an_unplugged_client_is_noticed_and_leaves_nothing";
    if !heavy(NAME, &[Need::Root, Need::Program("ip")]) {
        return;
    }
    let space = Namespace::new();
    let project = Project::new();
    let mut command = binary();
    command.arg("serve").arg("-C").arg(project.root());
    command.args(["--port", "0", "--host", "0.0.0.0", "--token", TOKEN]);
    let server = Server::spawn(command);
    // Its listener, and what else it has for itself.
    let before = server.sockets();
    let port = server.port();
    let head = head(port);
    let body = r#"{"websocket_heartbeat_seconds":3}"#;
    let put = format!(
        "PUT /api/settings HTTP/1.1\r\n{head}Connection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(http::send(port, put).unwrap().status, 200);
    let mut sse = ask(space.connect(port), &format!("GET /sse HTTP/1.1\r\n{head}\r\n"), 200);
    let upgrade = format!(
        "GET /ws HTTP/1.1\r\n{head}Connection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
    );
    let ws = ask(space.connect(port), &upgrade, 101);
    let (rest, stream) = (ws.buffer().to_vec(), ws.into_inner());
    let mut ws = WebSocket::from_partially_read(stream, rest, Role::Client, None);
    for _ in 0..4 {
        read_some(&mut sse).expect("signs of life");
        // Pings are answered in here.
        ws.read().expect("signs of life");
        let _ = ws.flush();
    }
    assert!(server.sockets() >= before + 2);
    space.unplug();
    let start = Instant::now();
    // The WebSocket misses two pongs; the other is noticed by what the kernel gets no answer to,
    // after 30 s.
    let bound = Duration::from_secs(30) * LENIENCE;
    let mut first = None;
    while server.sockets() > before {
        if server.sockets() == before + 1 {
            first.get_or_insert(start.elapsed());
        }
        assert!(start.elapsed() < bound, "{} sockets are left", server.sockets() - before);
        std::thread::park_timeout(Duration::from_millis(50));
    }
    println!("unplugged: the WebSocket gone after {first:?}, all after {:?}", start.elapsed());
    // Two times three seconds; less than the kernel would have taken.
    assert!(first.is_some_and(|first| first < Duration::from_secs(6) * LENIENCE), "{first:?}");
    eventually("an answer to others", || {
        let asked = format!("GET /healthz HTTP/1.1\r\n{head}Connection: close\r\n\r\n");
        let clients = http::send(port, asked)?.json()["clients"].clone();
        (clients["sse"] == 0 && clients["ws"] == 0).then_some(())
    });
}
