//! Remarks on entries that were read but are odd.

use std::collections::HashMap;

use crate::domain::issue::{Issue, Severity, shown};
use crate::domain::reading::{Entry, EntryKind};
use crate::domain::status::{self, StatusClass};

/// A key in a sentence; the longest real one has 165 characters.
fn named(key: &str) -> String {
    shown(key, 200)
}

fn remark(severity: Severity, code: &str, line: u64, message: String, hint: &str) -> Issue {
    Issue {
        severity,
        code: code.to_owned(),
        line: Some(line),
        column: Some(1),
        message,
        hint: Some(hint.to_owned()),
    }
}

pub(super) fn mapping_value(key: &str, line: u64) -> Issue {
    let message = format!("the status of {} is not a plain word", named(key));
    remark(Severity::Warning, "mapping-value", line, message, "write `key: status` on one line")
}

pub(super) fn duplicate(key: &str, first: u64, second: u64) -> Issue {
    let key = named(key);
    let message = format!("{key} stands twice, in lines {first} and {second}; the last one counts");
    remark(Severity::Warning, "duplicate-key", second, message, "remove one of the two")
}

pub(super) fn repeated_top_key(key: &str, line: Option<u64>) -> Issue {
    let message = format!("the key {} stands more than once; the last one counts", named(key));
    let issue = remark(Severity::Warning, "duplicate-key", 1, message, "remove the earlier ones");
    Issue { line, ..issue }
}

/// One remark for each word that is not of the method.
pub(super) fn statuses(entries: &[Entry], issues: &mut Vec<Issue>) {
    for entry in entries {
        if !status::is_known(entry.kind, &entry.status) {
            let message = format!(
                "{} has the status \"{}\", which is none of the method's words",
                named(&entry.key),
                shown(&entry.status, 60)
            );
            let hint = match entry.kind {
                EntryKind::Epic => "an epic is backlog, in-progress or done",
                EntryKind::Retrospective => "a retrospective is optional or done",
                EntryKind::Story => {
                    "a story is backlog, ready-for-dev, in-progress, review or done"
                }
            };
            issues.push(remark(Severity::Warning, "unknown-status", entry.line, message, hint));
        }
    }
}

/// Epics that say something else than their stories.
pub(super) fn disagreements(entries: &[Entry], issues: &mut Vec<Issue>) {
    let mut stories: HashMap<&str, (u64, u64)> = HashMap::new();
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Story) {
        if let Some(epic) = entry.epic_key.as_deref() {
            let (all, done) = stories.entry(epic).or_default();
            *all += 1;
            *done += u64::from(StatusClass::of(&entry.status) == StatusClass::Done);
        }
    }
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Epic) {
        let Some((all, done)) = stories.get(entry.key.as_str()).copied() else { continue };
        let epic_done = StatusClass::of(&entry.status) == StatusClass::Done;
        let epic = named(&entry.key);
        let message = match (epic_done, all == done) {
            (true, false) => format!("{epic} is done, but of its stories only {done} of {all}"),
            (false, true) => {
                let status = shown(&entry.status, 60);
                format!("every story of {epic} is done ({all}), but the epic is \"{status}\"")
            }
            _ => continue,
        };
        let hint = "bring the epic's line up to date, or its stories'";
        issues.push(remark(Severity::Info, "disagreement", entry.line, message, hint));
    }
}

/// More remarks on one file than this help nobody; a last one counts the rest.
const MAX_ISSUES: usize = 500;

/// Keeps the first remarks of a file that draws far too many.
pub(super) fn bound(issues: &mut Vec<Issue>) {
    if issues.len() > MAX_ISSUES {
        let more = issues.len() - MAX_ISSUES;
        issues.truncate(MAX_ISSUES);
        issues.push(Issue {
            severity: Severity::Warning,
            code: "more-issues".to_owned(),
            line: None,
            column: None,
            message: format!("and {more} more issues"),
            hint: None,
        });
    }
}
