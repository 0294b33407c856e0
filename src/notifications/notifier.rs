//! The task that reads the log, keeps the desk, and sends.

mod outcomes;
mod running;

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use tracing::Instrument as _;

use super::target::Target;
use crate::config::notifications::NotificationConfig;
use crate::hub::Hub;
use crate::orchestrator::Orchestrator;

pub use outcomes::{Outcomes, TargetState};
use running::Running;

/// What it works with.
#[derive(Debug)]
pub struct Parts {
    /// The log.
    pub hub: Hub,
    /// Whose agents may be silent.
    pub orchestrator: Orchestrator,
    /// Whom to tell what.
    pub targets: Vec<NotificationConfig>,
    /// Where people reach the dashboard.
    pub public_url: Option<String>,
    /// What the project is called as long as its status file does not say.
    pub folder: String,
    /// The silence that ends an observed batch, in milliseconds.
    pub idle_ms: i64,
    /// The log's head before this program added to it: what a new target is not told.
    pub head: u64,
    /// When that was, in milliseconds since the epoch. Not when the task comes to run: what happens
    /// until then is no history.
    pub begun_ms: i64,
}

/// The running task.
#[derive(Debug)]
pub struct Notifier {
    /// What became of the messages.
    pub outcomes: Outcomes,
    stop: oneshot::Sender<()>,
    task: JoinHandle<()>,
}

impl Notifier {
    /// Begins to tell; nothing is started where nobody is to be told.
    pub fn start(parts: Parts) -> Option<Self> {
        if parts.targets.is_empty() {
            return None;
        }
        let outcomes = Outcomes::of(&parts.targets);
        let resolved = resolved(&parts.targets, &outcomes, now_ms());
        let (stop, stopped) = oneshot::channel();
        let told = outcomes.clone();
        let task = tokio::spawn(Running::run(parts, resolved, told, stopped).in_current_span());
        Some(Self { outcomes, stop, task })
    }

    /// Tells what is left as far as that goes in so much time; what does not is kept for the next
    /// start.
    pub async fn stop(mut self, within: Duration) {
        // Gone only where the task has failed.
        let _ = self.stop.send(());
        if timeout(within, &mut self.task).await.is_err() {
            self.task.abort();
            tracing::info!("some notifications are kept for the next start");
        }
    }
}

/// The targets with their secrets; who has none is told of, and waits for a start with them.
fn resolved(
    targets: &[NotificationConfig],
    outcomes: &Outcomes,
    now_ms: i64,
) -> Vec<Option<Arc<Target>>> {
    let resolve = |config: &NotificationConfig| match Target::resolve(config, &|name| {
        std::env::var_os(name)
    }) {
        Ok(target) => {
            if target.travels_readable() {
                tracing::warn!(
                    "notifications to {} go over plain http: everybody on the way can read them",
                    config.name
                );
            }
            Some(Arc::new(target))
        }
        Err(error) => {
            tracing::warn!("nothing is sent to {}: {error}", config.name);
            outcomes.change(&config.name, |state| {
                state.error = Some(error);
                state.failing_since = Some(now_ms);
            });
            None
        }
    };
    targets.iter().map(resolve).collect()
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
