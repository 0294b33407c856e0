//! The columns that an event's row carries beside its payload, for filters and older scripts.

use crate::domain::payload::Payload;

/// What a payload says, as the older server's columns; empty where it says nothing.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[allow(missing_docs)]
pub struct Columns<'a> {
    pub epic_id: &'a str,
    pub story_key: &'a str,
    /// The short id beside `story_key`.
    pub story_short: Option<&'a str>,
    pub command: &'a str,
    pub task_id: &'a str,
    pub status: &'a str,
    pub message: Option<&'a str>,
}

impl<'a> Columns<'a> {
    /// Reads the columns off a payload.
    pub fn of(payload: &'a Payload) -> Self {
        let none = Self::default();
        match payload {
            Payload::CommandStart(body) => Self {
                epic_id: &body.epic_id,
                story_key: &body.story_key,
                story_short: Some(&body.story_id),
                command: &body.command,
                task_id: &body.task_id,
                status: "start",
                message: body.message.as_deref(),
            },
            Payload::CommandProgress(body) => Self {
                epic_id: &body.epic_id,
                story_key: &body.story_key,
                story_short: Some(&body.story_id),
                command: &body.command,
                task_id: &body.task_id,
                status: "progress",
                message: body.message.as_deref(),
            },
            Payload::CommandEnd(body) => Self {
                epic_id: &body.epic_id,
                story_key: &body.story_key,
                story_short: Some(&body.story_id),
                command: &body.command,
                task_id: &body.task_id,
                status: &body.status,
                message: body.message.as_deref(),
            },
            Payload::StoryStatus(body) => Self {
                epic_id: body.epic_id.as_deref().unwrap_or_default(),
                story_key: &body.story_key,
                story_short: body.story_id.as_deref(),
                status: body.new_status.as_deref().unwrap_or_default(),
                ..none
            },
            Payload::EpicStatus(body) => Self {
                epic_id: &body.epic_id,
                status: body.new_status.as_deref().unwrap_or_default(),
                ..none
            },
            Payload::ActivityEntry(body) => Self {
                story_key: body.story_key.as_deref().unwrap_or_default(),
                command: body.command.as_deref().unwrap_or_default(),
                message: Some(&body.text),
                ..none
            },
            Payload::SourceState(body) => {
                Self { status: &body.state, message: body.message.as_deref(), ..none }
            }
            Payload::BatchEnd(body) => {
                Self { status: &body.status, message: Some(&body.reason), ..none }
            }
            Payload::BatchWarning(body) => {
                Self { status: &body.warning_type, message: Some(&body.message), ..none }
            }
            Payload::Error(body) => {
                Self { status: &body.kind, message: Some(&body.message), ..none }
            }
            Payload::AgentStart(body) => Self { command: &body.command, ..none },
            _ => none,
        }
    }
}
