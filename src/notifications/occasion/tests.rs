//! Which events are worth telling, and in which words.

use serde_json::{Value, json};

use super::*;
use crate::domain::event::{Event, Source};

const NOW: i64 = 1_700_000_000_000;
const IDLE: i64 = 1_800_000;

/// A state with one story, a good status file, and what else these events make.
fn state(events: &[(&str, Value)]) -> State {
    let mut state = State::default();
    let good = [
        (
            "source:state",
            json!({ "file": "sprint-status.yaml", "state": "ok", "sprint_state": "ok" }),
        ),
        (
            "story:status",
            json!({ "story_key": "1-1-skeleton", "new_status": "review", "title": "Skeleton\u{202e}" }),
        ),
    ];
    for (kind, body) in good.iter().chain(events) {
        let payload = Payload::from_json(kind, &body.to_string());
        let (id, source) = (state.last_event_id + 1, Source::Server);
        let batch_id = body["batch_id"].as_i64();
        state.apply(&Event { id, timestamp_ms: NOW, source, batch_id, payload });
    }
    state
}

fn read(kind: &str, body: &Value, state: &State) -> Option<Occasion> {
    let payload = Payload::from_json(kind, &body.to_string());
    assert!(!matches!(payload, Payload::Other(_)) || body.get("imported").is_some(), "{body}");
    let json = json!({ "id": 9, "type": kind, "payload": body }).to_string();
    let seen = Seen { id: 9, timestamp_ms: NOW, batch_id: Some(3), payload: &payload, json: &json };
    let read = occasion(&seen, state, IDLE);
    assert!(read.is_none() || concerns(kind), "{kind} would never be read");
    read
}

fn status(old: Option<&str>, new: Option<&str>) -> Value {
    json!({ "story_key": "1-1-skeleton", "old_status": old, "new_status": new })
}

#[test]
fn a_story_that_becomes_stuck_is_told_once() {
    let state = state(&[]);
    for (old, new, told) in [
        (Some("review"), Some("blocked"), true),
        (Some("review"), Some("Blocked - waits for legal"), true),
        (Some("in-progress"), Some("failed"), true),
        (Some("blocked"), Some("failed"), false),
        (Some("blocked"), Some("review"), false),
        (Some("review"), Some("done"), false),
        (Some("review"), Some("unblocked"), false),
        (Some("review"), Some("blockedish"), false),
        (Some("review"), None, false),
        // The file as it is first read.
        (None, Some("blocked"), false),
    ] {
        let read = read("story:status", &status(old, new), &state);
        assert_eq!(read.is_some(), told, "{old:?} {new:?}");
    }
}

#[test]
fn a_blocked_story_says_which_and_why() {
    let end = json!({ "story_key": "1-1-skeleton", "story_id": "1-1", "epic_id": "1",
        "command": "code-review-10", "task_id": "agent", "status": "failed", "message": "3\nfindings" });
    let state = state(&[("command:end", end)]);
    let read = read("story:status", &status(Some("review"), Some("blocked")), &state).unwrap();
    assert_eq!(read.headline, "1-1-skeleton (Skeleton) is blocked");
    assert_eq!(read.detail.as_deref(), Some("code-review-10 failed: 3 findings"));
    assert_eq!(
        (read.subject.as_str(), read.since_ms, read.batch_id),
        ("1-1-skeleton", NOW, Some(3))
    );
    assert_eq!(read.event.as_ref().unwrap()["type"], "story:status");
    assert!(!holds(&read, &state), "it is in review by now");
}

#[test]
fn the_end_of_a_batch_says_how() {
    let end = |status: &str, cycles: i64| {
        json!({ "batch_id": 3, "cycles_completed": cycles, "status": status, "reason": "all_done",
            "duration_ms": 4_800_000 })
    };
    let state = state(&[]);
    let done = read("batch:end", &end("completed", 2), &state).unwrap();
    assert_eq!(done.headline, "Batch 3 ended: completed");
    assert_eq!(done.detail.as_deref(), Some("all_done; 2 cycles in 1 h 20 min"));
    assert!(done.good);
    assert_eq!(done.known_after_ms, IDLE, "of a batch that was only watched");
    let error = read("batch:end", &end("error", 0), &state).unwrap();
    assert_eq!((error.good, error.batch_end.as_deref()), (false, Some("error")));
}

#[test]
fn the_usage_limit_is_told_and_other_warnings_are_not() {
    let state = state(&[]);
    let warning = |kind: &str| {
        json!({ "batch_id": 3, "warning_type": kind,
        "message": "the provider's usage limit is reached: resets at 15:00" })
    };
    let limit = read("batch:warning", &warning("usage_limit"), &state).unwrap();
    assert_eq!(limit.detail.as_deref(), Some("resets at 15:00"));
    assert!(!holds(&limit, &state), "nothing waits any more");
    let begun = json!({ "batch_id": 3, "max_cycles": null, "batch_mode": "all", "origin": "managed", "started_at": NOW });
    let mut parked = warning("usage_limit");
    parked["state"] = json!("waiting");
    let waiting = self::state(&[("batch:start", begun), ("batch:warning", parked)]);
    assert!(holds(&limit, &waiting));
    for kind in ["usage_limit_over", "agent_failed", "stopping"] {
        assert_eq!(read("batch:warning", &warning(kind), &state), None);
    }
    let error = |kind: &str| json!({ "type": kind, "message": "no more today", "context": null });
    assert!(read("error", &error("usage_limit"), &state).is_some());
    assert_eq!(read("error", &error("settings"), &state), None);
    assert_eq!(read("error", &error(OWN_ERROR), &state), None, "no message about messages");
}

#[test]
fn a_broken_status_file_is_told_once_there_was_a_good_one() {
    let broken = |state: &str, sprint: Option<&str>| {
        json!({ "file": "sprint-status.yaml",
        "state": state, "line": 7, "column": 3, "message": "a key\nwithout a value", "sprint_state": sprint })
    };
    let good = state(&[]);
    let told = read("source:state", &broken("invalid", Some("invalid")), &good).unwrap();
    assert_eq!(told.headline, "sprint-status.yaml is invalid; the last good state is shown");
    assert_eq!(told.detail.as_deref(), Some("line 7, column 3: a key without a value"));
    assert!(!holds(&told, &good), "it is whole again");
    let now = state(&[("source:state", broken("invalid", Some("invalid")))]);
    assert!(holds(&told, &now));
    assert!(
        read("source:state", &broken("missing", Some("missing")), &good).unwrap().detail.is_none()
    );
    assert_eq!(read("source:state", &broken("ok", Some("ok")), &good), None);
    assert_eq!(read("source:state", &broken("invalid", None), &good), None, "another file");
    let fresh = State::default();
    assert_eq!(read("source:state", &broken("missing", Some("missing")), &fresh), None);
}

#[test]
fn history_of_an_older_database_is_no_news() {
    let state = state(&[]);
    let imported = json!({ "story_key": "1-1-skeleton", "old_status": "review", "new_status": "blocked",
        "imported": true });
    assert_eq!(read("story:status", &imported, &state), None);
}

#[test]
fn a_large_event_is_not_sent_along() {
    let state = state(&[]);
    let mut body = status(Some("review"), Some("blocked"));
    body["title"] = json!("x".repeat(5000));
    assert_eq!(read("story:status", &body, &state).unwrap().event, None);
}
