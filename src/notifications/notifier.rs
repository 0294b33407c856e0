//! The task that reads the log, keeps the desk, and sends.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use super::bodies::outgoing;
use super::desk::{Delivery, Desk, Fate, Try};
use super::message::Message;
use super::occasion::{OWN_ERROR, Seen, concerns, holds, occasion};
use super::post::{Answer, Post};
use super::silence::Silences;
use super::target::Target;
use crate::config::notifications::{NotificationConfig, Rule};
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{ErrorEvent, Payload};
use crate::domain::words::NotificationTarget;
use crate::hub::{Entry, Hub, Publication, Subscription};
use crate::orchestrator::Orchestrator;

/// Where the desk is kept beside the log.
const KEPT: &str = "notifications";
/// What is read of the log in one go.
const PAGE: usize = 256 * 1024;
/// Between two looks for silent agents.
const LOOK: Duration = Duration::from_secs(5);
/// Events without anything to tell that may be read a second time after a crash.
const FAR: u64 = 20_000;
/// After a failure of the log, and the longest sleep: the wall clock may be set.
const AGAIN: Duration = Duration::from_secs(5);
const SLEEP_MOST: Duration = Duration::from_secs(60);

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

/// What became of a target's messages, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TargetState {
    /// What it is called.
    pub name: String,
    /// Whose language it speaks.
    #[schemars(with = "NotificationTarget")]
    pub to: &'static str,
    /// Messages that wait.
    pub waiting: usize,
    /// Messages that had to make room.
    pub dropped: u64,
    /// When one last arrived, in milliseconds since the epoch.
    pub last_sent_at: Option<i64>,
    /// Why the last try failed; none when it did not.
    pub error: Option<String>,
    /// Since when none arrives, in milliseconds since the epoch.
    pub failing_since: Option<i64>,
}

/// What became of all targets' messages; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    states: Arc<Mutex<Vec<TargetState>>>,
}

impl Outcomes {
    /// Every target's, in the order of the file.
    pub fn get(&self) -> Vec<TargetState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut TargetState)) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.iter_mut().find(|state| state.name == name) {
            change(state);
        }
    }
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
        let outcomes = Outcomes::default();
        let states = parts.targets.iter().map(|target| TargetState {
            name: target.name.clone(),
            to: target.to.word(),
            waiting: 0,
            dropped: 0,
            last_sent_at: None,
            error: None,
            failing_since: None,
        });
        *outcomes.states.lock().unwrap_or_else(PoisonError::into_inner) = states.collect();
        let resolved = resolved(&parts.targets, &outcomes, now_ms());
        let (stop, stopped) = oneshot::channel();
        let told = outcomes.clone();
        let task = tokio::spawn(Running::run(parts, resolved, told, stopped));
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

/// Finished tries: whose, of which delivery, how it went.
type Done = (usize, String, Answer);

struct Running {
    parts: Parts,
    resolved: Vec<Option<Arc<Target>>>,
    outcomes: Outcomes,
    desk: Desk,
    events: Subscription,
    post: Arc<Post>,
    sends: JoinSet<Done>,
    /// Targets with a try under way.
    busy: HashSet<String>,
    silences: Silences,
    /// The desk differs from what is stored.
    dirty: bool,
    /// How far the log was read when it was stored.
    stored_at: u64,
    zone: TimeZone,
}

impl Running {
    async fn run(
        parts: Parts,
        resolved: Vec<Option<Arc<Target>>>,
        outcomes: Outcomes,
        mut stopped: oneshot::Receiver<()>,
    ) {
        let stored = stored(&parts.hub).await;
        let (head, epoch) = (parts.head, parts.hub.epoch());
        let desk = Desk::new(stored.as_deref(), epoch, head, &parts.targets, parts.begun_ms);
        let mut running = Self {
            events: parts.hub.subscribe(desk.position()),
            resolved,
            outcomes,
            desk,
            post: Arc::new(Post::default()),
            sends: JoinSet::new(),
            busy: HashSet::new(),
            silences: Silences::default(),
            dirty: true,
            stored_at: 0,
            zone: TimeZone::system(),
            parts,
        };
        let mut look = interval(LOOK);
        look.set_missed_tick_behavior(MissedTickBehavior::Delay);
        running.store().await;
        while running.step(&mut look, &mut stopped).await {}
        running.finish().await;
    }

