//! The agents of the newest batch, as the outside sees them.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::sync::watch;

use super::pulse::Pulse;
use crate::agents::process::{Group, Receipt};

/// Ended agents of a batch that are still listed.
const MAX_ENDED: usize = 500;
/// How long whoever stops an agent waits for its end.
const PATIENCE: Duration = Duration::from_secs(60);

/// One agent, for `/api/agents`.
#[derive(Debug, Clone, Serialize, JsonSchema)]
#[schemars(rename = "Agent")]
pub struct AgentView {
    /// `<batch>-<run>`.
    pub agent_id: String,
    /// The batch it belongs to.
    pub batch_id: i64,
    /// Its number within the batch.
    pub run: u32,
    /// Its process.
    pub pid: u32,
    /// As rows of the log write it: `code-review-2`.
    pub command: String,
    /// The stories it works on.
    pub story_keys: Vec<String>,
    /// The model it was asked to use, or says it uses.
    pub model: Option<String>,
    /// Which review this is.
    pub attempt: Option<u32>,
    /// It holds nothing up.
    pub background: bool,
    /// Milliseconds since the epoch.
    pub started_at: i64,
    /// Milliseconds since the epoch.
    pub ended_at: Option<i64>,
    /// When it ended by itself.
    pub exit_code: Option<i32>,
    /// When a signal ended it.
    pub signal: Option<i32>,
    /// When it last printed anything, in milliseconds since the epoch.
    pub last_output_at: Option<i64>,
    /// How many processes it is, with all that descend from it.
    pub processes: Option<u32>,
    /// Processor time of all of them.
    pub cpu_ms: Option<u64>,
    /// Memory of all of them.
    pub rss_bytes: Option<u64>,
    /// How long its log is.
    pub log_bytes: u64,
}

/// How long an agent at work has printed nothing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Silence {
    /// The batch it belongs to.
    pub batch_id: i64,
    /// As rows of the log write it.
    pub command: String,
    /// The stories it works on.
    pub story_keys: Vec<String>,
    /// In milliseconds; while nobody listens nobody is silent.
    pub silent_ms: i64,
    /// The silence that ends it, in milliseconds.
    pub idle_ms: Option<i64>,
}

/// Why an agent is to end before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Order {
    /// Its batch ends.
    Batch,
    /// The server ends.
    Shutdown,
    /// Somebody stopped this one.
    One,
}

/// Waits for an order. Cancel-safe.
pub(super) async fn ordered(order: &mut watch::Receiver<Option<Order>>) -> Order {
    let seen = order.wait_for(Option::is_some).await.ok().and_then(|order| *order);
    match seen {
        Some(order) => order,
        // Who gives orders keeps the sender for as long as anybody waits for one.
        None => std::future::pending().await,
    }
}

/// What the registry keeps of an agent.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) view: AgentView,
    pub(super) group: Option<Group>,
    pub(super) pulse: Arc<Pulse>,
    /// The silence that ends it.
    pub(super) idle: Duration,
    pub(super) log: std::path::PathBuf,
    /// To tell its attendant.
    pub(super) order: watch::Sender<Option<Order>>,
    /// What became of its processes, once it has ended.
    pub(super) ended: watch::Receiver<Option<Receipt>>,
}

/// All of them.
#[derive(Debug, Default)]
pub(super) struct Registry {
    records: Mutex<Vec<Record>>,
    starting: AtomicBool,
}

impl Registry {
    pub(super) fn is_starting(&self) -> bool {
        self.starting.load(Ordering::Relaxed)
    }

    pub(super) fn set_starting(&self, starting: bool) {
        self.starting.store(starting, Ordering::Relaxed);
    }

    /// A new batch: the agents of the last one are no longer listed.
    pub(super) fn clear(&self) {
        self.lock().clear();
    }

    pub(super) fn add(&self, record: Record) {
        let mut records = self.lock();
        let ended = records.iter().filter(|record| record.view.ended_at.is_some()).count();
        if ended >= MAX_ENDED
            && let Some(oldest) = records.iter().position(|record| record.view.ended_at.is_some())
        {
            records.remove(oldest);
        }
        records.push(record);
    }

    pub(super) fn change(&self, agent_id: &str, change: impl FnOnce(&mut Record)) {
        if let Some(record) = self.lock().iter_mut().find(|record| record.view.agent_id == agent_id)
        {
            change(record);
        }
    }

    /// Ends one agent and waits for its end.
    pub(super) async fn stop(&self, agent_id: &str) -> Option<Receipt> {
        let mut ended = {
            let records = self.lock();
            let running = |record: &&Record| {
                record.view.agent_id == agent_id && record.view.ended_at.is_none()
            };
            let record = records.iter().find(running)?;
            // An order to all of them stands above one to this one.
            record.order.send_if_modified(|order| {
                let new = order.is_none();
                *order = order.or(Some(Order::One));
                new
            });
            record.ended.clone()
        };
        let waited = tokio::time::timeout(PATIENCE, ended.wait_for(Option::is_some)).await;
        *waited.ok()?.ok()?
    }

    /// How many are at work.
    pub(super) fn running(&self) -> usize {
        self.lock().iter().filter(|record| record.view.ended_at.is_none()).count()
    }

    /// How long those at work have printed nothing.
    pub(super) fn silences(&self) -> Vec<Silence> {
        let ms = |duration: Duration| i64::try_from(duration.as_millis()).unwrap_or(i64::MAX);
        let records = self.lock();
        let at_work = records.iter().filter(|record| record.view.ended_at.is_none());
        at_work
            .map(|record| Silence {
                batch_id: record.view.batch_id,
                command: record.view.command.clone(),
                story_keys: record.view.story_keys.clone(),
                silent_ms: ms(record.pulse.silence()),
                idle_ms: Some(ms(record.idle)),
            })
            .collect()
    }

    /// Everything about them; looks into the process table.
    pub(super) async fn views(&self) -> Vec<AgentView> {
        let listed: Vec<_> = self
            .lock()
            .iter()
            .map(|record| {
                let mut view = record.view.clone();
                view.last_output_at = record.pulse.last_ms();
                let group = record.group.clone().filter(|_| view.ended_at.is_none());
                (view, group, record.log.clone())
            })
            .collect();
        let mut views = Vec::with_capacity(listed.len());
        for (mut view, group, log) in listed {
            if let Some(group) = group {
                let usage = group.usage().await;
                view.processes = Some(usage.processes);
                view.cpu_ms = Some(usage.cpu_ms);
                view.rss_bytes = Some(usage.rss_bytes);
            }
            view.log_bytes = tokio::fs::metadata(log).await.map_or(0, |metadata| metadata.len());
            views.push(view);
        }
        views.sort_by_key(|view| (view.ended_at.is_some(), view.run));
        views
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Record>> {
        self.records.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
