use proptest::prelude::*;
use serde_json::json;

use super::{CsvContext, LogRow, RowKind, RowOutcome, looks_like_row, parse_row};

const NOW: i64 = 1_769_300_000_000;

fn read(line: &str) -> RowOutcome {
    parse_row(line.as_bytes(), 3, &mut CsvContext { previous_ms: None, now_ms: NOW })
}

fn row(line: &str) -> LogRow {
    match read(line) {
        RowOutcome::Row(row, None) => *row,
        other => panic!("{line}: {other:?}"),
    }
}

#[test]
fn the_usual_row() {
    let row =
        row(r#"1769210397,4,4-1,create-story,write,end,"Story file written (files:2, lines:280)""#);
    assert_eq!(row.timestamp_ms, 1_769_210_397_000);
    assert_eq!((row.epic.as_str(), row.story.as_str()), ("4", "4-1"));
    assert_eq!((row.command.as_str(), row.task.as_str()), ("create-story", "write"));
    assert_eq!((row.status.as_str(), row.kind), ("end", RowKind::End));
    assert_eq!(serde_json::Value::Object(row.metrics), json!({"files": 2, "lines": 280}));
}

#[test]
fn every_shape_by_its_row() {
    let short = row("1769178243,epic-2b,2b-6,create-story,workflow,start");
    assert_eq!((short.epic.as_str(), short.kind, short.message), ("2b", RowKind::Start, None));
    let five = row("1737619260,2a,2a-1,create-story,success");
    assert_eq!((five.task.as_str(), five.status.as_str()), ("workflow", "success"));
    let old = row("1737619260,2a,2a-1,create-story,write,12.5,success");
    assert_eq!(
        (old.duration_s, old.status.as_str(), old.task.as_str()),
        (Some(12.5), "success", "write")
    );
    let two = row(r#"1769210397,3a,3a-1,3a-2,commit,stage,end,"Done""#);
    assert_eq!(two.story, "3a-1,3a-2");
    assert_eq!(two.story_ids, ["3a-1", "3a-2"]);
    assert_eq!((two.command.as_str(), two.task.as_str()), ("commit", "stage"));
    for (line, command, task, status) in [
        ("1769210397,3a,3a-1,3a-2,commit,stage,start", "commit", "stage", "start"),
        ("1769210397,3a,3a-1,3a-2,commit,start", "commit", "workflow", "start"),
        ("1769210397,3a,\"3a-1,3a-2\",commit,stage,start", "commit", "stage", "start"),
    ] {
        let two = row(line);
        assert_eq!(two.story_ids, ["3a-1", "3a-2"], "{line}");
        let seen = (two.command.as_str(), two.task.as_str(), two.status.as_str());
        assert_eq!(seen, (command, task, status), "{line}");
    }
    let unquoted = row("1769210397,4,4-1,dev-story,write,progress,one, two, and three");
    assert_eq!(unquoted.message.as_deref(), Some("one, two, and three"));
    let batch = row("1769210397,batch-start,2,batch-init,start");
    assert_eq!(batch.kind, RowKind::BatchStart { size: Some(2) });
    let ms = row("1769210397123,4,4-1,dev-story,write,start");
    assert_eq!(ms.timestamp_ms, 1_769_210_397_123);
    assert_eq!(read("unix_timestamp,epicid,storyid,command,result"), RowOutcome::Header);
    let named = "timestamp,epic,story,command,task,status,message";
    assert_eq!(read(named), RowOutcome::Header);
    assert_eq!(read("  \r"), RowOutcome::Blank);
}

#[test]
fn messages_by_hand() {
    let message = |text: &str| row(&format!("1769210397,4,4-1,dev,setup,end,{text}")).message;
    assert_eq!(message(r#""a, ""b"" \n c""#).as_deref(), Some("a, \"b\" \n c"));
    assert_eq!(message(r#""said "hi" there""#).as_deref(), Some(r#"said hi" there""#));
    assert_eq!(message("\"\""), None);
    assert_eq!(message("\"crlf\"\r").as_deref(), Some("crlf"));
}

#[test]
fn times_that_cannot_be_believed() {
    let mut context = CsvContext { previous_ms: Some(5000), now_ms: NOW };
    for line in ["1999999999,4,4-1,dev,setup,end", "soon,4,4-1,dev,setup,end"] {
        let RowOutcome::Row(row, Some(issue)) = parse_row(line.as_bytes(), 9, &mut context) else {
            panic!("{line}");
        };
        assert_eq!(
            (row.timestamp_ms, issue.code.as_str(), issue.line),
            (5000, "bad-time", Some(9))
        );
    }
    assert!(matches!(read("soon,4,4-1,dev,setup,end"), RowOutcome::Bad(_)));
    for prose in ["1. yes, that one, please, and, then", "5,a,b,c,d", "1769210397,4,4-1,dev,setup,"]
    {
        let mut context = CsvContext { previous_ms: Some(5000), now_ms: NOW };
        let outcome = parse_row(prose.as_bytes(), 9, &mut context);
        assert!(matches!(outcome, RowOutcome::Bad(_)), "{prose}: {outcome:?}");
    }
}

#[test]
fn bad_rows_say_where() {
    for (line, column) in [
        (&b"1769210397,4,4-1,dev,setup,end,\"open"[..], 32),
        (b"1769210397,4", 1),
        (b"hello", 1),
        (b"\xFF\xFE1\x007\x00", 1),
        (b"1769210397,4,4-1,dev,setup,end,\"a\rb\"", 1),
    ] {
        match parse_row(line, 7, &mut CsvContext::default()) {
            RowOutcome::Bad(issue) => {
                assert_eq!((issue.line, issue.column), (Some(7), Some(column)), "{line:?}");
            }
            other => panic!("{line:?}: {other:?}"),
        }
    }
}

#[test]
fn damaged_rows_that_can_still_be_read() {
    for (line, code) in [
        (&b"\0\0\0\x001769210397,4,4-1,dev,setup,end"[..], "nul"),
        (b"1769210397,4,4-1,dev,setup,end,\"caf\xE9\"", "not-utf-8"),
    ] {
        match parse_row(line, 7, &mut CsvContext::default()) {
            RowOutcome::Row(row, Some(issue)) => {
                assert_eq!((row.story.as_str(), issue.code.as_str()), ("4-1", code));
            }
            other => panic!("{line:?}: {other:?}"),
        }
    }
    let bom = parse_row(b"\xEF\xBB\xBF1769210397,4,4-1,dev,end", 1, &mut CsvContext::default());
    assert!(matches!(bom, RowOutcome::Row(_, None)));
}

#[test]
fn what_looks_like_a_row() {
    assert!(looks_like_row(b"1737619260,2a,2a-1,create-story,success"));
    assert!(looks_like_row(b"unix_timestamp,epicid,storyid,command,result"));
    assert!(!looks_like_row(b"1. B, and then, this, or, that"));
    assert!(!looks_like_row(b"## Story: 1-1"));
}

proptest! {
    /// Any bytes are answered, and an issue knows its line.
    #[test]
    fn total(line in prop::collection::vec(prop_oneof![Just(b','), Just(b'"'), Just(b'1'), any::<u8>()], 0..200)) {
        let mut context = CsvContext { previous_ms: None, now_ms: NOW };
        match parse_row(&line, 42, &mut context) {
            RowOutcome::Bad(issue) | RowOutcome::Row(_, Some(issue)) => prop_assert_eq!(issue.line, Some(42)),
            _ => {}
        }
    }

    /// The quick way reads what the csv crate reads.
    #[test]
    fn the_plain_way_agrees_with_the_library(fields in prop::collection::vec("[a-z0-9 .:-]{0,8}", 1..9), message in "[a-z0-9 ,.:()-]{0,20}", quoted: bool) {
        let mut line = fields.join(",");
        if quoted {
            line = format!("{line},\"{message}\"");
        }
        prop_assume!(!line.is_empty());
        let mut reader = ::csv::ReaderBuilder::new().has_headers(false).flexible(true).from_reader(line.as_bytes());
        let record = reader.records().next().unwrap().unwrap();
        let split = super::fields::Fields::split(&line).unwrap();
        let ours: Vec<&str> = (0..split.len()).map(|column| split.get(column)).collect();
        prop_assert_eq!(ours, record.iter().collect::<Vec<_>>());
    }
}
