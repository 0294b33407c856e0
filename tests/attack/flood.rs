//! Behaviour 43: half-sent requests, connections without end, bodies and heads without end,
//! descriptors used up. Streams go on meanwhile, all recovers, nothing panics.

use std::io::{ErrorKind, Read as _, Write as _};
use std::net::TcpStream;
use std::time::Duration;

use super::Serving;
use crate::support::bench::{Bench, Follower, STORIES, start};
use crate::support::heavy::{Need, heavy};
use crate::support::http::{self, send};
use crate::support::process::descriptors;
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::sse::Sse;
use crate::support::{DEADLINE, Project, Server, eventually};

fn serve(project: &Project) -> Serving {
    Serving::start(project.root(), &["--port", "0"])
}

/// The most memory that it has ever had, in MiB.
fn peak_mib(server: &Serving) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).unwrap();
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    peak.trim().trim_end_matches(" kB").parse::<u64>().unwrap() / 1024
}

/// Descriptors that it has open.
fn open_files(server: &Serving) -> usize {
    std::fs::read_dir(format!("/proc/{}/fd", server.pid())).unwrap().count()
}

/// A stream that was open before the trouble, and how it is seen to go on.
struct Watcher {
    sse: Sse,
    base: i64,
    rows: usize,
}

impl Watcher {
    fn open(server: &Serving) -> Self {
        let mut sse = Sse::open(server.port(), "?types=command:*", None);
        assert_eq!(sse.next().unwrap().json["type"], "init");
        Self { sse, base: now_s() - 1000, rows: 0 }
    }

    /// A row appended now arrives.
    fn sees_the_next(&mut self, project: &Project) {
        project.append(row(self.base, self.rows).as_bytes());
        let message = self.sse.next().expect("the stream goes on");
        assert_eq!(message.json["payload"]["message"], format!("row {}", self.rows));
        self.rows += 1;
    }
}

/// Waits until the server has let this one go.
fn is_let_go(mut stream: &TcpStream) {
    stream.set_read_timeout(Some(DEADLINE)).unwrap();
    let mut answer = [0; 4096];
    loop {
        match stream.read(&mut answer) {
            Ok(0) => return,
            Ok(_) => {}
            Err(error) if error.kind() == ErrorKind::WouldBlock => panic!("it is not let go"),
            Err(_) => return,
        }
    }
}

fn no_panic(server: &Serving) {
    let log = server.log();
    assert!(!log.contains("panicked"), "{log}");
}

#[test]
fn b43_thousands_of_half_sent_requests_are_let_go() {
    // Both ends have as many, and other tests of this process need some.
    let count = 5_000.min(descriptors() / 2);
    assert!(count > 300, "this machine allows too few descriptors");
    let project = Project::new();
    let server = serve(&project);
    let port = server.port();
    let mut watcher = Watcher::open(&server);
    let idle = open_files(&server);
    let halves = [
        "",
        "G",
        "GET / HTTP/1.1\r\nHost: ",
        &format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n"),
        &format!(
            "PUT /api/settings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: 10\r\n\r\n{{"
        ),
    ];
    let streams: Vec<TcpStream> = (0..count)
        .map(|n| {
            let mut stream = http::connect(port);
            stream.write_all(halves[n % halves.len()].as_bytes()).unwrap();
            stream
        })
        .collect();
    watcher.sees_the_next(&project);
    assert_eq!(http::get(port, "/healthz").status, 200, "others are answered meanwhile");
    streams.iter().for_each(is_let_go);
    drop(streams);
    watcher.sees_the_next(&project);
    eventually("the descriptors", || (open_files(&server) <= idle + 2).then_some(()));
    let peak = peak_mib(&server);
    assert!(peak < 300, "{peak} MiB");
    no_panic(&server);
}

#[test]
fn b43_a_connection_rests_as_long_as_it_was_told() {
    let project = Project::new();
    let server = serve(&project);
    let told = http::get(server.port(), "/healthz");
    assert_eq!(told.header("keep-alive"), Some("timeout=10"));
    // Every answer says it, those of the guard and of no address among them.
    let refused = http::get(server.port(), "/no/such/place");
    assert_eq!((refused.status, refused.header("keep-alive")), (404, Some("timeout=10")));
    let mut stream = http::connect(server.port());
    let ask = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", server.port());
    stream.write_all(ask.as_bytes()).unwrap();
    is_let_go(&stream);
}

