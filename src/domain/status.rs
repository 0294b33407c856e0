//! Status words: the file's own word, and the class that stands behind it.
//!
//! Source of the words: the BMAD method's status file and 43 words met in 192 real ones.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::reading::EntryKind;

/// What a status word means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum StatusClass {
    /// Exists in its epic only.
    Backlog,
    /// Its file is written.
    ReadyForDev,
    /// Being developed.
    InProgress,
    /// Waits for code review.
    Review,
    /// Finished.
    Done,
    /// Need not be done.
    Optional,
    /// A word of somebody's own: shown as it is, counted apart, never near done.
    Other,
}

impl StatusClass {
    /// The class of a word, on whatever kind of key it stands.
    pub fn of(word: &str) -> Self {
        match canonical(word).as_str() {
            "backlog" => Self::Backlog,
            "ready-for-dev" => Self::ReadyForDev,
            "in-progress" => Self::InProgress,
            "review" => Self::Review,
            "done" => Self::Done,
            "optional" => Self::Optional,
            _ => Self::Other,
        }
    }

    /// The word on the wire.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Backlog => "backlog",
            Self::ReadyForDev => "ready-for-dev",
            Self::InProgress => "in-progress",
            Self::Review => "review",
            Self::Done => "done",
            Self::Optional => "optional",
            Self::Other => "other",
        }
    }
}

/// The word in its plain form: trimmed, lower case, `_` and blanks as `-`, aliases resolved.
pub fn canonical(word: &str) -> String {
    let plain: String = word
        .trim()
        .chars()
        .flat_map(char::to_lowercase)
        .map(|c| if c == '_' || c.is_whitespace() { '-' } else { c })
        .collect();
    match plain.as_str() {
        "not-started" | "todo" | "planned" | "pending" => "backlog".to_owned(),
        "complete" | "completed" => "done".to_owned(),
        "ready-for-review" | "review-ready" => "review".to_owned(),
        "ready" | "drafted" => "ready-for-dev".to_owned(),
        "wip" | "started" | "contexted" => "in-progress".to_owned(),
        _ => plain,
    }
}

/// Whether the word belongs on this kind of key. A known word on the wrong kind counts as known:
/// the wild is full of epics `ready-for-dev`.
pub fn is_known(kind: EntryKind, word: &str) -> bool {
    match StatusClass::of(word) {
        StatusClass::Other => false,
        StatusClass::Optional => kind != EntryKind::Epic,
        _ => true,
    }
}

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum CommandOutcome {
    /// Well, or with a word that says nothing else.
    Completed,
    /// Not well.
    Failed,
}

/// What the word of a log row that ends a command says.
pub fn command_outcome(word: &str) -> CommandOutcome {
    match word.trim().to_ascii_lowercase().as_str() {
        "failed" | "error" | "blocked" => CommandOutcome::Failed,
        _ => CommandOutcome::Completed,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_find_their_class() {
        for (word, class) in [
            ("done", StatusClass::Done),
            (" Complete ", StatusClass::Done),
            ("In progress", StatusClass::InProgress),
            ("in_progress", StatusClass::InProgress),
            ("contexted", StatusClass::InProgress),
            ("drafted", StatusClass::ReadyForDev),
            ("READY", StatusClass::ReadyForDev),
            ("todo", StatusClass::Backlog),
            ("review-ready", StatusClass::Review),
            ("optional", StatusClass::Optional),
            ("done (0 type errors)", StatusClass::Other),
            ("won't do", StatusClass::Other),
            ("", StatusClass::Other),
        ] {
            assert_eq!(StatusClass::of(word), class, "{word:?}");
        }
        assert_eq!(canonical("framework-complete"), "framework-complete");
        assert_eq!(command_outcome("discovery-complete"), CommandOutcome::Completed);
        assert_eq!(command_outcome("Failed"), CommandOutcome::Failed);
    }
}
