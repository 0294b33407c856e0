//! The files read once, from beginning to end, by the watcher's own readers: what the watcher
//! would find, without a log to put it in. For commands that work while no server runs.

use std::collections::HashSet;
use std::io;
use std::path::Path;

use super::csv_log::{CsvRows, Keys};
use super::file::{self, Look};
use super::lines::{Lines, read_at};
use super::md_log::MdRows;
use super::report::{AMBIGUOUS, Item};
use super::tail::Rows;
use crate::domain::issue::{Issue, Severity};
use crate::domain::key::KeyIndex;
use crate::domain::reading::Reading;
use crate::parse::yaml::{MAX_BYTES, read_status};
use crate::project::layout::Layout;

/// Why a file was not read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unread {
    /// There is none.
    Missing,
    /// It cannot be read, and why, as people say it.
    Unreadable(String),
}

/// What a log holds.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct LogRead {
    /// How many events the watcher would make of it.
    pub events: u64,
    /// What is the matter with it, in the order of the lines.
    pub issues: Vec<Issue>,
}

/// The two kinds of log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogKind {
    /// sprint-runner.csv
    Csv,
    /// orchestrator.md
    Markdown,
}

/// Reads the status file.
pub fn status(layout: &Layout) -> Result<Reading, Unread> {
    let (file, _) = file::open(&layout.status_file, &|path| layout.allows(path))?;
    let unreadable = |error| Unread::Unreadable(file::reason(&error, &layout.status_file));
    // One byte more than is taken: enough to be refused.
    let mut bytes = vec![0; MAX_BYTES + 1];
    let mut length = 0;
    while length < bytes.len() {
        match read_at(&file, &mut bytes[length..], length as u64).map_err(unreadable)? {
            0 => break,
            read => length += read,
        }
    }
    Ok(read_status(&bytes[..length]))
}

/// Reads a log in bounded memory. `keys`: the stories of the status file.
pub fn log(
    layout: &Layout,
    path: &Path,
    kind: LogKind,
    keys: KeyIndex,
    now_ms: i64,
) -> Result<LogRead, Unread> {
    let stories = Keys::default();
    stories.set(keys);
    match kind {
        LogKind::Csv => read(layout, path, CsvRows::new(stories), now_ms, true),
        // The end of notes matters to nobody.
        LogKind::Markdown => read(layout, path, MdRows::new(stories), now_ms, false),
    }
}

fn read(
    layout: &Layout,
    path: &Path,
    mut rows: impl Rows,
    now_ms: i64,
    tell_unfinished: bool,
) -> Result<LogRead, Unread> {
    let (file, stamp) = file::open(path, &|path| layout.allows(path))?;
    let mut found = Found::default();
    let mut lines = Lines::new(&file, 0, 1);
    let mut number = 0;
    let mut offset = 0;
    let mut items = Vec::new();
    let unreadable = |error: io::Error| Unread::Unreadable(file::reason(&error, path));
    while let Some(line) = lines.next_line().map_err(unreadable)? {
        number += 1;
        offset += line.raw_len;
        rows.take(&line, number, now_ms, Some(&mut items));
        items.drain(..).for_each(|item| found.take(item));
    }
    if tell_unfinished && stamp.len > offset {
        found.take(Item::Issue(unfinished(number + 1)));
    }
    Ok(found.read)
}

#[derive(Default)]
struct Found {
    read: LogRead,
    told: HashSet<String>,
}

impl Found {
    fn take(&mut self, item: Item) {
        match item {
            Item::Event(_) => self.read.events += 1,
            // What holds for a story is said once, not at each of its rows.
            Item::Issue(issue) => {
                if issue.code != AMBIGUOUS || self.told.insert(issue.message.clone()) {
                    self.read.issues.push(issue);
                }
            }
        }
    }
}

impl From<Look> for Unread {
    fn from(look: Look) -> Self {
        match look {
            Look::Unreadable(reason) => Self::Unreadable(reason),
            Look::Missing | Look::File(_) => Self::Missing,
        }
    }
}

/// Not a fault: its writer may be at it. But should it have gone, the row waits for ever.
fn unfinished(line: u64) -> Issue {
    Issue {
        severity: Severity::Info,
        code: "unfinished-line".to_owned(),
        line: Some(line),
        column: None,
        message: "the last line has no newline: it counts as soon as it has one".to_owned(),
        hint: Some("end the line; `sprint-runner log` does it with its next row".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::layout::Named;

    #[test]
    fn what_the_watcher_would_find_is_found() {
        let dir = tempfile::tempdir().unwrap();
        let root = dir.path().canonicalize().unwrap();
        let status_file = root.join("sprint-status.yaml");
        std::fs::write(&status_file, "development_status:\n  1-1-a: done\n  1-1-b: done\n")
            .unwrap();
        let path = root.join("sprint-runner.csv");
        let text = "1700000000,1,1-1,dev-story,tests,start,\"a\"\nno row\n\
                    1700000001,1,1-1,dev-story,tests,end,\"a\"\n1700000002,1";
        std::fs::write(&path, text).unwrap();
        let layout = Layout::discover(&root, &Named::default());
        let reading = status(&layout).unwrap();
        assert_eq!(reading.entries.len(), 2);
        let keys = KeyIndex::new(&reading.entries);
        let read = log(&layout, &path, LogKind::Csv, keys, 1_800_000_000_000).unwrap();
        assert_eq!(read.events, 2);
        let places: Vec<_> = read.issues.iter().map(|it| (it.severity, it.line)).collect();
        let expected =
            [(Severity::Warning, Some(1)), (Severity::Error, Some(2)), (Severity::Info, Some(4))];
        assert_eq!(places, expected);
    }

    #[test]
    fn what_is_missing_or_no_file_is_told_apart() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::discover(dir.path(), &Named::default());
        assert_eq!(status(&layout), Err(Unread::Missing));
        let folder = layout.root.join("sprint-runner.csv");
        std::fs::create_dir(&folder).unwrap();
        let read = log(&layout, &folder, LogKind::Csv, KeyIndex::default(), 0);
        assert!(matches!(read, Err(Unread::Unreadable(_))));
    }
}
