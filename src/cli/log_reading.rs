//! One log read from its beginning to its end: how many rows, and what is the matter with it.

use std::collections::HashSet;
use std::fs::File;
use std::io::Read;

use crate::domain::issue::{Issue, Severity};
use crate::domain::key::{KeyIndex, Resolved};
use crate::parse::csv::{CsvContext, RowOutcome, looks_like_row, parse_row};
use crate::parse::lines::{Line, LineSplitter, MAX_LINE};

/// How much is read at once.
const CHUNK: usize = 256 << 10;

/// The reader of one file.
pub(crate) struct LogReading<'a> {
    index: &'a KeyIndex,
    /// Lines that are no rows are notes, not faults.
    notes_allowed: bool,
    context: CsvContext,
    line: u64,
    rows: u64,
    issues: Vec<Issue>,
    /// Ids already told to be ambiguous: once is enough.
    told: HashSet<String>,
    unfinished: u64,
}

impl<'a> LogReading<'a> {
    /// Of a CSV log.
    pub(crate) fn of_rows(index: &'a KeyIndex, now_ms: i64) -> Self {
        Self {
            index,
            notes_allowed: false,
            context: CsvContext { previous_ms: None, now_ms },
            line: 0,
            rows: 0,
            issues: Vec::new(),
            told: HashSet::new(),
            unfinished: 0,
        }
    }

    /// Of orchestrator.md: whatever stands there is fine, and rows among it are rows.
    pub(crate) fn of_markdown(index: &'a KeyIndex, now_ms: i64) -> Self {
        Self { notes_allowed: true, ..Self::of_rows(index, now_ms) }
    }

    /// Reads the file in bounded memory.
    pub(crate) fn feed(&mut self, mut file: File) -> std::io::Result<()> {
        let mut splitter = LineSplitter::default();
        let mut chunk = vec![0; CHUNK];
        loop {
            match file.read(&mut chunk)? {
                0 => break,
                length => splitter.feed(&chunk[..length], |line| self.take(line)),
            }
        }
        self.unfinished = splitter.unfinished();
        Ok(())
    }

    /// How many rows, and the issues in order of the lines.
    pub(crate) fn finish(mut self) -> (u64, Vec<Issue>) {
        if self.unfinished > 0 && !self.notes_allowed {
            let message = "the last line has no newline yet: it is not read before it has one";
            self.line += 1;
            self.tell(Severity::Info, "unfinished-line", message.to_owned(), "end the line");
        }
        (self.rows, self.issues)
    }

    fn take(&mut self, line: Line<'_>) {
        self.line += 1;
        let bytes = match line {
            Line::Whole(bytes) => bytes,
            Line::Overlong(length) => {
                let message = format!("a line of {length} bytes, more than {MAX_LINE}");
                return self.tell(Severity::Error, "overlong-line", message, "remove it");
            }
        };
        if self.notes_allowed && !looks_like_row(bytes) {
            return;
        }
        match parse_row(bytes, self.line, &mut self.context) {
            RowOutcome::Row(row, remark) => {
                self.rows += 1;
                self.issues.extend(remark);
                if let Resolved::Ambiguous(keys) = self.index.resolve(&row.story, &row.epic)
                    && self.told.insert(row.story.clone())
                {
                    let message =
                        format!("story {} fits more than one key: {}", row.story, keys.join(", "));
                    self.tell(
                        Severity::Warning,
                        "ambiguous-story",
                        message,
                        "log the long key instead",
                    );
                }
            }
            RowOutcome::Bad(issue) => self.issues.push(issue),
            RowOutcome::Header | RowOutcome::Blank => {}
        }
    }

    fn tell(&mut self, severity: Severity, code: &str, message: String, hint: &str) {
        self.issues.push(Issue {
            severity,
            code: code.to_owned(),
            line: Some(self.line),
            column: None,
            message,
            hint: Some(hint.to_owned()),
        });
    }
}