#[test]
fn b43_bodies_without_end_are_refused() {
    let project = Project::new();
    let server = serve(&project);
    let port = server.port();
    let mut watcher = Watcher::open(&server);
    let head = |more: &str| {
        format!(
            "PUT /api/settings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
             Content-Type: application/json\r\n{more}\r\n"
        )
    };
    // 100 MB announced: refused before any of it is sent.
    assert_eq!(send(port, head("Content-Length: 104857600\r\n") + "{").unwrap().status, 413);
    assert_eq!(
        send(port, head("Content-Length: 18446744073709551616\r\n")).map_or(400, |r| r.status)
            / 100,
        4
    );
    // 100 MB and no end, sent all the same, whole and in chunks: cut off long before.
    let megabyte = vec![b'x'; 1 << 20];
    for (more, before, after) in [
        ("Content-Length: 104857600\r\n", String::new(), ""),
        ("Transfer-Encoding: chunked\r\n", format!("{:x}\r\n", megabyte.len()), "\r\n"),
    ] {
        let mut stream = http::connect(port);
        stream.set_write_timeout(Some(DEADLINE)).unwrap();
        stream.write_all(head(more).as_bytes()).unwrap();
        let mut sent = 0;
        while sent < 100 {
            let piece = [before.as_bytes(), &megabyte, after.as_bytes()].concat();
            if stream.write_all(&piece).is_err() {
                break;
            }
            sent += 1;
        }
        is_let_go(&stream);
        watcher.sees_the_next(&project);
    }
    // One byte a chunk, without end.
    let mut stream = http::connect(port);
    stream.write_all(head("Transfer-Encoding: chunked\r\n").as_bytes()).unwrap();
    let drops = "1\r\nx\r\n".repeat(1000);
    eventually("the end of it", || stream.write_all(drops.as_bytes()).is_err().then_some(()));
    // A body that never comes.
    let never = send(port, head("Content-Length: 10\r\n")).unwrap();
    assert_eq!(never.status, 400, "{}", never.text());
    // A body where none belongs, and a length that is two.
    let odd = format!("GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    let with_body = send(port, format!("{odd}Content-Length: 104857600\r\n\r\n"));
    assert!(with_body.is_none_or(|answer| answer.status < 500));
    let twice = send(port, format!("{odd}Content-Length: 1\r\nContent-Length: 2\r\n\r\nxx"));
    assert!(twice.is_none_or(|answer| answer.status == 400));
    let both = head("Content-Length: 4\r\nTransfer-Encoding: chunked\r\n") + "0\r\n\r\n";
    assert!(send(port, both).is_none_or(|answer| (400..500).contains(&answer.status)));
    watcher.sees_the_next(&project);
    assert!(peak_mib(&server) < 200, "{} MiB", peak_mib(&server));
    no_panic(&server);
}

#[test]
fn b43_heads_without_end_are_refused() {
    let project = Project::new();
    let server = serve(&project);
    let port = server.port();
    let mut watcher = Watcher::open(&server);
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    let large = "x".repeat(1 << 20);
    for head in [
        format!("GET / HTTP/1.1\r\n{host}X: {large}\r\n\r\n"),
        format!("GET /{large} HTTP/1.1\r\n{host}\r\n"),
        format!("{large} / HTTP/1.1\r\n{host}\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{large}: x\r\n\r\n"),
        format!("GET / HTTP/1.1\r\n{host}{}\r\n", "A: b\r\n".repeat(100_000)),
        format!("GET / HTTP/1.1\r\n{host}Cookie: {large}\r\n\r\n"),
    ] {
        let mut stream = http::connect(port);
        // It may be refused before all of it is sent.
        let _ = stream.write_all(head.as_bytes());
        let answer = http::read_head(&mut std::io::BufReader::new(&stream));
        assert!(answer.is_none_or(|(status, _)| (400..500).contains(&status)));
        is_let_go(&stream);
        watcher.sees_the_next(&project);
    }
    // A head that comes drop by drop is not waited for, however steadily it drips.
    let mut slow = http::connect(port);
    slow.write_all(format!("GET / HTTP/1.1\r\n{host}").as_bytes()).unwrap();
    eventually("the end of a slow head", || {
        std::thread::park_timeout(Duration::from_millis(100));
        slow.write_all(b"A: b\r\n").is_err().then_some(())
    });
    watcher.sees_the_next(&project);
    assert!(peak_mib(&server) < 200, "{} MiB", peak_mib(&server));
    no_panic(&server);
}

#[test]
fn b43_with_the_descriptors_used_up_streams_go_on_and_all_recovers() {
    let project = Project::new();
    let mut command = binary();
    // The server's own program, so that its limit is its own.
    let program = command.get_program().to_owned();
    command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -n 256; exec \"$0\" serve --port 0 -C \"$1\""])
        .arg(program)
        .arg(project.root())
        .env("NO_COLOR", "1");
    let server = Serving::spawn(command);
    let port = server.port();
    let mut watcher = Watcher::open(&server);
    watcher.sees_the_next(&project);
    for _ in 0..3 {
        // Who is over the limit waits in the kernel's queue, or is closed without an answer.
        let crowd: Vec<TcpStream> = (0..400)
            .map(|_| {
                let mut stream = http::connect(port);
                let ask = format!("GET /sse HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
                let _ = stream.write_all(ask.as_bytes());
                stream
            })
            .collect();
        for _ in 0..5 {
            watcher.sees_the_next(&project);
        }
        // What the dashboard needs of the project is still read and stored.
        let status = std::fs::read_to_string(project.path("sprint-status.yaml")).unwrap();
        project.replace("sprint-status.yaml", status.as_bytes());
        watcher.sees_the_next(&project);
        drop(crowd);
        eventually("an answer", || {
            let ask = format!(
                "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
            );
            send(port, ask).filter(|answer| answer.status == 200)
        });
        watcher.sees_the_next(&project);
    }
    let (log, cpu) = (server.log(), server.cpu_seconds());
    assert!(log.lines().count() < 50, "it is not told again and again: {log}");
    assert!(cpu < 20.0, "{cpu} s of a core: accepting spins");
    no_panic(&server);
}

