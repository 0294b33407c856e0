//! orchestrator.md, line by line: a log of stories and steps, or somebody's free notes.
//!
//! The same path has held a story log, a chat's answers and CSV, so each line is taken for what it
//! is; nothing in it is an error.

use schemars::JsonSchema;
use serde::Serialize;

use super::csv::looks_like_row;
use crate::domain::words;

/// What an entry is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum MdKind {
    /// `## Story: key`, and what is said of the story as a whole.
    Story,
    /// A row of its table.
    Step,
    /// Any other line.
    Note,
    /// `Batch: …`, `=== BATCH COMPLETE: … ===`.
    Batch,
}

impl MdKind {
    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Story => "story",
            Self::Step => "step",
            Self::Note => "note",
            Self::Batch => "batch",
        }
    }
}

/// One line that says something.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[schemars(rename = "LogEntry")]
pub struct MdEntry {
    /// What kind of line.
    #[schemars(with = "words::NoteKind")]
    pub kind: MdKind,
    /// The story under whose heading it stands.
    pub story_key: Option<String>,
    /// The row's number within its story.
    pub step: Option<u32>,
    /// The command of a row.
    pub command: Option<String>,
    /// From `code-review #2`.
    pub attempt: Option<u32>,
    /// What came of it, as written.
    pub result: Option<String>,
    /// As written, such as `~3m`.
    pub duration: Option<String>,
    /// What is written, read as a number.
    pub duration_seconds: Option<f64>,
    /// The line itself, trimmed.
    pub text: String,
    /// Its place in the file, from 1.
    #[schemars(range(min = 1))]
    pub line: u64,
}

/// What a line is.
#[derive(Debug, Clone, PartialEq)]
pub enum MdLine {
    /// It says something.
    Entry(Box<MdEntry>),
    /// A row of the CSV log, for the CSV reader.
    Csv,
    /// Blank, a rule, a table's head: layout.
    Nothing,
}

/// Reads lines with the story that they stand under.
#[derive(Debug, Clone, Default)]
pub struct MarkdownLog {
    story: Option<String>,
}

impl MarkdownLog {
    /// Reads the next line, without its LF.
    pub fn line(&mut self, line_no: u64, bytes: &[u8]) -> MdLine {
        let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
        if looks_like_row(bytes) {
            return MdLine::Csv;
        }
        let line = String::from_utf8_lossy(bytes);
        let text = line.trim();
        if text.is_empty() || text.chars().all(|c| matches!(c, '-' | '=' | '*' | '_')) {
            return MdLine::Nothing;
        }
        let mut entry = MdEntry {
            kind: MdKind::Note,
            story_key: None,
            step: None,
            command: None,
            attempt: None,
            result: None,
            duration: None,
            duration_seconds: None,
            text: text.to_owned(),
            line: line_no,
        };
        if let Some(heading) = text.strip_prefix('#') {
            let heading = heading.trim_start_matches('#').trim();
            let Some(key) = heading.strip_prefix("Story:").map(str::trim) else {
                return MdLine::Nothing;
            };
            self.story = (!key.is_empty()).then(|| key.to_owned());
            entry.kind = MdKind::Story;
        } else if text.starts_with('|') {
            if !step(text, &mut entry) {
                return MdLine::Nothing;
            }
        } else if text.starts_with("===") || text.starts_with("Batch:") {
            entry.kind = MdKind::Batch;
        } else if ["Epic:", "Started:", "Story completed:", "Total duration:"]
            .iter()
            .any(|label| text.starts_with(label))
            && self.story.is_some()
        {
            entry.kind = MdKind::Story;
            if let Some(duration) = text.strip_prefix("Total duration:") {
                entry.duration = Some(duration.trim().to_owned());
                entry.duration_seconds = seconds(duration);
            } else if text.starts_with("Story completed:") {
                entry.result = Some("completed".to_owned());
            }
        }
        if entry.kind == MdKind::Batch && text.starts_with("===") {
            self.story = None;
        } else {
            entry.story_key.clone_from(&self.story);
        }
        MdLine::Entry(Box::new(entry))
    }
}

