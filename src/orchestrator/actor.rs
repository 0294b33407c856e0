//! The task that owns the batch.

mod begin;

use std::collections::{HashMap, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::BoxFuture;
use tokio::sync::{Semaphore, mpsc, oneshot, watch};
use tokio::task::JoinSet;
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span};

use super::attendant::{Attendant, Task};
use super::effects::{self, Done};
use super::parts::{Parts, now_ms};
use super::preflight::StartError;
use super::registry::{Order, Registry};
use super::{BatchSize, Started, StopAnswer, StopError};
use crate::agents::process::{Receipt, UnderWay, end_leftovers};
use crate::domain::attribution;
use crate::domain::payload::Payload;
use crate::domain::state::State;
use crate::domain::workflow::{Batch, Effect, Input, Outcome, RunId, StopMode, TimerId, step};
use crate::hub::{Hub, Publication, PublishError, Published};

/// The longest nap before the clock is looked at again: a machine that was asleep, or whose clock
/// was set, must not wait longer than it should.
const NAP: Duration = Duration::from_secs(15);

/// Between two tries to close a lost batch while the log cannot be written.
const CLOSE_AGAIN: Duration = Duration::from_secs(1);

/// What the actor is told.
#[derive(Debug)]
pub(super) enum Message {
    Start { size: BatchSize, reply: oneshot::Sender<Result<Started, StartError>> },
    Stop { mode: StopMode, reply: oneshot::Sender<Result<StopAnswer, StopError>> },
    Input { batch_id: i64, input: Input },
    Ended { batch_id: i64, run: RunId, outcome: Outcome, receipt: Receipt },
    Shutdown,
}

pub(super) struct Actor {
    parts: Parts,
    registry: Arc<Registry>,
    messages: mpsc::UnboundedSender<Message>,
    pool: Arc<Semaphore>,
    running: Option<Running>,
    /// What came while a batch whose end is told was cleared up.
    held: VecDeque<Message>,
    ending: bool,
}

/// The batch under way.
struct Running {
    /// What everything that is told about the batch stands in.
    span: Span,
    batch: Batch,
    /// Given up when all its agents have ended.
    under_way: Option<UnderWay>,
    size: BatchSize,
    /// Effects not yet carried out.
    outbox: VecDeque<Effect>,
    orders: HashMap<RunId, watch::Sender<Option<Order>>>,
    /// No run begins any more.
    children_end: bool,
    receipt: Receipt,
    waiting: Vec<oneshot::Sender<Result<StopAnswer, StopError>>>,
    /// Aborted with the batch.
    timers: JoinSet<()>,
}

impl Actor {
    pub(super) fn new(
        parts: Parts,
        registry: Arc<Registry>,
        messages: mpsc::UnboundedSender<Message>,
    ) -> Self {
        let pool = Arc::new(Semaphore::new(parts.agents.workflow().max_processes));
        Self {
            parts,
            registry,
            messages,
            pool,
            running: None,
            held: VecDeque::new(),
            ending: false,
        }
    }

