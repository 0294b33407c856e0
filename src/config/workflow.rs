//! `[workflow]` of the file: who does which command, how many at once, how long to wait.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use toml::Spanned;

use super::durations;
use super::values;

/// The nine names that `[workflow.commands]` may use. They are told apart from misspelt ones here,
/// in a room that imports nothing; a test holds them to the workflow's own.
pub(super) const COMMANDS: [&str; 9] = [
    "generate-project-context",
    "sprint-create-story",
    "sprint-create-story-discovery",
    "sprint-story-review",
    "sprint-create-tech-spec",
    "sprint-tech-spec-review",
    "sprint-dev-story",
    "sprint-code-review",
    "sprint-commit",
];

/// Where a project keeps its own instructions for the commands, from the project folder.
pub const DEFAULT_COMMANDS_DIR: &str =
    "_bmad/bmm/workflows/4-implementation/sprint-runner/commands";

/// Who decides what is done next.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Runner {
    /// We do, and start one agent after another.
    #[default]
    Agents,
    /// A batch is one child: the user's own orchestrator, watched through the files.
    Command,
}

/// `[workflow]` as one source says it; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct WorkflowTable {
    /// Who decides what is done next.
    pub runner: Option<Runner>,
    /// The agent for every command that names none.
    pub default: Option<Spanned<String>>,
    /// The agent for one command.
    pub commands: Option<BTreeMap<Spanned<String>, Spanned<String>>>,
    /// How many agents may run at once.
    #[serde(deserialize_with = "values::max_processes")]
    pub max_processes: Option<usize>,
    /// Where the project keeps its own instructions.
    pub commands_dir: Option<PathBuf>,
    /// Files that every agent is given.
    #[serde(deserialize_with = "values::words")]
    pub extra_files: Option<Vec<String>>,
    /// Between asking a process to stop and killing it.
    #[serde(rename = "stop_grace_seconds", deserialize_with = "durations::stop_grace_seconds")]
    pub stop_grace: Option<Duration>,
    /// The same after a time-out.
    #[serde(
        rename = "timeout_grace_seconds",
        deserialize_with = "durations::timeout_grace_seconds"
    )]
    pub timeout_grace: Option<Duration>,
    /// From the `result` line to the end of the process.
    #[serde(rename = "result_grace_seconds", deserialize_with = "durations::result_grace_seconds")]
    pub result_grace: Option<Duration>,
    /// Before the first new try.
    #[serde(rename = "retry_seconds", deserialize_with = "durations::retry_seconds")]
    pub retry: Option<Duration>,
    /// How long to wait at a usage limit.
    #[serde(
        rename = "usage_limit_wait_minutes",
        deserialize_with = "durations::usage_limit_wait_minutes"
    )]
    pub limit_wait: Option<Duration>,
}

impl WorkflowTable {
    /// This table, and where it says nothing, the `lower` one.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        Self {
            runner: self.runner.or(lower.runner),
            default: self.default.or(lower.default),
            commands: self.commands.or(lower.commands),
            max_processes: self.max_processes.or(lower.max_processes),
            commands_dir: self.commands_dir.or(lower.commands_dir),
            extra_files: self.extra_files.or(lower.extra_files),
            stop_grace: self.stop_grace.or(lower.stop_grace),
            timeout_grace: self.timeout_grace.or(lower.timeout_grace),
            result_grace: self.result_grace.or(lower.result_grace),
            retry: self.retry.or(lower.retry),
            limit_wait: self.limit_wait.or(lower.limit_wait),
        }
    }

    pub(super) fn based_on(&mut self, base: &Path) {
        if let Some(folder) = &mut self.commands_dir {
            *folder = base.join(&*folder);
        }
    }
}

/// The workflow's settings in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkflowConfig {
    /// Who decides what is done next.
    pub runner: Runner,
    /// The agent for every command that names none.
    pub default: String,
    /// The agent for one command, by the command's name.
    pub commands: BTreeMap<String, String>,
    /// How many agents may run at once.
    pub max_processes: usize,
    /// Where the project keeps its own instructions: absolute when configured, and then anywhere;
    /// else [`DEFAULT_COMMANDS_DIR`], from the project folder.
    pub commands_dir: PathBuf,
    /// Files that every agent is given, from the project folder.
    pub extra_files: Vec<String>,
    /// Between asking a process to stop and killing it.
    pub stop_grace: Duration,
    /// The same after a time-out.
    pub timeout_grace: Duration,
    /// From the `result` line to the end of the process.
    pub result_grace: Duration,
    /// Before the first new try; doubled for each further one.
    pub retry: Duration,
    /// How long to wait at a usage limit whose provider names no time.
    pub limit_wait: Duration,
}

impl From<WorkflowTable> for WorkflowConfig {
    fn from(table: WorkflowTable) -> Self {
        let seconds = Duration::from_secs;
        let commands = table.commands.unwrap_or_default().into_iter();
        Self {
            runner: table.runner.unwrap_or_default(),
            default: table.default.map_or_else(|| "claude".to_owned(), Spanned::into_inner),
            commands: commands
                .map(|(command, agent)| (command.into_inner(), agent.into_inner()))
                .collect(),
            max_processes: table.max_processes.unwrap_or(4),
            commands_dir: table.commands_dir.unwrap_or_else(|| DEFAULT_COMMANDS_DIR.into()),
            extra_files: table.extra_files.unwrap_or_default(),
            stop_grace: table.stop_grace.unwrap_or(seconds(3)),
            timeout_grace: table.timeout_grace.unwrap_or(seconds(10)),
            result_grace: table.result_grace.unwrap_or(seconds(10)),
            retry: table.retry.unwrap_or(seconds(5)),
            limit_wait: table.limit_wait.unwrap_or(seconds(30 * 60)),
        }
    }
}