    /// Waits for one thing and does it; false when it is time to end.
    async fn step(
        &mut self,
        look: &mut tokio::time::Interval,
        stopped: &mut oneshot::Receiver<()>,
    ) -> bool {
        self.send_due();
        self.tell_outcomes();
        let due = self.sleep_until();
        let looks = self.parts.targets.iter().any(|it| it.on.contains(&Rule::AgentSilent));
        tokio::select! {
            biased;
            _ = &mut *stopped => return false,
            Some(done) = self.sends.join_next() => self.tried(done).await,
            () = sleep_until(due) => self.ripen().await,
            _ = look.tick(), if looks => self.look_for_silence().await,
            read = self.events.next(PAGE) => match read {
                Ok(entries) => self.read(&entries).await,
                Err(error) => {
                    tracing::warn!(%error, "the log cannot be read for notifications; again soon");
                    sleep(AGAIN).await;
                }
            },
        }
        true
    }

    fn sleep_until(&self) -> Instant {
        let due = self.desk.due_ms(&|name| self.is_off(name) || self.busy.contains(name));
        let wait = due.map_or(SLEEP_MOST, |due_ms| {
            Duration::from_millis(u64::try_from(due_ms - now_ms()).unwrap_or(0))
        });
        let most = if self.dirty { AGAIN } else { SLEEP_MOST };
        // A moment later: what is due at a millisecond is due once that has begun.
        Instant::now() + wait.min(most) + Duration::from_millis(1)
    }

    /// It has no secrets to send with: what is for it waits until it has.
    fn is_off(&self, name: &str) -> bool {
        let at = self.parts.targets.iter().position(|target| target.name == name);
        at.is_none_or(|at| self.resolved[at].is_none())
    }

    async fn read(&mut self, entries: &[Arc<Entry>]) {
        let mut taken = false;
        for entry in entries {
            if concerns(&entry.kind) {
                taken |= self.take(entry);
            }
            self.desk.read_up_to(entry.id);
        }
        if taken {
            self.store().await;
        }
    }

