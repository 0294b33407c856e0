//! What is shown: the state as folded so far, the newest lines of the log, and what is known of the
//! connection. Changed by [`Told`] alone.

use std::collections::{HashMap, VecDeque};

use crate::cli::event_line::{self, Line};
use crate::cli::terminal::Tone;
use crate::domain::event::Event;
use crate::domain::issue::{FileIssue, Severity};
use crate::domain::state::State;

use super::opening::Owner;
use super::words::cut;

/// Lines of the log that can be scrolled back to.
pub(super) const MAX_LINES: usize = 2000;
/// Characters of a line that are kept: no terminal is that wide, but a message may be a megabyte.
const MAX_WORDS: usize = 600;

/// How the server is reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Link {
    /// The first try is under way.
    Connecting,
    /// The stream is open and something was heard within the last seconds.
    Live,
    /// The stream is open, and the server does not answer any more.
    Silent,
    /// The stream broke or cannot be opened, and why; tried again.
    Lost(String),
    /// Nobody serves this project; waited for.
    Absent(String),
}

/// What the feed tells.
#[derive(Debug)]
pub(super) enum Told {
    /// The connection has changed.
    Link(Link),
    /// Where the server is.
    Place(String),
    /// What is known of the server that works on the project, where it is not the one that is asked.
    Owner(Option<Owner>),
    /// A whole state with the newest lines before it: all that was shown before is void.
    Opened(Box<State>, Vec<Line>),
    /// One more event.
    Event(Box<Event>, Option<Line>),
    /// Something about the stream itself that is worth a line.
    Remark(String),
    /// When each agent last printed something, in milliseconds since the epoch.
    Signs(HashMap<String, i64>),
    /// What the server says is wrong with itself; empty = nothing.
    Health(Vec<String>),
}

/// One line of the activity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// From 0, in the order in which they came to this view.
    pub(super) number: u64,
    pub(super) line: Line,
}

/// All that is shown, but how.
#[derive(Debug)]
pub(super) struct Model {
    /// What to call the project while its status file does not say.
    pub(super) name: String,
    /// The server's address, once one was found.
    pub(super) place: Option<String>,
    pub(super) link: Link,
    /// When the connection came to be as it is, in milliseconds since the epoch.
    pub(super) link_since: i64,
    /// The server that works on the project, where it is not the one that is asked.
    pub(super) owner: Option<Owner>,
    pub(super) state: State,
    /// Whether the state says anything: false before the first one came.
    pub(super) is_known: bool,
    pub(super) lines: VecDeque<Entry>,
    next_number: u64,
    /// The time of the newest event.
    pub(super) last_event_at: Option<i64>,
    pub(super) signs: HashMap<String, i64>,
    pub(super) health: Vec<String>,
}

impl Model {
    pub(super) fn new(name: String, now_ms: i64) -> Self {
        Self {
            name,
            place: None,
            link: Link::Connecting,
            link_since: now_ms,
            owner: None,
            state: State::default(),
            is_known: false,
            lines: VecDeque::new(),
            next_number: 0,
            last_event_at: None,
            signs: HashMap::new(),
            health: Vec::new(),
        }
    }

    /// Whether what is shown is what is.
    pub(super) fn is_live(&self) -> bool {
        self.link == Link::Live && self.unheard().is_none()
    }

    /// The server that works on the project, and since when the one that is asked has not heard it.
    pub(super) fn unheard(&self) -> Option<(&str, i64)> {
        let owner = self.owner.as_ref()?;
        Some((owner.host.as_deref().unwrap_or("its server"), owner.unreachable_since?))
    }

    /// Whether timers run on the screen.
    pub(super) fn is_busy(&self) -> bool {
        let state = &self.state;
        self.is_live()
            && (state.batch.is_some() || !state.active.is_empty() || !state.agents.is_empty())
    }

