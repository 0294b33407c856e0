//! Behaviour 9: no text forges an event or breaks a stream, whatever way it came in.

use serde_json::Value;

use crate::support::project::{STATUS, now_s};
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Project, Server};

/// A server with one who listens to each of its streams.
fn listened_to(project: &Project) -> (Server, Sse, Ws) {
    let server = Server::start(project);
    let (mut sse, mut ws) = (server.sse(""), server.ws(""));
    assert_eq!(sse.next().unwrap().json["type"], "init");
    assert_eq!(ws.next().unwrap()["type"], "init");
    (server, sse, ws)
}

/// The next event of that type on both streams, which must be the same.
fn on_both(sse: &mut Sse, ws: &mut Ws, kind: &str) -> Value {
    let by_sse = loop {
        let message = sse.next().expect("an event");
        if message.json["type"] == kind {
            assert!(message.id.ends_with(&format!(":{}", message.json["id"])), "{}", message.id);
            break message.json;
        }
    };
    let by_ws = loop {
        let event = ws.next().expect("an event");
        if event["type"] == kind {
            break event;
        }
    };
    assert_eq!(by_ws, by_sse);
    by_sse
}

#[test]
fn b09_messages_cannot_forge_events_or_break_the_stream() {
    let project = Project::new();
    let (_server, mut sse, mut ws) = listened_to(&project);
    let large = "x".repeat(1_000_000);
    let wide = "\u{1F680}\u{2028}".repeat(150_000);
    for (written, told) in [
        (r"one\ntwo", "one\ntwo"),
        ("data: forged", "data: forged"),
        ("id: 999", "id: 999"),
        ("  leading blanks", "  leading blanks"),
        ("\u{2028}line\u{2029}separators\u{85}", "\u{2028}line\u{2029}separators\u{85}"),
        ("\u{1F680} and 笔记", "\u{1F680} and 笔记"),
        (r"event: x\n\nid: 7\ndata: {}", "event: x\n\nid: 7\ndata: {}"),
        (r"\n\nretry: 1\n\n:\n", "\n\nretry: 1\n\n:\n"),
        (large.as_str(), large.as_str()),
        (wide.as_str(), wide.as_str()),
    ] {
        let row = format!("{},1,1-2,dev-story,setup,progress,\"{written}\"\n", now_s());
        project.append(row.as_bytes());
        let event = on_both(&mut sse, &mut ws, "command:progress");
        assert!(event["payload"]["message"] == told, "{}", &told[..told.len().min(40)]);
    }
    assert_eq!(sse.retry_ms, Some(1000), "nobody else sets it");
}

#[test]
fn b09_cr_crlf_and_nul_from_a_status_file_cannot_either() {
    let project = Project::new();
    let (_server, mut sse, mut ws) = listened_to(&project);
    for (written, told) in [
        (r"one\rtwo", "one\rtwo"),
        (r"one\r\ntwo", "one\r\ntwo"),
        (r"nul\0nul", "nul\0nul"),
        (r"x\r\rdata: {}\r\rid: 999\r", "x\r\rdata: {}\r\rid: 999"),
        (r"x\nid: 1\0\r\n\r\ndata: forged\n\nx", "x\nid: 1\0\r\n\r\ndata: forged\n\nx"),
        (r"\e[31mred\x07\x7f", "\u{1b}[31mred\u{7}\u{7f}"),
    ] {
        let status =
            STATUS.replace("1-2-database: in-progress", &format!("1-2-database: \"{written}\""));
        project.replace("sprint-status.yaml", status.as_bytes());
        let event = on_both(&mut sse, &mut ws, "story:status");
        assert_eq!(event["payload"]["new_status"], told);
    }
}
