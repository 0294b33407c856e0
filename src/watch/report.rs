//! What a source tells about its file: `source:state`, made against the state at the append, so
//! that what is known already is not told again.

use crate::domain::event::{NewEvent, Source};
use crate::domain::issue::{Issue, Severity};
use crate::domain::payload::{Payload, SourceState};
use crate::domain::state::{SourceInfo, State};
use crate::hub::{Publication, PublishError};

use super::sink::Sink;

/// Issues of one file that are kept in view: the newest.
const MAX_ISSUES: usize = 100;

/// The code of the one issue that is about a story, not about a line.
pub(crate) const AMBIGUOUS: &str = "ambiguous-story";

/// What a reader found in a file, in file order.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Item {
    /// Something happened.
    Event(NewEvent),
    /// Something is wrong.
    Issue(Issue),
}

/// Whether a file can be read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    /// It can.
    Ok,
    /// There is none.
    Missing,
    /// It cannot, and why.
    Unreadable(String),
}

/// The events for what was read in a log, behind a `reset` where the file began anew.
pub(crate) fn found(
    file: String,
    source: Source,
    reset: Option<String>,
    items: Vec<Item>,
    now_ms: i64,
) -> Publication {
    Publication::from_state(move |state| {
        let known = state.sprint.sources.get(&file);
        let mut teller = Teller::new(file, source, now_ms, known);
        teller.out.reserve(items.len());
        if let Some(message) = reset {
            teller.issues.clear();
            teller.word = "ok";
            teller.tell("reset", None, message);
        } else if known.is_none_or(|known| !can_be_read(known)) {
            teller.back();
        }
        for item in items {
            match item {
                Item::Event(event) => teller.out.push(event),
                Item::Issue(issue) => teller.issue(issue),
            }
        }
        teller.finish()
    })
}

/// One event for what a pass left unsaid: `issues` go into the file's list.
pub(crate) fn summary(
    file: String,
    source: Source,
    more: u64,
    issues: Vec<Issue>,
    now_ms: i64,
) -> Publication {
    Publication::from_state(move |state| {
        let known = state.sprint.sources.get(&file);
        let mut teller = Teller::new(file, source, now_ms, known);
        let line = issues.last().and_then(|issue| issue.line);
        if issues.iter().any(|issue| issue.severity == Severity::Error) {
            teller.word = "invalid";
        }
        teller.issues.extend(issues);
        teller.told_issue = true;
        teller.tell(teller.word, line, format!("{more} more lines have something wrong"));
        teller.finish()
    })
}

/// Tells whether a file can be read, where that differs from what is known.
pub(crate) fn health(
    sink: &dyn Sink,
    file: &str,
    source: Source,
    health: &Health,
    now_ms: i64,
) -> Result<(), PublishError> {
    let make = {
        let (file, health) = (file.to_owned(), health.clone());
        move |state: &State| {
            let known = state.sprint.sources.get(&file);
            let (word, message) = match &health {
                Health::Ok if known.is_some_and(can_be_read) => return Vec::new(),
                Health::Ok => ("", ""),
                Health::Missing => ("missing", "there is no such file"),
                Health::Unreadable(reason) => ("unreadable", reason.as_str()),
            };
            let same = |known: &SourceInfo| {
                known.state == word && known.message.as_deref() == Some(message)
            };
            if known.is_some_and(same) {
                return Vec::new();
            }
            let mut teller = Teller::new(file.clone(), source, now_ms, known);
            if health == Health::Ok {
                teller.back();
            } else {
                teller.tell(word, None, message.to_owned());
            }
            teller.finish()
        }
    };
    // An empty publication would still cost a commit.
    if make(&sink.state()).is_empty() {
        return Ok(());
    }
    sink.publish(Publication::from_state(make))
}

fn can_be_read(known: &SourceInfo) -> bool {
    !matches!(known.state.as_str(), "missing" | "unreadable")
}

/// Makes the `source:state` events of one publication.
struct Teller {
    file: String,
    source: Source,
    now_ms: i64,
    /// The file's state as the events so far have it.
    word: &'static str,
    issues: Vec<Issue>,
    /// Whether the list was added to.
    told_issue: bool,
    out: Vec<NewEvent>,
    /// The last `source:state` in `out`: the one that carries the list.
    last: Option<usize>,
}

impl Teller {
    fn new(file: String, source: Source, now_ms: i64, known: Option<&SourceInfo>) -> Self {
        let issues = known.map(|known| known.issues.clone()).unwrap_or_default();
        let word = if has_error(&issues) { "invalid" } else { "ok" };
        Self { file, source, now_ms, word, issues, told_issue: false, out: Vec::new(), last: None }
    }

    fn tell(&mut self, word: &str, line: Option<u64>, message: String) {
        self.push(SourceState {
            file: self.file.clone(),
            state: word.to_owned(),
            line,
            message: Some(message),
            ..SourceState::default()
        });
    }

    /// It can be read again: with the issues it had.
    fn back(&mut self) {
        let last = self.issues.iter().rfind(|issue| issue.severity == Severity::Error);
        let body = SourceState {
            file: self.file.clone(),
            state: self.word.to_owned(),
            line: last.and_then(|issue| issue.line),
            column: last.and_then(|issue| issue.column),
            message: last.map(|issue| issue.message.clone()),
            ..SourceState::default()
        };
        self.push(body);
    }

    fn issue(&mut self, issue: Issue) {
        // What holds for a story is said once, not at each of its rows.
        let again = |known: &Issue| known.code == issue.code && known.message == issue.message;
        if issue.code == AMBIGUOUS && self.issues.iter().any(again) {
            return;
        }
        if issue.severity == Severity::Error {
            self.word = "invalid";
        }
        self.push(SourceState {
            file: self.file.clone(),
            state: self.word.to_owned(),
            line: issue.line,
            column: issue.column,
            message: Some(issue.message.clone()),
            ..SourceState::default()
        });
        self.issues.push(issue);
        self.told_issue = true;
    }

    fn push(&mut self, body: SourceState) {
        self.last = Some(self.out.len());
        self.out.push(NewEvent::new(self.now_ms, self.source, Payload::SourceState(body)));
    }

    fn finish(mut self) -> Vec<NewEvent> {
        if self.told_issue
            && let Some(last) = self.last
            && let Payload::SourceState(body) = &mut self.out[last].payload
        {
            let surplus = self.issues.len().saturating_sub(MAX_ISSUES);
            self.issues.drain(..surplus);
            body.issues = Some(self.issues);
        }
        self.out
    }
}

fn has_error(issues: &[Issue]) -> bool {
    issues.iter().any(|issue| issue.severity == Severity::Error)
}
