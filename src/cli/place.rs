//! Which project a command speaks of, and its configuration.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::app::state_dir::StateDir;
use crate::config::{Config, Layer};
use crate::project::layout::{Layout, Named};

/// The option that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub struct Place {
    /// The project's folder [default: the current folder, or the first above it that is a project]
    #[arg(short = 'C', long = "project", value_name = "DIR", global = true)]
    pub dir: Option<PathBuf>,
}

/// A project with its configuration.
#[derive(Debug, Clone)]
pub struct Found {
    /// Its folder, absolute, links resolved.
    pub root: PathBuf,
    /// The configuration in force.
    pub config: Config,
}

impl Place {
    /// Finds the project and reads its configuration, `flags` on top. A folder that was named is
    /// taken as it is, also while its sprint does not exist yet.
    pub fn find(&self, flags: Layer) -> anyhow::Result<Found> {
        let root = match &self.dir {
            Some(dir) => {
                if !dir.is_dir() {
                    bail!("{} is not a folder", dir.display());
                }
                dir.clone()
            }
            None => find_upwards()?,
        };
        let root = root.canonicalize().with_context(|| format!("cannot enter {}", root.display()))?;
        let config = Config::load(&root, flags)?;
        Ok(Found { root, config })
    }
}

impl Found {
    /// Where the project's files lie.
    pub fn layout(&self) -> Layout {
        Layout::discover(&self.root, &named(&self.config))
    }

    /// Where a server of this project may keep its state.
    pub fn state_folders(&self) -> Vec<PathBuf> {
        StateDir::candidates(&self.root, &self.config)
    }

    /// The database, where there is one.
    pub fn database(&self) -> Option<PathBuf> {
        let folders = self.state_folders();
        folders
            .iter()
            .map(|folder| StateDir::database(folder, &self.config))
            .find(|database| database.is_file())
    }
}

/// The files that the configuration names.
pub fn named(config: &Config) -> Named {
    Named {
        status_file: config.status_file.clone(),
        csv_log: config.csv_log.clone(),
        orchestrator_log: config.orchestrator_log.clone(),
    }
}

fn find_upwards() -> anyhow::Result<PathBuf> {
    let here = std::env::current_dir().context("cannot tell the current folder")?;
    if let Some(root) = Layout::find_project(&here) {
        return Ok(root);
    }
    bail!(
        "no sprint was found in {} or above it: neither sprint-status.yaml nor sprint-runner.csv nor \
         orchestrator.md in _bmad-output/implementation-artifacts, docs/sprint-artifacts, docs or the folder itself.\n\
         Name the project with -C DIR (a sprint that is yet to come is waited for there), or see \
         how it looks with: sprint-runner demo",
        here.display()
    )
}
