//! Behaviours 6 and 7: whatever a client says it has seen, it gets a defined start.

use std::io::{BufReader, Write};

use serde_json::{Value, json};

use super::{epoch_of, id, number, rows, whole_log};
use crate::support::http::{self, read_some};
use crate::support::project::now_s;
use crate::support::sse::Sse;
use crate::support::{Project, Server, eventually};

/// What a client hears next.
type Next = Box<dyn FnMut() -> Value>;

#[test]
fn resume_by_header_query_and_message_gives_exactly_what_was_missed() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(&rows(40));
    let log = eventually("40 rows", || {
        let log = server.log_after(0);
        (log.iter().filter_map(number).count() == 40).then_some(log)
    });
    let ids: Vec<u64> = log.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    let head = *ids.last().unwrap();
    let epoch = server.json("/api/snapshot")["epoch"].as_str().unwrap().to_owned();
    for after in [0, 1, head / 2, head - 1] {
        let expected: Vec<u64> = ids.iter().copied().filter(|id| *id > after).collect();
        for id in [format!("{after}"), format!("{epoch}:{after}")] {
            let mut sse = Sse::open(server.port(), "", Some(&id));
            let by_header: Vec<u64> = (0..expected.len())
                .map(|_| sse.next().unwrap().json["id"].as_u64().unwrap())
                .collect();
            assert_eq!(by_header, expected, "header {id}");
            let mut sse = Sse::open(server.port(), &format!("?last_event_id={id}"), None);
            assert_eq!(sse.next().unwrap().json["id"], expected[0], "query {id}");
            let mut ws = server.ws("");
            assert_eq!(ws.next().unwrap()["type"], "init");
            ws.send(&serde_json::json!({"type": "resume", "last_event_id": id}));
            let by_message: Vec<u64> =
                (0..expected.len()).map(|_| ws.next().unwrap()["id"].as_u64().unwrap()).collect();
            assert_eq!(by_message, expected, "message {id}");
        }
    }
}

