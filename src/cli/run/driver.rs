//! Who runs the batch: this very process, or the live server on the project.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail};
use futures_util::future::BoxFuture;
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::sync::mpsc;

use super::progress::LastOutput;
use crate::app::core::{Claim, Core};
use crate::cli::client::Server;
use crate::cli::place::Found;
use crate::domain::workflow::StopMode;
use crate::hub::Subscription;
use crate::orchestrator::{BatchSize, Orchestrator, StopAnswer};

/// Events that wait to be shown.
const WAITING: usize = 256;
/// Read together at most, in bytes.
const PAGE: usize = 256 * 1024;
/// A server that is gone for longer does not come back.
const GONE: Duration = Duration::from_secs(20);
/// Between two tries to reach it.
const PAUSE: Duration = Duration::from_millis(500);

/// For the notifications that are left at the end; what does not arrive is kept for the next start.
const LAST_WORDS: Duration = Duration::from_secs(3);

/// What runs the batch.
pub(super) enum Driver {
    Here(Box<Core>),
    There(Server),
}

/// A batch that was begun.
pub(super) struct Begun {
    pub(super) batch_id: i64,
    /// Its events as JSON, oldest first; an error means that there will be none any more.
    pub(super) events: mpsc::Receiver<anyhow::Result<String>>,
}

#[derive(Deserialize)]
struct Started {
    batch_id: i64,
}

#[derive(Deserialize)]
struct Head {
    head: u64,
}

#[derive(Deserialize)]
struct Agents {
    agents: Vec<AgentRow>,
}

#[derive(Deserialize)]
struct AgentRow {
    agent_id: String,
    last_output_at: Option<i64>,
}

impl Driver {
    /// The live server where there is one, else this process.
    pub(super) async fn find(found: &Found) -> anyhow::Result<Self> {
        if let Some(server) = Server::find(&found.state_folders()) {
            return Ok(Self::There(server));
        }
        let mut claim = Claim::take(&found.root, &found.config)?;
        claim.lock.announce_terminal()?;
        Ok(Self::Here(Box::new(Core::start(claim, &found.config, None, None).await?)))
    }

    /// Begins a batch; without a size of the one that the settings name.
    pub(super) async fn start(
        &self,
        size: Option<BatchSize>,
        folders: Vec<PathBuf>,
    ) -> anyhow::Result<Begun> {
        let (sender, events) = mpsc::channel(WAITING);
        let batch_id = match self {
            Self::Here(core) => {
                let default = core.settings.get().default_max_cycles.unsigned_abs();
                let default = BatchSize::Cycles(u32::try_from(default).unwrap_or(u32::MAX));
                let subscription = core.hub.subscribe(core.hub.head());
                let started = core.orchestrator.start(size.unwrap_or(default)).await?;
                tokio::spawn(read_here(subscription, sender));
                started.batch_id
            }
            Self::There(server) => {
                let head: Head = parsed(&server.get("/api/events?limit=1").await?)?;
                let body = match size {
                    None => json!({}),
                    Some(BatchSize::All) => json!({ "batch_size": "all" }),
                    Some(BatchSize::Cycles(cycles)) => json!({ "batch_size": cycles }),
                };
                let started = server.post("/api/orchestrator/start", &body).await?;
                let there =
                    There { server: server.clone(), folders, cursor: head.head.to_string() };
                tokio::spawn(there.read(sender));
                parsed::<Started>(&started)?.batch_id
            }
        };
        Ok(Begun { batch_id, events })
    }

