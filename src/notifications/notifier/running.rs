//! The task itself: waits for one thing at a time and does it.

mod reading;
mod sending;

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;
use tokio::sync::oneshot;
use tokio::task::JoinSet;
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, sleep_until, timeout};

use self::sending::Done;
use super::{Outcomes, Parts, now_ms};
use crate::config::notifications::Rule;
use crate::hub::{Hub, Publication, Subscription};
use crate::notifications::desk::Desk;
use crate::notifications::post::Post;
use crate::notifications::silence::Silences;
use crate::notifications::target::Target;

/// Where the desk is kept beside the log.
const KEPT: &str = "notifications";
/// What is read of the log in one go.
const PAGE: usize = 256 * 1024;
/// Between two looks for silent agents.
const LOOK: Duration = Duration::from_secs(5);
/// After a failure of the log, and the longest sleep: the wall clock may be set.
const AGAIN: Duration = Duration::from_secs(5);
const SLEEP_MOST: Duration = Duration::from_secs(60);

pub(super) struct Running {
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
    pub(super) async fn run(
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

    /// Keeps the desk beside the log. What cannot be stored now is stored soon; nothing waits for it.
    async fn store(&mut self) {
        let keep = vec![(KEPT.to_owned(), Some(self.desk.stored()))];
        let stored = self.parts.hub.publish(Publication::events(Vec::new()).keeping(keep)).await;
        self.dirty = stored.is_err();
        if !self.dirty {
            self.stored_at = self.desk.position();
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
