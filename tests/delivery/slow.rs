//! Behaviour 42: one client that never reads among many, who notice nothing of it.

use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::id;
use crate::support::heavy::heavy;
use crate::support::project::now_s;
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Project, Server, eventually};

/// How long it may take: 20 s without progress, and what a busy machine needs besides.
const BOUND: Duration = Duration::from_secs(180);

/// Asks for a stream and never reads; takes as little as the kernel lets it.
fn who_never_reads(port: u16, request: &str) -> TcpStream {
    use std::io::Write;
    let socket = socket2::Socket::new(socket2::Domain::IPV4, socket2::Type::STREAM, None).unwrap();
    socket.set_recv_buffer_size(4096).unwrap();
    socket.connect(&std::net::SocketAddr::from(([127, 0, 0, 1], port)).into()).unwrap();
    let mut stream = TcpStream::from(socket);
    write!(stream, "GET {request} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n").unwrap();
    if request == "/ws" {
        stream
            .write_all(
                b"Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                  Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
            )
            .unwrap();
    }
    stream.write_all(b"\r\n").unwrap();
    stream
}

/// Rows of about this many bytes, this many a second, until told otherwise.
fn write(
    project: Project,
    bytes: usize,
    a_second: u64,
    over: Arc<AtomicU64>,
) -> std::thread::JoinHandle<Project> {
    std::thread::spawn(move || {
        let text = "x".repeat(bytes);
        let start = Instant::now();
        let base = now_s();
        let mut n = 0u64;
        while n < over.load(Ordering::Acquire) {
            let due = start.elapsed().as_millis() as u64 * a_second / 1000;
            let mut some = String::new();
            while n < due.min(over.load(Ordering::Acquire)) {
                some += &format!("{base},1,1-2,dev-story,t,progress,\"row {n} {text}\"\n");
                n += 1;
            }
            project.append(some.as_bytes());
            std::thread::park_timeout(Duration::from_millis(10));
        }
        project
    })
}

/// Reads ids until the last row has come.
enum Reader {
    Sse(Sse),
    Ws(Ws),
}

impl Reader {
    fn read_all(&mut self, last: &str) -> Vec<u64> {
        let mut ids = Vec::new();
        let wanted = format!("row {last} ");
        loop {
            match self {
                Self::Sse(sse) => {
                    let (id, data) = sse.next_raw().expect("an event");
                    ids.push(id);
                    if data.contains(&wanted) {
                        return ids;
                    }
                }
                Self::Ws(ws) => {
                    let event = ws.next().expect("an event");
                    ids.push(id(&event));
                    if event["payload"]["message"]
                        .as_str()
                        .is_some_and(|text| text.starts_with(&wanted))
                    {
                        return ids;
                    }
                }
            }
        }
    }
}

fn among(readers: usize, rows: u64, a_second: u64, bytes: usize) {
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let readers: Vec<Reader> = (0..readers)
        .map(|n| {
            if n % 10 == 9 {
                let mut ws = server.ws("");
                assert_eq!(ws.next().unwrap()["type"], "init");
                Reader::Ws(ws)
            } else {
                let mut sse = server.sse("");
                assert_eq!(sse.next().unwrap().json["type"], "init");
                Reader::Sse(sse)
            }
        })
        .collect();
    let idle = [who_never_reads(port, "/sse"), who_never_reads(port, "/ws")];
    let others = readers.len() as u64;
    eventually("all clients", || {
        (server.clients("sse") + server.clients("ws") == others + 2).then_some(())
    });
    let start = Instant::now();
    let before = server.memory_kib();
    let over = Arc::new(AtomicU64::new(rows));
    let writer = write(project, bytes, a_second, over);
    let threads: Vec<_> = readers
        .into_iter()
        .map(|reader| {
            let last = (rows - 1).to_string();
            let mut reader = reader;
            std::thread::Builder::new()
                .stack_size(256 * 1024)
                .spawn(move || (reader.read_all(&last), Instant::now(), reader))
                .unwrap()
        })
        .collect();
    // Those who never read are let go in the end, and nothing was kept for them meanwhile. The
    // others keep their streams until then.
    let mut highest = before;
    let closed = loop {
        highest = highest.max(server.memory_kib());
        if server.clients("sse") + server.clients("ws") == others {
            break start.elapsed();
        }
        assert!(start.elapsed() < BOUND, "they are still there");
        std::thread::park_timeout(Duration::from_millis(20));
    };
    let mut seen: Vec<Vec<u64>> = Vec::new();
    let mut last = start;
    for thread in threads {
        let (ids, at, _) = thread.join().expect("a reader has all");
        last = last.max(at);
        seen.push(ids);
    }
    let _project = writer.join().unwrap();
    println!(
        "{others} readers × {rows} rows of {bytes} bytes, {a_second} a second: all read after {:?}, \
         the two closed after {closed:?}, memory {before} KiB, at most {highest} KiB",
        last - start
    );
    let log: Vec<u64> = server.log_after(seen[0][0] - 1).iter().map(id).collect();
    for ids in &seen {
        assert!(*ids == log[..ids.len()], "in order, none lost");
        assert!(ids.len() as u64 >= rows);
    }
    // The ring holds 8 MiB, SQLite its pages, and chunks are under way.
    assert!(highest - before < 64 * 1024, "memory grew from {before} to {highest} KiB");
    drop(idle);
    eventually("that none is left", || {
        (server.clients("sse") + server.clients("ws") == 0).then_some(())
    });
}

#[test]
fn b42_who_never_reads_among_a_hundred_is_closed_and_holds_up_nobody() {
    among(100, 3_000, 1_000, 1_500);
}

#[test]
fn b42_nothing_is_kept_for_who_never_reads() {
    // 50 MB: a queue for each of the two would be seen.
    among(3, 2_500, 1_000, 20_000);
}

#[test]
fn b42_who_never_reads_among_three_hundred() {
    if !heavy("b42_who_never_reads_among_three_hundred", &[]) {
        return;
    }
    crate::support::process::descriptors();
    // More readers than this, in the same machine, are themselves too slow for what they are sent.
    among(300, 5_000, 300, 300);
}
