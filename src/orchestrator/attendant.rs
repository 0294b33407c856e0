//! One run from beginning to end: room in the pool, what it is told, what it prints, how it ends.

mod guard;
mod hearing;

use std::sync::Arc;
use std::time::Duration;

use tokio::sync::{Semaphore, mpsc, watch};
use tracing::Span;

use crate::agents::process::{Exit, Output, Process, Receipt, SpawnError, spawn};
use crate::config::agents::{AgentConfig, AgentOutput};
use crate::domain::event::Source;
use crate::domain::payload::{AgentEnd, AgentStart, BatchWarning, Payload};
use crate::domain::workflow::{Cause, Command, Input, Job, Outcome, RunId};
use crate::parse::agent::Format;

use super::BatchSize;
use super::actor::Message;
use super::files;
use super::outcome::outcome;
use super::parts::{Parts, now_ms};
use super::preflight;
use super::publish::{event, publish};
use super::pulse::Pulse;
use super::registry::{AgentView, Order, Record, Registry, ordered};
use super::run_files;
use super::telling::{Told, command_name, tell, tell_whole};

use guard::Guard;
use hearing::Hearing;

/// Lines heard in one go before others get their turn.
const LINES_AT_ONCE: u32 = 256;
/// What could not be ended is no longer listened to after this.
const LAST_WORDS: Duration = Duration::from_secs(1);

/// What is to be run.
#[derive(Debug, Clone)]
pub(super) enum Task {
    /// A command, perhaps as part of a background chain.
    Job(Job, Option<String>),
    /// A whole batch of the user's own orchestrator.
    Whole(RunId, BatchSize),
}

impl Task {
    pub(super) const fn run(&self) -> RunId {
        match self {
            Self::Job(job, _) => job.run,
            Self::Whole(run, _) => *run,
        }
    }

    const fn command(&self) -> Option<Command> {
        match self {
            Self::Job(job, _) => Some(job.command),
            Self::Whole(..) => None,
        }
    }

    fn row_command(&self) -> String {
        match self {
            Self::Job(job, _) => job.row_command(),
            Self::Whole(..) => "sprint-runner".to_owned(),
        }
    }
}

/// Who sees to one run.
pub(super) struct Attendant {
    pub(super) parts: Parts,
    pub(super) registry: Arc<Registry>,
    pub(super) actor: mpsc::UnboundedSender<Message>,
    pub(super) batch_id: i64,
    pub(super) task: Task,
    pub(super) order: watch::Sender<Option<Order>>,
}

impl Attendant {
    /// What everything that is told about this run stands in, within its batch's span.
    pub(super) fn span(&self, batch: &Span) -> Span {
        let stories = match &self.task {
            Task::Job(job, _) => job.story_keys.join(","),
            Task::Whole(..) => String::new(),
        };
        tracing::info_span!(
            parent: batch,
            "agent",
            agent_id = self.agent_id(),
            story = stories,
            command = self.task.row_command(),
        )
    }

    /// Sees to the run. Sends exactly one end to the actor.
    pub(super) async fn attend(self, pool: Arc<Semaphore>) {
        let run = self.task.run();
        let mut order = self.order.subscribe();
        let (outcome, receipt) = tokio::select! {
            biased;
            _ = ordered(&mut order) => (Outcome::Stopped, Receipt::default()),
            // The pool hands out room in the order of asking, and is never closed.
            _room = pool.acquire() => self.run_it().await,
        };
        let batch_id = self.batch_id;
        // The actor has gone only when everything has.
        let _ = self.actor.send(Message::Ended { batch_id, run, outcome, receipt });
    }

