//! The sprint's files, read once and directly, as the server would read them; nothing is written.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use serde::Serialize;

use crate::domain::issue::{FileIssue, Issue, Severity};
use crate::domain::key::{KeyIndex, Resolved};
use crate::domain::reading::{Reading, ReadingState};
use crate::parse::csv::{CsvContext, RowOutcome, parse_row};
use crate::parse::lines::{Line, LineSplitter};
use crate::parse::yaml;
use crate::project::layout::Layout;
use crate::watch::file::{self, Look};

/// A status file is refused by its reader from 1 MiB on; what lies beyond need not be read.
const STATUS_BYTES: u64 = (1 << 20) + 1;

/// All that the files say.
pub(crate) struct Files {
    /// The status file; `None`: missing or unreadable.
    pub(crate) sprint: Option<Reading>,
    /// What became of each file that is there, or should be.
    pub(crate) files: Vec<FileReport>,
    /// Everything that is worth telling, file by file, in order of the lines.
    pub(crate) issues: Vec<FileIssue>,
}

/// What became of one file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct FileReport {
    /// Its name, relative to the project.
    pub(crate) file: String,
    /// `ok`, `recovered`, `invalid`, `other-schema`, `refused`, `missing` or `unreadable`.
    pub(crate) state: String,
    /// How many entries or rows were read.
    pub(crate) read: u64,
}

/// Reads them.
pub(crate) fn read(layout: &Layout) -> Files {
    let mut files = Files { sprint: None, files: Vec::new(), issues: Vec::new() };
    files.status(layout);
    let index = files.sprint.as_ref().map(|reading| KeyIndex::new(&reading.entries));
    for path in layout.csv_logs.iter().chain(&layout.orchestrator_logs) {
        files.log(layout, path, index.as_ref());
    }
    files
}

impl Files {
    fn status(&mut self, layout: &Layout) {
        let path = &layout.status_file;
        let mut bytes = Vec::new();
        let mut file = match self.open(layout, path, Severity::Error) {
            Some(file) => file.take(STATUS_BYTES),
            None => return,
        };
        if let Err(error) = file.read_to_end(&mut bytes) {
            return self.unreadable(layout, path, &error.to_string(), Severity::Error);
        }
        let reading = yaml::read(&bytes);
        let name = layout.display_name(path);
        self.files.push(FileReport {
            file: name.clone(),
            state: word(reading.state).to_owned(),
            read: reading.entries.len() as u64,
        });
        self.add(&name, reading.issues.clone());
        self.sprint = Some(reading);
    }

    /// A log that is missing is no issue: not every sprint has one.
    fn log(&mut self, layout: &Layout, path: &Path, index: Option<&KeyIndex>) {
        let Some(file) = self.open(layout, path, Severity::Info) else { return };
        let mut reader = LogReader { index, ..LogReader::new() };
        if let Err(error) = reader.read(file) {
            return self.unreadable(layout, path, &error.to_string(), Severity::Error);
        }
        let name = layout.display_name(path);
        self.files.push(FileReport { file: name.clone(), state: "ok".to_owned(), read: reader.rows });
        self.add(&name, reader.issues);
    }

    fn open(&mut self, layout: &Layout, path: &Path, missing: Severity) -> Option<std::fs::File> {
        None
    }

    fn unreadable(&mut self, layout: &Layout, path: &Path, reason: &str, severity: Severity) {
    }

    fn add(&mut self, name: &str, issues: Vec<Issue>) {
        let named = |issue| FileIssue { file: name.to_owned(), issue };
        self.issues.extend(issues.into_iter().map(named));
    }
}