/// Reads a table row `| 1 | code-review #2 | … | ~5m |`; false for the table's head and rule.
fn step(text: &str, entry: &mut MdEntry) -> bool {
    let cells: Vec<&str> = text.trim_matches('|').split('|').map(str::trim).collect();
    let rule = cells.iter().all(|cell| cell.chars().all(|c| matches!(c, '-' | ':' | ' ')));
    if rule || cells[0].eq_ignore_ascii_case("step") {
        return false;
    }
    entry.kind = MdKind::Step;
    let cell = |index: usize| cells.get(index).filter(|cell| !cell.is_empty());
    entry.step = cell(0).and_then(|cell| cell.parse().ok());
    entry.command = cell(1).map(|cell| (*cell).to_owned());
    entry.attempt =
        entry.command.as_deref().and_then(|command| crate::domain::key::command_base(command).1);
    // A result may hold bars of its own; the last cell is the duration.
    let last = cells.len().saturating_sub(1);
    if last >= 3 {
        entry.result = Some(cells[2..last].join(" | "));
        entry.duration = cell(last).map(|cell| (*cell).to_owned());
        entry.duration_seconds = cell(last).and_then(|cell| seconds(cell));
    } else {
        entry.result = cell(2).map(|cell| (*cell).to_owned());
    }
    true
}

/// `~3m`, `1h 20m`, `45s`, `2.5 min`; the numbers are guesses by who wrote them.
fn seconds(text: &str) -> Option<f64> {
    let mut total = None;
    let mut number = String::new();
    for c in text.chars() {
        match c {
            '0'..='9' | '.' => number.push(c),
            'h' | 'm' | 's' if !number.is_empty() => {
                let unit = match c {
                    'h' => 3600.0,
                    'm' => 60.0,
                    _ => 1.0,
                };
                let value: f64 = number.parse().ok()?;
                total = Some(total.unwrap_or(0.0) + value * unit);
                number.clear();
            }
            _ => {}
        }
    }
    // Hundreds of digits are no time.
    total.filter(|seconds| seconds.is_finite())
}

/// The lines that are no heading, trimmed: the activity list of older pages.
pub fn activities(text: &str) -> Vec<&str> {
    text.lines().map(str::trim).filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn entries(text: &str) -> Vec<MdEntry> {
        let mut log = MarkdownLog::default();
        (1..)
            .zip(text.lines())
            .filter_map(|(line, text)| match log.line(line, text.as_bytes()) {
                MdLine::Entry(entry) => Some(*entry),
                _ => None,
            })
            .collect()
    }

    #[test]
    fn a_story_with_its_steps() {
        let seen = entries(
            "# Sprint Runner Log\n\nBatch: 1 story (fixed mode)\n\n---\n\n## Story: 1-2-shell\nEpic: epic-1\n\n| Step | Command | Result | Duration |\n|------|---------|--------|----------|\n| 1 | dev-story | 9 files | tests pass | ~15m |\n| 2 | code-review #2 | ZERO issues | ~1h 5m |\n\nTotal duration: ~30m\nNote: done\n=== BATCH COMPLETE: 1 story ===\nafterwards\n",
        );
        let kinds: Vec<_> = seen.iter().map(|entry| (entry.kind.as_str(), entry.line)).collect();
        assert_eq!(
            kinds,
            [
                ("batch", 3),
                ("story", 7),
                ("story", 8),
                ("step", 12),
                ("step", 13),
                ("story", 15),
                ("note", 16),
                ("batch", 17),
                ("note", 18)
            ]
        );
        assert_eq!(seen[3].result.as_deref(), Some("9 files | tests pass"));
        assert_eq!(seen[4].attempt, Some(2));
        assert_eq!(seen[4].duration_seconds, Some(3900.0));
        assert_eq!(seen[4].story_key.as_deref(), Some("1-2-shell"));
        assert_eq!(seen[7].story_key, None);
        assert_eq!(seen[8].story_key, None);
    }

    #[test]
    fn chat_answers_and_rows() {
        let seen = entries("1. B\n2. yes exact, show it\n");
        assert!(seen.iter().all(|entry| entry.kind == MdKind::Note) && seen.len() == 2);
        let row = b"1737619260,2a,2a-1,create-story,success";
        assert_eq!(MarkdownLog::default().line(1, row), MdLine::Csv);
        assert_eq!(activities("# a\n\n b \n## c\nd"), ["b", "d"]);
    }

    proptest! {
        #[test]
        fn total(lines in prop::collection::vec(prop::collection::vec(prop_oneof![Just(b'|'), Just(b'#'), Just(b' '), any::<u8>()], 0..40), 0..20)) {
            let mut log = MarkdownLog::default();
            for (line_no, line) in (1..).zip(lines) {
                log.line(line_no, &line);
            }
        }
    }
}
