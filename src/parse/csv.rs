//! One row of the CSV log: what it says, or what is the matter with it.
//!
//! The width may change in mid-file, so it is decided for each row:
//!
//! | columns | shape |
//! | --- | --- |
//! | 7 | `ts,epic,story,command,task,status,"message"` |
//! | 7, a number in column 6 | the older `ts,epic,story,command,step,duration_seconds,result` |
//! | 6 | without message |
//! | 5 | `ts,epic,story,command,result`, task `workflow` |
//! | more | a story field with commas that nobody quoted |
//!
//! Rows are cut at newlines before they come here, so that one open quote costs one row.

mod fields;
mod metrics;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value};

use crate::domain::issue::{Issue, Severity};
use crate::domain::key;

use fields::Fields;

const HOUR_MS: i64 = 3_600_000;
/// Times from here on are milliseconds: as seconds they would lie beyond the year 5000.
const MILLISECONDS_FROM: f64 = 1e11;
/// Smaller numbers at a row's beginning (before 1973) are no time but, say, a list's number.
const EARLIEST: f64 = 1e8;

const SHAPE_HINT: &str =
    "write timestamp,epic,story,command,task,status,\"message\"; `sprint-runner log` does it";

/// What a row needs to know of the rows before it and of the clock.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CsvContext {
    /// The time of the last row, which a row without a usable time takes over.
    pub previous_ms: Option<i64>,
    /// Now: a row from more than an hour ahead of it is not believed. 0 = any time is.
    pub now_ms: i64,
}

/// What a row tells of its command.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RowKind {
    /// It began.
    Start,
    /// It goes on.
    Progress,
    /// It ended, with the row's status.
    End,
    /// Not a command: a batch was announced, perhaps with its size.
    BatchStart {
        /// How many stories.
        size: Option<i64>,
    },
}

/// One row.
#[derive(Debug, Clone, PartialEq)]
pub struct LogRow {
    /// When, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The epic without the prefix `epic-`.
    pub epic: String,
    /// The story as the row says it.
    pub story: String,
    /// The stories, when the row speaks for more than one; else empty.
    pub story_ids: Vec<String>,
    /// The command as the row says it.
    pub command: String,
    /// The phase.
    pub task: String,
    /// The status word as the row says it.
    pub status: String,
    /// What it says, line breaks restored.
    pub message: Option<String>,
    /// The older shape's duration in seconds.
    pub duration_s: Option<f64>,
    /// Numbers from a message's `(files:2, lines:85)` suffix.
    pub metrics: Map<String, Value>,
    /// What it tells.
    pub kind: RowKind,
}

/// What became of a line.
#[derive(Debug, Clone, PartialEq)]
pub enum RowOutcome {
    /// A row, and perhaps a remark.
    Row(Box<LogRow>, Option<Issue>),
    /// The older shape's header.
    Header,
    /// Nothing on it.
    Blank,
    /// No row can be read from it.
    Bad(Issue),
}

/// Reads one line, without its LF. `line_no` counts from 1.
pub fn parse_row(line: &[u8], line_no: u64, context: &mut CsvContext) -> RowOutcome {
    let (text, mut remark) = match fields::text_of(line, line_no) {
        Ok(read) => read,
        Err(issue) => return RowOutcome::Bad(issue),
    };
    if text.trim().is_empty() {
        return match remark {
            Some(issue) => RowOutcome::Bad(issue),
            None => RowOutcome::Blank,
        };
    }
    let fields = match Fields::split(&text) {
        Ok(fields) => fields,
        Err(column) => {
            return RowOutcome::Bad(bad(
                line_no,
                column,
                "a quote is opened and never closed",
                "close it, or double each quote inside a message",
            ));
        }
    };
    if is_header(&fields) {
        return RowOutcome::Header;
    }
    let Some(shape) = Shape::of(&fields) else {
        let message = format!("a row has {} columns instead of 5 to 7", fields.len());
        return RowOutcome::Bad(bad(line_no, 1, &message, SHAPE_HINT));
    };
    if !shape.is_plausible(&fields) {
        return RowOutcome::Bad(bad(line_no, 1, "this is no row of the log", SHAPE_HINT));
    }
    let Some((timestamp_ms, time_remark)) = time(&fields, line_no, context) else {
        return RowOutcome::Bad(bad(
            line_no,
            1,
            "a row does not begin with a time, and there is no earlier row to take one from",
            "begin each row with the seconds since 1970",
        ));
    };
    remark = remark.or(time_remark);
    context.previous_ms = Some(timestamp_ms);
    RowOutcome::Row(Box::new(shape.row(&fields, timestamp_ms)), remark)
}

/// The names of the columns, as some write them in the first line.
fn is_header(fields: &Fields<'_>) -> bool {
    let word = fields.get(0).trim().to_ascii_lowercase();
    matches!(word.as_str(), "unix_timestamp" | "timestamp" | "time" | "ts")
        && fields.get(1).trim().to_ascii_lowercase().starts_with("epic")
}

/// Whether a line of some other file is a row of this log: it begins with digits and a comma and
/// has a row's width.
pub fn looks_like_row(line: &[u8]) -> bool {
    let digits = line.iter().take_while(|byte| byte.is_ascii_digit()).count();
    let commas = || memchr::memchr_iter(b',', line).take(4).count();
    (digits >= 9 && line.get(digits) == Some(&b',') && commas() == 4)
        || line.starts_with(b"unix_timestamp,")
}

/// Which column holds what.
struct Shape {
    /// One past the story's last column.
    story_end: usize,
    command: usize,
    task: Option<usize>,
    status: usize,
    duration: Option<usize>,
    /// The message's first column; it takes all that follow.
    message: Option<usize>,
}