    fn take(&mut self, entry: &Entry) -> bool {
        #[derive(Deserialize)]
        struct Wire<'a> {
            timestamp: i64,
            batch_id: Option<i64>,
            #[serde(borrow)]
            payload: &'a RawValue,
        }
        let Ok(wire) = serde_json::from_str::<Wire<'_>>(&entry.json) else { return false };
        let payload = Payload::from_json(&entry.kind, wire.payload.get());
        let seen = Seen {
            id: entry.id,
            timestamp_ms: wire.timestamp,
            batch_id: wire.batch_id,
            payload: &payload,
            json: &entry.json,
        };
        let state = self.parts.hub.state();
        let Some(occasion) = occasion(&seen, &state, self.parts.idle_ms) else { return false };
        self.desk.take(&occasion, &self.parts.targets, now_ms())
    }

    async fn look_for_silence(&mut self) {
        let state = self.parts.hub.state();
        if state.agents.is_empty() && state.active.is_empty() {
            return;
        }
        let (agents, now_ms) = (self.parts.orchestrator.silences(), now_ms());
        let mut taken = false;
        for target in self.parts.targets.iter().filter(|it| it.on.contains(&Rule::AgentSilent)) {
            let idle_ms = self.parts.idle_ms;
            for silent in self.silences.look(target, &agents, &state, idle_ms, now_ms) {
                if self.desk.take_for(&silent, target, now_ms) {
                    self.silences.tell(target, &silent);
                    taken = true;
                }
            }
        }
        if taken {
            self.store().await;
        }
    }

    async fn ripen(&mut self) {
        let state = self.parts.hub.state();
        let project = state.sprint.project.clone();
        let project = project.filter(|name| !name.trim().is_empty());
        let project = project.unwrap_or_else(|| self.parts.folder.clone());
        let (targets, now_ms) = (&self.parts.targets, now_ms());
        let holds = |occasion: &_| holds(occasion, &state);
        let far = self.desk.position() > self.stored_at + FAR;
        if self.desk.ripen(targets, now_ms, &project, &holds) || self.dirty || far {
            self.store().await;
        }
    }

    /// One try for each target whose first delivery is due.
    fn send_due(&mut self) {
        let now_ms = now_ms();
        for (at, target) in self.resolved.iter().enumerate() {
            let Some(target) = target else { continue };
            let name = &target.config.name;
            if self.busy.contains(name) {
                continue;
            }
            let Some(delivery) = self.desk.next_for(name, now_ms) else { continue };
            let message = Message::of(delivery, self.parts.public_url.as_deref(), &self.zone);
            let request = outgoing(target, delivery, &message, now_ms, false);
            let (id, target, post) =
                (delivery.id.clone(), Arc::clone(target), Arc::clone(&self.post));
            self.busy.insert(name.clone());
            self.sends.spawn(async move { (at, id, post.send(&target, request).await) });
        }
    }

    async fn tried(&mut self, done: Result<Done, tokio::task::JoinError>) {
        let Ok((at, id, answer)) = done else {
            // Whose it was is not known any more: nobody else has one under way then.
            tracing::error!("a notification's sender has failed");
            self.busy.clear();
            return;
        };
        let target = self.parts.targets[at].clone();
        self.busy.remove(&target.name);
        let now_ms = now_ms();
        let fate = self.desk.tried(&target, &id, &answer.how, now_ms, chance());
        match fate {
            Some(Fate::Arrived) => {
                tracing::debug!(target_name = target.name, id, "a notification has arrived");
                self.outcomes.change(&target.name, |state| {
                    (state.error, state.failing_since) = (None, None);
                });
            }
            Some(Fate::Waits) => self.failed(&target, &answer.words, now_ms),
            Some(Fate::GivenUp(delivery)) => {
                self.failed(&target, &answer.words, now_ms);
                self.give_up(&target, &delivery, &answer);
            }
            None => {}
        }
        self.dirty = true;
        self.store().await;
    }

    fn failed(&self, target: &NotificationConfig, words: &str, now_ms: i64) {
        let mut first = false;
        self.outcomes.change(&target.name, |state| {
            first = state.error.is_none();
            state.error = Some(words.to_owned());
            state.failing_since = state.failing_since.or(Some(now_ms));
        });
        if first {
            tracing::warn!("a notification to {} did not arrive: {words}", target.name);
        }
    }

    /// The page shows it: an event of the log.
    fn give_up(&self, target: &NotificationConfig, delivery: &Delivery, answer: &Answer) {
        let why = match answer.how {
            Try::Refused => "was refused",
            _ => "was given up",
        };
        let message = format!(
            "a notification ({}) to {} {why}: {}",
            delivery.rule.word(),
            target.name,
            answer.words
        );
        tracing::warn!("{message}");
        let event = Payload::Error(ErrorEvent {
            kind: OWN_ERROR.to_owned(),
            message,
            context: serde_json::json!({
                "target": target.name,
                "to": target.to.word(),
                "rule": delivery.rule.word(),
                "tries": delivery.failures,
            }),
        });
        let event = NewEvent::new(now_ms(), Source::Server, event);
        // Whether or not anybody waits, it is appended.
        drop(self.parts.hub.submit(Publication::events(vec![event])));
    }

    /// Keeps the desk beside the log. What cannot be stored now is stored soon; nothing waits for it.
    async fn store(&mut self) {
        let keep = vec![(KEPT.to_owned(), Some(self.desk.stored()))];
        let stored = self.parts.hub.publish(Publication::events(Vec::new()).keeping(keep)).await;
        self.dirty = stored.is_err();
        if !self.dirty {
            self.stored_at = self.desk.position();
        }
    }

    fn tell_outcomes(&self) {
        for target in &self.parts.targets {
            let (waiting, dropped, sent_ms) = self.desk.told_of(&target.name);
            self.outcomes.change(&target.name, |state| {
                (state.waiting, state.dropped, state.last_sent_at) = (waiting, dropped, sent_ms);
            });
        }
    }

    /// The program ends: what has happened so far is read, what only settles is sent at once, and
    /// what does not arrive now is stored. Whoever waits for this gives it a time.
    async fn finish(&mut self) {
        while self.events.cursor() < self.parts.hub.head() {
            match timeout(AGAIN, self.events.next(PAGE)).await {
                Ok(Ok(entries)) => self.read(&entries).await,
                _ => break,
            }
        }
        self.desk.hurry(now_ms());
        self.ripen().await;
        loop {
            self.send_due();
            let Some(done) = self.sends.join_next().await else { break };
            self.tried(done).await;
        }
        self.store().await;
    }
}

async fn stored(hub: &Hub) -> Option<Vec<u8>> {
    let queries = hub.queries().clone();
    let read = tokio::task::spawn_blocking(move || queries.kept(KEPT)).await;
    match read {
        Ok(Ok(kept)) => kept.into_iter().find(|(key, _)| key == KEPT).map(|(_, value)| value),
        Ok(Err(error)) => {
            tracing::warn!(%error, "what was to be told before cannot be read");
            None
        }
        Err(_) => None,
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

/// 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 2];
    // Without it everybody waits for the same time.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}