    async fn run_it(&self) -> (Outcome, Receipt) {
        let told = match self.prepare().await {
            Ok(told) => told,
            Err(cause) => return (Outcome::Failed(cause), Receipt::default()),
        };
        let Told { agent, model, launch, events, warnings } = told;
        let mut all = events;
        all.extend(warnings.iter().map(|message| self.warning("agent_context", message)));
        self.publish(all).await;
        let process = match spawn(launch) {
            Ok(process) => process,
            Err(error) => return (Outcome::Failed(cause_of(&agent, &error)), Receipt::default()),
        };
        let format = match agent.output {
            AgentOutput::StreamJson => Format::StreamJson,
            AgentOutput::Text => Format::Text,
        };
        let started_ms = now_ms();
        let pulse = Arc::new(Pulse::begin());
        let (ended, when_ended) = watch::channel(None);
        self.registry.add(self.record(&process, model.as_ref(), &pulse, (agent.idle, when_ended)));
        tracing::debug!(pid = process.pid(), model, "the agent has started");
        self.publish(vec![self.start(&process, model.as_ref())]).await;
        // That may have waited for a log that could not be written.
        pulse.listening();
        self.input(Input::Started(self.task.run()));

        let guard = Guard::set(
            &agent,
            self.parts.agents.workflow(),
            process.group(),
            self.order.subscribe(),
            Arc::clone(&pulse),
        );
        let hearing = Hearing::new(self, format, pulse, started_ms);
        let (hearing, exit, guarded) = self.listen(process, guard, hearing).await;

        let ended_by = guarded.as_ref().map(|(why, _)| why);
        let (outcome, well) =
            outcome(self.task.command(), hearing.stream(), format, exit, ended_by);
        if well && !hearing.told_well() {
            self.input(Input::StartedWell(self.task.run()));
        }
        let receipt = guarded.map(|(_, receipt)| receipt);
        let exit_code = exit.and_then(|exit| exit.code);
        let signal = exit.and_then(|exit| exit.signal);
        tracing::debug!(exit_code, signal, "the agent has ended");
        let usage = hearing.stream().usage();
        let end = Payload::AgentEnd(AgentEnd {
            agent_id: self.agent_id(),
            exit_code: exit.and_then(|exit| exit.code).map(i64::from),
            signal: exit.and_then(|exit| exit.signal).map(i64::from),
            duration_ms: (now_ms() - started_ms).max(0),
            input_tokens: usage.input_tokens,
            output_tokens: usage.output_tokens,
            cost_usd: usage.cost_usd,
            receipt: receipt.as_ref().and_then(|receipt| serde_json::to_value(receipt).ok()),
        });
        self.publish(vec![end]).await;
        let receipt = receipt.unwrap_or_default();
        self.registry.change(&self.agent_id(), |record| {
            record.view.ended_at = Some(now_ms());
            record.view.exit_code = exit.and_then(|exit| exit.code);
            record.view.signal = exit.and_then(|exit| exit.signal);
            record.view.model = hearing.stream().model().map(str::to_owned).or(model);
            record.group = None;
        });
        ended.send_replace(Some(receipt));
        (outcome, receipt)
    }

    async fn prepare(&self) -> Result<Told, Cause> {
        let parts = self.parts.clone();
        let batch_id = self.batch_id;
        let told = match self.task.clone() {
            Task::Whole(run, size) => {
                tokio::task::spawn_blocking(move || Ok(tell_whole(&parts, batch_id, run, size)))
                    .await
            }
            Task::Job(job, _) => {
                let git_status = if job.command.groups().git_status {
                    let root = parts.board.layout().root.clone();
                    match files::git::status(&root).await {
                        Ok(status) => Some(status),
                        Err(why) => {
                            self.publish(vec![self.warning("git_status", &why)]).await;
                            None
                        }
                    }
                } else {
                    None
                };
                tokio::task::spawn_blocking(move || {
                    tell(&parts, batch_id, &job, git_status.as_deref())
                })
                .await
            }
        };
        told.unwrap_or_else(|error| {
            Err(Cause::Failed(format!("it could not be prepared: {error}")))
        })
    }