/// How a stream begins that is asked for in exactly these bytes; `header` holds whole lines.
fn begins(port: u16, route: &str, query: &str, header: &[u8]) -> Vec<Value> {
    let mut request = format!("GET {route}{query} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    if route == "/ws" {
        request += "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                    Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    }
    let mut stream = http::connect(port);
    stream.write_all(request.as_bytes()).unwrap();
    stream.write_all(header).unwrap();
    stream.write_all(b"\r\n").unwrap();
    let mut reader = BufReader::new(stream);
    let shown = String::from_utf8_lossy(header).into_owned() + query;
    let (status, _) =
        http::read_head(&mut reader).unwrap_or_else(|| panic!("{route} {shown:?}: no answer"));
    assert_eq!(status, if route == "/ws" { 101 } else { 200 }, "{route} {shown:?}");
    let mut messages = Vec::new();
    let mut text = Vec::new();
    // One message, and the one behind a reset.
    while messages.last().is_none_or(|last: &Value| last["type"] == "reset") {
        if route == "/ws" {
            messages.push(frame(&mut reader));
        } else {
            text.extend(read_some(&mut reader).expect("something"));
            let end = text.iter().rposition(|byte| *byte == b'\n').unwrap_or(0);
            let whole = std::str::from_utf8(&text[..end]).unwrap();
            let data = whole.lines().filter_map(|line| line.strip_prefix("data: "));
            messages = data.map(|json| serde_json::from_str(json).unwrap()).collect();
        }
    }
    messages
}

/// One unmasked text frame.
fn frame(reader: &mut impl std::io::Read) -> Value {
    let mut read = |length: usize| {
        let mut bytes = vec![0; length];
        reader.read_exact(&mut bytes).expect("a frame");
        bytes
    };
    let head = read(2);
    assert_eq!(head[0], 0x81, "a whole text frame");
    let length = match head[1] {
        126 => read(2).iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        127 => read(8).iter().fold(0, |length, byte| length << 8 | usize::from(*byte)),
        length => length.into(),
    };
    serde_json::from_slice(&read(length)).unwrap()
}

#[test]
fn b06_every_bad_id_gets_200_and_a_defined_start() {
    let project = Project::new();
    project.append(&rows(20));
    let server = Server::start(&project);
    whole_log(&server, 0, 20);
    let epoch = epoch_of(&server);
    let long = "9".repeat(8_000);
    let line = |value: &[u8]| [b"Last-Event-ID: ", value, b"\r\n"].concat();
    let resets: Vec<Vec<u8>> = [
        &b"abc"[..],
        b"-1",
        b"+1",
        b"1.5",
        b"1e3",
        b"0x10",
        b"18446744073709551615",
        b"18446744073709551616",
        b"1\0",
        b"\0",
        b"\0\0\0 1",
        b"1\x01",
        b"\x1b[31m1",
        b"1\x7f",
        b"\xff\xfe",
        b"\xc3\x28",
        "\u{661}\u{662}".as_bytes(),
        b"1 2",
        b"1,2",
        b":1",
        b"1:",
        b"null",
        b"undefined",
        b"' OR 1=1 --",
        long.as_bytes(),
        format!("{epoch}:").as_bytes(),
        format!("{epoch}:{epoch}:1").as_bytes(),
        format!("{epoch}:-1").as_bytes(),
        format!("{epoch}:18446744073709551616").as_bytes(),
    ]
    .iter()
    .map(|value| line(value))
    .chain([[line(b"1"), line(b"2")].concat(), [line(b""), line(b"2")].concat()])
    .collect();
    let inits = [vec![], line(b""), line(b"   "), line(b"\t"), [line(b""), line(b"")].concat()];
    let resumes = [line(b"1"), line(b" 1 "), [line(b"1"), line(b"1")].concat()];
    for route in ["/sse", "/ws"] {
        for header in &resets {
            let messages = begins(server.port(), route, "", header);
            let shown = String::from_utf8_lossy(header);
            assert_eq!(messages[0], json!({"type": "reset", "epoch": epoch}), "{route} {shown:?}");
            assert_eq!(messages[1]["type"], "init", "{route} {shown:?}");
        }
        for header in &inits {
            assert_eq!(begins(server.port(), route, "", header)[0]["type"], "init", "{header:?}");
        }
        for header in &resumes {
            assert_eq!(begins(server.port(), route, "", header)[0]["id"], 2, "{header:?}");
        }
        // The same in a query, where any byte can be said; the header wins.
        for query in ["abc", "-1", "18446744073709551616", "1%00", "%00", "%ff", "1%0d%0a2", "%2"] {
            let query = format!("?last_event_id={query}");
            assert_eq!(begins(server.port(), route, &query, b"")[0]["type"], "reset", "{query}");
        }
        for (query, header, first) in [
            ("?last_event_id=", &b""[..], "init"),
            ("?last_event_id", b"", "init"),
            ("?last_event_id=1&last_event_id=2", b"", "reset"),
            ("?last_event_id=1", b"Last-Event-ID: abc\r\n", "reset"),
            ("?last_event_id=abc", b"Last-Event-ID:\r\n", "init"),
        ] {
            let begun = begins(server.port(), route, query, header);
            assert_eq!(begun[0]["type"], first, "{query} {header:?}");
        }
        let header_wins =
            begins(server.port(), route, "?last_event_id=abc", b"LAST-EVENT-ID: 3\r\n");
        assert_eq!(header_wins[0]["id"], 4);
    }
    // What is said on an open socket is held to the same.
    for value in [json!("abc"), json!(-1), json!(1.5), json!([1]), json!({"id": 1}), json!(true)] {
        let mut ws = server.ws("?last_event_id=1");
        ws.send(&json!({"type": "resume", "last_event_id": value}));
        eventually("a reset", || (ws.next()?["type"] == "reset").then_some(()));
        assert_eq!(ws.next().unwrap()["type"], "init", "{value}");
    }
    assert_eq!(server.get("/healthz").status, 200);
}

/// `reset` with the log's own name, then `init`, and then what is live, over both, however asked.
fn begins_anew(project: &Project, server: &Server, last: &str) {
    let epoch = epoch_of(server);
    let reset = json!({"type": "reset", "epoch": epoch});
    let mut told = server.ws("");
    assert_eq!(told.next().unwrap()["type"], "init");
    told.send(&json!({"type": "resume", "last_event_id": last}));
    let query = format!("?last_event_id={last}");
    let (mut by_header, mut by_query) =
        (Sse::open(server.port(), "", Some(last)), server.sse(&query));
    let mut over_ws = server.ws(&query);
    let mut next: [(&str, Next); 4] = [
        ("header", Box::new(move || by_header.next().expect("a message").json)),
        ("query", Box::new(move || by_query.next().expect("a message").json)),
        ("WebSocket", Box::new(move || over_ws.next().expect("a message"))),
        ("resume message", Box::new(move || told.next().expect("a message"))),
    ];
    let mut at = Vec::new();
    for (kind, next) in &mut next {
        let mut first = next();
        while *kind == "resume message" && first["id"].is_u64() {
            // What became live before it was asked to move.
            first = next();
        }
        assert_eq!(first, reset, "{kind} {last}");
        let init = next();
        assert_eq!((&init["type"], &init["epoch"]), (&json!("init"), &json!(epoch)), "{kind}");
        assert!(init.get("id").is_none());
        at.push(init["last_event_id"].as_u64().unwrap());
    }
    let row = format!("{},1,1-2,dev-story,new,progress,\"row 777\"\n", now_s());
    project.append(row.as_bytes());
    for ((kind, next), mut at) in next.iter_mut().zip(at) {
        loop {
            let live = next();
            assert!(id(&live) > at, "{kind}: {live} behind {at}");
            at = id(&live);
            if number(&live) == Some(777) {
                break;
            }
        }
    }
}

#[test]
fn b07_an_id_newer_than_the_log_resets() {
    let project = Project::new();
    project.append(&rows(10));
    let server = Server::start(&project);
    let head = *whole_log(&server, 0, 10).last().unwrap();
    let epoch = epoch_of(&server);
    for last in [
        format!("{}", head + 1000),
        format!("{epoch}:{}", head + 1000),
        format!("{epoch}:99999999999"),
    ] {
        begins_anew(&project, &server, &last);
    }
}

#[test]
fn b07_an_id_of_a_database_that_was_replaced_resets() {
    let project = Project::new();
    project.append(&rows(30));
    let server = Server::start(&project);
    whole_log(&server, 0, 30);
    let mut sse = Sse::open(server.port(), "", Some("4"));
    let last = sse.next().unwrap().id;
    server.kill();
    std::fs::remove_dir_all(project.root().join(".sprint-runner")).unwrap();
    let server = Server::start(&project);
    whole_log(&server, 0, 30);
    assert_ne!(epoch_of(&server), last.split_once(':').unwrap().0, "another log, another name");
    begins_anew(&project, &server, &last);
}
