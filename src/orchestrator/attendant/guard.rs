//! Ends a run that has to end: by order, after its time, after its silence, after its result.
//!
//! A task of its own, so that nothing an agent prints, and no log that cannot be written, keeps it
//! alive.

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{oneshot, watch};
use tokio::task::JoinHandle;
use tokio::time::{Instant, sleep, sleep_until};

use crate::agents::process::{Group, Receipt};
use crate::config::agents::AgentConfig;
use crate::config::workflow::WorkflowConfig;
use crate::orchestrator::outcome::EndedBy;
use crate::orchestrator::pulse::Pulse;
use crate::orchestrator::registry::{Order, ordered};

/// The server ends within 5 s, whatever grace is configured.
const SHUTDOWN_GRACE: Duration = Duration::from_secs(3);

/// What the guard had to do; `None` when the run ended by itself.
pub(super) type Guarded = Option<(EndedBy, Receipt)>;

/// Watches over one run until it is released.
pub(super) struct Guard {
    task: JoinHandle<Guarded>,
    result: watch::Sender<bool>,
    release: Option<oneshot::Sender<()>>,
}

impl Guard {
    pub(super) fn set(
        agent: &AgentConfig,
        workflow: &WorkflowConfig,
        group: Group,
        order: watch::Receiver<Option<Order>>,
        pulse: Arc<Pulse>,
    ) -> Self {
        let (result, result_seen) = watch::channel(false);
        let (release, released) = oneshot::channel();
        let watching = Watching {
            timeout: agent.timeout,
            idle: agent.idle,
            result_grace: workflow.result_grace,
            order,
            result: result_seen,
            pulse,
        };
        let (stop_grace, timeout_grace) = (workflow.stop_grace, workflow.timeout_grace);
        let task = tokio::spawn(async move {
            let why = watching.wait(released).await?;
            let grace = match why {
                EndedBy::TimeOut(_) => timeout_grace,
                EndedBy::Order(Order::Shutdown) => stop_grace.min(SHUTDOWN_GRACE),
                EndedBy::Order(_) | EndedBy::AfterResult => stop_grace,
            };
            let receipt = group.stop(grace).await;
            Some((why, receipt))
        });
        Self { task, result, release: Some(release) }
    }

    /// The run has said its result.
    pub(super) fn result_seen(&self) {
        self.result.send_replace(true);
    }

    /// Waits until the guard had to end the run, and has. Cancel-safe.
    pub(super) async fn ended(&mut self) -> Guarded {
        (&mut self.task).await.unwrap_or_default()
    }

    /// The run has ended by itself, unless the guard was ending it just now.
    pub(super) async fn release(mut self) -> Guarded {
        if let Some(release) = self.release.take() {
            // Gone when it was not waiting any more.
            let _ = release.send(());
        }
        self.ended().await
    }
}

struct Watching {
    timeout: Duration,
    idle: Duration,
    result_grace: Duration,
    order: watch::Receiver<Option<Order>>,
    result: watch::Receiver<bool>,
    pulse: Arc<Pulse>,
}

impl Watching {
    async fn wait(mut self, released: oneshot::Receiver<()>) -> Option<EndedBy> {
        let too_long = Instant::now() + self.timeout;
        let order = &mut self.order;
        let result = &mut self.result;
        tokio::select! {
            biased;
            _ = released => None,
            order = ordered(order) => Some(EndedBy::Order(order)),
            () = sleep_until(too_long) => {
                Some(EndedBy::TimeOut(format!("it ran longer than {}", words(self.timeout))))
            }
            () = silence(self.idle, &self.pulse) => {
                Some(EndedBy::TimeOut(format!("it printed nothing for {}", words(self.idle))))
            }
            () = after_result(result, self.result_grace) => Some(EndedBy::AfterResult),
        }
    }
}

/// Ends when nothing was printed for so long.
async fn silence(idle: Duration, pulse: &Pulse) {
    loop {
        let silent = pulse.silence();
        if silent >= idle {
            return;
        }
        sleep(idle.saturating_sub(silent).max(Duration::from_millis(5))).await;
    }
}

async fn after_result(result: &mut watch::Receiver<bool>, grace: Duration) {
    if result.wait_for(|seen| *seen).await.is_err() {
        // Whoever would have told has gone: this never happens.
        std::future::pending::<()>().await;
    }
    sleep(grace).await;
}

fn words(duration: Duration) -> String {
    let seconds = duration.as_secs_f64();
    if seconds >= 60.0 {
        format!("{} minutes", (seconds / 6.0).round() / 10.0)
    } else {
        format!("{seconds} s")
    }
}
