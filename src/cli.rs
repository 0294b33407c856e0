//! The command line: one file per command. To add a command: write its file with `Args` and `run`,
//! add it to [`Command`] and to [`Cli::run`].
//!
//! What a command prints for people or programs goes to standard output, remarks and errors to
//! standard error. Exit codes: 0 ok, 1 the sprint or the request is at fault, 2 wrong usage.

mod append;
mod client;
mod event_line;
mod events;
mod log_pages;
mod place;
mod sse;
mod terminal;

use std::io::ErrorKind;

use clap::{Parser, Subcommand};

use place::Place;

/// Watches the sprint of a BMAD-method project and shows it live.
#[derive(Debug, Parser)]
#[command(name = "sprint-runner", version, max_term_width = 100)]
pub struct Cli {
    #[command(flatten)]
    place: Place,
    #[command(subcommand)]
    command: Option<Command>,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Show the log: what happened, and with --follow what happens
    Events(events::Args),
}

impl Cli {
    /// Runs the command; gives the exit code.
    pub fn run(self) -> anyhow::Result<u8> {
        let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
        let result = runtime.block_on(async {
            match &self.command {
                Some(Command::Events(args)) => events::run(&self.place, args).await,
                None => Ok(2),
            }
        });
        // Whatever still blocks a thread must not hold the end up.
        runtime.shutdown_timeout(std::time::Duration::from_millis(200));
        result
    }
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
