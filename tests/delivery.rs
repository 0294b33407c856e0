//! Behaviours 1-8: every row reaches every client once, in order, whatever is cut or killed.

use std::collections::HashSet;

use serde_json::Value;

use crate::support::project::{STATUS, now_s, row};
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Dice, Project, Server, eventually};

/// The number a row's message tells; `None` for any other event.
fn number(event: &Value) -> Option<usize> {
    event["payload"]["message"].as_str()?.strip_prefix("row ")?.parse().ok()
}

/// Appends rows in chunks of random size, cut inside lines.
fn append_in_chunks(project: &Project, bytes: &[u8], dice: &mut Dice) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + dice.below(700)).min(rest.len()));
        project.append(chunk);
        rest = after;
    }
}

fn rows(count: usize) -> Vec<u8> {
    let base = now_s() - 200;
    (0..count).map(|n| row(base, n)).collect::<String>().into_bytes()
}

fn assert_rises(ids: &[u64]) {
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "ids rise strictly");
}

#[test]
fn b01_ten_thousand_rows_reach_sse_and_websocket_in_the_same_order() {
    const ROWS: usize = 10_000;
    let project = Project::new();
    let server = Server::start(&project);
    let mut sse = server.sse("");
    let mut ws = server.ws("");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    assert_eq!(ws.next().unwrap()["type"], "init");
    let from_ws = std::thread::spawn(move || {
        let mut seen = Vec::<(u64, Option<usize>)>::new();
        while seen.iter().filter(|(_, number)| number.is_some()).count() < ROWS {
            let event = ws.next().expect("an event");
            seen.push((event["id"].as_u64().unwrap(), number(&event)));
        }
        seen
    });
    let writer = std::thread::spawn(move || {
        append_in_chunks(&project, &rows(ROWS), &mut Dice::new(1));
        project
    });
    let mut from_sse = Vec::new();
    let mut count = 0;
    while count < ROWS {
        let message = sse.next().expect("an event");
        let id = message.json["id"].as_u64().unwrap();
        assert!(message.id.ends_with(&format!(":{id}")));
        count += usize::from(number(&message.json).is_some());
        from_sse.push((id, number(&message.json)));
    }
    let from_ws = from_ws.join().unwrap();
    let _project = writer.join().unwrap();
    assert_eq!(from_sse, from_ws);
    assert_rises(&from_sse.iter().map(|(id, _)| *id).collect::<Vec<_>>());
    let numbers: Vec<usize> = from_sse.iter().filter_map(|(_, number)| *number).collect();
    assert_eq!(numbers, (0..ROWS).collect::<Vec<_>>());
}

#[test]
fn b02_a_client_cut_two_hundred_times_has_the_whole_log() {
    const ROWS: usize = 4000;
    let project = Project::new();
    let server = Server::start(&project);
    let mut last = server.sse("").next().unwrap().id;
    let port = server.port();
    let first: u64 = last.split_once(':').unwrap().1.parse().unwrap();
    let writer = std::thread::spawn(move || {
        append_in_chunks(&project, &rows(ROWS), &mut Dice::new(2));
        project
    });
    let mut dice = Dice::new(3);
    let mut seen = Vec::new();
    for _ in 0..200 {
        let mut sse = Sse::open(port, "", Some(&last));
        sse.set_timeout(std::time::Duration::from_millis(200));
        for _ in 0..dice.below(30) {
            let Some(message) = sse.next() else { break };
            seen.push(message.json["id"].as_u64().unwrap());
            last = message.id;
        }
    }
    let _project = writer.join().unwrap();
    let log = eventually("the whole log", || {
        let log = server.log_after(first);
        (log.iter().filter_map(number).count() == ROWS).then_some(log)
    });
    let mut sse = Sse::open(port, "", Some(&last));
    let head = log.last().unwrap()["id"].as_u64().unwrap();
    while seen.last() != Some(&head) {
        seen.push(sse.next().expect("the rest").json["id"].as_u64().unwrap());
    }
    let expected: Vec<u64> = log.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(seen, expected);
}

