//! The payloads of all event types, with their exact names and keys on the wire.
//!
//! One struct a payload, one line a type in the table at the end. To add a type: write its struct,
//! add its line, add its example to `fixtures/wire/`, and teach [`super::state`] what it changes.
//! A payload that this version does not know (or whose keys do not fit) is kept as
//! [`Payload::Other`] and passed on as it is.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::issue::Issue;

/// `batch:start`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct BatchStart {
    pub batch_id: i64,
    /// `None` = unlimited, or unknown for an observed batch.
    pub max_cycles: Option<i64>,
    /// `fixed`, `all` or `observed`.
    pub batch_mode: String,
    /// `managed` or `observed`.
    pub origin: String,
    pub started_at: i64,
    /// The size a `batch-start` row of the log announced.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
}

/// `batch:end`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct BatchEnd {
    pub batch_id: i64,
    pub cycles_completed: i64,
    /// `completed`, `stopped`, `error` or `lost`.
    pub status: String,
    pub reason: String,
    pub duration_ms: i64,
}

/// `batch:warning`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct BatchWarning {
    pub batch_id: Option<i64>,
    pub message: String,
    pub warning_type: String,
    /// What the managed batch does from now on: `running`, `waiting` or `stopping`; absent = as
    /// it was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Until when a waiting batch waits, in milliseconds since the epoch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parked_until: Option<i64>,
}

/// `cycle:start`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CycleStart {
    pub cycle_number: i64,
    pub story_keys: Vec<String>,
}

/// `cycle:end`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CycleEnd {
    pub cycle_number: i64,
    pub completed_stories: Vec<String>,
}

/// `command:start`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CommandStart {
    pub story_key: String,
    /// The short id as the row says it.
    pub story_id: String,
    pub epic_id: String,
    pub command: String,
    pub task_id: String,
    pub message: Option<String>,
    /// More than one when a row speaks for several stories.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story_ids: Vec<String>,
}

/// `command:progress`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CommandProgress {
    pub story_key: String,
    pub story_id: String,
    pub epic_id: String,
    pub command: String,
    pub task_id: String,
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story_ids: Vec<String>,
}

/// `command:end`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct CommandEnd {
    pub story_key: String,
    pub story_id: String,
    pub epic_id: String,
    pub command: String,
    pub task_id: String,
    /// The row's own word; `left-open` when the batch ended before the command did.
    pub status: String,
    pub message: Option<String>,
    /// From the rows' times; `None` without a start.
    pub duration_ms: Option<i64>,
    /// From a message's `(files:2, lines:85)` suffix; empty without one.
    #[serde(default)]
    pub metrics: serde_json::Map<String, Value>,
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub story_ids: Vec<String>,
}

/// `story:status`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct StoryStatus {
    pub story_key: String,
    pub story_id: Option<String>,
    pub epic_id: Option<String>,
    /// `None`: the key appeared.
    pub old_status: Option<String>,
    /// `None`: the key went.
    pub new_status: Option<String>,
    /// The class behind `new_status`.
    pub status_class: Option<String>,
    pub title: Option<String>,
    /// The story that stands before it in the file; `None` = it is the first.
    pub after: Option<String>,
}

/// `epic:status`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct EpicStatus {
    /// Without the prefix `epic-`.
    pub epic_id: String,
    pub epic_key: String,
    pub old_status: Option<String>,
    pub new_status: Option<String>,
    pub status_class: Option<String>,
    pub title: Option<String>,
    /// The epic key that stands before it in the file; `None` = it is the first.
    pub after: Option<String>,
    /// True when the epic's retrospective is meant.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub retrospective: bool,
}

/// All `context:*` types
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Context {
    pub story_key: String,
    pub context_type: String,
    pub status: String,
    pub message: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub task_id: Option<String>,
}

/// `injection:warning`, `injection:empty`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Injection {
    pub command: String,
    pub story_keys: Vec<String>,
    pub size_bytes: i64,
    pub threshold_bytes: i64,
    pub message: String,
}

/// `cleanup:file_moved`, `cleanup:file_error`, `cleanup:complete`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Cleanup {
    pub file_name: Option<String>,
    pub files_moved: Option<i64>,
    pub story_keys: Vec<String>,
    pub message: Option<String>,
}

/// `background:complete`, `background:error`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Background {
    pub task_id: String,
    pub task_type: String,
    pub status: String,
    pub error: Option<String>,
}

/// `agent:start`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AgentStart {
    pub agent_id: String,
    pub pid: i64,
    pub command: String,
    pub story_keys: Vec<String>,
    pub model: Option<String>,
    /// Which try of its command this is; absent where tries are not counted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub attempt: Option<u32>,
    /// The task of the background chain it works for; absent on the main line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub background_task: Option<String>,
}

/// `agent:end`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct AgentEnd {
    pub agent_id: String,
    pub exit_code: Option<i64>,
    pub signal: Option<i64>,
    pub duration_ms: i64,
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cost_usd: Option<f64>,
    pub receipt: Option<Value>,
}

/// `activity:entry`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct Activity {
    pub story_key: Option<String>,
    /// `story`, `step`, `note` or `batch`.
    pub kind: String,
    pub step: Option<u32>,
    pub command: Option<String>,
    pub result: Option<String>,
    /// As written, such as `~3m`.
    pub duration: Option<String>,
    /// The line of orchestrator.md, from 1.
    pub line: u64,
    /// The line itself.
    pub text: String,
}

/// `source:state`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SourceState {
    /// The file's name, never a path of the machine.
    pub file: String,
    /// `ok`, `missing`, `invalid`, `unreadable` or `reset`.
    pub state: String,
    pub line: Option<u64>,
    pub column: Option<u64>,
    pub message: Option<String>,
    /// The file's issues from now on, at most 100; absent = as they were.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub issues: Option<Vec<Issue>>,
    /// The status file's `project`, when it says one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// For the status file alone: `ok`, `recovered`, `invalid`, `other-schema`, `refused`, `missing`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sprint_state: Option<String>,
}

/// `settings:changed`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct SettingsChanged {
    /// `{key: [old, new]}`
    pub changed: serde_json::Map<String, Value>,
}

/// `error`
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[allow(missing_docs)]
pub struct ErrorEvent {
    #[serde(rename = "type")]
    pub kind: String,
    pub message: String,
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
