//! Long lists of events with a digest of the state behind each of them: the page's reducer is held
//! to the same list, event by event. `UPDATE_FOLD=1` writes it anew.

use std::fmt::Write as _;
use std::path::Path;

use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::{Value, json};

use super::laws::any_event;
use crate::domain::state::State;

const EVENTS: usize = 300;

#[test]
fn the_fold_agrees_with_the_page_event_by_event() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/fold/steps/random.json");
    if std::env::var_os("UPDATE_FOLD").is_some() {
        write(&path);
    }
    let list: Value = serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap();
    let events = list["events"].as_array().unwrap();
    assert_eq!(events.len(), EVENTS);
    let mut state = State::default();
    for event in events {
        state.apply(&super::event_of(event));
        assert_eq!(digest(&state), event["digest"], "behind event {}", event["id"]);
    }
}

/// Draws a list of events; the same in every run, as long as the strategy stays as it is.
fn write(path: &Path) {
    let mut runner = TestRunner::deterministic();
    let list = prop::collection::vec(any_event(), EVENTS).new_tree(&mut runner).unwrap().current();
    let mut state = State::default();
    let events: Vec<String> = (1_i64..)
        .zip(list)
        .map(|(id, mut event)| {
            event["id"] = id.into();
            // Rising times with a few that go back, as in a log.
            let at = event["timestamp"].as_i64().unwrap() % 30_000 + id * 5000;
            event["timestamp"] = at.into();
            state.apply(&super::event_of(&event));
            event["digest"] = digest(&state).into();
            event.to_string()
        })
        .collect();
    std::fs::write(path, format!("{{\"events\": [\n{}\n]}}\n", events.join(",\n"))).unwrap();
}

/// FNV-1a over a text of the snapshot that both sides write alike.
fn digest(state: &State) -> String {
    let mut text = String::new();
    canonical(&serde_json::to_value(state.snapshot("")).unwrap(), &mut text);
    let hash = text
        .bytes()
        .fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193));
    format!("{hash:08x}")
}

/// Keys in order, whole numbers in digits, others by the bits that hold them.
fn canonical(value: &Value, out: &mut String) {
    match value {
        Value::Object(map) => {
            let mut keys: Vec<&String> = map.keys().collect();
            keys.sort();
            for key in keys {
                write!(out, "{}:", json!(key)).unwrap();
                canonical(&map[key], out);
            }
            out.push('}');
        }
        Value::Array(list) => {
            for item in list {
                canonical(item, out);
            }
            out.push(']');
        }
        Value::Number(number) if !number.is_i64() && !number.is_u64() => {
            write!(out, "{:016x},", number.as_f64().unwrap().to_bits()).unwrap();
        }
        plain => write!(out, "{plain},").unwrap(),
    }
}
