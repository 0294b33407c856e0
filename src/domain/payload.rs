//! The payloads of all event types, with their exact names and keys on the wire.
//!
//! One struct a payload, one line a type in the table at the end. To add a type: write its struct,
//! add its line, add its example to `fixtures/wire/`, and teach [`super::state`] what it changes.
//! What the comments here say of a payload and its fields stands in the document of the API.
//! A payload that this version does not know (or whose keys do not fit) is kept as
//! [`Payload::Other`] and passed on as it is.

#[cfg(test)]
mod tests;

use indexmap::IndexMap;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::issue::Issue;
use super::receipt::Receipt;
use super::status::StatusClass;
use super::words;

/// A batch began: managed here, or seen in the files.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchStart {
    /// Its row.
    pub batch_id: i64,
    /// How many cycles it may have; null = unlimited, or unknown for an observed batch.
    pub max_cycles: Option<i64>,
    /// Who runs it, and whether it has an end.
    #[schemars(with = "words::BatchMode")]
    pub batch_mode: String,
    /// Who runs it.
    #[schemars(with = "words::Origin")]
    pub origin: String,
    /// When it began, in milliseconds since the epoch.
    pub started_at: i64,
    /// The size that a `batch-start` row of the log announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
}

/// A batch is over; exactly one for each.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchEnd {
    /// Its row.
    pub batch_id: i64,
    /// Whole cycles.
    pub cycles_completed: i64,
    /// How it ended.
    #[schemars(with = "words::BatchEndStatus")]
    pub status: String,
    /// Why, in one word or sentence.
    pub reason: String,
    /// How long it took, in milliseconds.
    pub duration_ms: i64,
}

/// Something about a batch that people should know; the batch goes on.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct BatchWarning {
    /// The batch; null where there is none.
    pub batch_id: Option<i64>,
    /// What is the matter: one sentence for people.
    pub message: String,
    /// A word for the kind of warning: `general`, `unknown_status`, `usage_limit`…
    pub warning_type: String,
    /// What the managed batch does from now on; absent = as it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<words::RunState>")]
    pub state: Option<String>,
    /// Until when a waiting batch waits, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_until: Option<i64>,
}

/// One turn of a managed batch began.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CycleStart {
    /// From 1.
    pub cycle_number: i64,
    /// The story, or the two of the same epic.
    pub story_keys: Vec<String>,
}

/// One turn of a managed batch is over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CycleEnd {
    /// From 1.
    pub cycle_number: i64,
    /// The stories that are done now.
    pub completed_stories: Vec<String>,
}

/// An agent began with a command, or with a task of it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandStart {
    /// The story's long key where the row's id fits exactly one, else what the row says.
    pub story_key: String,
    /// The short id as the row says it.
    pub story_id: String,
    /// The epic as the row says it, without the prefix `epic-`.
    pub epic_id: String,
    /// What the agent does, attempt included: `code-review-2`.
    pub command: String,
    /// The phase of it: `setup`, `tests`…
    pub task_id: String,
    /// What the row says about it.
    pub message: Option<String>,
    /// All ids of a row that speaks for several stories; absent where it speaks for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story_ids: Vec<String>,
}

/// An agent tells how far it is.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandProgress {
    /// The story's long key where the row's id fits exactly one, else what the row says.
    pub story_key: String,
    /// The short id as the row says it.
    pub story_id: String,
    /// The epic as the row says it, without the prefix `epic-`.
    pub epic_id: String,
    /// What the agent does, attempt included: `code-review-2`.
    pub command: String,
    /// The phase of it: `setup`, `tests`…
    pub task_id: String,
    /// What the row says about it.
    pub message: Option<String>,
    /// All ids of a row that speaks for several stories; absent where it speaks for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story_ids: Vec<String>,
}

/// A command, or a task of it, is over.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct CommandEnd {
    /// The story's long key where the row's id fits exactly one, else what the row says.
    pub story_key: String,
    /// The short id as the row says it.
    pub story_id: String,
    /// The epic as the row says it, without the prefix `epic-`.
    pub epic_id: String,
    /// What the agent does, attempt included: `code-review-2`.
    pub command: String,
    /// The phase of it: `setup`, `tests`…
    pub task_id: String,
    /// The row's own word, such as `end`, `success` or `failed`; `left-open` when the batch ended
    /// before the command did.
    pub status: String,
    /// What the row says about it.
    pub message: Option<String>,
    /// From the rows' times, in milliseconds; null without a start.
    pub duration_ms: Option<i64>,
    /// From a message's `(files:2, lines:85)` suffix; empty without one.
    #[serde(default)]
    pub metrics: serde_json::Map<String, Value>,
    /// All ids of a row that speaks for several stories; absent where it speaks for one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story_ids: Vec<String>,
}

