//! The fold against the cases that the page's reducer is held to as well.

mod laws;
mod steps;

use std::path::Path;
use std::sync::Arc;

use indexmap::IndexMap;
use serde_json::{Value, json};

use super::{Active, Agent, Batch, EndedBatch, Epic, Run, SourceInfo, State, Story};
use crate::domain::event::{Event, Source};
use crate::domain::issue::{FileIssue, Issue};
use crate::domain::payload::Payload;

#[test]
fn the_fold_agrees_with_every_case() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fold");
    let mut names: Vec<_> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    names.sort();
    assert!(names.len() >= 10, "the cases are there");
    for path in names {
        let case: Value = serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap();
        let mut state = from_snapshot(&case["start"]);
        for event in case["events"].as_array().unwrap() {
            state.apply(&event_of(event));
        }
        let epoch = case["end"]["epoch"].as_str().unwrap_or_default();
        let end = serde_json::to_value(state.snapshot(epoch)).unwrap();
        assert_eq!(end, without_null_epoch(&case["end"]), "{}: {}", path.display(), case["name"]);
    }
}

#[test]
fn only_a_managed_batch_is_remembered_when_it_has_ended() {
    let mut state = State::default();
    let mut take = |id, kind: &str, payload: &Value| {
        state.apply(&Event {
            id,
            timestamp_ms: 1000 + id.cast_signed(),
            source: Source::Server,
            batch_id: payload["batch_id"].as_i64(),
            payload: Payload::from_json(kind, &payload.to_string()),
        });
        state.last_managed
    };
    let start = |batch_id, origin| {
        json!({"batch_id": batch_id, "max_cycles": null, "batch_mode": "all", "origin": origin,
               "started_at": 900 + batch_id})
    };
    let end = |batch_id| {
        json!({"batch_id": batch_id, "cycles_completed": 0, "status": "lost", "reason": "",
               "duration_ms": 0})
    };
    take(1, "batch:start", &start(1, "observed"));
    assert_eq!(take(2, "batch:end", &end(1)), None);
    take(3, "batch:start", &start(2, "managed"));
    let ended = Some(EndedBatch { id: 2, started_at: 902, ended_at: 1004, ended_id: 4 });
    assert_eq!(take(4, "batch:end", &end(2)), ended);
    take(5, "batch:start", &start(3, "observed"));
    assert_eq!(take(6, "batch:end", &end(3)), ended, "the observed one leaves it as it was");
}

fn without_null_epoch(end: &Value) -> Value {
    let mut end = end.clone();
    if end["epoch"].is_null() {
        end["epoch"] = "".into();
    }
    end
}

fn event_of(wire: &Value) -> Event {
    let kind = wire["type"].as_str().unwrap();
    Event {
        id: wire["id"].as_u64().unwrap(),
        timestamp_ms: wire["timestamp"].as_i64().unwrap(),
        source: Source::from_word(wire["source"].as_str().unwrap()),
        batch_id: wire["batch_id"].as_i64(),
        payload: Payload::from_json(kind, &wire["payload"].to_string()),
    }
}

/// A state that shows the given snapshot.
fn from_snapshot(snapshot: &Value) -> State {
    let mut state = State::default();
    if snapshot.is_null() {
        return state;
    }
    state.last_event_id = snapshot["last_event_id"].as_u64().unwrap();
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let sprint = Arc::make_mut(&mut state.sprint);
    let shown = &snapshot["sprint"];
    sprint.project = text(&shown["project"]);
    sprint.state = text(&shown["state"]);
    sprint.since = shown["since"].as_i64();
    for epic in shown["epics"].as_array().unwrap() {
        let row = Epic {
            epic_id: text(&epic["epic_id"]).unwrap(),
            title: text(&epic["title"]),
            status: text(&epic["status"]),
            status_class: text(&epic["status_class"]),
            retrospective: text(&epic["retrospective"]),
        };
        sprint.epics.insert(text(&epic["epic_key"]).unwrap(), row);
    }
    for story in shown["stories"].as_array().unwrap() {
        let row = Story {
            story_id: text(&story["story_id"]),
            epic_id: text(&story["epic_id"]),
            title: text(&story["title"]),
            status: text(&story["status"]).unwrap(),
            status_class: text(&story["status_class"]).unwrap(),
            updated_at: story["updated_at"].as_i64(),
        };
        sprint.stories.insert(text(&story["story_key"]).unwrap(), row);
    }
    let issues: Vec<FileIssue> = serde_json::from_value(shown["issues"].clone()).unwrap();
    for source in shown["sources"].as_array().unwrap() {
        let file = text(&source["file"]).unwrap();
        let own: Vec<Issue> = issues
            .iter()
            .filter(|issue| issue.file == file)
            .map(|issue| issue.issue.clone())
            .collect();
        let row = SourceInfo {
            state: text(&source["state"]).unwrap(),
            since: source["since"].as_i64().unwrap(),
            message: text(&source["message"]),
            line: source["line"].as_u64(),
            column: source["column"].as_u64(),
            issues: own,
        };
        sprint.sources.insert(file, row);
    }
    state.batch = serde_json::from_value::<Option<Batch>>(snapshot["batch"].clone()).unwrap();
    let mut active = IndexMap::new();
    for (order, row) in (1..).zip(snapshot["active"].as_array().unwrap()) {
        let mut full = row.clone();
        full["event_id"] = order.into();
        let row: Active = serde_json::from_value(full).unwrap();
        active.insert(Active::slot(&row.story_key, &row.command, &row.task_id), row);
    }
    state.active = Arc::new(active);
    let run = &snapshot["orchestrator"];
    state.run = run["batch_id"].as_i64().map(|batch_id| Run {
        batch_id,
        batch_mode: text(&run["batch_mode"]).unwrap(),
        status: text(&run["status"]).unwrap(),
        parked_until: run["parked_until"].as_i64(),
        cycle_number: run["cycle_number"].as_i64().unwrap(),
        current_stories: serde_json::from_value(run["current_stories"].clone()).unwrap(),
    });
    let agents: Vec<Agent> = serde_json::from_value(snapshot["agents"].clone()).unwrap();
    let agents = agents.into_iter().map(|agent| (agent.agent_id.clone(), agent));
    state.agents = Arc::new(agents.collect());
    state.work = Arc::new(serde_json::from_value(snapshot["work"].clone()).unwrap());
    state.effort = Arc::new(serde_json::from_value(snapshot["effort"].clone()).unwrap());
    state
}
