//! What the lines of a broken status file still say.

use crate::domain::issue::{Issue, Severity};
use crate::domain::reading::{Reading, ReadingState};

use super::entries::{self, Found};
use super::node::Broken;
use super::remarks;
use super::scan::Scan;

/// A reading of a file that is not valid YAML: recovered where the map's lines can be read.
pub(super) fn reading(broken: &Broken, text: &str, scan: &Scan) -> Reading {
    let cause = Issue {
        severity: Severity::Error,
        code: "invalid-yaml".to_owned(),
        line: broken.line,
        column: broken.column,
        message: format!("not valid YAML: {}", broken.message),
        hint: Some(match conflict(text) {
            Some(line) => format!("resolve the merge conflict that begins at line {line}"),
            None => "mend that line; until then the last good state is shown".to_owned(),
        }),
    };
    let found: Vec<Found> = scan
        .pairs
        .iter()
        .filter(|pair| !pair.value.is_empty())
        .take(entries::MAX_ENTRIES)
        .map(|pair| Found {
            key: pair.key.clone(),
            status: pair.value.clone(),
            title: pair
                .comment
                .as_deref()
                .and_then(|comment| entries::epic_title(&pair.key, comment)),
            line: pair.line,
            mapped: false,
        })
        .collect();
    if found.is_empty() {
        return entries::without_entries(ReadingState::Invalid, serde_json::Map::new(), cause);
    }
    let mut reading = entries::settle(found);
    reading.state = ReadingState::Recovered;
    let lost = scan.unreadable.len();
    let stopped =
        scan.stopped_at.map(|line| format!("; reading stopped at line {line}")).unwrap_or_default();
    let note = Issue {
        severity: Severity::Info,
        code: "recovered".to_owned(),
        line: scan.unreadable.first().copied().or(scan.line),
        column: Some(1),
        message: format!(
            "read line by line: {} readable, {lost} unreadable{stopped}",
            reading.entries.len()
        ),
        hint: None,
    };
    reading.issues.splice(0..0, [cause, note]);
    remarks::bound(&mut reading.issues);
    reading
}

/// The line of a conflict marker that a merge left behind.
fn conflict(text: &str) -> Option<u64> {
    (1..).zip(text.lines()).find(|(_, line)| line.starts_with("<<<<<<<")).map(|(line, _)| line)
}
