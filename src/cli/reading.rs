//! The sprint's files, read once and directly, as the server would read them; nothing is written.

use serde::Serialize;

use crate::domain::issue::{FileIssue, Issue, Severity};
use crate::domain::key::KeyIndex;
use crate::domain::reading::{Reading, ReadingState};
use crate::project::layout::Layout;
use crate::watch::once::{self, LogKind, LogRead, Unread};

/// All that the files say.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// The status file; `None`: missing or unreadable.
    pub(crate) sprint: Option<Reading>,
    /// What became of each file that is there, the status file always first.
    pub(crate) reports: Vec<FileReport>,
    /// Everything that is worth telling, file by file, in order of the lines.
    pub(crate) issues: Vec<FileIssue>,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FileReport {
    /// Its name, relative to the project.
    pub(crate) file: String,
    /// `ok`, `recovered`, `invalid`, `other-schema`, `refused`, `missing` or `unreadable`.
    pub(crate) state: &'static str,
    /// How many entries it has, or how many events it makes.
    pub(crate) read: u64,
}

impl Files {
    /// Reads them. `now_ms`: rows from the future are told.
    pub(crate) fn read(layout: &Layout, now_ms: i64) -> Self {
        let mut files = Self::default();
        files.status(layout);
        let entries = files.sprint.as_ref().map_or(&[][..], |reading| &reading.entries);
        let keys = KeyIndex::new(entries);
        let csv = layout.csv_logs.iter().map(|path| (path, LogKind::Csv));
        let markdown = layout.orchestrator_logs.iter().map(|path| (path, LogKind::Markdown));
        for (path, kind) in csv.chain(markdown) {
            let read = once::log(layout, path, kind, keys.clone(), now_ms);
            files.log(&layout.display_name(path), read);
        }
        files
    }

    /// The status file's state.
    pub(crate) fn sprint_state(&self) -> &'static str {
        self.reports.first().map_or("missing", |report| report.state)
    }

    fn status(&mut self, layout: &Layout) {
        let name = layout.display_name(&layout.status_file);
        match once::status(layout) {
            Ok(reading) => {
                self.report(&name, word(reading.state), reading.entries.len() as u64);
                self.add(&name, reading.issues.clone());
                self.sprint = Some(reading);
            }
            Err(Unread::Missing) => {
                self.report(&name, "missing", 0);
                let hint = "have the sprint planned, or name the file with --status-file";
                let message = "there is no such file".to_owned();
                self.add(&name, vec![issue(Severity::Warning, "missing", message, hint)]);
            }
            Err(Unread::Unreadable(reason)) => self.unreadable(&name, &reason),
        }
    }

    /// A log that is missing is no issue: not every sprint has one.
    fn log(&mut self, name: &str, read: Result<LogRead, Unread>) {
        match read {
            Ok(read) => {
                self.report(name, "ok", read.events);
                self.add(name, read.issues);
            }
            Err(Unread::Missing) => {}
            Err(Unread::Unreadable(reason)) => self.unreadable(name, &reason),
        }
    }

    fn unreadable(&mut self, name: &str, reason: &str) {
        self.report(name, "unreadable", 0);
        let hint = "a server goes on with the last good state meanwhile";
        let message = format!("the file cannot be read: {reason}");
        self.add(name, vec![issue(Severity::Error, "unreadable", message, hint)]);
    }

    fn report(&mut self, name: &str, state: &'static str, read: u64) {
        self.reports.push(FileReport { file: name.to_owned(), state, read });
    }

    fn add(&mut self, name: &str, issues: Vec<Issue>) {
        let named = |issue| FileIssue { file: name.to_owned(), issue };
        self.issues.extend(issues.into_iter().map(named));
    }
}

fn issue(severity: Severity, code: &str, message: String, hint: &str) -> Issue {
    let (code, hint) = (code.to_owned(), Some(hint.to_owned()));
    Issue { severity, code, line: None, column: None, message, hint }
}

/// The word of the API.
const fn word(state: ReadingState) -> &'static str {
    match state {
        ReadingState::Ok => "ok",
        ReadingState::Recovered => "recovered",
        ReadingState::Invalid => "invalid",
        ReadingState::OtherSchema => "other-schema",
        ReadingState::Refused => "refused",
    }
}
