//! What an agent is sent to do, and what became of it.

use super::command::Command;

/// Tells the runs of a batch apart: 1, 2, 3… in the order in which they were asked for.
pub type RunId = u32;

/// One agent process to run.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Job {
    /// Its number within the batch.
    pub run: RunId,
    /// What to do.
    pub command: Command,
    /// The stories' long keys; none for the project context.
    pub story_keys: Vec<String>,
    /// The epic they belong to, without prefix.
    pub epic_id: Option<String>,
    /// Which review this is, from 1; reviews only.
    pub attempt: Option<u32>,
    /// Part of a chain that does not hold the batch up.
    pub background: bool,
    /// To be done by the small model.
    pub small_model: bool,
}

impl Job {
    /// The command as rows of the log write it: `code-review-2`, `dev-story`.
    pub fn row_command(&self) -> String {
        match self.attempt {
            Some(attempt) => format!("{}-{attempt}", self.command.row_name()),
            None => self.command.row_name().to_owned(),
        }
    }
}

/// How bad the worst finding of a review is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[allow(missing_docs)]
pub enum Severity {
    Low,
    Medium,
    High,
    Critical,
}

/// What a review says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing found.
    ZeroIssues,
    /// Something found.
    Issues {
        /// The worst of it.
        severity: Severity,
        /// The findings, normalised: equal for reviews that found the same.
        findings: String,
    },
}

/// What create-story decided for one story.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TechSpecDecision {
    /// It needs a tech spec.
    Required,
    /// It does not.
    Skip,
}

/// What a run has cost, where its agent told.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
#[allow(missing_docs)]
pub struct Usage {
    pub input_tokens: Option<i64>,
    pub output_tokens: Option<i64>,
    pub cost_usd: Option<f64>,
}

/// What a run that ended well said; each command looks at its own part.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// The last verdict of a code review; `None` when there was none.
    pub verdict: Option<Verdict>,
    /// Whether a review of stories or tech specs found something critical.
    pub critical: bool,
    /// What create-story decided, in the order of its stories.
    pub tech_specs: Vec<TechSpecDecision>,
}

/// How a run ended.
#[derive(Debug, Clone, PartialEq)]
pub enum Outcome {
    /// Well.
    Done(Report),
    /// Not well.
    Failed(Cause),
    /// The provider's usage limit was met.
    UsageLimit {
        /// When it ends, where the message tells: milliseconds since the epoch.
        resets_at_ms: Option<i64>,
        /// The provider's words.
        message: String,
    },
    /// Somebody stopped this one.
    Stopped,
}

/// Why a run failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Cause {
    /// The program could not be started at all: missing, not executable.
    CannotStart(String),
    /// It was not allowed to do what it needed: the user's settings, no story, are at fault.
    Denied(String),
    /// Trying again cannot help: the context is too large, the file cannot be written.
    Refused(String),
    /// Anything else: exit code, signal, time-out, an error result, permissions denied.
    Failed(String),
}

impl Cause {
    /// One sentence for people.
    pub fn message(&self) -> &str {
        match self {
            Self::CannotStart(message)
            | Self::Denied(message)
            | Self::Refused(message)
            | Self::Failed(message) => message,
        }
    }
}
