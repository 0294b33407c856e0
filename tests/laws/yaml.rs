//! sprint-status.yaml: read whatever it holds; write one value and leave every other byte.

use std::collections::HashSet;

use serde_json::Value;
use sprint_runner::domain::diff;
use sprint_runner::domain::event::{Event, NewEvent};
use sprint_runner::domain::reading::{Reading, ReadingState};
use sprint_runner::domain::state::State;
use sprint_runner::parse::yaml::{WriteError, read_status, write_status};

/// Plain words, words that YAML would take for something else, words that must be quoted.
const WORDS: [&str; 8] =
    ["done", "in-progress", "no", "1e3", "won't do", "a: b # c", "\"\\", "erledigt é"];

pub(crate) fn law(data: &[u8]) {
    let reading = read_status(data);
    assert_eq!(read_status(data), reading);
    check(&reading, data);
    told_once(&reading);
    // Which entry and which word are the input's own choice.
    let choice = data.iter().fold(0_usize, |sum, byte| sum.wrapping_mul(31) + usize::from(*byte));
    let word = WORDS[choice % WORDS.len()];
    let count = reading.entries.len();
    for at in [0, count / 2, count.wrapping_sub(1), choice % count.max(1)] {
        if let Some(entry) = reading.entries.get(at) {
            written(data, &reading, &entry.key, word);
        }
    }
    assert!(write_status(data, "no such key \u{1}", "done").is_err());
    assert!(write_status(data, "1-1-a", "two\nlines").is_err());
}

fn check(reading: &Reading, data: &[u8]) {
    let lines = data.split(|byte| *byte == b'\n').count() as u64;
    let within = |line: u64| (1..=lines + 1).contains(&line);
    let mut keys = HashSet::new();
    for entry in &reading.entries {
        assert!(keys.insert(&entry.key), "{} stands twice", entry.key);
        assert!(within(entry.line), "line {} of {lines}", entry.line);
        assert_eq!(entry.status.trim(), entry.status);
        assert!(entry.title.as_ref().is_none_or(|title| !title.contains('\n')));
    }
    assert!(reading.entries.len() <= 10_000);
    assert!(reading.issues.len() <= 510, "{} issues", reading.issues.len());
    for issue in &reading.issues {
        assert!(issue.line.is_none_or(within), "{issue:?} of {lines} lines");
        super::assert_sentence(&issue.message);
    }
    match reading.state {
        ReadingState::Ok => {
            let statuses = reading.document["development_status"].as_object().expect("a map");
            assert_eq!(statuses.len(), reading.entries.len());
            for entry in &reading.entries {
                assert_eq!(statuses[&entry.key], Value::String(entry.status.clone()));
            }
        }
        ReadingState::Recovered => assert!(!reading.entries.is_empty()),
        ReadingState::Invalid | ReadingState::OtherSchema | ReadingState::Refused => {
            assert!(reading.entries.is_empty() && !reading.issues.is_empty());
        }
    }
    // An alias may repeat a part, within the budget.
    let unfolded = serde_json::to_string(&reading.document).map_or(0, |text| text.len());
    assert!(unfolded <= 6 * (data.len() + 8 * 1024 * 1024), "{unfolded} of {}", data.len());
}

/// What the events tell is what the next look at the same file finds known.
fn told_once(reading: &Reading) {
    let mut state = State::default();
    let events = diff::diff(&state, reading, super::NOW_MS);
    assert!(reading.state == ReadingState::Ok || events.is_empty());
    for (id, event) in (1..).zip(events) {
        let NewEvent { timestamp_ms, source, batch_id, payload } = event;
        state.apply(&Event { id, timestamp_ms, source, batch_id, payload });
    }
    assert_eq!(diff::diff(&state, reading, super::NOW_MS), []);
}

/// What was written reads back, nothing else has changed, and it lies on one line.
fn written(data: &[u8], before: &Reading, key: &str, word: &str) {
    let out = match write_status(data, key, word) {
        Ok(out) => out,
        Err(WriteError::BadStatus) => panic!("{word} is a status"),
        Err(_) => return,
    };
    let same = |(a, b): &(&u8, &u8)| a == b;
    let start = data.iter().zip(&out).take_while(same).count();
    let most = data.len().min(out.len()) - start;
    let end = data.iter().rev().zip(out.iter().rev()).take(most).take_while(same).count();
    let (old, new) = (&data[start..data.len() - end], &out[start..out.len() - end]);
    assert!(!old.contains(&b'\n') && !new.contains(&b'\n'), "{old:?} became {new:?}");
    let after = read_status(&out);
    assert_eq!(after.state, ReadingState::Ok);
    assert_eq!(after.entries.len(), before.entries.len());
    for (old, new) in before.entries.iter().zip(&after.entries) {
        let expected = if old.key == key { word } else { &old.status };
        assert_eq!((&new.key, new.status.as_str()), (&old.key, expected));
    }
    for (name, value) in before.document.iter().filter(|(name, _)| *name != "development_status") {
        assert_eq!(after.document.get(name), Some(value), "{name} has changed");
    }
    assert_eq!(write_status(&out, key, word).as_ref(), Ok(&out), "written twice");
}