/// A story's word in the status file changed, appeared or went.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "StoryStatusChange")]
pub struct StoryStatus {
    /// The key as the file writes it.
    pub story_key: String,
    /// The number part of the key.
    pub story_id: Option<String>,
    /// The epic it belongs to, without the prefix `epic-`.
    pub epic_id: Option<String>,
    /// The file's own word before; null = the key appeared.
    pub old_status: Option<String>,
    /// The file's own word now; null = the key went.
    pub new_status: Option<String>,
    /// The class behind `new_status`.
    #[schemars(with = "Option<StatusClass>")]
    pub status_class: Option<String>,
    /// What people call it, where the file says it.
    pub title: Option<String>,
    /// The story that stands before it in the file; null = it is the first.
    pub after: Option<String>,
}

/// An epic's word in the status file changed, appeared or went; or that of its retrospective.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "EpicStatusChange")]
pub struct EpicStatus {
    /// Without the prefix `epic-`.
    pub epic_id: String,
    /// The key as the file writes it.
    pub epic_key: String,
    /// The file's own word before; null = the key appeared.
    pub old_status: Option<String>,
    /// The file's own word now; null = the key went.
    pub new_status: Option<String>,
    /// The class behind `new_status`.
    #[schemars(with = "Option<StatusClass>")]
    pub status_class: Option<String>,
    /// What people call it, where the file says it.
    pub title: Option<String>,
    /// The epic key that stands before it in the file; null = it is the first.
    pub after: Option<String>,
    /// True when the epic's retrospective is meant; else absent.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retrospective: bool,
}

/// A step of making the project's context for the agents.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ContextStep")]
pub struct Context {
    /// Always `context`.
    pub story_key: String,
    /// Which context: `project`.
    pub context_type: String,
    /// How the step stands.
    pub status: String,
    /// More about it.
    pub message: Option<String>,
    /// The task of a refresh or of its end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// The context that a command is given is large, too large, or empty.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Injection {
    /// The command.
    pub command: String,
    /// The stories it works on.
    pub story_keys: Vec<String>,
    /// How much it is, in bytes.
    pub size_bytes: i64,
    /// From which size on it is too large, in bytes.
    pub threshold_bytes: i64,
    /// One sentence for people.
    pub message: String,
}

/// Files of finished stories are moved to the archive.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Cleanup {
    /// The file, by its name alone; null where the event speaks of all.
    pub file_name: Option<String>,
    /// How many were moved, at the end.
    pub files_moved: Option<i64>,
    /// The finished stories.
    pub story_keys: Vec<String>,
    /// What went wrong, or more about it.
    pub message: Option<String>,
}

/// Work that holds nothing up has ended.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Background {
    /// The task.
    pub task_id: String,
    /// What kind of work it was.
    pub task_type: String,
    /// How it ended.
    pub status: String,
    /// Why it failed.
    pub error: Option<String>,
}

/// An agent process was started.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentStart {
    /// `<batch>-<run>`.
    pub agent_id: String,
    /// Its process.
    pub pid: i64,
    /// What it was told to do.
    pub command: String,
    /// For which stories.
    pub story_keys: Vec<String>,
    /// The model asked for.
    pub model: Option<String>,
    /// Which try of its command this is; absent where tries are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The task of the background chain it works for; absent on the main line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_task: Option<String>,
}

/// An agent process is gone.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct AgentEnd {
    /// `<batch>-<run>`.
    pub agent_id: String,
    /// When it ended by itself.
    pub exit_code: Option<i64>,
    /// When a signal ended it.
    pub signal: Option<i64>,
    /// How long it ran, in milliseconds.
    pub duration_ms: i64,
    /// What it says it read.
    pub input_tokens: Option<i64>,
    /// What it says it wrote.
    pub output_tokens: Option<i64>,
    /// What it says it cost, in US dollars.
    pub cost_usd: Option<f64>,
    /// What became of its processes, where it was ended.
    #[schemars(with = "Option<Receipt>")]
    pub receipt: Option<Value>,
}

/// A line of orchestrator.md.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ActivityEntry")]
pub struct Activity {
    /// The story under whose heading it stands.
    pub story_key: Option<String>,
    /// What kind of line.
    #[schemars(with = "words::NoteKind")]
    pub kind: String,
    /// The row's number within its story.
    pub step: Option<u32>,
    /// The command of a row.
    pub command: Option<String>,
    /// What came of it, as written.
    pub result: Option<String>,
    /// As written, such as `~3m`.
    pub duration: Option<String>,
    /// Its place in the file, from 1.
    #[schemars(range(min = 1))]
    pub line: u64,
    /// The line itself.
    pub text: String,
}

/// The state of a watched file changed, or its issues did.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SourceState {
    /// The file's name, never a path of the machine.
    pub file: String,
    /// What became of it.
    #[schemars(with = "words::FileState")]
    pub state: String,
    /// Where, from 1.
    pub line: Option<u64>,
    /// Where, from 1.
    pub column: Option<u64>,
    /// Why, in one sentence.
    pub message: Option<String>,
    /// The file's issues from now on, at most 100; absent = as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(max = 100))]
    pub issues: Option<Vec<Issue>>,
    /// The status file's `project`, when it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// For the status file alone: how it could be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Option<words::SprintState>")]
    pub sprint_state: Option<String>,
}

