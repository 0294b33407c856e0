//! The sprint's files, read once and directly, as the server would read them; nothing is written.

use std::fs::File;
use std::io::{ErrorKind, Read};
use std::path::Path;

use serde::Serialize;

use crate::domain::issue::{FileIssue, Issue, Severity};
use crate::domain::key::KeyIndex;
use crate::domain::reading::{Reading, ReadingState};
use crate::parse::yaml;
use crate::project::layout::Layout;

use super::log_reading::LogReading;

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
    /// How many entries or rows were read.
    pub(crate) read: u64,
}

impl Files {
    /// Reads them. `now_ms`: rows from the future are told.
    pub(crate) fn read(layout: &Layout, now_ms: i64) -> Self {
        let mut files = Self::default();
        files.status(layout);
        let entries = files.sprint.as_ref().map_or(&[][..], |reading| &reading.entries);
        let index = KeyIndex::new(entries);
        for path in &layout.csv_logs {
            files.log(layout, path, LogReading::of_rows(&index, now_ms));
        }
        for path in layout.orchestrator_logs.iter().chain([&layout.orchestrator_sample]) {
            files.log(layout, path, LogReading::of_markdown(&index, now_ms));
        }
        files
    }

    /// The status file's state.
    pub(crate) fn sprint_state(&self) -> &'static str {
        self.reports.first().map_or("missing", |report| report.state)
    }

    fn status(&mut self, layout: &Layout) {
        let name = layout.display_name(&layout.status_file);
        let mut bytes = Vec::new();
        // One byte more than its reader takes: enough to be refused.
        let limit = yaml::MAX_BYTES as u64 + 1;
        let read = open(layout, &layout.status_file)
            .and_then(|file| file.take(limit).read_to_end(&mut bytes).map_err(Obstacle::from));
        match read {
            Ok(_) => {
                let reading = yaml::read_status(&bytes);
                self.report(&name, word(reading.state), reading.entries.len() as u64);
                self.add(&name, reading.issues.clone());
                self.sprint = Some(reading);
            }
            Err(Obstacle::Missing) => {
                self.report(&name, "missing", 0);
                let hint = "have the sprint planned, or name the file with --status-file";
                self.add(
                    &name,
                    vec![issue(Severity::Warning, "missing", "there is no such file", hint)],
                );
            }
            Err(Obstacle::Unreadable(reason)) => self.unreadable(&name, &reason),
        }
    }

    /// A log that is missing is no issue: not every sprint has one.
    fn log(&mut self, layout: &Layout, path: &Path, mut reading: LogReading<'_>) {
        let name = layout.display_name(path);
        let read = open(layout, path).and_then(|file| reading.feed(file).map_err(Obstacle::from));
        match read {
            Ok(()) => {
                let (rows, issues) = reading.finish();
                self.report(&name, "ok", rows);
                self.add(&name, issues);
            }
            Err(Obstacle::Missing) => {}
            Err(Obstacle::Unreadable(reason)) => self.unreadable(&name, &reason),
        }
    }

    fn unreadable(&mut self, name: &str, reason: &str) {
        self.report(name, "unreadable", 0);
        let message = format!("the file cannot be read: {reason}");
        let hint = "the last good state is shown meanwhile";
        self.add(name, vec![issue(Severity::Error, "unreadable", &message, hint)]);
    }

    fn report(&mut self, name: &str, state: &'static str, read: u64) {
        self.reports.push(FileReport { file: name.to_owned(), state, read });
    }

    fn add(&mut self, name: &str, issues: Vec<Issue>) {
        let named = |issue| FileIssue { file: name.to_owned(), issue };
        self.issues.extend(issues.into_iter().map(named));
    }
}

/// Why a file was not read.
enum Obstacle {
    Missing,
    Unreadable(String),
}

impl From<std::io::Error> for Obstacle {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => Self::Missing,
            ErrorKind::PermissionDenied => Self::Unreadable("permission denied".to_owned()),
            _ => Self::Unreadable(error.to_string()),
        }
    }
}

/// Opens a regular file of the project, or a named one; never waits, as a FIFO would have it.
fn open(layout: &Layout, path: &Path) -> Result<File, Obstacle> {
    let metadata = std::fs::metadata(path)?;
    if metadata.is_dir() {
        return Err(Obstacle::Unreadable("it is a directory".to_owned()));
    }
    if !metadata.is_file() {
        return Err(Obstacle::Unreadable("it is not a regular file".to_owned()));
    }
    if !layout.allows(path) {
        return Err(Obstacle::Unreadable("it leads out of the project".to_owned()));
    }
    Ok(File::open(path)?)
}

fn issue(severity: Severity, code: &str, message: &str, hint: &str) -> Issue {
    Issue {
        severity,
        code: code.to_owned(),
        line: None,
        column: None,
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }
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
