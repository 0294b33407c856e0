//! What holds for any events in any order: of the time, the runs and the costs.

use std::sync::Arc;

use proptest::prelude::*;
use serde_json::{Value, json};

use crate::domain::event::{Event, Source};
use crate::domain::payload::Payload;
use crate::domain::state::{MAX_EFFORT, MAX_WORK, State, Work};

/// An event as it stands on the wire, without its id.
pub(super) fn any_event() -> impl Strategy<Value = Value> {
    // Times mostly rise within a list of events, and now and then go back.
    (any_payload(), 0..400_i64, prop_oneof![9 => Just(None), 1 => (1..9_i64).prop_map(Some)])
        .prop_map(|((kind, payload), at, batch_id)| {
            json!({"type": kind, "timestamp": at * 250, "batch_id": batch_id.unwrap_or(7),
                   "source": "csv", "payload": payload})
        })
}

fn any_payload() -> impl Strategy<Value = (&'static str, Value)> {
    prop_oneof![
        12 => any_row(),
        2 => (any_story(), any_class(), any_class(), any::<bool>()).prop_map(
            |(key, old, new, known)| {
                ("story:status", json!({"story_key": key, "story_id": null, "epic_id": "1",
                    "old_status": known.then_some(old), "new_status": new, "status_class": new,
                    "title": null, "after": null}))
            }
        ),
        1 => any_story().prop_map(|key| {
            ("story:status", json!({"story_key": key, "story_id": null, "epic_id": null,
                "old_status": "review", "new_status": null, "status_class": null,
                "title": null, "after": null}))
        }),
        2 => (any_agent(), any_command(), prop::collection::vec(any_story(), 0..4)).prop_map(
            |(id, command, keys)| {
                ("agent:start", json!({"agent_id": id, "pid": 1, "command": command,
                    "story_keys": keys, "model": null}))
            }
        ),
        2 => (any_agent(), 0..9000_i64, prop::option::of(0..900_i64), prop::option::of(0..99_i32))
            .prop_map(|(id, input, output, cents)| {
                let cost = cents.map(|cents| f64::from(cents) / 100.0);
                ("agent:end", json!({"agent_id": id, "exit_code": 0, "signal": null,
                    "duration_ms": 1, "input_tokens": input, "output_tokens": output,
                    "cost_usd": cost, "receipt": null}))
            }),
        1 => (any_story(), prop_oneof![Just("story"), Just("step"), Just("note")], any_class())
            .prop_map(|(key, kind, word)| {
                ("activity:entry", json!({"story_key": key, "kind": kind, "step": null,
                    "command": null, "result": word, "duration": null, "line": 1, "text": ""}))
            }),
        1 => (1..9_i64, prop_oneof![Just("managed"), Just("observed")]).prop_map(|(id, origin)| {
            ("batch:start", json!({"batch_id": id, "max_cycles": null, "batch_mode": "all",
                "origin": origin, "started_at": 1}))
        }),
        1 => (1..9_i64).prop_map(|id| {
            ("batch:end", json!({"batch_id": id, "cycles_completed": 0, "status": "lost",
                "reason": "silence", "duration_ms": 0}))
        }),
    ]
}

fn any_row() -> impl Strategy<Value = (&'static str, Value)> {
    let task = prop_oneof![Just("workflow"), Just("tests")];
    let status = prop_oneof![Just("end"), Just("failed"), Just(" Blocked"), Just("left-open")];
    let message = prop::option::of(prop_oneof![
        18 => Just("all well".to_owned()),
        1 => Just("😀".repeat(501)),
        1 => Just("é\n".repeat(300))
    ]);
    (0..9_u8, any_story(), any_command(), task, status, message, 0..20_u8).prop_map(
        |(kind, key, command, task, status, message, imported)| {
            let mut row = json!({"story_key": key, "story_id": key, "epic_id": "1",
                "command": command, "task_id": task, "message": message});
            if imported == 0 {
                row["imported"] = true.into();
            }
            match kind {
                0..4 => ("command:start", row),
                4 => ("command:progress", row),
                _ => {
                    row["status"] = status.into();
                    ("command:end", row)
                }
            }
        },
    )
}

fn any_story() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("1-1-a"), Just("1-2-b"), Just("2-1-c"), Just("7")]
}

fn any_command() -> impl Strategy<Value = &'static str> {
    prop_oneof![
        Just("dev-story"),
        Just("sprint-dev-story"),
        Just("code-review"),
        Just("sprint-code-review-2"),
        Just("code-review #11"),
        Just("create-story-99999999999")
    ]
}

fn any_class() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("backlog"), Just("review"), Just("done")]
}

fn any_agent() -> impl Strategy<Value = &'static str> {
    prop_oneof![Just("7-1"), Just("7-2"), Just("7-3")]
}

