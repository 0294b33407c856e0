//! The command line: one file per command. To add a command: write its file with `Args` and `run`,
//! add it to [`Command`] and to [`Cli::run`].
//!
//! What a command prints for people or programs goes to standard output, remarks and errors to
//! standard error. Exit codes: 0 ok, 1 the sprint or the request is at fault, 2 wrong usage.

mod append;
mod backup;
mod check;
mod client;
mod clock;
mod completions;
mod demo;
mod doctor;
mod event_line;
mod events;
mod export;
mod hub;
mod import;
mod listening;
mod log;
mod log_pages;
mod logging;
mod man;
mod nats;
mod notify;
mod overview;
mod place;
mod reading;
#[cfg(test)]
mod reference;
mod run;
mod scripted_agent;
mod serve;
mod sse;
mod status;
mod terminal;
mod watch;

use std::io::ErrorKind;
use std::time::Duration;

use clap::{CommandFactory as _, Parser, Subcommand};

use place::Place;

/// Watches the sprint of a BMAD-method project, shows it live, and runs it.
///
/// Without a command it serves: `sprint-runner --port 0` is `sprint-runner serve --port 0`.
#[derive(Debug, Parser)]
#[command(name = "sprint-runner", version = env!("SPRINT_RUNNER_VERSION"), max_term_width = 100)]
pub struct Cli {
    #[command(flatten, next_help_heading = "Project")]
    place: Place,
    #[command(flatten, next_help_heading = "Serve")]
    serve: serve::Args,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Watch the project, or several, serve dashboard and API (what runs without a command)
    Serve(serve::Several),
    /// See how it looks: a throw-away project in which scripted agents work through a sprint
    Demo(serve::Args),
    /// Show all projects of a team on one server, out of what their servers send to NATS
    Hub(hub::Args),
    /// Run one batch: take stories through create, development and review, agent by agent
    Run(run::Args),
    /// Show where the sprint stands: epics, stories, next story, active commands
    Status(status::Args),
    /// Show the log: what happened, and with --follow what happens
    Events(events::Args),
    /// Take the log away: as NDJSON, or with --html as one page that replays the sprint
    Export(export::Args),
    /// Take over the history of an older server's database
    Import(import::Args),
    /// Copy the database, whole, also while a server writes it
    Backup(backup::Args),
    /// Append one row to the CSV log, from JSON, and print it
    Log(log::Args),
    /// Read the sprint's files as the server would and report every issue
    Check(check::Args),
    /// Show the sprint live on the whole screen of this terminal
    Watch(watch::Args),
    /// Check what is needed here, from the agents' programs to file events, and say what to do
    Doctor(doctor::Args),
    /// Print what a shell needs to complete commands and flags
    Completions(completions::Args),
    /// Print the manual page, or write all of them
    Man(man::Args),
    /// Show who is told what, and with --test send a sample of every message
    Notify(notify::Args),
    /// An agent that only plays one: what `demo` runs its batch with
    #[command(hide = true)]
    ScriptedAgent(scripted_agent::Args),
}

impl Cli {
    /// Runs the command; gives the exit code.
    pub fn run(self) -> anyhow::Result<u8> {
        if self.command.is_some() && self.serve != serve::Args::default() {
            let text = "the flags of a command stand behind its name: sprint-runner serve --port 0";
            Self::command().error(clap::error::ErrorKind::ArgumentConflict, text).exit();
        }
        let place = &self.place;
        let Some(command) = self.command else { return wait_for(serve::run(place, &self.serve)) };
        match command {
            Command::Serve(several) => wait_for(serve::run_several(place, &several)),
            Command::Demo(args) => wait_for(demo::run(place, &args)),
            Command::Hub(args) => wait_for(hub::run(place, &args)),
            Command::Run(args) => wait_for(run::run(place, &args)),
            Command::Status(args) => wait_for(status::run(place, &args)),
            Command::Events(args) => wait_for(events::run(place, &args)),
            Command::Export(args) => export::run(place, &args),
            Command::Import(args) => import::run(place, &args),
            Command::Backup(args) => backup::run(place, &args),
            Command::Log(args) => log::run(place, &args),
            Command::Check(args) => check::run(place, &args),
            Command::Watch(args) => wait_for(watch::run(place, &args)),
            Command::Doctor(args) => wait_for(doctor::run(place, &args)),
            Command::Completions(args) => completions::run(&args),
            Command::Man(args) => man::run(&args),
            Command::Notify(args) => wait_for(notify::run(place, &args)),
            Command::ScriptedAgent(args) => scripted_agent::run(&args),
        }
    }
}

/// Threads that may block at once, in the database, in a file.
const BLOCKING_THREADS: usize = 64;

fn wait_for(command: impl Future<Output = anyhow::Result<u8>>) -> anyhow::Result<u8> {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        // Each may have a file open beyond those that are counted; 512, as it comes, would take
        // more of them than are kept for ourselves.
        .max_blocking_threads(BLOCKING_THREADS)
        .enable_all()
        .build()?;
    let outcome = runtime.block_on(command);
    // Whatever still keeps a thread busy must not hold the end up.
    runtime.shutdown_timeout(Duration::from_millis(200));
    outcome
}

/// Tells an error with its causes; gives the exit code. A reader that has had enough (`| head`) is
/// no error.
pub fn report(error: &anyhow::Error) -> u8 {
    let is_closed_pipe = error.chain().any(|cause| {
        cause.downcast_ref::<std::io::Error>().is_some_and(|io| io.kind() == ErrorKind::BrokenPipe)
    });
    if is_closed_pipe {
        return 0;
    }
    let text = format!("{error:#}");
    for (index, line) in text.lines().enumerate() {
        let line = terminal::escape(line);
        terminal::note(&if index == 0 { format!("sprint-runner: {line}") } else { line });
    }
    1
}