    /// Asks for the end; gives the answer, as the API says it.
    pub(super) fn stop(&self, mode: StopMode) -> BoxFuture<'static, anyhow::Result<Value>> {
        match self {
            Self::Here(core) => {
                let orchestrator = core.orchestrator.clone();
                Box::pin(async move { stop_here(&orchestrator, mode).await })
            }
            Self::There(server) => {
                let server = server.clone();
                let mode = if mode == StopMode::Graceful { "graceful" } else { "now" };
                Box::pin(async move {
                    let body = json!({ "mode": mode });
                    parsed(&server.post("/api/orchestrator/stop", &body).await?)
                })
            }
        }
    }

    /// When each agent last printed something.
    pub(super) fn last_output(&self) -> BoxFuture<'static, LastOutput> {
        match self {
            Self::Here(core) => {
                let orchestrator = core.orchestrator.clone();
                Box::pin(async move {
                    let agents = orchestrator.agents().await.into_iter();
                    agents.filter_map(|it| Some((it.agent_id, it.last_output_at?))).collect()
                })
            }
            Self::There(server) => {
                let server = server.clone();
                Box::pin(async move {
                    // Only a remark beside the bars: without it there is none.
                    let Ok(body) = server.get("/api/agents").await else {
                        return LastOutput::new();
                    };
                    let Ok(agents) = parsed::<Agents>(&body) else { return LastOutput::new() };
                    let agents = agents.agents.into_iter();
                    agents.filter_map(|it| Some((it.agent_id, it.last_output_at?))).collect()
                })
            }
        }
    }

    /// Ends what was started here, in bounded time; a server goes on.
    pub(super) async fn close(self) {
        if let Self::Here(mut core) = self {
            core.end_agents().await;
            core.end_words(LAST_WORDS).await;
            core.close().await;
        }
    }
}

fn parsed<T: serde::de::DeserializeOwned>(body: &[u8]) -> anyhow::Result<T> {
    serde_json::from_slice(body).context("the server's answer cannot be understood")
}

async fn stop_here(orchestrator: &Orchestrator, mode: StopMode) -> anyhow::Result<Value> {
    Ok(match orchestrator.stop(mode).await? {
        StopAnswer::Stopping => json!({ "status": "stopping" }),
        StopAnswer::Cleaned { batch_id } => json!({ "status": "cleaned", "batch_id": batch_id }),
        StopAnswer::Stopped(receipt) => serde_json::to_value(receipt)?,
    })
}

async fn read_here(mut events: Subscription, to: mpsc::Sender<anyhow::Result<String>>) {
    loop {
        match events.next(PAGE).await {
            Ok(entries) => {
                for entry in entries {
                    if to.send(Ok(entry.json.to_string())).await.is_err() {
                        return;
                    }
                }
            }
            Err(error) => {
                // Nobody listens any more: the same.
                let _ = to.send(Err(anyhow!(error).context("the log cannot be read"))).await;
                return;
            }
        }
    }
}

/// A server's events, over lost connections and restarts.
struct There {
    server: Server,
    folders: Vec<PathBuf>,
    /// An id as the server gives them out.
    cursor: String,
}

impl There {
    async fn read(mut self, to: mpsc::Sender<anyhow::Result<String>>) {
        let mut seen = Instant::now();
        loop {
            match self.connection(&to).await {
                Ok(()) => seen = Instant::now(),
                Err(_) if to.is_closed() => return,
                Err(error) if seen.elapsed() > GONE => {
                    let gone = error.context("the server has gone, and its batch with it");
                    // Nobody listens any more: the same.
                    let _ = to.send(Err(gone)).await;
                    return;
                }
                Err(_) => {}
            }
            tokio::time::sleep(PAUSE).await;
            // It may have been started anew, at another address.
            if let Some(server) = Server::find(&self.folders) {
                self.server = server;
            }
        }
    }

    /// One connection until it ends.
    async fn connection(
        &mut self,
        to: &mpsc::Sender<anyhow::Result<String>>,
    ) -> anyhow::Result<()> {
        let mut stream = self.server.stream("", &self.cursor).await?;
        while let Some(block) = stream.next().await {
            let is_event = |data: &String| {
                // What is told about the connection itself has no id of its own.
                serde_json::from_str::<Value>(data).is_ok_and(|event| event.get("id").is_some())
            };
            if let Some(data) = block.data.filter(is_event)
                && to.send(Ok(data)).await.is_err()
            {
                bail!("nobody listens");
            }
            if let Some(id) = block.id {
                self.cursor = id;
            }
        }
        Ok(())
    }
}