fn state_after(events: &[Value]) -> State {
    let mut state = State::default();
    for (id, event) in (1..).zip(events) {
        let mut event = event.clone();
        event["id"] = id.into();
        state.apply(&super::event_of(&event));
    }
    state
}

/// What of a story's time its commands were given already.
fn given(work: &Work) -> i64 {
    let open = work.command_since.zip(work.busy_since).map_or(0, |(since, from)| since - from);
    work.busy_ms + open
}

proptest! {
    #[test]
    fn all_commands_took_as_long_as_all_stories(events in prop::collection::vec(any_event(), 0..80)) {
        let state = state_after(&events);
        let by_story: i64 = state.work.values().map(|work| given(work)).sum();
        let by_command: i64 = state.effort.iter().map(|effort| effort.busy_ms).sum();
        prop_assert_eq!(by_story, by_command);
        let runs = |state: &State| state.work.values().map(|work| work.runs).sum::<u64>();
        prop_assert_eq!(runs(&state), state.effort.iter().map(|effort| effort.runs).sum::<u64>());
        let failures: u64 = state.work.values().map(|work| work.failures).sum();
        prop_assert_eq!(failures, state.effort.iter().map(|effort| effort.failed).sum::<u64>());
    }

    #[test]
    fn nothing_is_negative_and_what_is_open_is_open(events in prop::collection::vec(any_event(), 0..80)) {
        let state = state_after(&events);
        prop_assert!(state.effort.iter().all(|effort| effort.busy_ms >= 0));
        for (key, work) in &*state.work {
            let open = state.active.values().filter(|active| active.story_key == **key).count();
            prop_assert_eq!(work.open, open as u64);
            prop_assert_eq!(work.busy_since.is_some(), open > 0);
            prop_assert_eq!(work.command_since.is_some(), open > 0);
            prop_assert!(work.busy_ms >= 0 && work.command_since >= work.busy_since);
            prop_assert!(work.first_at <= work.last_at && work.last.is_some() == work.last_at.is_some());
            prop_assert!(work.runs == 0 || work.command.is_some());
            prop_assert!(!work.is_bare(), "nothing is known of {}", key);
        }
    }

    #[test]
    fn no_token_is_lost(events in prop::collection::vec(any_event(), 0..80)) {
        let shared: Vec<Value> = events
            .into_iter()
            .filter(|event| event["payload"]["story_keys"].as_array().is_none_or(|keys| !keys.is_empty()))
            .collect();
        let state = state_after(&shared);
        let by_story: f64 = state.work.values().map(|work| work.input_tokens + work.cost_usd).sum();
        let by_command: f64 = state.effort.iter().map(|one| one.input_tokens + one.cost_usd).sum();
        prop_assert!((by_story - by_command).abs() < 1e-6, "{} {}", by_story, by_command);
    }

    #[test]
    fn a_stored_state_comes_back_as_it_was(events in prop::collection::vec(any_event(), 0..80)) {
        let state = state_after(&events);
        let json = serde_json::to_string(&state).unwrap();
        prop_assert_eq!(serde_json::from_str::<State>(&json).unwrap(), state);
    }

    #[test]
    fn a_readers_copy_stays_as_it_was(events in prop::collection::vec(any_event(), 1..40)) {
        let (last, before) = events.split_last().unwrap();
        let mut state = state_after(before);
        let copy = state.clone();
        let mut last = last.clone();
        last["id"] = events.len().into();
        state.apply(&super::event_of(&last));
        prop_assert_eq!(&copy, &state_after(before));
        // Of what did not change, the copy and the state share each entry.
        let (kept, now) = (&copy.work, &state.work);
        let same = |key: &Arc<str>| kept.get(key).zip(now.get(key)).is_some_and(|(a, b)| Arc::ptr_eq(a, b));
        let other = |key: &&Arc<str>| last["payload"]["story_key"] != ***key && last["type"].as_str().unwrap().starts_with("command:");
        prop_assert!(kept.keys().filter(other).all(same));
    }
}

#[test]
fn a_log_that_names_ever_new_stories_and_commands_does_not_grow_the_state() {
    let mut state = State::default();
    let mut end = |id: u64, key: String, command: String| {
        let payload = json!({"story_key": key, "story_id": "", "epic_id": "", "command": command,
            "task_id": "", "status": "failed", "message": null});
        state.apply(&Event {
            id,
            timestamp_ms: 0,
            source: Source::Csv,
            batch_id: None,
            payload: Payload::from_json("command:end", &payload.to_string()),
        });
        (state.work.len(), state.effort.len())
    };
    for id in 1..=MAX_WORK as u64 + 5 {
        let seen = end(id, format!("story {id}"), format!("command {id}x"));
        assert_eq!(seen, ((id as usize).min(MAX_WORK), (id as usize).min(MAX_EFFORT)));
    }
}
