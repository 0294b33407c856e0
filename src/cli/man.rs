//! `man`: the manual, from the same definitions as `--help`.

use std::io::Write as _;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use clap::{Command, CommandFactory as _};
use clap_mangen::Man;

use super::Cli;
use super::terminal::{Terminal, line};

/// The flags of `man`.
#[derive(Debug, clap::Args)]
#[command(after_help = "\
Read it at once:    sprint-runner man | man -l -
Install all pages:  sprint-runner man --out ~/.local/share/man/man1")]
pub(crate) struct Args {
    /// Write a page for the program and one for each command into this folder, instead of printing
    /// the program's; pages of ours that are there are replaced
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut command = Cli::command();
    command.build();
    match &args.out {
        None => {
            let mut out = std::io::stdout().lock();
            out.write_all(&page(&command)?)?;
            out.flush()?;
        }
        Some(folder) => {
            std::fs::create_dir_all(folder)
                .with_context(|| format!("cannot make {}", folder.display()))?;
            for command in std::iter::once(&command).chain(commands(&command)) {
                let path = write(folder, command)?;
                line(&Terminal::stdout().raw_line(&path.display().to_string()))?;
            }
        }
    }
    Ok(0)
}

/// Those that are for people.
fn commands(command: &Command) -> impl Iterator<Item = &Command> {
    command.get_subcommands().filter(|it| !it.is_hide_set() && it.get_name() != "help")
}

/// `sprint-runner` and `sprint-runner-events`, as man pages are called.
fn name(command: &Command) -> String {
    command.get_display_name().unwrap_or_else(|| command.get_name()).to_owned()
}

fn page(command: &Command) -> anyhow::Result<Vec<u8>> {
    let name = name(command);
    let version = concat!("sprint-runner ", env!("CARGO_PKG_VERSION"));
    let mut page = Vec::new();
    // The title is the page's name as `man` is asked for it.
    Man::new(command.clone())
        .title(name)
        .section("1")
        .source(version)
        .manual("Sprint Runner")
        .render(&mut page)?;
    Ok(spelled(&String::from_utf8_lossy(&page)).into_bytes())
}

/// What is not ASCII in the names that roff has for it: as bytes each program guesses differently.
fn spelled(page: &str) -> String {
    let mut out = String::with_capacity(page.len());
    for c in page.chars() {
        if c.is_ascii() {
            out.push(c);
        } else {
            out.push_str(&format!("\\[u{:04X}]", u32::from(c)));
        }
    }
    out
}

/// By a temporary file and a rename, so that a link of that name is replaced and not followed.
fn write(folder: &Path, command: &Command) -> anyhow::Result<PathBuf> {
    let path = folder.join(format!("{}.1", name(command)));
    let failed = || format!("cannot write {}", path.display());
    let mut file = tempfile::Builder::new()
        .prefix(".sprint-runner-man-")
        .permissions(readable())
        .tempfile_in(folder)
        .with_context(failed)?;
    file.write_all(&page(command)?).with_context(failed)?;
    file.persist(&path).with_context(failed)?;
    Ok(path)
}

/// A manual is for everybody.
fn readable() -> std::fs::Permissions {
    std::os::unix::fs::PermissionsExt::from_mode(0o644)
}
