//! The agents' programs: there, of which version, logged in, allowed to work while nobody is there.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::path::Path;
use std::thread;

use crate::agents::process::{SpawnError, find_program};
use crate::config::agents::AgentConfig;
use crate::config::workflow::Runner;
use crate::domain::workflow::Command;

use super::check::Check;
use super::{Here, login, program};

/// Programs that are known to answer `--version` and to do nothing else then.
const KNOWN: [&str; 3] = ["claude", "codex", "gemini"];

pub(super) fn checks(here: &Here) -> Vec<Check> {
    let agents = &here.config.agents;
    let names: Vec<&str> = match agents.workflow().runner {
        Runner::Agents => Command::ALL.map(Command::name).to_vec(),
        Runner::Command => vec![""],
    };
    let needed: BTreeSet<&str> =
        names.iter().map(|name| agents.for_command(name).name.as_str()).collect();
    // Each may take its time to tell its version.
    let looked: Vec<Look> = thread::scope(|scope| {
        let under_way: Vec<_> = agents
            .each()
            .map(|agent| {
                let needed = needed.contains(agent.name.as_str());
                scope.spawn(move || look(here, agent, needed))
            })
            .collect();
        under_way.into_iter().filter_map(|look| look.join().ok()).collect()
    });
    let mut checks = vec![verdict(&looked)];
    checks.extend(looked.into_iter().flat_map(|look| look.checks));
    checks
}

/// What was found of one agent.
struct Look {
    name: String,
    needed: bool,
    is_there: bool,
    checks: Vec<Check>,
}

/// Whether a batch could begin, in one line.
fn verdict(looked: &[Look]) -> Check {
    let missing: Vec<&str> = looked
        .iter()
        .filter(|look| look.needed && !look.is_there)
        .map(|look| look.name.as_str())
        .collect();
    let there: Vec<&str> =
        looked.iter().filter(|look| look.is_there).map(|look| look.name.as_str()).collect();
    if missing.is_empty() {
        return Check::ok("agents", "every command of a batch has an agent whose program is there");
    }
    if there.is_empty() {
        let found = "no agent's program is on this machine: a sprint can be watched here, not run";
        let advice = "to run batches here install one of claude, codex, gemini, or name a program of \
                      your own under [agents.NAME] in sprint-runner.toml; to watch nothing is needed";
        return Check::warn("agents", found, advice);
    }
    let found = format!("batches need {}, which cannot be started", missing.join(", "));
    let mut advice = format!("mend what is said below, or let {} do it: ", there.join(" or "));
    let _ = write!(advice, "in sprint-runner.toml, [workflow] default = \"{}\"", there[0]);
    Check::warn("agents", &found, &advice)
}

fn look(here: &Here, agent: &AgentConfig, needed: bool) -> Look {
    let id = format!("agent.{}", agent.name);
    let is_named = here.config.agents.is_named(&agent.name);
    let nowhere = Path::new("/");
    let root = here.root.as_deref().unwrap_or(nowhere);
    let mut checks = Vec::new();
    let found = find_program(agent.program.as_ref(), root);
    let is_there = found.is_ok();
    match found {
        Ok(path) => {
            checks.push(of_program(&id, &path, agent, here));
            checks.push(login::check(&format!("{id}.login"), agent));
            checks.extend(login::permissions(&format!("{id}.permissions"), agent, here));
        }
        Err(SpawnError::Missing(_)) if !needed && !is_named => {
            checks.push(Check::ok(id, "not installed, and no command is given to it"));
        }
        Err(error) => {
            let advice = advice(agent);
            let text = error.to_string();
            // What nobody asked for by name is no fault: watching goes on without it.
            checks.push(if needed && is_named {
                Check::fail(id, &text, &advice)
            } else {
                Check::warn(id, &text, &advice)
            });
        }
    }
    Look { name: agent.name.clone(), needed, is_there, checks }
}

fn advice(agent: &AgentConfig) -> String {
    let install = match agent.program.as_str() {
        "claude" => "install Claude Code (npm install -g @anthropic-ai/claude-code), ",
        "codex" => "install Codex (npm install -g @openai/codex), ",
        "gemini" => "install Gemini CLI (npm install -g @google/gemini-cli), ",
        _ => "install it, ",
    };
    format!("{install}or name its program under [agents.{}] in sprint-runner.toml", agent.name)
}

fn of_program(id: &str, path: &Path, agent: &AgentConfig, here: &Here) -> Check {
    let shown = path.display();
    let is_known = KNOWN.contains(&agent.program.as_str());
    let is_ours = here.root.as_deref().is_some_and(|root| {
        path.canonicalize().is_ok_and(|real| real.starts_with(root)) || path.starts_with(root)
    });
    if !is_known || is_ours {
        let found = format!(
            "{shown} is there and may be executed; its version is not checked, as a \
                             program of your own could take --version for a job"
        );
        return Check::ok(id, &found);
    }
    match program::version(path, &agent.env, program::PATIENCE) {
        Ok(version) => Check::ok(id, &format!("{shown}, version {version}")),
        Err(fault) => {
            let advice = format!("try `{} --version` yourself, and install it anew", agent.program);
            Check::warn(id, &format!("{shown} is there, but {fault}"), &advice)
        }
    }
}
