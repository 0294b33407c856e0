//! Behaviour 10: signs of life, and peers that give none.

use std::io::{Read, Write};
use std::time::{Duration, Instant};

use crate::support::heavy::heavy;
use crate::support::{Project, Server, eventually, http};

/// Makes the server give signs of life every second.
fn every_second(server: &Server) {
    let port = server.port();
    let body = r#"{"websocket_heartbeat_seconds":1}"#;
    let put = format!(
        "PUT /api/settings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(http::send(port, put).unwrap().status, 200);
}

/// Both kinds of stream stay at rest for that many beats, none further apart than `apart`.
fn beats(server: &Server, count: usize, apart: Duration) {
    let mut sse = server.sse("");
    let mut ws = server.ws("");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    assert_eq!(ws.next().unwrap()["type"], "init");
    // A beat that comes later than this is none.
    sse.set_timeout(apart);
    ws.set_timeout(apart);
    let pings = std::thread::spawn(move || {
        for beat in 1..=count {
            ws.until_pings(1).unwrap_or_else(|| panic!("ping {beat} did not come in {apart:?}"));
        }
        ws
    });
    let before = sse.comments;
    for beat in 1..=count {
        sse.until_comments(before + beat)
            .unwrap_or_else(|| panic!("comment {beat} did not come in {apart:?}"));
    }
    let _still_open = pings.join().unwrap();
    assert_eq!((server.clients("sse"), server.clients("ws")), (1, 1), "both are still there");
}

#[test]
fn b10_at_rest_both_streams_give_signs_of_life() {
    let project = Project::new();
    let server = Server::start(&project);
    every_second(&server);
    eventually("the setting's event", || (!server.log_after(0).is_empty()).then_some(()));
    beats(&server, 4, Duration::from_secs(4));
}

#[test]
fn b10_a_minute_at_rest_as_it_comes() {
    if !heavy("b10_a_minute_at_rest_as_it_comes", &[]) {
        return;
    }
    let project = Project::new();
    let server = Server::start(&project);
    // 14.25 s apart; what is over is for a busy machine, and below the promised 15.
    beats(&server, 4, Duration::from_secs(15));
}

#[test]
fn b10_who_answers_no_ping_is_let_go_and_leaves_nothing() {
    const SILENT: usize = 10;
    let project = Project::new();
    let server = Server::start(&project);
    every_second(&server);
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
    // Two intervals of a second each, and as much again for a busy machine.
    assert!(start.elapsed() < Duration::from_secs(6), "{:?}", start.elapsed());
    eventually("their end", || (server.clients("ws") == 1).then_some(()));
    eventually("their descriptors back", || (server.sockets() <= before).then_some(()));
    server.kill();
    reader.join().unwrap();
}
