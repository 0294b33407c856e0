//! `/api/snapshot?at=ID`: the state right after any event is what a client folds itself.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use serde_json::Value;
use sprint_runner::domain::event::{Event, Source};
use sprint_runner::domain::payload::Payload;
use sprint_runner::domain::state::State;

use crate::support::project::now_s;
use crate::support::{Dice, Project, Server, eventually, http};

/// Rows of several stories and commands, some failing, some left open, a few out of order.
fn rows(base_s: i64, count: usize) -> String {
    let mut dice = Dice::new(7);
    let mut text = String::new();
    for n in 0..count {
        let story = ["1-1", "1-2", "1-10", "2a-1"][dice.below(4)];
        let command = ["create-story", "dev-story", "code-review-2", "commit"][dice.below(4)];
        let task = ["workflow", "tests"][dice.below(2)];
        let status = ["start", "start", "progress", "end", "end", "failed"][dice.below(6)];
        let at = base_s + (n / 2) as i64 - dice.below(3) as i64;
        writeln!(text, "{at},1,{story},{command},{task},{status},\"row {n}\"").unwrap();
    }
    text
}

/// A server that has read `count` rows, and its log.
fn served(project: &Project, count: usize) -> (Server, Vec<Value>) {
    let server = Server::start(project);
    eventually("the stories", || {
        let stories = server.json("/api/snapshot")["sprint"]["stories"].clone();
        (stories.as_array().unwrap().len() == 5).then_some(())
    });
    // They end just now: a batch that had gone silent would be ended behind them at any time.
    project.append(rows(now_s() - (count / 2) as i64, count).as_bytes());
    let last = format!("row {}", count - 1);
    let log = eventually("the rows", || {
        let newest = server.json("/api/events?limit=1");
        let read = newest["events"][0]["payload"]["message"] == last.as_str();
        read.then(|| server.log_after(0))
    });
    (server, log)
}

/// What a client makes of the log, after each of its events and before the first.
fn folded(log: &[Value], epoch: &str) -> BTreeMap<u64, Value> {
    let mut state = State::default();
    let shown = |state: &State| serde_json::to_value(state.snapshot(epoch)).unwrap();
    let mut all = BTreeMap::from([(0, shown(&state))]);
    for event in log {
        state.apply(&Event {
            id: event["id"].as_u64().unwrap(),
            timestamp_ms: event["timestamp"].as_i64().unwrap(),
            source: Source::from_word(event["source"].as_str().unwrap()),
            batch_id: event["batch_id"].as_i64(),
            payload: Payload::from_json(
                event["type"].as_str().unwrap(),
                &event["payload"].to_string(),
            ),
        });
        all.insert(state.last_event_id, shown(&state));
    }
    all
}

#[test]
fn every_moment_is_what_a_client_folds() {
    let project = Project::new();
    let (server, log) = served(&project, 120);
    let live = server.json("/api/snapshot");
    let expected = folded(&log, live["epoch"].as_str().unwrap());
    assert!(expected.len() > 100, "{} events", expected.len());
    for (id, state) in &expected {
        assert_eq!(&server.json(&format!("/api/snapshot?at={id}")), state, "at {id}");
    }
    let head = live["last_event_id"].as_u64().unwrap();
    assert_eq!(live, expected[&head]);
    assert!(!live["work"].as_object().unwrap().is_empty());
    assert!(!live["effort"].as_array().unwrap().is_empty());
}

#[test]
fn moments_of_a_long_log_are_found_in_any_order_and_after_a_restart() {
    let project = Project::new();
    let (mut server, log) = served(&project, 2500);
    let epoch = server.json("/api/snapshot")["epoch"].as_str().unwrap().to_owned();
    let expected = folded(&log, &epoch);
    let mut dice = Dice::new(11);
    let mut check = |server: &Server| {
        for id in [log.len() as u64, 0, 1, 1023, 1024, 1025, 2048, 2049] {
            assert_eq!(server.json(&format!("/api/snapshot?at={id}")), expected[&id], "at {id}");
        }
        for _ in 0..30 {
            let id = dice.below(log.len()) as u64;
            assert_eq!(server.json(&format!("/api/snapshot?at={id}")), expected[&id], "at {id}");
        }
    };
    check(&server);
    server.terminate();
    // Now the stored state lies at the end of what was, and more comes behind it.
    check(&Server::start(&project));
}

#[test]
fn a_moment_that_is_none_is_told() {
    let project = Project::new();
    let (server, log) = served(&project, 4);
    let head = log.len();
    let answer = server.get(&format!("/api/snapshot?at={}", head + 1));
    assert_eq!((answer.status, answer.json()["code"].as_str()), (404, Some("not_found")));
    let words = answer.json()["error"].as_str().unwrap().to_owned();
    assert_eq!(words, format!("there is no event {} yet; the last one is {head}", head + 1));
    assert_eq!(server.get("/api/snapshot?at=18446744073709551615").status, 404);
    for none in ["x", "-1", "1.5", "99999999999999999999"] {
        let answer = server.get(&format!("/api/snapshot?at={none}"));
        assert_eq!((answer.status, answer.json()["code"].as_str()), (400, Some("bad_request")));
    }
    let before = server.json("/api/snapshot?at=0");
    assert_eq!(before["last_event_id"], 0);
    assert_eq!(before["sprint"]["stories"].as_array().unwrap().len(), 0);
}

#[test]
fn a_moment_that_the_client_has_is_not_sent_again() {
    let project = Project::new();
    let (server, _) = served(&project, 4);
    let port = server.port();
    let etag = server.get("/api/snapshot?at=3").header("etag").unwrap().to_owned();
    let again = |path: &str| {
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
             If-None-Match: {etag}\r\n\r\n"
        );
        http::send(port, request).unwrap().status
    };
    assert_eq!(again("/api/snapshot?at=3"), 304);
    assert_eq!(again("/api/snapshot?at=2"), 200);
}
