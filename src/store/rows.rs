//! Rows as the readers give them out; their JSON is the API's.

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

use crate::domain::event::{EventId, Source, Wire};
use crate::domain::words;

/// An event as stored: its payload stays text.
#[derive(Debug, Clone)]
pub struct StoredEvent {
    /// Its place in the order.
    pub id: EventId,
    /// The type's name.
    pub kind: String,
    /// Milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The batch it belongs to.
    pub batch_id: Option<i64>,
    /// The source's word.
    pub source: String,
    /// The story it speaks of, or empty.
    pub story_key: String,
    /// The short id beside it, or empty.
    pub story_id: String,
    /// The payload's JSON.
    pub payload: Box<RawValue>,
}

impl StoredEvent {
    /// The event as one JSON object on one line.
    pub fn wire(&self) -> Wire<'_> {
        Wire {
            id: self.id,
            kind: &self.kind,
            timestamp: self.timestamp_ms,
            batch_id: self.batch_id,
            source: &self.source,
            payload: &self.payload,
        }
    }
}

/// An event as its row holds it, while the row is at hand.
#[derive(Debug, Clone, Copy)]
pub struct EventRow<'a> {
    /// Its place in the order.
    pub id: EventId,
    /// The type's name.
    pub kind: &'a str,
    /// Milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// The batch it belongs to.
    pub batch_id: Option<i64>,
    /// The source's word.
    pub source: &'a str,
    /// The story it speaks of, or empty.
    pub story_key: &'a str,
    /// The short id beside it, or empty.
    pub story_id: &'a str,
    /// The payload's JSON.
    pub payload: &'a RawValue,
}

impl<'a> EventRow<'a> {
    /// The event as one JSON object on one line.
    pub const fn wire(&self) -> Wire<'a> {
        Wire {
            id: self.id,
            kind: self.kind,
            timestamp: self.timestamp_ms,
            batch_id: self.batch_id,
            source: self.source,
            payload: self.payload,
        }
    }

    /// The event by itself.
    pub fn stored(&self) -> StoredEvent {
        StoredEvent {
            id: self.id,
            kind: self.kind.to_owned(),
            timestamp_ms: self.timestamp_ms,
            batch_id: self.batch_id,
            source: self.source.to_owned(),
            story_key: self.story_key.to_owned(),
            story_id: self.story_id.to_owned(),
            payload: self.payload.to_owned(),
        }
    }
}

/// What a page of the log is asked for. Empty lists and `None` do not filter.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventFilter {
    /// Type patterns, `*` = any run of characters; one must match.
    pub kinds: Vec<String>,
    /// Stories by long key or short id; one must match.
    pub stories: Vec<String>,
    /// Batches; one must match.
    pub batch_ids: Vec<i64>,
    /// Full-text search.
    pub text: Option<String>,
}

/// Which part of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    /// The newest.
    Newest,
    /// Upwards from behind this id.
    After(EventId),
    /// The ones next below this id.
    Before(EventId),
}

/// A page of the log, ids ascending.
#[derive(Debug)]
pub struct EventPage {
    /// The events.
    pub events: Vec<StoredEvent>,
    /// The `after` of the following page; `None` at the head.
    pub next: Option<EventId>,
    /// The highest id of the log.
    pub head: EventId,
    /// Of a full-text search: the last event that the index knows.
    pub indexed: Option<EventId>,
}

/// A row of `batches`, as lists and details show it.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Batch")]
pub struct BatchRow {
    /// Its row.
    pub id: i64,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// Milliseconds since the epoch; null while it runs.
    pub ended_at: Option<i64>,
    /// Null = unlimited or unknown.
    pub max_cycles: Option<i64>,
    /// Whole cycles.
    pub cycles_completed: i64,
    /// How it stands.
    #[schemars(with = "words::BatchStatus")]
    pub status: String,
    /// The stories that were worked on.
    pub story_count: i64,
    /// Null while it runs.
    pub duration_seconds: Option<f64>,
    /// Who runs it.
    #[schemars(with = "words::Origin")]
    pub origin: String,
    /// How many of its events are not kept any more; absent when all are.
    #[serde(skip_serializing_if = "is_zero")]
    pub purged_events: i64,
}

// serde hands a reference.
#[allow(clippy::trivially_copy_pass_by_ref)]
const fn is_zero(count: &i64) -> bool {
    *count == 0
}

/// A story of a batch with its commands.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "BatchStory")]
pub struct StoryRow {
    /// Its row.
    pub id: i64,
    /// As the log knows it.
    pub story_key: String,
    /// Without the prefix `epic-`.
    pub epic_id: String,
    /// How it stands.
    #[schemars(with = "words::StoryStatus")]
    pub status: String,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// Null while it is under way.
    pub duration_seconds: Option<f64>,
    /// All of its commands, those that are left out included.
    pub command_count: i64,
    /// In order of the log.
    pub commands: Vec<CommandRow>,
}

/// One start..end of a command's task.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "BatchCommand")]
pub struct CommandRow {
    /// Its row.
    pub id: i64,
    /// Attempt included.
    pub command: String,
    /// The phase.
    pub task_id: String,
    /// How it stands.
    #[schemars(with = "words::CommandStatus")]
    pub status: String,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// What its end said.
    pub output_summary: Option<String>,
}

/// A part of time, in milliseconds since the epoch; `None` = open on that side.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Stretch {
    pub from: Option<i64>,
    pub to: Option<i64>,
}

/// Whose commands are asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whose {
    /// The open batch's, else the newest one's.
    Newest,
    /// This batch's.
    Batch(i64),
    /// All batches'.
    All,
}

/// Commands as stretches of time, in order of the log.
#[derive(Debug, Clone, Default, Serialize, JsonSchema)]
pub struct Timeline {
    /// Whose they are; none where all were asked for, or there is none.
    pub batch: Option<BatchRow>,
    /// The newest ones.
    #[schemars(length(max = 10_000))]
    pub segments: Vec<Segment>,
    /// How many older ones there are.
    pub left_out: u64,
    /// The newest event that is in it: what comes later has to be added.
    pub last_event_id: EventId,
}

/// One start..end of a command's task.
#[derive(Debug, Clone, Serialize, JsonSchema)]
pub struct Segment {
    /// The batch.
    pub batch_id: i64,
    /// As the log knows it.
    pub story_key: String,
    /// The number part of the key.
    pub story_id: Option<String>,
    /// Without the prefix `epic-`.
    pub epic_id: String,
    /// Without its attempt.
    pub command: String,
    /// The phase.
    pub task_id: String,
    /// 1 where the command names none.
    #[schemars(range(min = 1))]
    pub attempt: u32,
    /// Milliseconds since the epoch.
    pub start: i64,
    /// Milliseconds since the epoch; null while it runs, and when nobody saw it end.
    pub end: Option<i64>,
    /// How it stands.
    #[schemars(with = "words::CommandStatus")]
    pub status: String,
    /// Who told us; null where an older database does not say it.
    #[schemars(with = "Option<Source>")]
    pub source: Option<String>,
    /// What its end said.
    pub message: Option<String>,
}