impl Shape {
    fn of(fields: &Fields<'_>) -> Option<Self> {
        let plain = Self {
            story_end: 3,
            command: 3,
            task: Some(4),
            status: 5,
            duration: None,
            message: Some(6),
        };
        let stories = story_columns(fields);
        if stories > 1 {
            // `3a-1,3a-2` that nobody quoted, told by the ids themselves.
            let command = 2 + stories;
            let named = |offset: usize| Self {
                story_end: command,
                command,
                task: (offset > 1).then_some(command + 1),
                status: command + offset,
                duration: None,
                message: Some(command + offset + 1),
            };
            return match fields.len().saturating_sub(command) {
                0 | 1 => None,
                2 => Some(named(1)),
                _ => Some(named(2)),
            };
        }
        match fields.len() {
            5 => Some(Self { task: None, status: 4, message: None, ..plain }),
            6 => Some(Self { message: None, ..plain }),
            7 if number(fields.get(5)).is_some() => {
                Some(Self { status: 6, duration: Some(5), message: None, ..plain })
            }
            7 => Some(plain),
            // A message with commas that nobody quoted, unless the row reads well from its end.
            width @ 8..=64 if is_status(fields.get(5)) && !is_status(fields.get(width - 2)) => {
                Some(plain)
            }
            width @ 8..=64 => Some(Self {
                story_end: width - 4,
                command: width - 4,
                task: Some(width - 3),
                status: width - 2,
                duration: None,
                message: Some(width - 1),
            }),
            _ => None,
        }
    }

    /// Whether the row says how its command stands; and, where it has no time of its own, whether
    /// it is a row at all and not somebody's sentence with commas.
    fn is_plausible(&self, fields: &Fields<'_>) -> bool {
        let word = |column: usize| {
            let text = fields.get(column).trim();
            !text.is_empty() && !text.contains(char::is_whitespace)
        };
        let own_time = number(fields.get(0)).is_some_and(|time| time >= EARLIEST);
        let has_status = !fields.get(self.status).trim().is_empty();
        let story = fields.get(2).contains(|c: char| c.is_ascii_digit());
        has_status && (own_time || (word(1) && word(self.status) && story))
    }

    fn row(&self, fields: &Fields<'_>, timestamp_ms: i64) -> LogRow {
        let text = |column: usize| fields.get(column).trim().to_owned();
        let epic = key::normalise_epic(fields.get(1));
        let status = text(self.status);
        let story = (2..self.story_end).map(text).collect::<Vec<_>>().join(",");
        // Quoted or not, a comma parts the ids of several stories.
        let story_ids = if story.contains(',') {
            story.split(',').map(|id| id.trim().to_owned()).collect()
        } else {
            Vec::new()
        };
        let message = self
            .message
            .map(|first| fields.join(first))
            .filter(|message| !message.is_empty())
            .map(|message| message.replace("\\n", "\n"));
        let kind = if epic == "batch-start" {
            RowKind::BatchStart { size: story.parse().ok() }
        } else if status.eq_ignore_ascii_case("start") {
            RowKind::Start
        } else if status.eq_ignore_ascii_case("progress") {
            RowKind::Progress
        } else {
            RowKind::End
        };
        LogRow {
            timestamp_ms,
            epic,
            story,
            story_ids,
            command: text(self.command),
            task: self.task.map_or_else(|| "workflow".to_owned(), text),
            status,
            metrics: message.as_deref().map(metrics::of_message).unwrap_or_default(),
            message,
            duration_s: self.duration.and_then(|column| number(fields.get(column))),
            kind,
        }
    }
}

/// How many columns from the third on hold a story's id and nothing else.
fn story_columns(fields: &Fields<'_>) -> usize {
    let is_id = |column: usize| {
        let text = fields.get(column).trim();
        key::short_id(text, None).is_some_and(|id| id == text)
    };
    1 + (3..fields.len()).take_while(|column| is_id(2) && is_id(*column)).count()
}

fn is_status(word: &str) -> bool {
    matches!(
        word.trim().to_ascii_lowercase().as_str(),
        "start"
            | "progress"
            | "end"
            | "success"
            | "failed"
            | "error"
            | "blocked"
            | "complete"
            | "done"
            | "discovery-complete"
            | "zero-issues"
            | "issues-fixed"
    )
}

fn number(text: &str) -> Option<f64> {
    let text = text.trim();
    let plain = !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    plain.then(|| text.parse().ok().filter(|number: &f64| number.is_finite())).flatten()
}

/// The row's time, and a remark when it is not its own.
fn time(fields: &Fields<'_>, line: u64, context: &CsvContext) -> Option<(i64, Option<Issue>)> {
    let own = number(fields.get(0))
        .map(|time| if time >= MILLISECONDS_FROM { time as i64 } else { (time * 1000.0) as i64 });
    let ahead = own.is_some_and(|own| context.now_ms > 0 && own > context.now_ms + HOUR_MS);
    match own {
        Some(own) if !ahead => Some((own, None)),
        _ => {
            // A row from the future without an earlier one happened now at the latest.
            let taken = context.previous_ms.or(ahead.then_some(context.now_ms))?;
            let message = if ahead {
                "a row's time lies more than an hour ahead; the previous row's is taken"
            } else {
                "a row does not begin with a time; the previous row's is taken"
            };
            let hint = "begin each row with the seconds since 1970";
            let issue = Issue { severity: Severity::Warning, ..bad(line, 1, message, hint) };
            Some((taken, Some(Issue { code: "bad-time".to_owned(), ..issue })))
        }
    }
}

fn bad(line: u64, column: u64, message: &str, hint: &str) -> Issue {
    Issue {
        severity: Severity::Error,
        code: "bad-row".to_owned(),
        line: Some(line),
        column: Some(column),
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }
}
