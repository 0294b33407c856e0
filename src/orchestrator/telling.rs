//! What one agent is told: its program, arguments, prompt, context and environment.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};

use crate::agents::arguments::{arguments, model};
use crate::agents::context::{self, Request};
use crate::agents::instructions::Instructions;
use crate::agents::process::{Cookie, Launch};
use crate::agents::prompt::{Project, prompt};
use crate::agents::story_files::StoryKey;
use crate::config::agents::{AgentConfig, Agents};
use crate::domain::payload::{Injection, Payload};
use crate::domain::settings::Settings;
use crate::domain::workflow::{Cause, Command, Job, RunId};
use crate::project::layout::Layout;

use super::BatchSize;
use super::parts::Parts;
use super::run_files;

/// Marks of another agent's session, and secrets of this server that are none of an agent's.
const UNSET: [&str; 6] = [
    "CLAUDECODE",
    "CLAUDE_CODE_ENTRYPOINT",
    "CLAUDE_CODE_SSE_PORT",
    "SPRINT_RUNNER_TOKEN",
    "SPRINT_RUNNER_AGENT",
    // It may hold a password.
    "SPRINT_RUNNER_NATS",
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

/// What an agent's words are made from.
#[derive(Debug, Clone, Copy)]
pub(super) struct Sources<'a> {
    pub(super) layout: &'a Layout,
    pub(super) stories: &'a [StoryKey],
    pub(super) settings: &'a Settings,
    pub(super) agents: &'a Agents,
    /// The project context that this batch has, or would have.
    pub(super) project_context: &'a Path,
}

/// What an agent is told, nothing written or started yet: the one place where that is made, for
/// those who start it and for those who only show it.
#[derive(Debug)]
pub(super) struct Words {
    pub(super) agent: AgentConfig,
    pub(super) model: Option<String>,
    pub(super) args: Vec<OsString>,
    pub(super) prompt: String,
    /// The content of the context file; a whole batch has none.
    pub(super) context: Option<String>,
    pub(super) events: Vec<Payload>,
    pub(super) warnings: Vec<String>,
}

/// Puts the words for a job together. Its context will be in `context_file`. Reads files and blocks.
pub(super) fn words(
    sources: &Sources,
    job: &Job,
    git_status: Option<&str>,
    context_file: &Path,
) -> Result<Words, Cause> {
    let Sources { layout, stories, settings, agents, project_context } = *sources;
    let (warning_bytes, error_bytes) =
        (kib(settings.injection_warning_kb), kib(settings.injection_error_kb));
    let gathered = context::gather(&Request {
        job,
        layout,
        stories,
        project_context,
        git_status,
        extra_files: &agents.workflow().extra_files,
        warning_bytes,
        error_bytes,
    })
    .map_err(|error| Cause::Refused(error.to_string()))?;

    let agent = agents.for_command(job.command.name()).clone();
    let model = model(&agent, job.small_model);
    let instructions = Instructions::load(job.command, layout, agents.workflow());
    let told_in_prompt = (!agent.takes_context_file()).then_some(context_file);
    let project = Project { layout, stories, context_file: told_in_prompt };
    let prompt = prompt(job, &instructions, &project);
    let args = arguments(&agent, context_file, model.as_deref());

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
    Ok(Words { agent, model, args, prompt, context: Some(gathered.text), events, warnings })
}

/// The words for the user's own orchestrator, for a whole batch.
pub(super) fn words_for_whole(agents: &Agents, size: BatchSize) -> Words {
    let agent = agents.for_command("").clone();
    let model = model(&agent, false);
    let prompt = format!("sprint-runner\nBatch size: {}\n", size_word(size));
    let args = arguments(&agent, Path::new(""), model.as_deref());
    Words { agent, model, args, prompt, context: None, events: Vec::new(), warnings: Vec::new() }
}

/// What an agent of a batch is told, its context written. Reads and writes files and blocks.
pub(super) fn tell(
    parts: &Parts,
    batch_id: i64,
    job: &Job,
    git_status: Option<&str>,
) -> Result<Told, Cause> {
    let layout = parts.board.layout();
    let context_file = run_files::context(&parts.state_dir, batch_id, job);
    let sources = Sources {
        layout: &layout,
        stories: &known_stories(parts),
        settings: &parts.settings.get(),
        agents: &parts.agents,
        project_context: &layout.root.join(context::PROJECT_CONTEXT),
    };
    let words = words(&sources, job, git_status, &context_file)?;
    run_files::write_context(&context_file, words.context.as_deref().unwrap_or_default())
        .map_err(|error| Cause::Refused(format!("the context file cannot be written: {error}")))?;
    Ok(told(parts, batch_id, job.run, words, &[(CONTEXT_FILE, context_file.as_os_str())]))
}

/// The same for the user's own orchestrator.
pub(super) fn tell_whole(parts: &Parts, batch_id: i64, run: RunId, size: BatchSize) -> Told {
    let words = words_for_whole(&parts.agents, size);
    let size = OsString::from(size_word(size));
    told(parts, batch_id, run, words, &[("SPRINT_RUNNER_BATCH_SIZE", &size)])
}

fn size_word(size: BatchSize) -> String {
    match size {
        BatchSize::Cycles(cycles) => cycles.to_string(),
        BatchSize::All => "all".to_owned(),
    }
}

fn told(parts: &Parts, batch_id: i64, run: RunId, words: Words, own: &[(&str, &OsStr)]) -> Told {
    let Words { agent, model, args, prompt, context: _, events, warnings } = words;
    let mut env: Vec<(OsString, OsString)> =
        own.iter().map(|(name, value)| (OsString::from(name), OsString::from(value))).collect();
    if let Some(url) = &parts.url {
        env.push(("SPRINT_RUNNER_URL".into(), url.into()));
    }
    if let Some(path) = path_with_us() {
        env.push(("PATH".into(), path));
    }
    env.extend(agent.env.iter().map(|(name, value)| (name.into(), value.into())));
    let launch = Launch {
        program: agent.program.clone().into(),
        args,
        folder: parts.board.layout().root.clone(),
        env,
        unset: UNSET
            .iter()
            .map(OsString::from)
            .chain(parts.agents.secret_variables().iter().map(OsString::from))
            .collect(),
        stdin: prompt.into_bytes(),
        cookie: Cookie::new(&parts.project_mark(), batch_id, run),
    };
    Told { agent, model, launch, events, warnings }
}

/// Where every agent finds its context, whatever its arguments say.
const CONTEXT_FILE: &str = "SPRINT_RUNNER_CONTEXT_FILE";

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
