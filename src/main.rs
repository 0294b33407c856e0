//! The binary: arguments to command, error to exit code.

use std::process::ExitCode;

use clap::Parser as _;
use sprint_runner::cli::{Cli, report};

fn main() -> ExitCode {
    let code = Cli::parse().run().unwrap_or_else(|error| report(&error));
    ExitCode::from(code)
}
