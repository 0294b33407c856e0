//! The hub of a team: reads the stream that all servers of the team write, and keeps a log of each
//! project, out of which the same page, API and streams are served as by the server that works on it.
//!
//! ```text
//!  stream ─► reader ─► message::read ─► rule ─┬─► hub::Hub of each project ─► http
//!                │                            └─► ask again, where something is missing
//!  presence ─► beats ─► http::Reach of each project
//! ```
//!
//! - The ids of a project's events are the stream's sequences, and the names of its logs are made of
//!   what the stream is: a client goes on at any hub where it stopped at another.
//! - What is applied is decided by [`rule`] alone, a function of what the stream holds.
//! - Everything here can be made again out of the stream. What does not fit to it is thrown away.
//! - No more is read from NATS than is being committed: a slow disk makes a slow reader.

mod again;
mod cache;
mod consumer;
mod generation;
mod lineage;
mod presence;
mod project;
mod reader;
mod rule;

use std::path::PathBuf;
use std::sync::Arc;

use tokio::sync::watch;
use tokio::task::JoinHandle;

use crate::config::nats::Nats;
use crate::http::{Reach, Standing};
use crate::hub::Hub;
use crate::nats::connect;

use cache::Cache;
use presence::Beats;
use reader::Reader;

/// More projects than this are not shown, whatever the stream holds.
pub const MOST_PROJECTS: usize = 10_000;

/// Where projects are shown.
pub trait Stage: Send + Sync {
    /// Shows a project, in the place of the one of that name that was shown before.
    fn show(&self, name: &str, hub: &Hub, reach: &Reach);
    /// There is no such project any more.
    fn hide(&self, name: &str);
}

/// What is needed to begin.
pub struct Parts {
    /// Where the team's events are.
    pub nats: Nats,
    /// The folder for what is read; nobody else uses it.
    pub cache: PathBuf,
    /// Where projects are shown.
    pub stage: Arc<dyn Stage>,
    /// What the reading has come to.
    pub standing: Arc<Standing>,
    /// No more projects than this.
    pub most_projects: usize,
}

/// The reading of a team's stream.
pub struct Reading {
    end: watch::Sender<bool>,
    tasks: Vec<JoinHandle<()>>,
}

impl Reading {
    /// Shows what was read earlier, and begins to read what has come since. Fails where the folder
    /// or the configuration cannot be used.
    pub async fn start(parts: Parts) -> anyhow::Result<Self> {
        let Parts { nats, cache, stage, standing, most_projects } = parts;
        let client = connect(&nats, "sprint-runner hub").await?;
        let cache = Arc::new(Cache::open(cache)?);
        let beats = Arc::new(Beats::default());
        let (end, ended) = watch::channel(false);
        let most_projects = most_projects.min(MOST_PROJECTS);
        let mut reader = Reader::new(
            nats.clone(),
            client.clone(),
            cache,
            stage,
            standing,
            Arc::clone(&beats),
            most_projects,
        );
        reader.take_up().await?;
        let listening = presence::listen(client, nats, beats, ended.clone());
        let tasks = vec![tokio::spawn(listening), tokio::spawn(reader.run(ended))];
        Ok(Self { end, tasks })
    }

    /// Ends it; everything is committed when this returns.
    pub async fn stop(self) {
        // Nobody listens only where both tasks have ended.
        let _ = self.end.send(true);
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "the reading of the team's stream had failed");
            }
        }
    }
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX))
}