#[test]
fn b43_ten_thousand_connections_and_as_many_over_the_cap() {
    let needs = [Need::Descriptors(12_000)];
    if !heavy("b43_ten_thousand_connections_and_as_many_over_the_cap", &needs) {
        return;
    }
    // Both ends of every connection are on this machine, in two processes.
    let count = (descriptors() - 1_000).min(18_000);
    let project = Project::new();
    let server = serve(&project);
    let port = server.port();
    let mut watcher = Watcher::open(&server);
    let idle = open_files(&server);
    let crowd: Vec<TcpStream> = (0..count).map(|_| http::connect(port)).collect();
    watcher.sees_the_next(&project);
    // The last ones find the place taken.
    is_let_go(&crowd[count - 1]);
    crowd.iter().for_each(is_let_go);
    drop(crowd);
    eventually("the descriptors", || (open_files(&server) <= idle + 2).then_some(()));
    assert_eq!(http::get(port, "/healthz").status, 200);
    watcher.sees_the_next(&project);
    let peak = peak_mib(&server);
    assert!(peak < 500, "{peak} MiB");
    no_panic(&server);
}

/// Asks for a long file and reads nothing of it but the head of the answer.
fn half_read(port: u16) -> (u16, Vec<(String, String)>, TcpStream) {
    let mut stream = http::connect(port);
    let ask = format!(
        "GET /orchestrator-sample.md HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n"
    );
    stream.write_all(ask.as_bytes()).unwrap();
    let (status, headers) = http::read_head(&mut std::io::BufReader::new(&stream)).unwrap();
    (status, headers, stream)
}

