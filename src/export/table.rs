//! The log as a table: CSV, one event a row, safe to open in a spreadsheet.

use serde_json::{Map, Value};

use crate::domain::event::EventId;
use crate::store::Queries;
use crate::store::rows::{EventFilter, StoredEvent};

use super::ExportError;
use super::lines::each;

/// The first row. What an event does not say is an empty cell; `payload` holds all that it says.
const HEAD: [&str; 13] = [
    "id",
    "time",
    "timestamp",
    "type",
    "batch_id",
    "source",
    "epic_id",
    "story_key",
    "command",
    "task_id",
    "status",
    "message",
    "payload",
];

/// Hands the head and each event behind `after` to `row`, in order, line ends included.
pub fn table(
    queries: &Queries,
    after: EventId,
    filter: &EventFilter,
    mut row: impl FnMut(&[u8]) -> std::io::Result<()>,
) -> Result<(), ExportError> {
    row(&record(HEAD.map(str::to_owned))?)?;
    each(queries, after, filter, |event| Ok(row(&record(cells(event))?)?))
}

fn cells(event: &StoredEvent) -> [String; 13] {
    let payload: Map<String, Value> = serde_json::from_str(event.payload.get()).unwrap_or_default();
    let text = |keys: &[&str]| {
        let found = keys.iter().find_map(|key| payload.get(*key)?.as_str());
        tame(found.unwrap_or_default())
    };
    [
        event.id.to_string(),
        time(event.timestamp_ms),
        event.timestamp_ms.to_string(),
        tame(&event.kind),
        event.batch_id.map(|id| id.to_string()).unwrap_or_default(),
        tame(&event.source),
        text(&["epic_id"]),
        tame(&event.story_key),
        text(&["command"]),
        text(&["task_id"]),
        text(&["status", "new_status", "state"]),
        text(&["message", "text", "error"]),
        // The same JSON: within it a semicolon stands in texts alone.
        event.payload.get().replace(';', "\\u003b"),
    ]
}

/// RFC 3339 in UTC; empty for a time that no calendar has.
fn time(ms: i64) -> String {
    jiff::Timestamp::from_millisecond(ms).map(|time| time.to_string()).unwrap_or_default()
}

/// A cell that a spreadsheet would run as a formula gets an apostrophe before it, which makes it
/// text. Messages are written by agents, and by whatever they have read.
fn tame(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 1);
    // Where commas stand in numbers a spreadsheet parts cells at `;`: a cell may begin within. A
    // quote there is doubled, which is an empty quoted text before what follows.
    let (mut begins, mut parted) = (true, false);
    for c in text.chars() {
        let runs = matches!(c, '=' | '+' | '-' | '@' | '＝' | '＋' | '－' | '＠');
        if (begins && runs) || (out.is_empty() && matches!(c, '\t' | '\r' | '\n')) {
            out.push('\'');
        }
        let parts = matches!(c, ';' | '\t' | '\r' | '\n');
        parted |= parts;
        let blank = matches!(c, ' ' | '\u{feff}' | '\u{200b}') || (parted && c == '"');
        begins = parts || (begins && blank);
        out.push(c);
    }
    out
}

fn record(cells: [String; 13]) -> Result<Vec<u8>, ExportError> {
    let mut writer = csv::WriterBuilder::new()
        .terminator(csv::Terminator::CRLF)
        .from_writer(Vec::with_capacity(256));
    writer.write_record(cells).map_err(|error| ExportError::Write(error.into()))?;
    writer.into_inner().map_err(|error| ExportError::Write(error.into_error()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formulas_become_text_and_nothing_else_changes() {
        for (text, expected) in [
            ("=1+1", "'=1+1"),
            ("+1", "'+1"),
            ("-1", "'-1"),
            ("@SUM(A1)", "'@SUM(A1)"),
            ("\t=1", "'\t'=1"),
            ("\r=1", "'\r'=1"),
            ("x;=1", "x;'=1"),
            ("x; @a", "x; '@a"),
            ("x\n=1;2", "x\n'=1;2"),
            ("\u{feff} =1", "\u{feff} '=1"),
            ("＝1", "'＝1"),
            ("a=1", "a=1"),
            ("", ""),
            ("1-2", "1-2"),
            ("\"=1\"", "\"=1\""),
            (";=1", ";'=1"),
            (";\"=1;\"", ";\"'=1;\""),
            ("x\n\" \"@a", "x\n\" \"'@a"),
            ("a \"=1\"; b", "a \"=1\"; b"),
        ] {
            assert_eq!(tame(text), expected);
        }
    }

    #[test]
    fn times_are_read_by_people_and_by_programs() {
        assert_eq!(time(1_767_225_600_123), "2026-01-01T00:00:00.123Z");
        assert_eq!(time(i64::MAX), "");
    }
}
