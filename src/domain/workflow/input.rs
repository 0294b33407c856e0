//! What the state machine hears, and what it wants done.

use super::job::{Job, Outcome, RunId};
use crate::domain::payload::Payload;

use super::select::Candidate;

/// Tells the timers of a batch apart.
pub type TimerId = u32;

/// How old the project context is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ContextAge {
    /// There is none.
    Missing,
    /// Older than the setting allows.
    Stale,
    /// Young enough.
    Fresh,
}

/// Which stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StopMode {
    /// What runs may end, nothing more begins.
    Graceful,
    /// The children are ended first.
    Now,
    /// The same, because the server ends.
    Shutdown,
}

/// What became of moving the files of finished stories.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct MoveReport {
    /// The moved files' names.
    pub moved: Vec<String>,
    /// The names of those that could not be moved, and why.
    pub failed: Vec<(String, String)>,
}

/// Why a status was not written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum WriteFailure {
    /// The file no longer has the story.
    Gone,
    /// The file cannot be written or understood; one sentence.
    Failed(String),
}

/// What the state machine hears.
#[derive(Debug, Clone, PartialEq)]
pub enum Input {
    /// The batch's row exists: go.
    Begin,
    /// Answers [`Effect::LookAtContext`].
    ContextAge(ContextAge),
    /// Answers [`Effect::CopyContext`].
    ContextCopied(Result<(), String>),
    /// Answers [`Effect::ReadSprint`]: the stories in file order.
    Sprint(Result<Vec<Candidate>, String>),
    /// Answers [`Effect::LookForTechSpecs`]: the keys that have one or were decided not to need one.
    TechSpecs(Vec<String>),
    /// The process of a run is there.
    Started(RunId),
    /// A run has done something: the program works. Comes at most once a run, before its end.
    StartedWell(RunId),
    /// A run has ended: exactly one for each [`Effect::Run`].
    Ended(RunId, Outcome),
    /// Answers [`Effect::WriteStatus`] for this story.
    StatusWritten(String, Result<(), WriteFailure>),
    /// Answers [`Effect::MoveFiles`].
    Moved(MoveReport),
    /// The time of [`Effect::Wait`] has come.
    Tick(TimerId),
    /// Somebody wants the batch to end.
    Stop(StopMode),
}

/// What the state machine wants done, in order.
#[derive(Debug, Clone, PartialEq)]
#[allow(clippy::large_enum_variant)] // most effects are events
pub enum Effect {
    /// Tell the log.
    Publish(Payload),
    /// Find out how old the project context is.
    LookAtContext,
    /// Copy the project context for this batch.
    CopyContext,
    /// Read the status file.
    ReadSprint,
    /// Find out which of these stories need no tech spec any more.
    LookForTechSpecs(Vec<String>),
    /// Remember that these stories were decided not to need a tech spec.
    NoteNoTechSpec(Vec<String>),
    /// Run an agent, as soon as the pool has room.
    Run {
        /// What it is to do.
        job: Job,
        /// The background chain that it belongs to.
        task: Option<String>,
    },
    /// Run the user's own orchestrator for the whole batch.
    RunWhole(RunId),
    /// Write a story's status into the file.
    WriteStatus {
        /// The long key.
        story_key: String,
        /// The word.
        status: &'static str,
    },
    /// Move the files of finished stories to the archive.
    MoveFiles(Vec<String>),
    /// Send a [`Input::Tick`] at that time.
    Wait {
        /// Which.
        timer: TimerId,
        /// Milliseconds since the epoch.
        until_ms: i64,
    },
    /// End every child of the batch, running or waiting for room. Each still gets its
    /// [`Input::Ended`].
    EndChildren,
    /// The batch is over; nothing follows.
    Finish,
}