    /// Hears the process out, until it has ended and everything it had printed is read.
    async fn listen<'a>(
        &self,
        mut process: Process,
        mut guard: Guard,
        mut hearing: Hearing<'a>,
    ) -> (Hearing<'a>, Option<Exit>, guard::Guarded) {
        let mut exit = None;
        let mut guarded = None;
        let mut at_once = 0;
        loop {
            let ready = if at_once < LINES_AT_ONCE {
                futures_util::FutureExt::now_or_never(process.next())
            } else {
                None
            };
            let output = if ready.is_some() {
                ready
            } else {
                at_once = 0;
                hearing.flush().await;
                tokio::task::yield_now().await;
                tokio::select! {
                    output = process.next() => Some(output),
                    ended = guard.ended(), if guarded.is_none() => {
                        guarded = Some(ended);
                        None
                    }
                    () = tokio::time::sleep(LAST_WORDS), if guarded.is_some() => break,
                }
            };
            match output {
                Some(Output::Line(line)) => {
                    at_once += 1;
                    if hearing.line(&line) {
                        guard.result_seen();
                    }
                    if hearing.is_full() {
                        hearing.flush().await;
                    }
                }
                Some(Output::Exited(how)) => exit = Some(how),
                Some(Output::Closed) => break,
                None => {}
            }
        }
        hearing.finish().await;
        let guarded = match guarded {
            Some(ended) => ended,
            None => guard.release().await,
        };
        (hearing, exit, guarded)
    }

    fn record(
        &self,
        process: &Process,
        model: Option<&String>,
        pulse: &Arc<Pulse>,
        (idle, ended): (Duration, watch::Receiver<Option<Receipt>>),
    ) -> Record {
        let (story_keys, attempt, background) = match &self.task {
            Task::Job(job, _) => (job.story_keys.clone(), job.attempt, job.background),
            Task::Whole(..) => (Vec::new(), None, false),
        };
        let view = AgentView {
            agent_id: self.agent_id(),
            batch_id: self.batch_id,
            run: self.task.run(),
            pid: process.pid(),
            command: self.task.row_command(),
            story_keys,
            model: model.cloned(),
            attempt,
            background,
            started_at: now_ms(),
            ended_at: None,
            exit_code: None,
            signal: None,
            last_output_at: None,
            processes: None,
            cpu_ms: None,
            rss_bytes: None,
            log_bytes: 0,
        };
        Record {
            view,
            group: Some(process.group()),
            pulse: Arc::clone(pulse),
            idle,
            log: self.log_path(),
            order: self.order.clone(),
            ended,
        }
    }

    fn start(&self, process: &Process, model: Option<&String>) -> Payload {
        let (story_keys, attempt, task) = match &self.task {
            Task::Job(job, task) => (job.story_keys.clone(), job.attempt, task.clone()),
            Task::Whole(..) => (Vec::new(), None, None),
        };
        Payload::AgentStart(AgentStart {
            agent_id: self.agent_id(),
            pid: i64::from(process.pid()),
            command: self.task.row_command(),
            story_keys,
            model: model.cloned(),
            attempt,
            background_task: task,
        })
    }

    fn warning(&self, warning_type: &str, message: &str) -> Payload {
        Payload::BatchWarning(BatchWarning {
            batch_id: Some(self.batch_id),
            message: format!("{}: {message}", self.task.row_command()),
            warning_type: warning_type.to_owned(),
            ..BatchWarning::default()
        })
    }

    async fn publish(&self, payloads: Vec<Payload>) {
        if !payloads.is_empty() {
            let source = Source::Orchestrator;
            let make = |payload| event(self.batch_id, source, payload);
            publish(&self.parts.hub, payloads.into_iter().map(make).collect()).await;
        }
    }

    fn input(&self, input: Input) {
        let batch_id = self.batch_id;
        // The actor has gone only when everything has.
        let _ = self.actor.send(Message::Input { batch_id, input });
    }

    fn agent_id(&self) -> String {
        run_files::agent_id(self.batch_id, self.task.run())
    }

    fn log_path(&self) -> std::path::PathBuf {
        let name = command_name(self.task.command());
        run_files::log(&self.parts.state_dir, self.batch_id, self.task.run(), name)
    }
}

fn cause_of(agent: &AgentConfig, error: &SpawnError) -> Cause {
    let message = preflight::cannot_start(agent, error);
    match error {
        SpawnError::Missing(..) | SpawnError::NotExecutable(..) => Cause::CannotStart(message),
        // Too many processes, no memory: another time it may go.
        SpawnError::Other(..) => Cause::Failed(message),
    }
}
