//! Starting a batch: what is looked at first, its row, its rules.

use std::collections::{HashMap, VecDeque};

use tokio::task::JoinSet;

use super::{Actor, Running};
use crate::agents::process::{Receipt, UnderWay};
use crate::config::workflow::Runner;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{BatchStart, Payload};
use crate::domain::workflow::{Batch, Input, Rules};
use crate::hub::Publication;
use crate::orchestrator::parts::now_ms;
use crate::orchestrator::preflight::{self, StartError};
use crate::orchestrator::run_files;
use crate::orchestrator::{BatchSize, Started};

impl Actor {
    pub(super) async fn start(&mut self, size: BatchSize) -> Result<Started, StartError> {
        if self.ending {
            return Err(StartError::Closed);
        }
        if self.running.is_some() {
            return Err(StartError::Running);
        }
        self.registry.set_starting(true);
        let started = self.try_start(size).await;
        self.registry.set_starting(false);
        started
    }

    async fn try_start(&mut self, size: BatchSize) -> Result<Started, StartError> {
        let parts = self.parts.clone();
        let checked = tokio::task::spawn_blocking(move || preflight::check(&parts)).await;
        checked.map_err(|error| StartError::Log(error.to_string()))??;
        self.close_lost().await;
        let max_cycles = match size {
            BatchSize::Cycles(cycles) => Some(cycles),
            BatchSize::All => None,
        };
        let started_at = now_ms();
        let start = Payload::BatchStart(BatchStart {
            batch_id: 0,
            max_cycles: max_cycles.map(i64::from),
            batch_mode: if max_cycles.is_some() { "fixed" } else { "all" }.to_owned(),
            origin: "managed".to_owned(),
            started_at,
            size: None,
        });
        let events = vec![NewEvent::new(started_at, Source::Orchestrator, start)];
        let published = self.parts.hub.publish(Publication::events(events)).await;
        published.map_err(|error| StartError::Log(error.to_string()))?;
        let state = self.parts.hub.state();
        let batch = state.batch.as_ref().filter(|batch| batch.origin == "managed");
        let batch_id = batch
            .map(|batch| batch.id)
            .ok_or_else(|| StartError::Log("the batch's row was not found again".to_owned()))?;
        self.registry.clear();
        let state_dir = self.parts.state_dir.clone();
        let span = tracing::info_span!("batch", batch_id);
        let told_in = span.clone();
        drop(tokio::task::spawn_blocking(move || {
            told_in.in_scope(|| run_files::remove_old(&state_dir, batch_id));
        }));
        span.in_scope(|| tracing::debug!(?size, "the batch begins"));
        self.running = Some(Running {
            span,
            batch: Batch::new(self.rules(batch_id, max_cycles), started_at),
            under_way: Some(UnderWay::begin()),
            size,
            outbox: VecDeque::new(),
            orders: HashMap::new(),
            children_end: false,
            receipt: Receipt::default(),
            waiting: Vec::new(),
            timers: JoinSet::new(),
        });
        self.input(Input::Begin);
        Ok(Started { batch_id })
    }

    fn rules(&self, batch_id: i64, max_cycles: Option<u32>) -> Rules {
        let settings = self.parts.settings.get();
        let workflow = self.parts.agents.workflow();
        let small = |setting: i64| u32::try_from(setting).unwrap_or(u32::MAX);
        Rules {
            batch_id,
            max_cycles,
            max_code_reviews: small(settings.max_code_review_attempts),
            small_from_review: small(settings.haiku_after_review),
            retry_ms: workflow.retry.as_millis() as i64,
            limit_wait_ms: workflow.limit_wait.as_millis() as i64,
            whole: workflow.runner == Runner::Command,
        }
    }
}
