//! What must be right before a batch begins: the agents' programs, the status file.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use crate::agents::process::{SpawnError, find_program};
use crate::agents::story_files::StoryKey;
use crate::config::agents::AgentConfig;
use crate::config::workflow::Runner;
use crate::domain::key;
use crate::domain::reading::{EntryKind, Reading, ReadingState};
use crate::domain::workflow::{Candidate, Command};
use crate::project::layout::Layout;
use crate::watch::once::{self, Unread};

use super::parts::Parts;

/// How long a status file that cannot be read now is tried again while a batch runs.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);

/// Why no batch was begun. The state is as before.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum StartError {
    /// One runs already.
    #[error("a batch is already running: stop it first, or wait for its end")]
    Running,
    /// An agent's program cannot be started.
    #[error("{0}")]
    Program(String),
    /// The status file is missing or cannot be understood.
    #[error("{0}")]
    StatusFile(String),
    /// The log cannot be written.
    #[error("the log cannot be written: {0}")]
    Log(String),
    /// The server is ending.
    #[error("the server is ending")]
    Closed,
}

/// Looks whether a batch could begin. Blocks.
pub(super) fn check(parts: &Parts) -> Result<(), StartError> {
    let layout = parts.board.layout();
    let workflow = parts.agents.workflow();
    let agents = match workflow.runner {
        Runner::Agents => Command::ALL.map(Command::name).to_vec(),
        Runner::Command => vec![""],
    };
    let mut seen = BTreeSet::new();
    for name in agents {
        let agent = parts.agents.for_command(name);
        if seen.insert(&agent.name) {
            program(agent, &layout).map_err(StartError::Program)?;
        }
    }
    read(&layout).map(|_| ()).map_err(StartError::StatusFile)
}

/// Whether an agent's program is there; if not, why it cannot be started.
pub(super) fn program(agent: &AgentConfig, layout: &Layout) -> Result<PathBuf, String> {
    find_program(agent.program.as_ref(), &layout.root).map_err(|error| cannot_start(agent, &error))
}

/// Why an agent cannot be started and what to do, in one sentence without a path of the machine.
pub(super) fn cannot_start(agent: &AgentConfig, error: &SpawnError) -> String {
    let program = Path::new(&agent.program).file_name().unwrap_or_default().to_string_lossy();
    let name = &agent.name;
    let fault = match error {
        SpawnError::Missing(_) => format!(
            "there is no program \"{program}\"; install it, or name another under [agents.{name}] in \
             sprint-runner.toml"
        ),
        SpawnError::NotExecutable(_) => format!(
            "\"{program}\" is no program that this user can execute; see [agents.{name}] in \
             sprint-runner.toml"
        ),
        SpawnError::Other(error) => error.to_string(),
    };
    format!("the agent \"{name}\" cannot be started: {fault}")
}

/// The stories of the status file. One that is only half written is given time. Blocks.
pub(super) fn candidates(layout: &Layout) -> Result<Vec<Candidate>, String> {
    let began = Instant::now();
    loop {
        match read(layout) {
            Ok(reading) => return Ok(stories(&reading)),
            Err(error) if began.elapsed() >= PATIENCE => return Err(error),
            Err(_) => std::thread::sleep(PAUSE),
        }
    }
}

/// The keys of all stories with those of their epics.
pub(super) fn story_keys(reading: &Reading) -> Vec<StoryKey> {
    let stories = reading.entries.iter().filter(|entry| entry.kind == EntryKind::Story);
    stories.map(|entry| (entry.key.clone(), entry.epic_key.clone())).collect()
}

/// What may be taken, and all keys; as the status file has them now. Blocks.
pub(super) fn look(layout: &Layout) -> Result<(Vec<Candidate>, Vec<StoryKey>), String> {
    let reading = read(layout)?;
    Ok((stories(&reading), story_keys(&reading)))
}

fn stories(reading: &Reading) -> Vec<Candidate> {
    let stories = reading.entries.iter().filter(|entry| entry.kind == EntryKind::Story);
    stories
        .map(|entry| Candidate {
            story_key: entry.key.clone(),
            story_id: key::short_id(&entry.key, entry.epic_key.as_deref()),
            epic_id: entry.epic_key.as_deref().map(|epic| key::epic_id(epic).to_owned()),
            status: entry.status.clone(),
        })
        .collect()
}

fn read(layout: &Layout) -> Result<Reading, String> {
    let name = layout.display_name(&layout.status_file);
    let reading = once::status(layout).map_err(|unread| match unread {
        Unread::Missing => format!("there is no {name}: plan the sprint first"),
        Unread::Unreadable(reason) => format!("{name} cannot be read: {reason}"),
    })?;
    if reading.state == ReadingState::Ok {
        return Ok(reading);
    }
    let issue = reading.issues.first();
    let place = issue.and_then(|issue| issue.line).map_or(String::new(), |line| format!(":{line}"));
    let what = issue.map_or("it cannot be understood", |issue| issue.message.as_str());
    Err(format!("{name}{place}: {what}"))
}
