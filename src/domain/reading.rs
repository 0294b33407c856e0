//! What one reading of sprint-status.yaml says: the result of the parser and the input of the diff.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::issue::Issue;

/// What became of a reading of the status file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ReadingState {
    /// Whole and good: the only state that makes events.
    Ok,
    /// Not valid YAML; what a line scan of the map could still read.
    Recovered,
    /// Not valid YAML, nothing recovered.
    Invalid,
    /// Valid YAML of some other tool's shape.
    OtherSchema,
    /// Not read at all, for a stated reason (size, nesting, encoding…).
    Refused,
}

/// What an entry of `development_status` stands for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum EntryKind {
    /// `epic-*`
    Epic,
    /// Everything that is neither epic nor retrospective.
    Story,
    /// `*-retrospective`
    Retrospective,
}

/// One key of `development_status` with its status, duplicates already settled (last wins, at the
/// place of the first).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// The key as the file writes it: `2a-1-session-list`, `epic-2a`, `epic-2a-retrospective`.
    pub key: String,
    /// What the key stands for.
    pub kind: EntryKind,
    /// The file's own word, trimmed.
    pub status: String,
    /// The epic's key (`epic-2a`) this entry belongs to: its own for an epic; `None` when unknown.
    pub epic_key: Option<String>,
    /// A human title: a `name`/`title` in a mapping value, or an epic's `# Epic 2a: Title` comment.
    pub title: Option<String>,
    /// Line of the winning `key: value`, from 1.
    pub line: u64,
}

/// One whole reading.
#[derive(Debug, Clone, PartialEq)]
pub struct Reading {
    /// What became of it.
    pub state: ReadingState,
    /// The document's own top-level keys as JSON, in order. `development_status` is an object of
    /// texts. Empty unless `state` is `Ok` or `OtherSchema` (there: the top-level keys).
    pub document: serde_json::Map<String, serde_json::Value>,
    /// The entries in file order.
    pub entries: Vec<Entry>,
    /// How many keys stood more than once (each repetition counts one).
    pub duplicates: u64,
    /// How many values were mappings (`{status: …}`).
    pub mapping_values: u64,
    /// All that is worth telling, in line order.
    pub issues: Vec<Issue>,
}
