//! `doctor`: what is needed here, looked at piece by piece: what was found, and what to do.
//!
//! It changes nothing in the project, starts no agent, and never hangs: each part has a time after
//! which it counts as not answered. To add a check: write it in the part it belongs to.

mod agents;
mod check;
mod login;
mod machine;
mod program;
mod project;
mod server;
mod state;
mod team;

use std::path::PathBuf;
use std::time::Duration;

use serde::Serialize;
use tokio::task::spawn_blocking;
use tokio::time::timeout;

use crate::config::{Config, Layer};

use super::place::{Found, Place};
use super::terminal::{Terminal, Tone, line};

use check::{Check, State};

/// After so long a part counts as hanging: a network mount whose server is gone answers nobody.
const PATIENCE: Duration = Duration::from_secs(30);

/// The flags of `doctor`.
#[derive(Debug, clap::Args)]
#[command(after_long_help = "\
What --json prints, one object:
  version       this program's version
  project       the project's folder; null where none was found
  checks        an array of objects, in the order of the text:
    id          a stable name: project, config, files.status, files.csv, files.notes, git, agents,
                agent.NAME, agent.NAME.login, agent.NAME.permissions, server, port, state,
                state.private, database, team, disk, file-events, inotify, descriptors, clock, …
    state       ok, warn, fail, or not-checked
    found       what was found, one sentence
    advice      what to do; null where nothing is to be done
  ok, warn, fail, not_checked
                how many checks have each state
Exit code 0 when no check has failed, 1 when any has.

An agent's program is asked for nothing but its version, and only where it is claude, codex or
gemini from a folder of PATH outside the project: no agent is ever started. Of a login only the
presence of its file or variable is looked at, never its content.")]
pub(crate) struct Args {
    /// One JSON object instead of text (its shape: see --help)
    #[arg(long)]
    json: bool,
}

/// A part by its name.
type Part = (&'static str, fn(&Here) -> Vec<Check>);

/// What the parts need to know.
#[derive(Debug, Clone)]
struct Here {
    /// The project's folder, where there is one.
    root: Option<PathBuf>,
    /// The project with its configuration, where both can be read.
    found: Option<Found>,
    /// The configuration in force, or what there would be without the broken one.
    config: Config,
}

impl Here {
    /// Where a server may keep its state.
    fn state_folders(&self) -> Vec<PathBuf> {
        self.found.as_ref().map(Found::state_folders).unwrap_or_default()
    }
}

/// The answer for programs.
#[derive(Serialize)]
struct Report {
    version: &'static str,
    project: Option<PathBuf>,
    checks: Vec<Check>,
    ok: usize,
    warn: usize,
    fail: usize,
    not_checked: usize,
}

/// Runs the command. Exit code 1 when any check has failed.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let report = examine(place.clone()).await;
    let terminal = Terminal::stdout();
    if args.json {
        line(&terminal.json_line(&serde_json::to_string_pretty(&report)?))?;
    } else {
        line(&show(&report, terminal))?;
    }
    Ok(u8::from(report.fail > 0))
}

async fn examine(place: Place) -> Report {
    let begun = part("project", move || project::begin(&place)).await;
    let (here, mut checks) = match begun {
        Ok(begun) => begun,
        Err(hanging) => {
            let config = Config::from(Layer::default());
            (Here { root: None, found: None, config }, vec![hanging])
        }
    };
    // All at once: the slowest alone is waited for.
    let parts: [Part; 6] = [
        ("files", project::checks),
        ("agents", agents::checks),
        ("server", server::checks),
        ("state", state::checks),
        ("machine", machine::checks),
        ("team", team::checks),
    ];
    let under_way: Vec<_> = parts
        .into_iter()
        .map(|(name, checks)| {
            let here = here.clone();
            tokio::spawn(part(name, move || checks(&here)))
        })
        .collect();
    for part in under_way {
        match part.await {
            Ok(Ok(found)) => checks.extend(found),
            Ok(Err(hanging)) => checks.push(hanging),
            Err(error) => checks.push(Check::fail("doctor", &error.to_string(), "report this")),
        }
    }
    let count = |state| checks.iter().filter(|check| check.state == state).count();
    let [ok, warn, fail, not_checked] =
        [State::Ok, State::Warn, State::Fail, State::NotChecked].map(count);
    let version = env!("CARGO_PKG_VERSION");
    Report { version, project: here.root, checks, ok, warn, fail, not_checked }
}

/// Runs one part on a thread of its own, for as long as it may take.
async fn part<T: Send + 'static>(
    name: &'static str,
    look: impl FnOnce() -> T + Send + 'static,
) -> Result<T, Check> {
    match timeout(PATIENCE, spawn_blocking(look)).await {
        Ok(Ok(found)) => Ok(found),
        Ok(Err(error)) => Err(Check::fail(name, &error.to_string(), "report this")),
        Err(_) => Err(Check::fail(
            name,
            &format!("no answer within {} s", PATIENCE.as_secs()),
            "a disk or a network mount does not answer: look at what `mount` and `dmesg` say",
        )),
    }
}

fn show(report: &Report, terminal: Terminal) -> String {
    let mut out = vec![terminal.paint(Tone::Strong, &format!("sprint-runner {}", report.version))];
    let wide = report.checks.iter().map(|check| check.id.chars().count()).max().unwrap_or(0);
    for check in &report.checks {
        let (tone, word) = match check.state {
            State::Ok => (Tone::Good, "ok"),
            State::Warn => (Tone::Warn, "warn"),
            State::Fail => (Tone::Bad, "FAIL"),
            State::NotChecked => (Tone::Faint, "-"),
        };
        out.push(format!(
            "{}  {}  {}",
            terminal.paint(tone, &format!("{word:>4}")),
            terminal.paint(Tone::Plain, &format!("{:<wide$}", check.id)),
            terminal.paint(Tone::Plain, &check.found),
        ));
        if let Some(advice) = &check.advice {
            let indent = " ".repeat(wide + 8);
            out.push(format!("{indent}{}", terminal.paint(tone, &format!("→ {advice}"))));
        }
    }
    let tone = match (report.fail, report.warn) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Warn,
        _ => Tone::Bad,
    };
    let text = format!(
        "{} ok, {} warnings, {} failures, {} not checked",
        report.ok, report.warn, report.fail, report.not_checked
    );
    out.push(terminal.paint(tone, &text));
    out.join("\n")
}