#[test]
fn b03_kill_9_during_appends_loses_and_doubles_nothing() {
    const ROWS: usize = 10_000;
    const KILLS: usize = 20;
    let project = Project::new();
    let bytes = rows(ROWS);
    let mut dice = Dice::new(4);
    let mut server = Server::start(&project);
    let mut last = server.sse("").next().unwrap().id;
    let epoch = last.split_once(':').unwrap().0.to_owned();
    let mut ids = Vec::new();
    let mut numbers = Vec::new();
    let mut follow = |port: u16, last: &mut String, until: usize| {
        let Some(mut sse) = Sse::try_open(port, "", Some(last)) else { return };
        while numbers.len() < until {
            let Some(message) = sse.next() else { return };
            assert_ne!(message.json["type"], "init", "a resume needs no init");
            assert_ne!(message.json["type"], "reset");
            ids.push(message.json["id"].as_u64().unwrap());
            numbers.extend(number(&message.json));
            last.clone_from(&message.id);
        }
    };
    let share = bytes.len() / (KILLS + 1);
    for round in 0..KILLS {
        append_in_chunks(&project, &bytes[round * share..(round + 1) * share], &mut dice);
        // Follow a random part of what is there, then kill in the middle of the rest.
        let so_far = ROWS * (round + 1) / (KILLS + 1);
        let until = so_far.saturating_sub(dice.below(400) + 2);
        follow(server.port(), &mut last, until);
        server.kill();
        server = Server::start(&project);
    }
    append_in_chunks(&project, &bytes[KILLS * share..], &mut dice);
    follow(server.port(), &mut last, ROWS);
    assert_eq!(numbers, (0..ROWS).collect::<Vec<_>>());
    assert_rises(&ids);
    assert!(last.starts_with(&epoch), "the log kept its name");
    let log = server.log_after(0);
    let stored: Vec<usize> = log.iter().filter_map(number).collect();
    assert_eq!(stored, numbers);
}

#[test]
fn b05_nothing_is_lost_where_history_becomes_live() {
    const ROWS: usize = 3000;
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let writer = std::thread::spawn(move || {
        for chunk in rows(ROWS).chunks(97) {
            project.append(chunk);
        }
        project
    });
    let mut seen = HashSet::new();
    let mut dice = Dice::new(5);
    while !writer.is_finished() || seen.is_empty() {
        let mut ws = Ws::open(port, &format!("?last_event_id={}", 1 + dice.below(40)));
        let mut before = None;
        for _ in 0..dice.below(300) {
            let event = ws.next().expect("an event");
            let id = event["id"].as_u64().expect("no init on resume");
            assert!(before.is_none_or(|before| id == before + 1), "{before:?} then {id}");
            before = Some(id);
            seen.insert(id);
        }
    }
    let _project = writer.join().unwrap();
}

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

#[test]
fn b06_b07_nonsense_and_foreign_ids_get_a_defined_start() {
    let project = Project::new();
    let server = Server::start(&project);
    let epoch = server.json("/api/snapshot")["epoch"].as_str().unwrap().to_owned();
    let other = if epoch == "00000000" { "00000001" } else { "00000000" };
    let foreign = format!("{other}:1");
    let future = format!("{epoch}:99999999");
    let huge = format!("{epoch}:18446744073709551616");
    for id in ["abc", "-1", "18446744073709551616", "99999999", &foreign, &future, &huge, "1:1:1"] {
        let mut sse = Sse::open(server.port(), "", Some(id));
        let reset = sse.next().unwrap().json;
        assert_eq!((&reset["type"], &reset["epoch"]), (&"reset".into(), &epoch.clone().into()));
        let init = sse.next().unwrap();
        assert_eq!(init.json["type"], "init", "after {id:?}");
        assert!(init.json.get("id").is_none());
        assert_eq!(init.id, format!("{epoch}:{}", init.json["last_event_id"]));
        let encoded = id.replace(':', "%3A");
        let mut ws = server.ws(&format!("?last_event_id={encoded}"));
        assert_eq!(ws.next().unwrap()["type"], "reset");
        assert_eq!(ws.next().unwrap()["type"], "init");
    }
    for query in ["", "?last_event_id="] {
        assert_eq!(server.sse(query).next().unwrap().json["type"], "init");
    }
    assert_eq!(Sse::open(server.port(), "", Some("")).next().unwrap().json["type"], "init");
    // NUL inside a query, and the cursor given twice.
    let mut sse = server.sse("?last_event_id=1%00");
    assert_eq!(sse.next().unwrap().json["type"], "reset");
    assert!(server.sse("?last_event_id=1&last_event_id=2").next().is_some());
}

#[test]
fn b09_messages_cannot_forge_events_or_break_the_stream() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut sse = server.sse("");
    let mut ws = server.ws("");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    assert_eq!(ws.next().unwrap()["type"], "init");
    let large = "x".repeat(1_000_000);
    for (written, told) in [
        (r"one\ntwo", "one\ntwo"),
        ("data: forged", "data: forged"),
        ("id: 999", "id: 999"),
        ("  leading blanks", "  leading blanks"),
        ("\u{2028}line\u{2029}separators", "\u{2028}line\u{2029}separators"),
        ("\u{1F680} and 笔记", "\u{1F680} and 笔记"),
        (r"event: x\n\nid: 7\ndata: {}", "event: x\n\nid: 7\ndata: {}"),
        (large.as_str(), large.as_str()),
    ] {
        let row = format!("{},1,1-2,dev-story,setup,progress,\"{written}\"\n", now_s());
        project.append(row.as_bytes());
        let message = loop {
            let message = sse.next().unwrap();
            if message.json["type"] == "command:progress" {
                break message;
            }
        };
        assert_eq!(message.json["payload"]["message"], told);
        assert!(message.id.ends_with(&format!(":{}", message.json["id"])));
        let by_ws = loop {
            let event = ws.next().unwrap();
            if event["type"] == "command:progress" {
                break event;
            }
        };
        assert_eq!(by_ws, message.json);
    }
}

