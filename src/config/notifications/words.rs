//! The words of a target: what can be told, in whose language, and which ends of batches.

use serde::Deserialize;

/// What can be told.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, serde::Serialize, Deserialize,
)]
#[serde(rename_all = "snake_case")]
pub enum Rule {
    /// A story has become blocked or failed.
    StoryBlocked,
    /// A batch has ended.
    BatchEnded,
    /// An agent at work has printed nothing for a while.
    AgentSilent,
    /// The provider's usage limit is reached.
    UsageLimit,
    /// The status file cannot be used.
    StatusFileBroken,
}

impl Rule {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::StoryBlocked,
        Self::BatchEnded,
        Self::AgentSilent,
        Self::UsageLimit,
        Self::StatusFileBroken,
    ];

    /// Its name in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::StoryBlocked => "story_blocked",
            Self::BatchEnded => "batch_ended",
            Self::AgentSilent => "agent_silent",
            Self::UsageLimit => "usage_limit",
            Self::StatusFileBroken => "status_file_broken",
        }
    }
}

/// Whose language a target speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// JSON of our own.
    Webhook,
    /// An incoming webhook of Slack.
    Slack,
    /// A webhook of Discord.
    Discord,
    /// A topic of an ntfy server.
    Ntfy,
}

impl Kind {
    pub(super) const ALL: [Self; 4] = [Self::Webhook, Self::Slack, Self::Discord, Self::Ntfy];

    /// Its name in the file.
    pub const fn word(self) -> &'static str {
        match self {
            Self::Webhook => "webhook",
            Self::Slack => "slack",
            Self::Discord => "discord",
            Self::Ntfy => "ntfy",
        }
    }
}

/// How a batch can end.
pub const BATCH_ENDS: [&str; 4] = ["completed", "stopped", "error", "lost"];

pub(super) fn kinds() -> String {
    Kind::ALL.map(|kind| format!("{:?}", kind.word())).join(", ")
}
