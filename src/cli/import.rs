//! `import`: takes over the history of an older server's database.

use std::io::IsTerminal as _;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};

use crate::app::core::Claim;
use crate::config::Layer;
use crate::store::{Progress, Source, Tally};

use super::clock::now_ms;
use super::place::Place;
use super::terminal::{line, note};

/// The flags of `import`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// The older server's database; it is only read
    #[arg(value_name = "DB")]
    database: PathBuf,
}

/// Runs the command; prints what became of the rows. Exit code 1 when some could not be taken.
pub(crate) fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let theirs = &args.database;
    let what = || format!("cannot import {}", theirs.display());
    // Nothing is made for a file that is not there.
    std::fs::metadata(theirs).with_context(what)?;
    // Held to the end: no server, and no second import, beside this one.
    let claim = Claim::take(&found.root, &found.config).with_context(what)?;
    let place = |path: &std::path::Path| path.canonicalize().ok();
    if place(theirs).is_some_and(|theirs| Some(theirs) == place(claim.database())) {
        bail!(
            "{} is the project's own database: there is nothing to import; the older server's is \
             brought up to date where it lies when it is opened: sprint-runner serve",
            theirs.display()
        );
    }
    let source = Source::open(theirs, &claim.state.path).with_context(what)?;
    let (mut log, _queries) = claim.open_log()?;
    if let Some(adopted) = log.adopted() {
        note(&format!(
            "the project's own database was the older server's; what it was lies in {}",
            adopted.aside.display()
        ));
    }
    let bar = bar();
    let tally = log
        .import(&source, now_ms(), |Progress { done, all }| {
            bar.set_length(all);
            bar.set_position(done);
        })
        .with_context(what)?;
    bar.finish_and_clear();
    // Whoever copies the database now copies one file; a reader in the way leaves it as it is.
    if let Err(error) = log.write_back() {
        tracing::debug!(%error, "the write-ahead log was not written back");
    }
    for text in said(&tally) {
        line(&text)?;
    }
    Ok(u8::from(tally.left_out.count() > 0))
}

fn said(tally: &Tally) -> Vec<String> {
    let mut lines = tally.lines();
    if tally.is_nothing_new() {
        lines.push("nothing new".to_owned());
    }
    lines
}

/// How far it is, on a terminal.
fn bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::with_draw_target(Some(0), ProgressDrawTarget::stderr());
    match ProgressStyle::with_template("{bar:30} {pos} of {len} rows, {eta} left") {
        Ok(style) => bar.with_style(style),
        Err(_) => bar,
    }
}
