//! The folded state: what the events add up to, `state = fold(events)`.
//!
//! [`State::apply`] is the only way it changes, and it is total: any event in any order is taken.
//! The page's `model.js` is its twin; `fixtures/fold/` holds both to the same answers. Parts that
//! change at different paces stand behind their own `Arc`, so that a reader's copy costs nothing
//! and the next event copies only the part it touches.

mod fold;
mod snapshot;
#[cfg(test)]
mod tests;
mod work;
mod work_fold;

use std::sync::Arc;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::event::EventId;
use super::issue::Issue;
use super::words;

pub use snapshot::{OrchestratorView, ServerView, Snapshot, SprintView};
pub use work::{Effort, Last, MAX_EFFORT, MAX_WORK, Note, Work, WorkByStory};

/// Open commands beyond this many are no longer tracked as active: a log that opens without ever
/// ending must not grow the state without bound.
pub const MAX_ACTIVE: usize = 100_000;

/// Agents beyond this many are not shown: no pool is that large, but a log may say anything.
pub const MAX_AGENTS: usize = 1000;

/// All that the events add up to.
///
/// What purged events added up to is kept in this form for good: whatever is added here needs a
/// default, and no field changes its meaning.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct State {
    /// The last event folded in; 0 before the first.
    pub last_event_id: EventId,
    /// Epics, stories and the files they come from.
    pub sprint: Arc<Sprint>,
    /// The running batch.
    pub batch: Option<Batch>,
    /// Commands that were started and have not ended, by [`Active::slot`].
    pub active: Arc<IndexMap<String, Active>>,
    /// What the managed orchestrator does with the running batch; `None` while the running batch
    /// is an observed one, or none runs.
    pub run: Option<Run>,
    /// The agents at work, by their id.
    pub agents: Arc<IndexMap<String, Agent>>,
    /// The managed batch that ended last: a row of it may still arrive late.
    pub last_managed: Option<EndedBatch>,
    /// What was done for each story.
    pub work: Arc<WorkByStory>,
    /// What each command took, in the order in which they were first heard of.
    pub effort: Arc<Vec<Effort>>,
}

/// The sprint as its status file last said it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sprint {
    /// The project's name.
    pub project: Option<String>,
    /// The status file's state (`ok`, `invalid`…); `None` before the first reading.
    pub state: Option<String>,
    /// Since when that state holds, in milliseconds since the epoch.
    pub since: Option<i64>,
    /// Epics by key, in file order.
    pub epics: IndexMap<String, Epic>,
    /// Stories by key, in file order.
    pub stories: IndexMap<String, Story>,
    /// What is known of each file, by its name.
    pub sources: IndexMap<String, SourceInfo>,
}

/// One epic.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Epic {
    /// Without the prefix `epic-`.
    pub epic_id: String,
    /// What people call it.
    pub title: Option<String>,
    /// The file's own word; `None` when only its retrospective is listed.
    pub status: Option<String>,
    /// The class behind the word.
    pub status_class: Option<String>,
    /// The retrospective's word.
    pub retrospective: Option<String>,
}

/// One story.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Story {
    /// The number part of the key.
    pub story_id: Option<String>,
    /// The epic it belongs to, without prefix.
    pub epic_id: Option<String>,
    /// What people call it.
    pub title: Option<String>,
    /// The file's own word.
    pub status: String,
    /// The class behind the word.
    pub status_class: String,
    /// When its status last changed, in milliseconds since the epoch.
    pub updated_at: Option<i64>,
}

/// What is known of one watched file.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct SourceInfo {
    /// `ok`, `missing`, `invalid` or `unreadable`.
    pub state: String,
    /// Since when, in milliseconds since the epoch.
    pub since: i64,
    /// Why, in one sentence.
    pub message: Option<String>,
    /// Where, from 1.
    pub line: Option<u64>,
    /// Where, from 1.
    pub column: Option<u64>,
    /// Its issues, at most 100.
    pub issues: Vec<Issue>,
}

/// The running batch.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "RunningBatch")]
pub struct Batch {
    /// Its row.
    pub id: i64,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// Always null while it runs.
    #[schemars(with = "()")]
    pub ended_at: Option<i64>,
    /// Null = unlimited or unknown.
    pub max_cycles: Option<i64>,
    /// Whole cycles so far.
    pub cycles_completed: i64,
    /// Always `running` here.
    #[schemars(extend("const" = "running"))]
    pub status: String,
    /// Who runs it.
    #[schemars(with = "words::Origin")]
    pub origin: String,
    /// The size a `batch-start` row announced.
    pub size: Option<i64>,
    /// The time of its last row: what an observed batch's silence is measured from.
    pub last_activity_at: i64,
}

/// A managed batch under way: what stands beside its [`Batch`].
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Run {
    /// Its row.
    pub batch_id: i64,
    /// `fixed` or `all`.
    pub batch_mode: String,
    /// `running`, `waiting` or `stopping`.
    pub status: String,
    /// Until when it waits, in milliseconds since the epoch.
    pub parked_until: Option<i64>,
    /// The cycle under way, or the last one; 0 before the first.
    pub cycle_number: i64,
    /// The stories of the cycle under way.
    pub current_stories: Vec<String>,
}

/// An agent at work.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(rename = "AgentAtWork")]
pub struct Agent {
    /// `<batch>-<n>`.
    pub agent_id: String,
    /// Its process.
    pub pid: i64,
    /// What it was told to do.
    pub command: String,
    /// For which stories.
    pub story_keys: Vec<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// Which try of its command this is.
    pub attempt: Option<u32>,
    /// The task of the background chain it works for; null on the main line.
    pub background_task: Option<String>,
    /// Milliseconds since the epoch.
    pub started_at: i64,
}

/// A managed batch that has ended.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct EndedBatch {
    /// Its row.
    pub id: i64,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// Milliseconds since the epoch.
    pub ended_at: i64,
    /// Its `batch:end`.
    pub ended_id: EventId,
}

/// A command under way.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Active {
    /// The story's long key where known.
    pub story_key: String,
    /// The row's own id.
    pub story_id: String,
    /// Without prefix.
    pub epic_id: String,
    /// As the row says it, attempt included.
    pub command: String,
    /// The phase.
    pub task_id: String,
    /// The start row's time.
    pub started_at: i64,
    /// From the command's suffix; 1 without one.
    pub attempt: u32,
    /// Who told us.
    pub source: String,
    /// The last thing it said.
    pub message: Option<String>,
    /// The event that first opened its slot: the order in which they are listed.
    pub event_id: EventId,
}

impl Active {
    /// What tells two open commands apart.
    pub fn slot(story_key: &str, command: &str, task_id: &str) -> String {
        [story_key, command, task_id].join("\n")
    }
}
