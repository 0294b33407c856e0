//! What waits to be told, to whom, and when: a pure state machine over occasions and times.
//!
//! ```text
//!  take ─► waiting (settles, or held by the cool-down) ─► ripen ─► outbox ─► sent, failed, given up
//! ```
//!
//! - Each target has its own: one that does not answer holds up no other.
//! - A delivery is frozen when it is made: every try sends the same, under the same id.
//! - What is ripe at once and of one rule becomes one delivery.
//! - All of it is bounded, and is stored as a whole beside the log ([`Desk::stored`]): what was
//!   taken is not lost over a crash, and what was sent before a crash is sent twice at worst.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::occasion::Occasion;
use crate::config::notifications::{NotificationConfig, Rule};
use crate::domain::event::EventId;

/// Occasions of one target that wait; the oldest makes room.
pub(super) const MAX_WAITING: usize = 200;
/// Deliveries of one target that are still to be made; the oldest makes room.
pub(super) const MAX_OUTBOX: usize = 50;
/// Occasions that one delivery names; further ones are counted.
pub(super) const MAX_NAMED: usize = 20;
/// Subjects whose last telling is remembered.
const MAX_TOLD: usize = 1000;
/// The first pause before a new try, and the longest, in milliseconds.
const PAUSE_MS: i64 = 2_000;
const PAUSE_MOST_MS: i64 = 10 * 60_000;
/// A target that asks for a longer pause than this is asked again all the same.
const PAUSE_ASKED_MOST_MS: i64 = 3_600_000;

/// Something that waits.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Waiting {
    occasion: Occasion,
    /// When it is told, in milliseconds since the epoch.
    due_ms: i64,
    /// It waits for the end of a cool-down.
    held: bool,
}

/// One message to one target.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Delivery {
    /// The same at every try, and for every target.
    pub(super) id: String,
    /// Which rule.
    pub(super) rule: Rule,
    /// What the project is called.
    pub(super) project: String,
    /// What it tells, in the log's order.
    pub(super) occasions: Vec<Occasion>,
    /// And so many more.
    pub(super) more: usize,
    /// When it was made, in milliseconds since the epoch.
    pub(super) made_ms: i64,
    /// Tries that failed.
    pub(super) failures: u32,
    /// Not before this, in milliseconds since the epoch.
    pub(super) next_try_ms: i64,
}

/// Everything of one target.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
struct Tray {
    /// What was before is history.
    since_ms: i64,
    waiting: Vec<Waiting>,
    outbox: Vec<Delivery>,
    /// When each rule and subject was last told, in milliseconds since the epoch.
    told: BTreeMap<String, i64>,
    /// When something last arrived there.
    sent_ms: Option<i64>,
    /// What had to make room.
    dropped: u64,
}

/// How a try went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Try {
    /// It has arrived.
    Arrived,
    /// Another try may go better; not before so many milliseconds, if the target said so.
    Later(Option<i64>),
    /// The target does not want it.
    Refused,
}

/// What became of a delivery.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Fate {
    /// It has arrived.
    Arrived,
    /// It is tried again.
    Waits,
    /// It is not tried any more.
    GivenUp(Box<Delivery>),
}

/// All targets' trays, and how far the log was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Desk {
    /// The log's name; of another log nothing here is true.
    epoch: String,
    /// The last event that was read.
    position: EventId,
    trays: BTreeMap<String, Tray>,
}

impl Desk {
    /// With what was stored, as far as it is of this log. A target that is new is told only what
    /// happens from now on; a target that is gone is forgotten with all that waited for it.
    pub(super) fn new(
        stored: Option<&[u8]>,
        epoch: &str,
        head: EventId,
        targets: &[NotificationConfig],
        now_ms: i64,
    ) -> Self {
        let stored: Option<Self> = stored.and_then(|bytes| serde_json::from_slice(bytes).ok());
        let stored = stored.filter(|desk| desk.epoch == epoch && desk.position <= head);
        let mut desk = stored.unwrap_or_else(|| Self {
            epoch: epoch.to_owned(),
            position: head,
            trays: BTreeMap::new(),
        });
        desk.trays.retain(|name, _| targets.iter().any(|target| target.name == *name));
        for target in targets {
            desk.trays
                .entry(target.name.clone())
                .or_insert_with(|| Tray { since_ms: now_ms, ..Tray::default() });
        }
        desk
    }

