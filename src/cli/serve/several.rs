//! `serve DIR DIR…`: several projects, one server.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, bail};

use super::{Args, attend, run as run_one};
use crate::app::several::{self, Asked, Down};
use crate::app::signals::Signals;
use crate::cli::place::Place;
use crate::cli::terminal::note;
use crate::config::Config;
use crate::project::names;

/// The flags of `serve`, and the projects.
#[derive(Debug, clap::Args)]
pub(crate) struct Several {
    #[command(flatten)]
    args: Args,
    /// Several projects, each under /p/NAME/; NAME is made of the folder's name unless it is given
    #[arg(value_name = "[NAME=]DIR")]
    projects: Vec<OsString>,
}

/// A project as it was named.
struct Named {
    name: Option<String>,
    folder: PathBuf,
}

/// What can be seen of the arguments alone is wrong.
const WRONG_USAGE: u8 = 2;

/// Runs the command.
pub(crate) async fn run(place: &Place, several: &Several) -> anyhow::Result<u8> {
    let Several { args, projects } = several;
    if projects.is_empty() {
        return run_one(place, args).await;
    }
    let asked = match understood(place, projects) {
        Ok(asked) => asked,
        Err(error) => {
            note(&format!("sprint-runner: {error:#}"));
            return Ok(WRONG_USAGE);
        }
    };
    if let [Named { name: None, folder }] = &asked[..] {
        return run_one(&Place { dir: Some(folder.clone()), ..place.clone() }, args).await;
    }
    args.log.start(None, None)?;
    serve(args, &asked).await
}

async fn serve(args: &Args, projects: &[Named]) -> anyhow::Result<u8> {
    let roots: Vec<PathBuf> = projects.iter().map(|it| real(&it.folder)).collect();
    let folders: Vec<_> =
        projects.iter().zip(&roots).map(|(it, root)| (it.name.clone(), root.as_path())).collect();
    let names = match distinct(projects, &roots)
        .and_then(|()| names::assign(&folders).map_err(anyhow::Error::msg))
    {
        Ok(names) => names,
        Err(error) => {
            note(&format!("sprint-runner: {error:#}"));
            return Ok(WRONG_USAGE);
        }
    };
    let asked = names.into_iter().zip(roots).map(|(name, root)| {
        let config = configured(&root, args);
        Asked { name, root, config }
    });
    // Before the first line: whoever read it may send a signal at once.
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let started = tokio::select! {
        started = several::start(asked.collect()) => started?,
        () = signals.recv() => return Ok(0),
    };
    for Down { name, error } in &started.down {
        note(&format!("{name} cannot be served, the others are: {error:#}"));
    }
    for (name, url) in &started.running {
        note(&format!("{name}: {url}"));
    }
    note(&format!("all projects: {}", started.overview));
    attend(started.app, &started.lead, signals, args.open, |_| Ok(())).await
}

/// The arguments, read.
fn understood(place: &Place, projects: &[OsString]) -> anyhow::Result<Vec<Named>> {
    if place.dir.is_some() {
        bail!("name the project either with -C or behind serve, not both");
    }
    let named: Vec<Named> = projects.iter().map(named).collect::<anyhow::Result<_>>()?;
    if named.len() > 1 || named.iter().any(|it| it.name.is_some()) {
        let of_one = [
            ("--state", place.state.is_some()),
            ("--db", place.db.is_some()),
            ("--status-file", place.status_file.is_some()),
            ("--csv-log", place.csv_log.is_some()),
            ("--orchestrator-log", place.orchestrator_log.is_some()),
        ];
        if let Some((flag, _)) = of_one.iter().find(|(_, given)| *given) {
            bail!(
                "{flag} says where one project's files are, and there are several: write it into \
                 the sprint-runner.toml of that project"
            );
        }
    }
    Ok(named)
}

/// `NAME=DIR` or `DIR`. A folder that is there is a folder, whatever its name holds.
fn named(argument: &OsString) -> anyhow::Result<Named> {
    let whole = || Named { name: None, folder: argument.into() };
    let Some((name, folder)) = argument.to_str().and_then(|text| text.split_once('=')) else {
        return Ok(whole());
    };
    if Path::new(argument).is_dir() || name.contains('/') {
        return Ok(whole());
    }
    names::check(name).map_err(anyhow::Error::msg)?;
    Ok(Named { name: Some(name.to_owned()), folder: folder.into() })
}

/// The folder with its links resolved; one that is not there as it would be.
fn real(folder: &Path) -> PathBuf {
    folder
        .canonicalize()
        .or_else(|_| std::path::absolute(folder))
        .unwrap_or_else(|_| folder.to_owned())
}

fn distinct(named: &[Named], roots: &[PathBuf]) -> anyhow::Result<()> {
    for (at, root) in roots.iter().enumerate() {
        if let Some(before) = roots[..at].iter().position(|other| other == root) {
            let (one, other) = (named[before].folder.display(), named[at].folder.display());
            if named[before].folder == named[at].folder {
                bail!("{other} is named twice");
            }
            bail!("{one} and {other} are the same folder: name it once");
        }
    }
    Ok(())
}

fn configured(root: &Path, args: &Args) -> anyhow::Result<Config> {
    if !root.is_dir() {
        bail!("{} is not a folder", root.display());
    }
    Ok(Config::load(root, args.layer())?)
}
