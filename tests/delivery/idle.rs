//! Behaviour 10: signs of life, and peers that give none.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::support::heavy::heavy;
use crate::support::{LENIENCE, Project, Server, eventually, http};

/// Makes the server give signs of life so often: a client that a busy machine holds up for one of
/// these times is not taken for one that has gone.
const EVERY: Duration = Duration::from_secs(4);

fn often(server: &Server) {
    let port = server.port();
    let body = format!("{{\"websocket_heartbeat_seconds\":{}}}", EVERY.as_secs());
    let put = format!(
        "PUT /api/settings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(http::send(port, put).unwrap().status, 200);
}

/// Both kinds of stream stay at rest for that many beats, most of them no further apart than `apart`:
/// a busy machine may be late with one.
fn beats(server: &Server, count: usize, apart: Duration) {
    let mut sse = server.sse("");
    let mut ws = server.ws("");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    assert_eq!(ws.next().unwrap()["type"], "init");
    let pings = std::thread::spawn(move || {
        let gaps = gaps(count, |beat| {
            ws.until_pings(1).unwrap_or_else(|| panic!("ping {beat} did not come"));
        });
        (gaps, ws)
    });
    let before = sse.comments;
    let comments = gaps(count, |beat| {
        sse.until_comments(before + beat).unwrap_or_else(|| panic!("comment {beat} did not come"));
    });
    let (pings, _still_open) = pings.join().unwrap();
    for gaps in [comments, pings] {
        assert!(gaps[count / 2] <= apart, "{gaps:?} instead of {apart:?}");
    }
    assert_eq!((server.clients("sse"), server.clients("ws")), (1, 1), "both are still there");
}

/// What lay between the beats, the shortest first.
fn gaps(count: usize, mut beat: impl FnMut(usize)) -> Vec<Duration> {
    let mut gaps: Vec<Duration> = (1..=count)
        .map(|n| {
            let start = Instant::now();
            beat(n);
            start.elapsed()
        })
        .collect();
    gaps.sort();
    gaps
}

#[test]
fn b10_at_rest_both_streams_give_signs_of_life() {
    let project = Project::new();
    let server = Server::start(&project);
    often(&server);
    eventually("the setting's event", || {
        server.log_after(0).iter().any(|event| event["type"] == "settings:changed").then_some(())
    });
    beats(&server, 4, EVERY * 2);
}

#[test]
fn b10_a_minute_at_rest_as_it_comes() {
    if !heavy("b10_a_minute_at_rest_as_it_comes", &[]) {
        return;
    }
    let project = Project::new();
    let server = Server::start(&project);
    // 14.25 s apart.
    beats(&server, 4, Duration::from_secs(15));
}

#[test]
fn b10_who_answers_no_ping_is_let_go_and_leaves_nothing() {
    const SILENT: usize = 10;
    let project = Project::new();
    let server = Server::start(&project);
    often(&server);
    let mut answering = server.ws("");
    assert_eq!(answering.next().unwrap()["type"], "init");
    // Answers pings as long as it reads, and reads all the time.
    let reader = std::thread::spawn(move || while answering.next().is_some() {});
    eventually("one client", || (server.clients("ws") == 1).then_some(()));
    let before = server.sockets();
    let mut silent: Vec<_> = (0..SILENT)
        .map(|_| {
            let mut stream = http::connect(server.port());
            let request = format!(
                "GET /ws HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: Upgrade\r\n\
                 Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                 Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
                server.port()
            );
            stream.write_all(request.as_bytes()).unwrap();
            stream
        })
        .collect();
    eventually("all of them", || (server.clients("ws") == 1 + SILENT as u64).then_some(()));
    let start = Instant::now();
    for stream in &mut silent {
        // They read and read, and say nothing.
        let mut bytes = Vec::new();
        let _ = stream.read_to_end(&mut bytes);
        let pings = bytes.windows(2).filter(|pair| *pair == [0x89, 0]).count();
        assert_eq!(pings, 2, "two pings are given");
    }
    assert!(start.elapsed() < EVERY * 2 * LENIENCE, "{:?}", start.elapsed());
    eventually("their end", || (server.clients("ws") == 1).then_some(()));
    eventually("their descriptors back", || (server.sockets() <= before).then_some(()));
    server.kill();
    reader.join().unwrap();
}
