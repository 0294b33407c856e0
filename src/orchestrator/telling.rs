//! What one agent is told: its program, arguments, prompt, context and environment.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use crate::agents::arguments::{arguments, model};
use crate::agents::context::{self, Request};
use crate::agents::instructions::Instructions;
use crate::agents::process::{Cookie, Launch};
use crate::agents::prompt::{Project, prompt};
use crate::agents::story_files::StoryKey;
use crate::config::agents::AgentConfig;
use crate::domain::payload::{Injection, Payload};
use crate::domain::workflow::{Cause, Command, Job, RunId};

use super::BatchSize;
use super::parts::Parts;
use super::run_files;

/// Marks of another agent's session, and secrets of this server that are none of an agent's.
const UNSET: [&str; 5] = [
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "SPRINT_RUNNER_TOKEN",
    "SPRINT_RUNNER_AGENT",
];

/// Everything a run needs to be started.
#[derive(Debug)]
pub(super) struct Told {
    pub(super) agent: AgentConfig,
    pub(super) model: Option<String>,
    pub(super) launch: Launch,
    /// What there is to say about its context.
    pub(super) events: Vec<Payload>,
    /// What did not go as it should, without being in the way.
    pub(super) warnings: Vec<String>,
}

/// Puts together what an agent is told. Reads files and blocks.
pub(super) fn tell(
    parts: &Parts,
    batch_id: i64,
    job: &Job,
    git_status: Option<&str>,
) -> Result<Told, Cause> {
    let layout = parts.board.layout();
    let stories = known_stories(parts);
    let settings = parts.settings.get();
    let (warning_bytes, error_bytes) =
        (kib(settings.injection_warning_kb), kib(settings.injection_error_kb));
    let gathered = context::gather(&Request {
        job,
        layout: &layout,
        stories: &stories,
        git_status,
        extra_files: &parts.agents.workflow().extra_files,
        warning_bytes,
        error_bytes,
    })
    .map_err(|error| Cause::Refused(error.to_string()))?;
    let written = run_files::write_context(&parts.state_dir, batch_id, job, &gathered.text);
    let context_file = written
        .map_err(|error| Cause::Refused(format!("the context file cannot be written: {error}")))?;

    let agent = parts.agents.for_command(job.command.name()).clone();
    let model = model(&agent, job.small_model);
    let instructions = Instructions::load(job.command, &layout, parts.agents.workflow());
    let told_in_prompt = (!agent.takes_context_file()).then_some(context_file.as_path());
    let project = Project { layout: &layout, stories: &stories, context_file: told_in_prompt };
    let stdin = prompt(job, &instructions, &project).into_bytes();
    let args = arguments(&agent, &context_file, model.as_deref());
    let launch =
        launch(parts, batch_id, job.run, &agent, args, stdin, &[(CONTEXT_FILE, &context_file)]);

    let injection = |message: String, threshold_bytes: u64| Injection {
        command: job.command.name().to_owned(),
        story_keys: job.story_keys.clone(),
        size_bytes: gathered.size_bytes as i64,
        threshold_bytes: threshold_bytes as i64,
        message,
    };
    let mut events = Vec::new();
    if let Some(message) = &gathered.warning {
        events.push(Payload::InjectionWarning(injection(message.clone(), warning_bytes)));
    }
    if gathered.empty {
        let message = "no file was found to give to the agent".to_owned();
        events.push(Payload::InjectionEmpty(injection(message, 0)));
    }
    let unreadable =
        gathered.unreadable.iter().map(|file| format!("not given to the agent: {file}"));
    let warnings = instructions.warning.into_iter().chain(unreadable).collect();
    Ok(Told { agent, model, launch, events, warnings })
}

/// The user's own orchestrator, for a whole batch.
pub(super) fn tell_whole(parts: &Parts, batch_id: i64, run: RunId, size: BatchSize) -> Told {
    let agent = parts.agents.for_command("").clone();
    let model = model(&agent, false);
    let size = match size {
        BatchSize::Cycles(cycles) => cycles.to_string(),
        BatchSize::All => "all".to_owned(),
    };
    let stdin = format!("sprint-runner\nBatch size: {size}\n").into_bytes();
    let args = arguments(&agent, Path::new(""), model.as_deref());
    let size = PathBuf::from(size);
    let launch =
        launch(parts, batch_id, run, &agent, args, stdin, &[("SPRINT_RUNNER_BATCH_SIZE", &size)]);
    Told { agent, model, launch, events: Vec::new(), warnings: Vec::new() }
}

/// Where every agent finds its context, whatever its arguments say.
const CONTEXT_FILE: &str = "SPRINT_RUNNER_CONTEXT_FILE";

fn launch(
    parts: &Parts,
    batch_id: i64,
    run: RunId,
    agent: &AgentConfig,
    args: Vec<OsString>,
    stdin: Vec<u8>,
    own: &[(&str, &Path)],
) -> Launch {
    let mut env: Vec<(OsString, OsString)> = own
        .iter()
        .map(|(name, value)| (OsString::from(name), value.as_os_str().to_owned()))
        .collect();
    if let Some(url) = &parts.url {
        env.push(("SPRINT_RUNNER_URL".into(), url.into()));
    }
    if let Some(path) = path_with_us() {
        env.push(("PATH".into(), path));
    }
    env.extend(agent.env.iter().map(|(name, value)| (name.into(), value.into())));
    Launch {
        program: agent.program.clone().into(),
        args,
        folder: parts.board.layout().root.clone(),
        env,
        unset: UNSET.iter().map(OsString::from).collect(),
        stdin,
        cookie: Cookie::new(&parts.project_mark(), batch_id, run),
    }
}

/// The search path with this program's own folder first, unless it is there already: agents log
/// with `sprint-runner log`, also where it is not installed, and mean this one.
fn path_with_us() -> Option<OsString> {
    let folder = std::env::current_exe().ok()?.parent()?.to_owned();
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    if folders.contains(&folder) {
        return None;
    }
    std::env::join_paths(std::iter::once(folder).chain(folders)).ok()
}

/// The stories as last read, also when the file cannot be read just now.
pub(super) fn known_stories(parts: &Parts) -> Vec<StoryKey> {
    let sprint = parts.board.sprint();
    sprint.shown.as_deref().map(super::preflight::story_keys).unwrap_or_default()
}

/// Who a command's rows of the log speak of.
pub(super) fn command_name(command: Option<Command>) -> &'static str {
    command.map_or("sprint-runner", Command::name)
}

fn kib(setting: i64) -> u64 {
    setting.unsigned_abs().saturating_mul(1024)
}