    /// All of it, to be stored.
    pub(super) fn stored(&self) -> Vec<u8> {
        // Plain structs with text keys: encoding them cannot fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// How far the log was read.
    pub(super) const fn position(&self) -> EventId {
        self.position
    }

    /// The log was read so far.
    pub(super) fn read_up_to(&mut self, id: EventId) {
        self.position = self.position.max(id);
    }

    /// Takes an occasion for every target that wants it. Says whether any did.
    pub(super) fn take(
        &mut self,
        occasion: &Occasion,
        targets: &[NotificationConfig],
        now_ms: i64,
    ) -> bool {
        let mut taken = false;
        for target in targets {
            taken |= self.take_for(occasion, target, now_ms);
        }
        taken
    }

    /// Takes an occasion for one target, if that wants it.
    pub(super) fn take_for(
        &mut self,
        occasion: &Occasion,
        target: &NotificationConfig,
        now_ms: i64,
    ) -> bool {
        let Some(tray) = self.trays.get_mut(&target.name) else { return false };
        let known_ms = occasion.since_ms.saturating_add(occasion.known_after_ms);
        let unwanted = occasion.batch_end.as_ref().is_some_and(|end| !target.batches.contains(end));
        if !target.on.contains(&occasion.rule)
            || unwanted
            || known_ms < tray.since_ms
            || now_ms.saturating_sub(known_ms) > ms(target.max_age)
        {
            return false;
        }
        let last = tray.told.get(&slot(occasion)).copied();
        let cool_ms = last.map_or(0, |last| last.min(now_ms) + ms(target.cool_down));
        let held = cool_ms > now_ms;
        if held && occasion.rule == Rule::AgentSilent {
            // It is offered again as long as the silence lasts.
            return false;
        }
        let settled_ms = now_ms + ms(target.settle);
        let same = |waiting: &&mut Waiting| slot(&waiting.occasion) == slot(occasion);
        if let Some(waiting) = tray.waiting.iter_mut().find(same) {
            // The newer word counts; it does not begin to wait anew.
            waiting.occasion = occasion.clone();
            return true;
        }
        if tray.waiting.len() >= MAX_WAITING {
            tray.waiting.remove(0);
            tray.dropped += 1;
        }
        let due_ms = settled_ms.max(cool_ms);
        tray.waiting.push(Waiting { occasion: occasion.clone(), due_ms, held });
        true
    }

    /// Makes deliveries of what is due and still holds; drops what does not. Says whether anything
    /// has changed.
    pub(super) fn ripen(
        &mut self,
        targets: &[NotificationConfig],
        now_ms: i64,
        project: &str,
        holds: &dyn Fn(&Occasion) -> bool,
    ) -> bool {
        let mut changed = false;
        for target in targets {
            let Some(tray) = self.trays.get_mut(&target.name) else { continue };
            // A clock that was set back must not hold anything for longer than asked for.
            let latest_ms = now_ms + ms(target.settle).max(ms(target.cool_down));
            for waiting in &mut tray.waiting {
                waiting.due_ms = waiting.due_ms.min(latest_ms);
            }
            let is_due = |waiting: &Waiting| waiting.due_ms <= now_ms;
            // The first that is due takes those along that came after it.
            let all = tray.waiting.iter().filter(|waiting| is_due(waiting));
            let rules: Vec<Rule> = all.map(|waiting| waiting.occasion.rule).collect();
            let goes = |waiting: &Waiting| {
                is_due(waiting) || !waiting.held && rules.contains(&waiting.occasion.rule)
            };
            let (due, rest): (Vec<_>, Vec<_>) = tray.waiting.drain(..).partition(goes);
            tray.waiting = rest;
            if due.is_empty() {
                continue;
            }
            changed = true;
            let due = due.into_iter().map(|waiting| waiting.occasion).filter(|it| holds(it));
            tray.deliver(due.collect(), &self.epoch, project, now_ms);
        }
        changed
    }

    /// Lets everything that only settles be due at once: the program ends.
    pub(super) fn hurry(&mut self, now_ms: i64) {
        let all = self.trays.values_mut().flat_map(|tray| &mut tray.waiting);
        all.filter(|waiting| !waiting.held).for_each(|waiting| waiting.due_ms = now_ms);
    }

    /// The next delivery to try, if its time has come.
    pub(super) fn next_for(&self, target: &str, now_ms: i64) -> Option<&Delivery> {
        let first = self.trays.get(target)?.outbox.first()?;
        // The same about a clock that was set back.
        (first.next_try_ms <= now_ms || first.next_try_ms > now_ms + PAUSE_ASKED_MOST_MS)
            .then_some(first)
    }

    /// A try is over. `chance`: 0 to 1, so that not everybody tries again at the same moment.
    pub(super) fn tried(
        &mut self,
        target: &NotificationConfig,
        id: &str,
        how: &Try,
        now_ms: i64,
        chance: f64,
    ) -> Option<Fate> {
        let tray = self.trays.get_mut(&target.name)?;
        let at = tray.outbox.iter().position(|delivery| delivery.id == id)?;
        if *how == Try::Arrived {
            tray.outbox.remove(at);
            tray.sent_ms = Some(now_ms);
            return Some(Fate::Arrived);
        }
        let delivery = &mut tray.outbox[at];
        delivery.failures += 1;
        let pause_ms = match how {
            Try::Later(Some(asked_ms)) => (*asked_ms).clamp(0, PAUSE_ASKED_MOST_MS),
            _ => pause_ms(delivery.failures, chance),
        };
        delivery.next_try_ms = now_ms + pause_ms;
        let over = delivery.next_try_ms - delivery.made_ms > ms(target.give_up);
        if *how == Try::Refused || over {
            return Some(Fate::GivenUp(Box::new(tray.outbox.remove(at))));
        }
        Some(Fate::Waits)
    }

    /// When something is due next, in milliseconds since the epoch. Targets that are `busy` do not
    /// count: they are asked again when their try is over.
    pub(super) fn due_ms(&self, busy: &dyn Fn(&str) -> bool) -> Option<i64> {
        let due = self.trays.iter().flat_map(|(name, tray)| {
            let next = tray.outbox.first().filter(|_| !busy(name));
            let waiting = tray.waiting.iter().map(|waiting| waiting.due_ms);
            waiting.chain(next.map(|delivery| delivery.next_try_ms))
        });
        due.min()
    }

    /// How many messages of a target wait, how many had to make room, when one last arrived.
    pub(super) fn told_of(&self, target: &str) -> (usize, u64, Option<i64>) {
        self.trays.get(target).map_or((0, 0, None), |tray| {
            (tray.waiting.len() + tray.outbox.len(), tray.dropped, tray.sent_ms)
        })
    }
}

impl Tray {
    fn deliver(&mut self, occasions: Vec<Occasion>, epoch: &str, project: &str, now_ms: i64) {
        let mut by_rule: Vec<(Rule, Vec<Occasion>)> = Vec::new();
        for occasion in occasions {
            self.told.insert(slot(&occasion), now_ms);
            match by_rule.iter_mut().find(|(rule, _)| *rule == occasion.rule) {
                Some((_, same)) => same.push(occasion),
                None => by_rule.push((occasion.rule, vec![occasion])),
            }
        }
        while self.told.len() > MAX_TOLD {
            let oldest = self.told.iter().min_by_key(|(_, at)| **at).map(|(slot, _)| slot.clone());
            let Some(oldest) = oldest else { break };
            self.told.remove(&oldest);
        }
        for (_, same) in &mut by_rule {
            same.sort_by_key(|occasion| occasion.event_id);
        }
        by_rule.sort_by_key(|(_, same)| same.first().map(|first| first.event_id));
        for (rule, mut same) in by_rule {
            let Some(first) = same.first() else { continue };
            // A silence has no event of its own: when it began tells it apart.
            let id = format!("{epoch}-{}-{}-{}", first.event_id, rule.word(), first.since_ms);
            let more = same.len().saturating_sub(MAX_NAMED);
            same.truncate(MAX_NAMED);
            if self.outbox.len() >= MAX_OUTBOX {
                // The first may be on its way just now.
                self.outbox.remove(1);
                self.dropped += 1;
            }
            self.outbox.push(Delivery {
                id,
                rule,
                project: project.to_owned(),
                occasions: same,
                more,
                made_ms: now_ms,
                failures: 0,
                next_try_ms: now_ms,
            });
        }
    }
}

fn slot(occasion: &Occasion) -> String {
    format!("{}\n{}", occasion.rule.word(), occasion.subject)
}

fn ms(duration: std::time::Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}

/// Twice as long each time, and between three quarters and five quarters of that.
fn pause_ms(failures: u32, chance: f64) -> i64 {
    let doubled = PAUSE_MS.saturating_mul(1 << failures.saturating_sub(1).min(20));
    let pause = doubled.min(PAUSE_MOST_MS) as f64;
    (pause * (0.75 + 0.5 * chance.clamp(0.0, 1.0))) as i64
}

#[cfg(test)]
mod tests;
