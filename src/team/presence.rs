//! Which servers of the team are heard, and what is shown of that.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::jetstream::kv::{Entry, Operation, Watch};
use async_nats::{Client, jetstream};
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{MissedTickBehavior, interval, timeout};

use super::{MOST_PROJECTS, now_ms};
use crate::config::nats::{Nats, parse_name};
use crate::http::{Reach, Reached};
use crate::nats::presence::{LARGEST, Presence, SILENCE};
use crate::nats::subject;

/// Between two looks at who has fallen silent.
const LOOK: Duration = Duration::from_millis(500);

/// How long NATS may take to answer.
const ANSWER: Duration = Duration::from_secs(5);

/// What was heard of one project's server.
#[derive(Debug)]
struct Heard {
    presence: Presence,
    /// It counts as there until then.
    until: Instant,
    /// In milliseconds since the epoch.
    at_ms: i64,
}

/// A project that is shown.
#[derive(Debug)]
struct Shown {
    reach: Reach,
    /// When its server was last known to do something, in milliseconds since the epoch.
    active_ms: i64,
}

#[derive(Debug, Default)]
struct Inner {
    connected: bool,
    heard: HashMap<String, Heard>,
    shown: HashMap<String, Shown>,
}

/// Who is heard, and the projects that are shown; its lock is held for moments only.
#[derive(Debug, Default)]
pub(super) struct Beats(Mutex<Inner>);

impl Beats {
    /// A project is shown; `active_ms`: when its server last did something.
    pub(super) fn show(&self, project: &str, reach: &Reach, active_ms: i64) {
        let mut inner = self.lock();
        let shown = Shown { reach: reach.clone(), active_ms };
        inner.shown.insert(project.to_owned(), shown);
        inner.judge(project, Instant::now());
    }

    /// It is not shown any more.
    pub(super) fn hide(&self, project: &str) {
        self.lock().shown.remove(project);
    }

    /// Who is heard now, with what they say of themselves.
    pub(super) fn present(&self) -> Vec<(String, Presence)> {
        let (inner, now) = (self.lock(), Instant::now());
        let fresh = inner.heard.iter().filter(|(_, heard)| heard.until > now);
        fresh.map(|(project, heard)| (project.clone(), heard.presence.clone())).collect()
    }

    fn take(&self, entry: &Entry, is_old: bool) {
        let (mut inner, now) = (self.lock(), Instant::now());
        let project = entry.key.as_str();
        if !matches!(entry.operation, Operation::Put) {
            if let Some(heard) = inner.heard.get_mut(project) {
                heard.until = now;
            }
            return inner.judge(project, now);
        }
        let is_small = entry.value.len() <= LARGEST && parse_name(project).is_ok();
        let room = inner.heard.len() < MOST_PROJECTS || inner.heard.contains_key(project);
        let Some(presence) = serde_json::from_slice::<Presence>(&entry.value)
            .ok()
            .filter(|presence| is_small && room && is_plain(presence))
        else {
            return;
        };
        let now_ms = now_ms();
        // What was there already may be nearly over. The two clocks may differ: what comes from now
        // on counts from its coming.
        let written_ms = i64::try_from(entry.created.unix_timestamp_nanos() / 1_000_000);
        let age_ms = written_ms.ok().filter(|_| is_old).map_or(0, |at| now_ms.saturating_sub(at));
        let age = Duration::from_millis(u64::try_from(age_ms).unwrap_or(0)).min(SILENCE);
        let until = now + SILENCE.saturating_sub(age);
        let at_ms = now_ms - i64::try_from(age.as_millis()).unwrap_or(0);
        inner.heard.insert(project.to_owned(), Heard { presence, until, at_ms });
        inner.judge(project, now);
    }