    /// Serves until it is shut down and the batch has ended.
    pub(super) async fn run(mut self, mut inbox: mpsc::UnboundedReceiver<Message>) {
        self.recover().await;
        let mut work: Option<Instrumented<BoxFuture<'static, Done>>> = None;
        while !(self.ending && self.running.is_none()) {
            if work.is_none() {
                work = self.next_effect().map(|work| work.instrument(self.span()));
            }
            if !self.is_told_over()
                && let Some(message) = self.held.pop_front()
            {
                self.take(message).await;
                continue;
            }
            if self.ending && self.running.is_none() {
                break;
            }
            let done = async {
                match &mut work {
                    Some(work) => work.await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                biased;
                message = inbox.recv() => match message {
                    Some(message) if self.is_told_over() => self.held.push_back(message),
                    Some(message) => self.take(message).await,
                    None => break,
                },
                done = done => {
                    work = None;
                    self.done(done);
                }
            }
        }
    }

    /// What a server that was killed has left: first its children, then its batch.
    async fn recover(&self) {
        let grace = self.parts.agents.workflow().stop_grace;
        let receipt = end_leftovers(&self.parts.project_mark(), grace).await;
        if receipt.processes > 0 {
            tracing::warn!(?receipt, "agents of a server that was killed were still alive; ended");
        }
        self.close_lost().await;
    }

    /// Closes a managed batch that nobody runs. Returns its row.
    async fn close_lost(&self) -> Option<i64> {
        let state = self.parts.hub.state();
        let batch = state.batch.as_ref().filter(|batch| batch.origin == "managed")?;
        let id = batch.id;
        if let Err(error) = close(&self.parts.hub, id).await {
            tracing::warn!(%error, "a lost batch cannot be closed now; trying again");
            let hub = self.parts.hub.clone();
            tokio::spawn(async move {
                while matches!(close(&hub, id).await, Err(PublishError::Store(_))) {
                    tokio::time::sleep(CLOSE_AGAIN).await;
                }
            });
            return None;
        }
        Some(id)
    }

    async fn take(&mut self, message: Message) {
        match message {
            Message::Start { size, reply } => {
                let answer = self.start(size).await;
                // Whoever asked may have gone; the batch runs all the same.
                let _ = reply.send(answer);
            }
            Message::Stop { mode, reply } => self.stop(mode, reply).await,
            Message::Input { batch_id, input } if self.is_running(batch_id) => self.input(input),
            Message::Ended { batch_id, run, outcome, receipt } if self.is_running(batch_id) => {
                if let Some(running) = &mut self.running {
                    running.orders.remove(&run);
                    running.receipt = running.receipt.merge(receipt);
                }
                self.input(Input::Ended(run, outcome));
            }
            Message::Input { .. } | Message::Ended { .. } => {}
            Message::Shutdown => {
                self.ending = true;
                self.input(Input::Stop(StopMode::Shutdown));
            }
        }
    }

    /// Whether everybody has been told the end of the batch, and only we have not done with it:
    /// who asks now must be answered as if it were gone, which it is in a moment.
    fn is_told_over(&self) -> bool {
        let Some(running) = self.running.as_ref().filter(|running| running.batch.is_over()) else {
            return false;
        };
        let state = self.parts.hub.state();
        state.batch.as_ref().is_none_or(|batch| batch.id != running.batch.id())
    }

    fn span(&self) -> Span {
        self.running.as_ref().map_or_else(Span::none, |running| running.span.clone())
    }

    fn is_running(&self, batch_id: i64) -> bool {
        self.running.as_ref().is_some_and(|running| running.batch.id() == batch_id)
    }

    async fn stop(
        &mut self,
        mode: StopMode,
        reply: oneshot::Sender<Result<StopAnswer, StopError>>,
    ) {
        let answer = match &mut self.running {
            Some(running) if mode != StopMode::Graceful => {
                running.waiting.push(reply);
                self.input(Input::Stop(mode));
                return;
            }
            Some(_) => {
                self.input(Input::Stop(mode));
                Ok(StopAnswer::Stopping)
            }
            None => match self.close_lost().await {
                Some(batch_id) => Ok(StopAnswer::Cleaned { batch_id }),
                None => Err(StopError::Idle),
            },
        };
        // Whoever asked may have gone.
        let _ = reply.send(answer);
    }

    /// One step of the workflow. What it wants done is put in order; children that have to end are
    /// told at once.
    fn input(&mut self, input: Input) {
        let Some(mut running) = self.running.take() else { return };
        let effects;
        (running.batch, effects) = step(running.batch, input, now_ms());
        for effect in effects {
            if effect == Effect::EndChildren {
                running.children_end = true;
                let order = if self.ending { Order::Shutdown } else { Order::Batch };
                for orders in running.orders.values() {
                    orders.send_replace(Some(order));
                }
            } else {
                running.outbox.push_back(effect);
            }
        }
        self.running = Some(running);
    }

    /// Begins the next effect. Those that are done at once are; the first that takes a while is
    /// returned.
    fn next_effect(&mut self) -> Option<BoxFuture<'static, Done>> {
        loop {
            let running = self.running.as_mut()?;
            let batch_id = running.batch.id();
            let parts = self.parts.clone();
            match running.outbox.pop_front()? {
                Effect::Publish(end @ Payload::BatchEnd(_)) => {
                    if let Payload::BatchEnd(end) = &end {
                        let _in = running.span.enter();
                        tracing::debug!(status = end.status, reason = end.reason, "the batch ends");
                    }
                    drop(running.under_way.take());
                    return Some(effects::tell_end(parts, batch_id, end));
                }
                Effect::Publish(payload) => {
                    let payloads = with_following(payload, &mut running.outbox);
                    return Some(effects::tell(parts, batch_id, payloads));
                }
                Effect::Run { job, task } => self.attend(Task::Job(job, task)),
                Effect::RunWhole(run) => {
                    let size = running.size;
                    self.attend(Task::Whole(run, size));
                }
                Effect::Wait { timer, until_ms } => self.wait(timer, until_ms),
                Effect::EndChildren => {}
                Effect::Finish => self.finish(),
                effect => return Some(effects::ask(parts, batch_id, effect)),
            }
        }
    }

