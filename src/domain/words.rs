//! Closed lists of words that events, rows and answers carry as text, for the document of the API.
//!
//! Where the code has an enum of its own, that one stands in the document; these are for fields that
//! are kept and passed on as text. A word that is missing here is found by the tests that hold the
//! document to a running server; those of statuses are the database's own.

use schemars::JsonSchema;

macro_rules! words {
    ($($(#[$doc:meta])* $name:ident { $($(#[$of:meta])* $variant:ident = $word:literal,)* })*) => {
        $(
            $(#[$doc])*
            #[derive(Debug, Clone, Copy, PartialEq, Eq, JsonSchema)]
            #[allow(missing_docs)]
            pub enum $name {
                $($(#[$of])* #[schemars(rename = $word)] $variant,)*
            }

            impl $name {
                /// All of them.
                pub const WORDS: &'static [&'static str] = &[$($word,)*];
            }
        )*
    };
}

words! {
    /// Whose language a target of notifications speaks.
    NotificationTarget {
        /// Anybody's: the event as JSON.
        Webhook = "webhook",
        /// Slack.
        Slack = "slack",
        /// Discord.
        Discord = "discord",
        /// ntfy.
        Ntfy = "ntfy",
    }

    /// Who runs a batch.
    Origin {
        /// This server's orchestrator.
        Managed = "managed",
        /// Somebody else: it is inferred from the files.
        Observed = "observed",
    }

    /// Who runs a batch, and whether it has an end.
    BatchMode {
        /// Managed, so many cycles.
        Fixed = "fixed",
        /// Managed, until nothing is left.
        All = "all",
        /// Not managed here.
        Observed = "observed",
    }

    /// How a batch stands.
    BatchStatus {
        /// Under way.
        Running = "running",
        /// Ended as it should.
        Completed = "completed",
        /// Ended by somebody.
        Stopped = "stopped",
        /// Could not go on.
        Error = "error",
        /// Nobody saw it end.
        Lost = "lost",
    }

    /// How a batch ended.
    BatchEndStatus {
        /// As it should.
        Completed = "completed",
        /// Somebody stopped it.
        Stopped = "stopped",
        /// It could not go on.
        Error = "error",
        /// Nobody saw it end.
        Lost = "lost",
    }

    /// How a story of a batch stands; a word of somebody's own in the status file is none of these.
    StoryStatus {
        Pending = "pending",
        InProgress = "in-progress",
        Review = "review",
        Done = "done",
        Failed = "failed",
        Blocked = "blocked",
        Skipped = "skipped",
        Backlog = "backlog",
        ReadyForDev = "ready-for-dev",
        Optional = "optional",
    }

    /// How a command stands.
    CommandStatus {
        /// Under way.
        Running = "running",
        /// Ended, and with no word that says it failed.
        Completed = "completed",
        /// Ended with a word that says so.
        Failed = "failed",
        /// Nobody saw it end.
        Lost = "lost",
    }

    /// What a managed batch does.
    RunState {
        /// Agents work.
        Running = "running",
        /// It waits for the end of a usage limit.
        Waiting = "waiting",
        /// What runs may end, nothing more begins.
        Stopping = "stopping",
    }

    /// What the managed orchestrator does.
    OrchestratorState {
        /// Nothing; an observed batch leaves it so.
        Idle = "idle",
        /// A batch is being begun.
        Starting = "starting",
        /// Agents work.
        Running = "running",
        /// It waits for the end of a usage limit.
        Waiting = "waiting",
        /// What runs may end, nothing more begins.
        Stopping = "stopping",
        /// The server that works on it is not heard: what it does is not known.
        Unreachable = "unreachable",
    }

    /// Whether a managed batch has an end.
    ManagedMode {
        /// So many cycles.
        Fixed = "fixed",
        /// Until nothing is left.
        All = "all",
    }

    /// What a line of orchestrator.md is.
    NoteKind {
        /// A story's heading, and what is said of the story as a whole.
        Story = "story",
        /// A row of its table.
        Step = "step",
        /// Any other line.
        Note = "note",
        /// What is said of a batch.
        Batch = "batch",
    }

    /// What became of a watched file.
    FileState {
        /// Read.
        Ok = "ok",
        /// It is not there.
        Missing = "missing",
        /// It is not what it should be.
        Invalid = "invalid",
        /// The system does not let it be read.
        Unreadable = "unreadable",
        /// It was written anew, shorter.
        Reset = "reset",
    }

    /// How the status file could be read.
    SprintState {
        /// Whole and good.
        Ok = "ok",
        /// Not valid YAML; what a line scan could still read.
        Recovered = "recovered",
        /// Not valid YAML, nothing recovered.
        Invalid = "invalid",
        /// Valid YAML of some other tool's shape.
        OtherSchema = "other-schema",
        /// Not read at all, for a stated reason.
        Refused = "refused",
        /// It is not there.
        Missing = "missing",
        /// The system does not let it be read.
        Unreadable = "unreadable",
    }

    /// Which part of a command an event told of.
    CommandMoment {
        Start = "start",
        Progress = "progress",
        End = "end",
    }

    /// Whether all is well with a project.
    ProjectStatus {
        /// All is well.
        Ok = "ok",
        /// Something is in the way; `reasons` says what.
        Degraded = "degraded",
        /// It could not be started.
        Down = "down",
    }

    /// What goes on in a project.
    ProjectState {
        /// A command is under way, or was seconds ago.
        Running = "running",
        /// A batch without a command.
        Waiting = "waiting",
        /// A usage limit is waited for.
        Parked = "parked",
        /// The batch is being stopped.
        Stopping = "stopping",
        /// Nothing runs, and something is left to do.
        Idle = "idle",
        /// Every story is done.
        Finished = "finished",
        /// There is no story.
        Empty = "empty",
        /// The server that works on it is not heard: what goes on there is not known.
        Unreachable = "unreachable",
        /// It could not be started.
        Down = "down",
    }

    /// Whether all is well.
    HealthStatus {
        /// All is well.
        Ok = "ok",
        /// Something is in the way; `reasons` says what.
        Degraded = "degraded",
    }

    /// Who says a setting's value.
    SettingFrom {
        /// Nobody.
        Default = "default",
        /// A change that was saved.
        Saved = "saved",
        /// The command line.
        Flag = "flag",
        /// A variable of the environment.
        Environment = "environment",
        /// `sprint-runner.toml`.
        File = "file",
    }

    /// What a file of a story is.
    StoryFileKind {
        /// The story itself.
        Story = "story",
        /// What was found out before it.
        Discovery = "discovery",
        /// How it is to be built.
        TechSpec = "tech-spec",
    }
}

/// Names the log: 8 hex digits, drawn when the database is made.
#[derive(Debug, JsonSchema)]
#[schemars(extend("pattern" = "^[0-9a-f]{8}$"))]
pub struct Epoch(#[allow(dead_code)] String);