/// Settings were changed.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct SettingsChanged {
    /// `{key: [old, new]}`
    #[schemars(with = "IndexMap<String, [i64; 2]>")]
    pub changed: serde_json::Map<String, Value>,
}

/// Something went wrong inside.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(rename = "ErrorReport")]
pub struct ErrorEvent {
    /// A word for the kind of error.
    #[serde(rename = "type")]
    pub kind: String,
    /// What happened: one sentence.
    pub message: String,
    /// Whatever helps to understand it.
    pub context: Value,
}

/// A payload kept as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Unknown {
    /// The type's name.
    pub kind: String,
    /// The payload as it was stored.
    pub body: Value,
}

impl Serialize for Unknown {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.body.serialize(serializer)
    }
}

macro_rules! payloads {
    ($($variant:ident($body:ty) = $name:literal,)*) => {
        /// What happened: one variant an event type.
        #[derive(Debug, Clone, PartialEq, Serialize)]
        #[serde(untagged)]
        pub enum Payload {
            $(#[doc = concat!("`", $name, "`")] $variant($body),)*
            /// A type, or a shape, that this version does not know; or imported history, which
            /// never touches the live state.
            Other(Unknown),
        }

        impl Payload {
            /// All type names, in the order of the contract.
            pub const KINDS: &'static [&'static str] = &[$($name,)*];

            /// Its type's place in [`Self::KINDS`]; behind the last for what is not known.
            pub const fn ordinal(&self) -> usize {
                #[repr(usize)]
                enum Place { $($variant,)* }
                match self {
                    $(Self::$variant(_) => Place::$variant as usize,)*
                    Self::Other(_) => Self::KINDS.len(),
                }
            }

            /// All of them with the maker of their payload's schema.
            pub const SCHEMAS: &'static [(&'static str, fn(&mut SchemaGenerator) -> Schema)] =
                &[$(($name, SchemaGenerator::subschema_for::<$body>),)*];

            /// The type's name on the wire.
            pub fn kind(&self) -> &str {
                match self {
                    $(Self::$variant(_) => $name,)*
                    Self::Other(unknown) => &unknown.kind,
                }
            }

            /// Reads a payload back from its type name and JSON. Never fails: what does not fit is
            /// kept as [`Payload::Other`].
            pub fn from_json(kind: &str, json: &str) -> Self {
                if json.contains("\"imported\":true") {
                    return Self::other(kind, json);
                }
                match kind {
                    $($name => match serde_json::from_str(json) {
                        Ok(body) => Self::$variant(body),
                        Err(_) => Self::other(kind, json),
                    },)*
                    _ => Self::other(kind, json),
                }
            }
        }
    };
}

impl Payload {
    fn other(kind: &str, json: &str) -> Self {
        Self::Other(Unknown {
            kind: kind.to_owned(),
            body: serde_json::from_str(json).unwrap_or(Value::Null),
        })
    }
}

payloads! {
    BatchStart(BatchStart) = "batch:start",
    BatchEnd(BatchEnd) = "batch:end",
    BatchWarning(BatchWarning) = "batch:warning",
    CycleStart(CycleStart) = "cycle:start",
    CycleEnd(CycleEnd) = "cycle:end",
    CommandStart(CommandStart) = "command:start",
    CommandProgress(CommandProgress) = "command:progress",
    CommandEnd(CommandEnd) = "command:end",
    StoryStatus(StoryStatus) = "story:status",
    EpicStatus(EpicStatus) = "epic:status",
    ContextCreate(Context) = "context:create",
    ContextRefresh(Context) = "context:refresh",
    ContextComplete(Context) = "context:complete",
    ContextFresh(Context) = "context:fresh",
    ContextCopied(Context) = "context:copied",
    ContextCopyFailed(Context) = "context:copy_failed",
    ContextError(Context) = "context:error",
    InjectionWarning(Injection) = "injection:warning",
    InjectionEmpty(Injection) = "injection:empty",
    CleanupFileMoved(Cleanup) = "cleanup:file_moved",
    CleanupFileError(Cleanup) = "cleanup:file_error",
    CleanupComplete(Cleanup) = "cleanup:complete",
    BackgroundComplete(Background) = "background:complete",
    BackgroundError(Background) = "background:error",
    AgentStart(AgentStart) = "agent:start",
    AgentEnd(AgentEnd) = "agent:end",
    ActivityEntry(Activity) = "activity:entry",
    SourceState(SourceState) = "source:state",
    SettingsChanged(SettingsChanged) = "settings:changed",
    Error(ErrorEvent) = "error",
}
