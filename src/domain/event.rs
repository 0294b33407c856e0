//! Events: one typed thing that happened, before and after the log gave it its id.

mod schema;

use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;

pub use schema::{AnyEvent, KnownEvent, schema_name};

use super::payload::Payload;

/// An event's place in the log's total order; from 1, never used twice.
pub type EventId = u64;

/// Who told us.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Source {
    /// A row of the CSV log.
    Csv,
    /// sprint-status.yaml.
    Yaml,
    /// orchestrator.md.
    Md,
    /// A managed agent's own stream.
    Agent,
    /// The orchestrator.
    Orchestrator,
    /// The server itself.
    Server,
}

impl Source {
    /// The word on the wire and in the database.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Csv => "csv",
            Self::Yaml => "yaml",
            Self::Md => "md",
            Self::Agent => "agent",
            Self::Orchestrator => "orchestrator",
            Self::Server => "server",
        }
    }

    /// Reads the word back; what is unknown counts as the server's.
    pub fn from_word(word: &str) -> Self {
        match word {
            "csv" => Self::Csv,
            "yaml" => Self::Yaml,
            "md" => Self::Md,
            "agent" => Self::Agent,
            "orchestrator" => Self::Orchestrator,
            _ => Self::Server,
        }
    }
}

/// Something that happened, not yet in the log: it has no id and may have no batch.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEvent {
    /// When it happened, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Who told us.
    pub source: Source,
    /// The batch it belongs to, where its maker knows; else attribution decides.
    pub batch_id: Option<i64>,
    /// What happened.
    pub payload: Payload,
}

impl NewEvent {
    /// An event whose batch is left to attribution.
    pub const fn new(timestamp_ms: i64, source: Source, payload: Payload) -> Self {
        Self { timestamp_ms, source, batch_id: None, payload }
    }
}

/// An event of the log.
#[derive(Debug, Clone, PartialEq)]
pub struct Event {
    /// Its place in the order.
    pub id: EventId,
    /// When it happened, in milliseconds since the epoch.
    pub timestamp_ms: i64,
    /// Who told us.
    pub source: Source,
    /// The batch it belongs to.
    pub batch_id: Option<i64>,
    /// What happened.
    pub payload: Payload,
}

/// An event's JSON on the wire, its payload already encoded.
#[derive(Debug, Serialize, JsonSchema)]
pub struct Wire<'a> {
    /// Its place in the order of the log: it rises and is never used twice.
    #[schemars(range(min = 1))]
    pub id: EventId,
    /// The type's name.
    #[serde(rename = "type")]
    pub kind: &'a str,
    /// When it happened, in milliseconds since the epoch.
    pub timestamp: i64,
    /// The batch it belongs to.
    pub batch_id: Option<i64>,
    /// Who told us.
    #[schemars(with = "Source")]
    pub source: &'a str,
    /// The payload as stored.
    #[schemars(with = "serde_json::Value")]
    pub payload: &'a RawValue,
}
