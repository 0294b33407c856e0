//! Rows of the CSV log: from a line to fields, to a row, to an event and back.

use std::sync::LazyLock;

use serde_json::{Value, json};
use sprint_runner::domain::event::Source;
use sprint_runner::domain::issue::{Issue, Severity};
use sprint_runner::domain::key::KeyIndex;
use sprint_runner::domain::payload::Payload;
use sprint_runner::parse::csv::{CsvContext, LogRow, RowKind, RowOutcome, parse_row};
use sprint_runner::parse::csv_append::format_row;
use sprint_runner::parse::row_event::event_of;
use sprint_runner::parse::yaml::read_status;

use super::NOW_MS;

const HOUR_MS: i64 = 3_600_000;

/// Two stories share an id, one is named as only its epic tells.
static KEYS: LazyLock<KeyIndex> = LazyLock::new(|| {
    let file = b"development_status:\n  epic-1: backlog\n  1-1-a: done\n  1-1-b: done\n  1-10-c: done\n  epic-5-sr: done\n  5-sr-3-core: done\n  2a-1-list: done\n";
    KeyIndex::new(&read_status(file).entries)
});

pub(crate) fn law(data: &[u8]) {
    for now_ms in [NOW_MS, 0] {
        let mut context = CsvContext { previous_ms: None, now_ms };
        for (number, line) in super::lines(data) {
            let before = context;
            let outcome = parse_row(line, number, &mut context);
            // Of the rows before, a row knows the last time and nothing else.
            let mut again = before;
            assert_eq!(parse_row(line, number, &mut again), outcome);
            assert_eq!(again, context);
            match outcome {
                RowOutcome::Row(row, remark) => {
                    if let Some(remark) = remark {
                        issue(&remark, number, line, Severity::Warning);
                    }
                    assert_eq!(context.previous_ms, Some(row.timestamp_ms));
                    check(&row, line, now_ms);
                    written_again(&row);
                    event(*row);
                }
                RowOutcome::Bad(found) => {
                    issue(&found, number, line, found.severity);
                    assert_eq!(context, before, "a bad row changes nothing");
                }
                RowOutcome::Header | RowOutcome::Blank => assert_eq!(context, before),
            }
        }
    }
}

fn issue(issue: &Issue, number: u64, line: &[u8], severity: Severity) {
    assert_eq!((issue.line, issue.severity), (Some(number), severity));
    let column = issue.column.expect("a column");
    assert!((1..=line.len() as u64 + 1).contains(&column), "column {column} of {}", line.len());
    super::assert_sentence(&issue.message);
}

fn check(row: &LogRow, line: &[u8], now_ms: i64) {
    // A byte that cannot be read becomes a sign of three.
    let all = [&row.epic, &row.story, &row.command, &row.task, &row.status];
    let kept: usize = all.iter().map(|text| text.len()).sum::<usize>()
        + row.message.as_ref().map_or(0, String::len);
    assert!(kept <= 3 * line.len() + "workflow".len(), "{kept} bytes of {}", line.len());
    for text in all {
        assert!(!text.contains(['\n', '\r', '\0']), "{text:?}");
        assert_eq!(text.trim(), text.as_str());
    }
    assert!(!row.status.is_empty());
    assert!(row.timestamp_ms >= 0);
    assert!(now_ms == 0 || row.timestamp_ms <= now_ms + HOUR_MS, "{}", row.timestamp_ms);
    assert!(row.duration_s.is_none_or(f64::is_finite), "{:?}", row.duration_s);
    assert!(row.metrics.values().all(Value::is_number));
    let ids: Vec<&str> = row.story.split(',').map(str::trim).collect();
    assert_eq!(row.story_ids, if ids.len() > 1 { ids } else { Vec::new() });
}

/// A row as the command line would write it anew says the same.
fn written_again(row: &LogRow) {
    let json = json!({
        "epic_id": row.epic, "story_id": row.story, "command": row.command, "task_id": row.task,
        "status": row.status, "message": row.message,
    });
    // What lacks a field is not written; older shapes tell by a number where the status stands.
    let Ok(line) = format_row(&json, row.timestamp_ms / 1000) else { return };
    let by_number = row.status.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    // So early a time is no time where the rest does not look like a row.
    if by_number || row.timestamp_ms < 1_000_000_000_000 || row.timestamp_ms >= 100_000_000_000_000
    {
        return;
    }
    let mut context = CsvContext::default();
    let RowOutcome::Row(again, None) = parse_row(line.as_bytes(), 2, &mut context) else {
        panic!("{line:?} is no row");
    };
    let said = |row: &LogRow| {
        let message = row.message.clone().map(|message| message.trim().to_owned());
        let message = message.filter(|message| !message.is_empty());
        (row.epic.clone(), row.story.clone(), row.command.clone(), row.status.clone(), message)
    };
    assert_eq!(said(&again), said(row), "{line:?}");
}

/// The event goes to the database and over the wire as one line, and comes back as it was.
fn event(row: LogRow) {
    let (kind, status, time) = (row.kind, row.status.clone(), row.timestamp_ms);
    let (event, ambiguous) = event_of(row, Source::Csv, &KEYS);
    assert!(ambiguous.is_none_or(|keys| keys.len() > 1));
    assert_eq!(event.timestamp_ms, time);
    let named = match &event.payload {
        Payload::CommandStart(_) => RowKind::Start,
        Payload::CommandProgress(_) => RowKind::Progress,
        Payload::CommandEnd(end) => {
            assert_eq!(end.status, status);
            RowKind::End
        }
        Payload::BatchStart(start) => RowKind::BatchStart { size: start.size },
        other => panic!("a row is no {}", other.kind()),
    };
    assert_eq!(named, kind);
    let text = serde_json::to_string(&event.payload).expect("JSON");
    assert!(!text.contains(|c: char| c < ' '), "{text:?}");
    assert_eq!(Payload::from_json(event.payload.kind(), &text), event.payload);
}