#[test]
fn b11_an_ordered_end_tells_every_stream() {
    let project = Project::new();
    let mut server = Server::start(&project);
    let mut streams: Vec<Sse> = (0..50).map(|_| server.sse("")).collect();
    let mut sockets: Vec<Ws> = (0..50).map(|_| server.ws("")).collect();
    for stream in &mut streams {
        assert!(stream.next().is_some());
    }
    for socket in &mut sockets {
        assert!(socket.next().is_some());
    }
    let ends = std::thread::spawn(move || {
        let codes: Vec<_> = sockets.iter_mut().map(Ws::close_code).collect();
        let retries: Vec<_> = streams
            .iter_mut()
            .map(|stream| {
                assert!(stream.next().is_none(), "the stream ends");
                stream.retry_ms
            })
            .collect();
        (codes, retries)
    });
    assert!(server.terminate().success());
    let (codes, retries) = ends.join().unwrap();
    assert!(codes.iter().all(|code| *code == Some(1001)), "{codes:?}");
    let first = retries[0].expect("a retry time");
    assert!(retries.iter().any(|retry| *retry != Some(first)), "the retry times are spread");
}

#[test]
fn filters_pass_what_they_name_and_connection_messages() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut starts = server.sse("?types=command:start&story=1-2");
    let mut others = server.ws("?type=story:*");
    assert_eq!(starts.next().unwrap().json["type"], "init");
    assert_eq!(others.next().unwrap()["type"], "init");
    project.append(&rows(4));
    project.replace(
        "sprint-status.yaml",
        STATUS.replace("1-2-database: in-progress", "1-2-database: done").as_bytes(),
    );
    for expected in [0, 2] {
        assert_eq!(number(&starts.next().unwrap().json), Some(expected));
    }
    let changed = others.next().unwrap();
    assert_eq!(
        (&changed["type"], &changed["payload"]["new_status"]),
        (&"story:status".into(), &"done".into())
    );
    let refused = server.get("/sse?batch_id=x");
    assert_eq!(refused.status, 400);
    let headers = &server.sse("").headers;
    let header = |name: &str| {
        headers
            .iter()
            .find(|(known, _)| known.eq_ignore_ascii_case(name))
            .map(|(_, value)| value.as_str())
    };
    assert!(header("content-type").unwrap().starts_with("text/event-stream"));
    assert_eq!(header("x-accel-buffering"), Some("no"));
    assert_eq!(header("content-encoding"), None);
}

/// Waits until the log holds this many rows: what is overwritten unread is nobody's.
fn until_read(server: &Server, count: usize) {
    eventually("the rows so far", || {
        let newest = server.json("/api/events?type=command:*&limit=1");
        (newest["events"].as_array()?.iter().find_map(number)? + 1 >= count).then_some(())
    });
}

#[test]
fn b15_to_b18_ten_thousand_rows_through_replacement_truncation_and_rotation() {
    const ROWS: usize = 10_000;
    const PARTS: usize = 25;
    let project = Project::new();
    let server = Server::start(&project);
    let mut sse = server.sse("?types=command:*");
    let mut ws = server.ws("?types=command:*");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    assert_eq!(ws.next().unwrap()["type"], "init");
    let all = rows(ROWS);
    let lines: Vec<&[u8]> = all.split_inclusive(|byte| *byte == b'\n').collect();
    let mut dice = Dice::new(7);
    let mut content: Vec<u8> = Vec::new();
    for (part, lines) in lines.chunks(ROWS / PARTS).enumerate() {
        let bytes = lines.concat();
        let before = part * (ROWS / PARTS);
        match dice.below(5) {
            0 => {
                content.extend(&bytes);
                project.replace("sprint-runner.csv", &content);
            }
            1 => {
                until_read(&server, before);
                content.clone_from(&bytes);
                project.write("sprint-runner.csv", &content);
            }
            2 if before > 0 => {
                until_read(&server, before);
                std::fs::rename(project.log(), project.path(&format!("old-{part}.csv"))).unwrap();
                content.clone_from(&bytes);
                append_in_chunks(&project, &bytes, &mut dice);
            }
            3 if before > 0 => {
                until_read(&server, before);
                std::fs::remove_file(project.log()).unwrap();
                content.clone_from(&bytes);
                append_in_chunks(&project, &bytes, &mut dice);
            }
            _ => {
                content.extend(&bytes);
                append_in_chunks(&project, &bytes, &mut dice);
            }
        }
    }
    let mut from_sse = Vec::new();
    let mut from_ws = Vec::new();
    while from_sse.len() < ROWS {
        from_sse.extend(number(&sse.next().expect("an event").json));
        from_ws.extend(number(&ws.next().expect("an event")));
    }
    assert_eq!(from_sse, (0..ROWS).collect::<Vec<_>>());
    assert_eq!(from_ws, from_sse);
}