    fn done(&mut self, done: Done) {
        match done {
            Done::Nothing => {}
            Done::Answer(input) => self.input(input),
            Done::Swept(receipt) => {
                if let Some(running) = &mut self.running {
                    running.receipt = running.receipt.merge(receipt);
                }
            }
        }
    }

    fn attend(&mut self, task: Task) {
        let Some(running) = &mut self.running else { return };
        let run = task.run();
        let first = running.children_end.then_some(Order::Batch);
        let order = watch::Sender::new(first);
        running.orders.insert(run, order.clone());
        let attendant = Attendant {
            parts: self.parts.clone(),
            registry: Arc::clone(&self.registry),
            actor: self.messages.clone(),
            batch_id: running.batch.id(),
            task,
            order,
        };
        let batch_id = running.batch.id();
        let span = attendant.span(&running.span);
        let attending =
            tokio::spawn(attendant.attend(Arc::clone(&self.pool)).instrument(span.clone()));
        let messages = self.messages.clone();
        tokio::spawn(async move {
            if let Err(error) = attending.await {
                let _in = span.enter();
                tracing::error!(%error, "the attendant of an agent had failed");
                let why = "an internal error, see the server's log".to_owned();
                let outcome = Outcome::Failed(crate::domain::workflow::Cause::Failed(why));
                let receipt = Receipt::default();
                // The actor has gone only when everything has.
                let _ = messages.send(Message::Ended { batch_id, run, outcome, receipt });
            }
        });
    }

    fn wait(&mut self, timer: TimerId, until_ms: i64) {
        let Some(running) = &mut self.running else { return };
        let batch_id = running.batch.id();
        let messages = self.messages.clone();
        running.timers.spawn(async move {
            loop {
                let left = until_ms - now_ms();
                if left <= 0 {
                    break;
                }
                let left = Duration::from_millis(left.unsigned_abs());
                tokio::time::sleep(left.min(NAP)).await;
            }
            // The actor has gone only when everything has.
            let _ = messages.send(Message::Input { batch_id, input: Input::Tick(timer) });
        });
        // What has rung is forgotten.
        while running.timers.try_join_next().is_some() {}
    }

    /// The batch is over and told.
    fn finish(&mut self) {
        let Some(running) = self.running.take() else { return };
        for waiting in running.waiting {
            // Whoever asked may have gone.
            let _ = waiting.send(Ok(StopAnswer::Stopped(running.receipt)));
        }
    }
}

/// Ends this batch as lost, if it still stands as running.
async fn close(hub: &Hub, batch_id: i64) -> Result<Published, PublishError> {
    let lost = move |state: &State| match &state.batch {
        Some(batch) if batch.id == batch_id => attribution::lost(state, now_ms(), "server_lost"),
        _ => Vec::new(),
    };
    hub.publish(Publication::from_state(lost)).await
}

/// A payload and those right behind it, to be told in one go.
fn with_following(first: Payload, outbox: &mut VecDeque<Effect>) -> Vec<Payload> {
    let mut payloads = vec![first];
    while let Some(Effect::Publish(next)) = outbox.front() {
        if matches!(next, Payload::BatchEnd(_)) {
            break;
        }
        if let Some(Effect::Publish(next)) = outbox.pop_front() {
            payloads.push(next);
        }
    }
    payloads
}
