//! What was done for each story, and by each command: time, runs, failures, tokens, cost.
//!
//! A story's *stretch* opens with its first open command and closes with its last. Within it the
//! time goes to the command that was started last, so that all commands together have taken as
//! long as all stories together. Every number here only grows from what the events say: rows may
//! come with times that go backwards, and then no time has passed.

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use crate::domain::words;

/// Keys beyond this many are not tracked: no sprint is that large, but a log may say anything.
pub const MAX_WORK: usize = 20_000;

/// Commands beyond this many are not tracked: there are a dozen.
pub const MAX_EFFORT: usize = 64;

/// Messages and words longer than this are cut, in Unicode scalar values.
pub(super) const MAX_WORDS: usize = 500;

/// [`Work`] by story key, in the order in which the keys were first heard of. Every entry stands
/// behind its own [`Arc`]: almost each event changes one, and while a reader holds the state, that
/// event copies a list of pointers and the one entry instead of all that is known of all stories.
pub type WorkByStory = IndexMap<Arc<str>, Arc<Work>>;

/// What was done for one story.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Work {
    /// The earliest time of a command event, in milliseconds since the epoch.
    pub first_at: Option<i64>,
    /// The latest, likewise.
    pub last_at: Option<i64>,
    /// How long at least one of its commands was open, in milliseconds; closed stretches only.
    pub busy_ms: i64,
    /// Since when the open stretch is open.
    pub busy_since: Option<i64>,
    /// How many runs of commands began.
    pub runs: u64,
    /// The highest attempt of a code review begun; 0 = none.
    pub reviews: u32,
    /// How many commands ended badly.
    pub failures: u64,
    /// The last command event.
    pub last: Option<Last>,
    /// When it became done, as far as it was seen before and still is done.
    pub done_at: Option<i64>,
    /// The last result that orchestrator.md notes for it.
    pub note: Option<Note>,
    /// What its agents took, shared equally where one worked for several stories.
    #[serde(serialize_with = "plain")]
    pub input_tokens: f64,
    /// Likewise.
    #[serde(serialize_with = "plain")]
    pub output_tokens: f64,
    /// Likewise.
    #[serde(serialize_with = "plain")]
    pub cost_usd: f64,
    /// The command that was started last, attempt included: whose run goes on.
    pub command: Option<String>,
    /// Since when the time of the open stretch is that command's.
    pub command_since: Option<i64>,
    /// How many of its commands are open.
    pub open: u64,
}

/// A command event.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "LastCommand")]
pub struct Last {
    /// Which part of the command it told of.
    #[serde(rename = "type")]
    #[schemars(with = "words::CommandMoment")]
    pub kind: String,
    /// As the row says it, attempt included.
    pub command: String,
    /// The phase.
    pub task_id: String,
    /// The row's own word, of an end.
    pub status: Option<String>,
    /// Whether it was an end that is none.
    pub failed: bool,
    /// What a failing end said, at most 500 characters.
    pub message: Option<String>,
    /// Milliseconds since the epoch.
    pub at: i64,
}

/// A result that orchestrator.md notes.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Note {
    /// As written, at most 500 characters.
    pub word: String,
    /// When it was read, in milliseconds since the epoch.
    pub at: i64,
}

/// What one command took, over all stories.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Effort {
    /// Without the prefix `sprint-` and without its attempt.
    pub command: String,
    /// How many runs of it began.
    pub runs: u64,
    /// How often it ended badly.
    pub failed: u64,
    /// How long it was at work, in milliseconds: time in which several commands of a story were open counts for the one started last.
    pub busy_ms: i64,
    /// What its agents took.
    #[serde(serialize_with = "plain")]
    pub input_tokens: f64,
    /// Likewise.
    #[serde(serialize_with = "plain")]
    pub output_tokens: f64,
    /// Likewise.
    #[serde(serialize_with = "plain")]
    pub cost_usd: f64,
}

impl Work {
    /// Whether nothing is known of it any more.
    pub(super) fn is_bare(&self) -> bool {
        let costs = [self.input_tokens, self.output_tokens, self.cost_usd];
        self.last.is_none()
            && self.note.is_none()
            && self.done_at.is_none()
            && costs.iter().all(|cost| *cost == 0.0)
    }
}

/// A text, cut where it is too long to be kept for every story.
pub(super) fn cut(text: &str) -> String {
    text.chars().take(MAX_WORDS).collect()
}

/// A whole number without a point, as the page's `JSON.stringify` writes it too.
// serde wants a reference; the range is checked before the cast.
#[allow(clippy::trivially_copy_pass_by_ref, clippy::cast_possible_truncation)]
fn plain<S: Serializer>(value: &f64, serializer: S) -> Result<S::Ok, S::Error> {
    if value.fract() == 0.0 && value.abs() < 9e15 {
        serializer.serialize_i64(*value as i64)
    } else {
        serializer.serialize_f64(*value)
    }
}