    fn judge_all(&self, connected: bool) {
        let (mut inner, now) = (self.lock(), Instant::now());
        inner.connected = connected;
        inner.shown.keys().for_each(|project| inner.judge(project, now));
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Inner {
    /// Says of one project what holds now; who shows it wakes only where that is something else.
    fn judge(&self, project: &str, now: Instant) {
        let Some(shown) = self.shown.get(project) else { return };
        let heard = self.heard.get(project);
        let is_there = self.connected && heard.is_some_and(|heard| heard.until > now);
        let since = heard.map_or(shown.active_ms, |heard| heard.at_ms);
        shown.reach.set(Reached {
            host: heard.map(|heard| heard.presence.host.clone()),
            unreachable_since: (!is_there).then_some(since),
            control: is_there && heard.is_some_and(|heard| heard.presence.control),
        });
    }
}

/// A name that can be shown, and numbers that a database can hold.
fn is_plain(presence: &Presence) -> bool {
    let Presence { instance, host, epoch, head, sent, .. } = presence;
    let fits = |id: u64| i64::try_from(id).is_ok();
    [instance, host, epoch].iter().all(|text| text.len() <= 256 && !text.contains(char::is_control))
        && fits(*head)
        && fits(*sent)
}

/// Listens until the end.
pub(super) async fn listen(
    client: Client,
    nats: Nats,
    beats: Arc<Beats>,
    mut ended: watch::Receiver<bool>,
) {
    tokio::select! {
        () = forever(&client, &nats, &beats) => {}
        _ = ended.wait_for(|ended| *ended) => {}
    }
}

async fn forever(client: &Client, nats: &Nats, beats: &Beats) {
    let context = jetstream::new(client.clone());
    let mut ticks = interval(LOOK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let is_connected = || client.connection_state() == State::Connected;
    loop {
        ticks.tick().await;
        beats.judge_all(is_connected());
        if !is_connected() {
            continue;
        }
        let opening = timeout(ANSWER, open(&context, nats));
        tokio::pin!(opening);
        let mut watching = loop {
            tokio::select! {
                opened = &mut opening => break opened.ok().flatten(),
                _ = ticks.tick() => beats.judge_all(is_connected()),
            }
        };
        let Some(watching) = &mut watching else { continue };
        // The bucket may be made anew behind us: who hears nobody looks again.
        let mut heard_at = Instant::now();
        let mut is_old = true;
        while heard_at.elapsed() < SILENCE {
            tokio::select! {
                entry = watching.next() => match entry {
                    Some(Ok(entry)) => {
                        heard_at = Instant::now();
                        beats.take(&entry, is_old);
                        is_old = is_old && !entry.seen_current;
                    }
                    Some(Err(_)) | None => break,
                },
                _ = ticks.tick() => {
                    is_old = false;
                    beats.judge_all(is_connected());
                }
            }
        }
    }
}

async fn open(context: &jetstream::Context, nats: &Nats) -> Option<Watch> {
    let store = context.get_key_value(subject::presence_bucket(&nats.team)).await.ok()?;
    store.watch_with_history(">").await.ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(key: &str, value: &str, operation: Operation) -> Entry {
        Entry {
            bucket: "b".to_owned(),
            key: key.to_owned(),
            value: value.to_owned().into(),
            revision: 1,
            delta: 0,
            created: std::time::SystemTime::now().into(),
            operation,
            seen_current: true,
        }
    }

    const BEAT: &str = r#"{"instance":"i","host":"h","epoch":"0a1b2c3d","head":5,"sent":4,
        "started_at":1,"control":true}"#;

    #[test]
    fn who_is_not_heard_is_not_there() {
        let (beats, reach) = (Beats::default(), Reach::default());
        let known = || reach.get().unwrap();
        beats.judge_all(true);
        beats.show("lantern", &reach, 77);
        assert_eq!(known().unreachable_since, Some(77), "never heard");
        beats.take(&entry("lantern", BEAT, Operation::Put), false);
        let heard = Reached { host: Some("h".into()), unreachable_since: None, control: true };
        assert_eq!(known(), heard);
        beats.judge_all(false);
        assert!(known().unreachable_since.unwrap() > 77, "NATS is away");
        assert!(!known().control);
        beats.judge_all(true);
        assert_eq!(known(), heard);
        beats.take(&entry("lantern", "", Operation::Delete), false);
        assert!(known().unreachable_since.is_some(), "it said goodbye");
        assert!(beats.present().is_empty());
        beats.hide("lantern");
        beats.take(&entry("lantern", BEAT, Operation::Put), false);
        assert!(known().unreachable_since.is_some(), "nobody shows it");
    }

    #[test]
    fn what_was_there_already_is_as_old_as_it_is() {
        let (beats, reach) = (Beats::default(), Reach::default());
        beats.judge_all(true);
        beats.show("lantern", &reach, 0);
        let past = std::time::SystemTime::now() - SILENCE;
        let old = Entry { created: past.into(), ..entry("lantern", BEAT, Operation::Put) };
        beats.take(&old, true);
        assert!(reach.get().unwrap().unreachable_since.is_some());
        // Another machine's clock says nothing of what comes now.
        beats.take(&old, false);
        assert!(reach.get().unwrap().unreachable_since.is_none());
    }

    #[test]
    fn nonsense_is_not_believed() {
        let beats = Beats::default();
        let hostile = BEAT.replace("\"h\"", "\"h\\u001b[2J\"");
        let long = BEAT.replace("\"h\"", &format!("\"{}\"", "h".repeat(5000)));
        let huge = BEAT.replace("\"sent\":4", "\"sent\":18446744073709551615");
        for value in ["", "{}", "[1]", &hostile, &long, &huge] {
            beats.take(&entry("lantern", value, Operation::Put), false);
        }
        beats.take(&entry("Lan tern", BEAT, Operation::Put), false);
        assert!(beats.present().is_empty());
    }
}