    /// Takes in what the feed tells.
    pub(super) fn take(&mut self, told: Told, now_ms: i64) {
        match told {
            Told::Link(link) => {
                if self.link != link {
                    self.link_since = now_ms;
                }
                if link != Link::Live {
                    self.health.clear();
                    self.signs.clear();
                }
                self.link = link;
            }
            Told::Owner(owner) => self.owner = owner,
            Told::Place(place) => self.place = Some(place),
            Told::Opened(state, lines) => {
                self.state = *state;
                self.is_known = true;
                self.lines.clear();
                self.last_event_at = lines.last().map(|line| line.at);
                for line in lines {
                    self.line(line);
                }
            }
            Told::Event(event, line) => {
                self.state.apply(&event);
                self.is_known = true;
                // Rows may come late: the newest time counts.
                self.last_event_at = self.last_event_at.max(Some(event.timestamp_ms));
                if let Some(line) = line {
                    self.line(line);
                }
            }
            Told::Remark(text) => self.line(Line {
                at: now_ms,
                id: 0,
                kind: "watch".to_owned(),
                tone: Tone::Warn,
                subject: "-".to_owned(),
                summary: text,
            }),
            Told::Signs(signs) => self.signs = signs,
            Told::Health(reasons) => self.health = reasons,
        }
    }

    fn line(&mut self, line: Line) {
        if self.lines.len() == MAX_LINES {
            self.lines.pop_front();
        }
        self.lines.push_back(Entry { number: self.next_number, line });
        self.next_number += 1;
    }

    /// The number that the next line gets.
    pub(super) fn end(&self) -> u64 {
        self.next_number
    }

    /// The name that people know the project by.
    pub(super) fn project(&self) -> &str {
        self.state.sprint.project.as_deref().unwrap_or(&self.name)
    }

    /// Every issue of every file, the worst first; and what the server says of itself before them.
    pub(super) fn issues(&self) -> Vec<(Tone, String)> {
        let own = self.health.iter().map(|reason| (Tone::Bad, format!("server: {reason}")));
        let sources = self.state.sprint.sources.iter();
        let mut found: Vec<FileIssue> = sources
            .flat_map(|(file, source)| {
                let named =
                    |issue: &_| FileIssue { file: file.clone(), issue: Clone::clone(issue) };
                source.issues.iter().map(named)
            })
            .collect();
        found.sort_by_key(|found| found.issue.severity);
        own.chain(found.iter().map(issue)).collect()
    }
}

/// The line of one issue: its place, what is the matter, and what to do.
fn issue(found: &FileIssue) -> (Tone, String) {
    let issue = &found.issue;
    let (tone, word) = match issue.severity {
        Severity::Error => (Tone::Bad, "error"),
        Severity::Warning => (Tone::Warn, "warning"),
        Severity::Info => (Tone::Live, "note"),
    };
    let line = issue.line.map_or(String::new(), |line| format!(":{line}"));
    let hint = issue.hint.as_deref().map_or(String::new(), |hint| format!(" ({hint})"));
    (tone, format!("{word} {}{line}: {}{hint}", found.file, issue.message))
}

/// An event's JSON as a line that may be kept.
pub(super) fn line(json: &str) -> Option<Line> {
    let mut line = event_line::read(json)?;
    for text in [&mut line.kind, &mut line.subject, &mut line.summary] {
        cut(text, MAX_WORDS);
    }
    Some(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_log_is_bounded_in_lines_and_in_their_length() {
        let mut model = Model::new("p".to_owned(), 0);
        let long = "x".repeat(1 << 20);
        let json = format!(
            r#"{{"id":1,"type":"error","timestamp":5,"source":"server","payload":{{"message":"{long}"}}}}"#
        );
        let line = line(&json).unwrap();
        assert!(line.summary.len() <= MAX_WORDS + "…".len());
        for _ in 0..MAX_LINES + 10 {
            model.line(line.clone());
        }
        assert_eq!(model.lines.len(), MAX_LINES);
        assert_eq!(model.lines.front().unwrap().number, 10);
        assert_eq!(model.end(), MAX_LINES as u64 + 10);
    }

    #[test]
    fn what_the_server_said_of_itself_counts_only_while_it_is_there() {
        let mut model = Model::new("p".to_owned(), 0);
        model.take(Told::Link(Link::Live), 1);
        model.take(Told::Health(vec!["disk full".to_owned()]), 2);
        assert_eq!(model.issues().len(), 1);
        model.take(Told::Link(Link::Lost("gone".to_owned())), 3);
        assert!(model.issues().is_empty());
        assert_eq!(model.link_since, 3);
    }
}
