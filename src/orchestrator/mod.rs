//! The orchestrator: carries out what [`crate::domain::workflow`] decides.
//!
//! ```text
//!  start, stop ──► actor ──► step(state, input) ──► effects ──┬─► publish, files  (in order)
//!                    ▲                                        └─► attendant, one an agent
//!                    └───────── inputs: answers, runs' starts and ends, timers ◄────┘
//! ```
//!
//! - One task owns the batch; effects are carried out one after another, in their order, but
//!   ending children is done at once: a full disk must not keep agents alive.
//! - An attendant owns one run: it waits for room in the pool, prepares what the agent is told,
//!   reads what it prints, ends it when it has to. Each run gets exactly one end.
//! - What the log does not take now is offered again: nothing is dropped, the batch waits.
//! - A batch found running at the start of a server is lost: its children are ended first.

mod actor;
mod attendant;
mod effects;
mod files;
mod outcome;
mod parts;
mod preflight;
mod publish;
mod pulse;
mod registry;
pub mod rehearsal;
mod run_files;
mod telling;
#[cfg(test)]
mod tests;

use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::{mpsc, oneshot};
use tokio::task::JoinHandle;
use tracing::Instrument as _;

use crate::agents::process::Receipt;
use crate::domain::state::OrchestratorView;
use crate::domain::workflow::StopMode;

pub use parts::Parts;
pub use preflight::StartError;
pub use registry::{AgentView, Silence};
pub use run_files::newest_batch;

use actor::{Actor, Message};
use registry::Registry;

/// How many cycles a batch has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum BatchSize {
    /// So many, from 1.
    Cycles(u32),
    /// Until nothing is left.
    All,
}

/// A batch has begun.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Started {
    /// Its row.
    pub batch_id: i64,
}

/// What a stop has done.
#[derive(Debug, Clone, PartialEq, Serialize, JsonSchema)]
#[serde(tag = "status", rename_all = "snake_case")]
pub enum StopAnswer {
    /// What runs may end, then the batch does.
    Stopping,
    /// The batch has ended; what became of its processes.
    Stopped(Receipt),
    /// A row that a crash had left running is closed.
    Cleaned {
        /// The row.
        batch_id: i64,
    },
}

/// Why nothing was stopped.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StopError {
    /// No managed batch runs.
    #[error("no batch of this server is running")]
    Idle,
    /// There is no such agent, or it has ended.
    #[error("no agent of that id is running")]
    NoSuchAgent,
    /// The server is ending.
    #[error("the server is ending")]
    Closed,
}

/// The handle; cheap to clone.
#[derive(Debug, Clone)]
pub struct Orchestrator {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    parts: Parts,
    registry: Arc<Registry>,
    messages: mpsc::UnboundedSender<Message>,
    task: Mutex<Option<JoinHandle<()>>>,
}

/// What the managed orchestrator does.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "OrchestratorNow")]
pub struct Status {
    /// The folded state's own view, `starting` laid over it.
    #[serde(flatten)]
    pub view: OrchestratorView,
}

impl Orchestrator {
    /// Begins to take orders. A batch that a crash left running is ended first: its leftover
    /// processes, then its row.
    pub fn start_up(parts: Parts) -> Self {
        let registry = Arc::new(Registry::default());
        let (messages, inbox) = mpsc::unbounded_channel();
        let actor = Actor::new(parts.clone(), Arc::clone(&registry), messages.clone());
        let task = Mutex::new(Some(tokio::spawn(actor.run(inbox).in_current_span())));
        Self { inner: Arc::new(Inner { parts, registry, messages, task }) }
    }

    /// Begins a batch. When it returns, the batch's row exists and its first step is under way.
    pub async fn start(&self, size: BatchSize) -> Result<Started, StartError> {
        let (reply, answer) = oneshot::channel();
        // When the actor has gone, the reply is dropped with the message.
        let _ = self.inner.messages.send(Message::Start { size, reply });
        answer.await.unwrap_or(Err(StartError::Closed))
    }

    /// Ends the batch; with anything but [`StopMode::Graceful`] it has ended when this returns.
    pub async fn stop(&self, mode: StopMode) -> Result<StopAnswer, StopError> {
        let (reply, answer) = oneshot::channel();
        let _ = self.inner.messages.send(Message::Stop { mode, reply });
        answer.await.unwrap_or(Err(StopError::Closed))
    }

    /// Ends one agent; its stories are left out for the rest of the batch.
    pub async fn stop_agent(&self, agent_id: &str) -> Result<Receipt, StopError> {
        self.inner.registry.stop(agent_id).await.ok_or(StopError::NoSuchAgent)
    }

    /// What the orchestrator is doing.
    pub fn status(&self) -> Status {
        let mut view = OrchestratorView::of(&self.inner.parts.hub.state());
        if self.inner.registry.is_starting() && view.batch_id.is_none() {
            view.status = "starting";
        }
        Status { view }
    }

    /// The agents of the newest batch: running ones first, then those that have ended.
    pub async fn agents(&self) -> Vec<AgentView> {
        self.inner.registry.views().await
    }

    /// How many agents are at work.
    pub fn running_agents(&self) -> usize {
        self.inner.registry.running()
    }

    /// How long each agent at work has printed nothing. Looks at nothing but what is known.
    pub fn silences(&self) -> Vec<Silence> {
        self.inner.registry.silences()
    }

    /// Where an agent's log lies, for any agent whose log is still kept.
    pub fn agent_log(&self, agent_id: &str) -> Option<std::path::PathBuf> {
        run_files::find_log(&self.inner.parts.state_dir, agent_id)
    }

    /// Ends the running batch and stops taking orders. No child is left when it returns.
    pub async fn shutdown(&self) {
        let _ = self.inner.messages.send(Message::Shutdown);
        let task = self.inner.task.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(task) = task
            && let Err(error) = task.await
        {
            tracing::error!(%error, "the orchestrator had failed");
        }
    }
}
