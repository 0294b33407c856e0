//! Which project a command speaks of, and its configuration.

use std::path::PathBuf;

use anyhow::{Context as _, bail};

use crate::app;
use crate::app::core::Claim;
use crate::app::state_dir::StateDir;
use crate::config::{Config, Layer};
use crate::project::layout::Layout;
use crate::store::{Queries, StoreError};

use super::terminal::note;

/// The options that every command takes.
#[derive(Debug, Clone, Default, clap::Args)]
pub(crate) struct Place {
    /// The project's folder [default: the current folder, or the first above it that is a project]
    #[arg(short = 'C', long = "project", value_name = "DIR", global = true)]
    pub(crate) dir: Option<PathBuf>,
    /// Keep database, settings and lock here [default: .sprint-runner in the project]
    #[arg(long, value_name = "DIR", global = true)]
    pub(crate) state: Option<PathBuf>,
    /// The database [default: sprint-runner.db in the state folder]
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) db: Option<PathBuf>,
    /// Read this status file instead of the one that is found
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) status_file: Option<PathBuf>,
    /// Read this CSV log instead of the ones that are found
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) csv_log: Option<PathBuf>,
    /// Read this orchestrator.md instead of the one that is found
    #[arg(long, value_name = "FILE", global = true)]
    pub(crate) orchestrator_log: Option<PathBuf>,
}

/// A project with its configuration.
#[derive(Debug, Clone)]
pub(crate) struct Found {
    /// Its folder, absolute, links resolved.
    pub(crate) root: PathBuf,
    /// The configuration in force.
    pub(crate) config: Config,
}

/// The state folder of a project and its database, read beside a live server or without one.
#[derive(Debug)]
pub(crate) struct Kept {
    /// The folder.
    pub(crate) folder: PathBuf,
    /// The database.
    pub(crate) queries: Queries,
}

impl Place {
    /// Finds the project and reads its configuration, `flags` on top. A folder that was named is
    /// taken as it is, also while its sprint does not exist yet.
    pub(crate) fn find(&self, flags: Layer) -> anyhow::Result<Found> {
        let root = self.root()?;
        let config = Config::load(&root, self.layer().over(flags))?;
        Ok(Found { root, config })
    }

    /// The project's folder, absolute, links resolved.
    pub(crate) fn root(&self) -> anyhow::Result<PathBuf> {
        let root = match &self.dir {
            Some(dir) => {
                if !dir.is_dir() {
                    bail!("{} is not a folder", dir.display());
                }
                dir.clone()
            }
            None => find_upwards()?,
        };
        root.canonicalize().with_context(|| format!("cannot enter {}", root.display()))
    }
}

impl Place {
    /// What the options say.
    pub(crate) fn layer(&self) -> Layer {
        Layer {
            state: self.state.clone(),
            db: self.db.clone(),
            status_file: self.status_file.clone(),
            csv_log: self.csv_log.clone(),
            orchestrator_log: self.orchestrator_log.clone(),
            ..Layer::default()
        }
    }
}

impl Found {
    /// Where the project's files lie.
    pub(crate) fn layout(&self) -> Layout {
        Layout::discover(&self.root, &app::named(&self.config))
    }

    /// Where a server of this project may keep its state.
    pub(crate) fn state_folders(&self) -> Vec<PathBuf> {
        StateDir::candidates(&self.root, &self.config)
    }

    /// What was kept of the project, read-only, where there is anything. Makes no database.
    pub(crate) fn kept(&self) -> anyhow::Result<Option<Kept>> {
        for folder in self.state_folders() {
            let path = StateDir::database(&folder, &self.config);
            if path.is_file() {
                let queries = match Queries::open(&path) {
                    Err(StoreError::Older) => self.adopted()?,
                    opened => opened.with_context(|| format!("cannot read {}", path.display()))?,
                };
                return Ok(Some(Kept { folder, queries }));
            }
        }
        Ok(None)
    }

    /// A database of the older server is made into one of ours before anybody reads it.
    fn adopted(&self) -> anyhow::Result<Queries> {
        let (log, queries) = Claim::take(&self.root, &self.config)?.open_log()?;
        if let Some(adopted) = log.adopted() {
            note(&format!(
                "the database of the older server was made into one of this version; what it was \
                 lies in {}",
                adopted.aside.display()
            ));
            adopted.tally.lines().iter().for_each(|line| note(line));
        }
        Ok(queries)
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