#[test]
fn b43_half_read_downloads_take_a_bounded_number_of_descriptors() {
    descriptors();
    let project = Project::new();
    // More than any socket's buffers hold, and no room on the disk.
    std::fs::File::create(project.path("orchestrator-sample.md"))
        .unwrap()
        .set_len(1 << 28)
        .unwrap();
    let server = serve(&project);
    let port = server.port();
    let idle = open_files(&server);
    let mut open = Vec::new();
    let refused = loop {
        let (status, headers, stream) = half_read(port);
        if status != 200 {
            break (status, headers);
        }
        open.push(stream);
        assert!(open.len() <= 60, "no download is refused");
    };
    assert!(open.len() >= 40, "{}", open.len());
    assert_eq!(refused.0, 503);
    assert!(refused.1.iter().any(|(name, _)| name.eq_ignore_ascii_case("retry-after")));
    let taken = open_files(&server);
    assert!(taken <= idle + 2 * open.len() + 10, "{taken} after {idle}");
    // All else is answered: short files, and a part of the long one.
    assert_eq!(http::get(port, "/sprint-status.yaml").status, 200);
    assert_eq!(http::get(port, "/healthz").status, 200);
    let ask = format!(
        "GET /orchestrator-sample.md HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nRange: bytes=5-9\r\n\
         Connection: close\r\n\r\n"
    );
    let answer = send(port, ask).unwrap();
    assert_eq!((answer.status, answer.body.len()), (206, 5));
    drop(open);
    eventually("a place", || (half_read(port).0 == 200).then_some(()));
    no_panic(&server);
}

#[test]
fn many_connections_are_taken_at_a_low_soft_limit_and_agents_have_that_limit() {
    let bench = Bench::new(STORIES);
    let seen = bench.path("limits");
    bench.plan("quick", &format!("echo $(ulimit -Sn) $(ulimit -Hn) >>'{0}'", seen.display()));
    let hard = rustix::process::getrlimit(rustix::process::Resource::Nofile).maximum;
    let hard = hard.map_or("unlimited".to_owned(), |hard| hard.to_string());
    let mut command = std::process::Command::new("sh");
    command
        .args(["-c", "ulimit -S -n 300; exec \"$0\" serve --port 0 -C \"$1\""])
        .arg(binary().get_program())
        .arg(bench.project.root())
        .env("NO_COLOR", "1");
    let mut server = Server::spawn(command);
    let limits = std::fs::read_to_string(format!("/proc/{}/limits", server.pid())).unwrap();
    let line = limits.lines().find(|line| line.starts_with("Max open files")).unwrap();
    let soft: u64 = line.split_whitespace().nth(3).unwrap().parse().unwrap();
    let expected = hard.parse().map_or(65_536, |hard: u64| hard.min(65_536));
    assert_eq!(soft, expected.max(300), "{line}");
    let mut follower = Follower::open(&server);
    let batch = start(&server, "1");
    assert_eq!(follower.end_of(batch)["status"], "completed");
    let told = std::fs::read_to_string(&seen).unwrap();
    assert!(!told.is_empty());
    assert!(told.lines().all(|line| line == format!("300 {hard}")), "{told}");
    // Twice as many as that limit would have let in.
    let crowd: Vec<TcpStream> = (0..400)
        .map(|_| {
            let mut stream = http::connect(server.port());
            let ask = format!("GET /sse HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n", server.port());
            stream.write_all(ask.as_bytes()).unwrap();
            let (status, _) = http::read_head(&mut std::io::BufReader::new(&stream)).unwrap();
            assert_eq!(status, 200);
            stream
        })
        .collect();
    // So many files are open that the limit is set right after the start.
    bench.plan("slow", "export AGENT_SECONDS=600");
    start(&server, "1");
    eventually("an agent with its limit", || {
        let pid = *bench.alive().first()?;
        let limits = std::fs::read_to_string(format!("/proc/{pid}/limits")).ok()?;
        let line = limits.lines().find(|line| line.starts_with("Max open files"))?;
        (line.split_whitespace().nth(3) == Some("300")).then_some(())
    });
    drop(crowd);
    assert!(server.terminate().success());
    bench.nothing_alive();
}
