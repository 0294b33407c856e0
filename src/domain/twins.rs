//! Rows that are told twice: by a managed agent's stream and by the CSV log it writes.
//!
//! Both sides are counted against each other as multisets: n of the one and n of the other are n
//! events, whichever comes first; equal rows of one side are each their own. What is counted is
//! the row as both sides must say it (see [`fingerprint`]). The counts hold while a managed batch
//! runs and as long as its late rows are waited for. They are kept beside the events, in the same
//! transaction: [`Twins::changes`] goes into it, then [`Twins::settle`] or [`Twins::undo`] says
//! how it went. While nothing is managed all of this is one look at the state.

#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, HashMap};

use xxhash_rust::xxh3::Xxh3;

use super::attribution;
use super::event::{NewEvent, Source};
use super::key;
use super::payload::Payload;
use super::state::State;

/// What the counts are kept under.
pub const PREFIX: &str = "twin/";

/// Rows that wait for their twin at most. Beyond, the oldest is given up: twins come within
/// seconds of each other, and most of what waits this long has none.
const MAX_WAITING: usize = 50_000;

/// One row that one side has told more often than the other.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Count {
    /// How much more often the CSV log told it; negative: the stream.
    balance: i64,
    /// Its place among those that wait.
    order: u64,
}

/// The rows that wait for their twin.
#[derive(Debug, Default)]
pub struct Twins {
    counts: HashMap<u128, Count>,
    by_order: BTreeMap<u64, u128>,
    next_order: u64,
    /// What was there before each change since the last commit.
    before: HashMap<u128, Option<Count>>,
}

impl Twins {
    /// Reads back what was kept under [`PREFIX`]; what cannot be read is left out.
    pub fn load(kept: &[(String, Vec<u8>)]) -> Self {
        let mut twins = Self::default();
        for (name, value) in kept {
            if let (Some(print), Some(count)) = (print_of(name), count_of(value)) {
                twins.put(print, Some(count));
                twins.next_order = twins.next_order.max(count.order + 1);
            }
        }
        twins
    }

    /// Whether the other side has told this row already. If so it makes no event; if not it waits
    /// for its twin from now on.
    pub fn is_told(&mut self, state: &State, event: &NewEvent, now_ms: i64) -> bool {
        if attribution::managed(state, now_ms).is_none() {
            self.clear();
            return false;
        }
        if matches!(&event.payload, Payload::BatchStart(body) if body.origin == "managed") {
            self.clear();
            return false;
        }
        let side = match event.source {
            Source::Csv => 1,
            Source::Agent => -1,
            _ => return false,
        };
        let Some(print) = fingerprint(event) else { return false };
        let balance = self.counts.get(&print).map_or(0, |count| count.balance);
        if balance.signum() == -side {
            self.set(print, balance + side);
            return true;
        }
        if attribution::managed_home(state, event, now_ms).is_some() {
            self.set(print, balance.saturating_add(side));
        }
        false
    }

    /// What is to be kept since the last commit: `None` deletes.
    pub fn changes(&self) -> Vec<(String, Option<Vec<u8>>)> {
        self.before
            .iter()
            .filter(|(print, before)| self.counts.get(print) != before.as_ref())
            .map(|(print, _)| (name_of(*print), self.counts.get(print).map(value_of)))
            .collect()
    }

    /// The changes are committed.
    pub fn settle(&mut self) {
        // A new one, not a cleared one: the room of one large commit is not held for ever.
        self.before = HashMap::new();
    }

    /// The changes are not committed: all is as it was before them.
    pub fn undo(&mut self) {
        for (print, before) in std::mem::take(&mut self.before) {
            self.put(print, before);
        }
    }

    fn clear(&mut self) {
        if self.counts.is_empty() {
            return;
        }
        for (print, count) in std::mem::take(&mut self.counts) {
            self.before.entry(print).or_insert(Some(count));
        }
        self.by_order.clear();
    }

    fn set(&mut self, print: u128, balance: i64) {
        let known = self.counts.get(&print).copied();
        self.before.entry(print).or_insert(known);
        if balance == 0 {
            self.put(print, None);
            return;
        }
        let order = known.map_or(self.next_order, |count| count.order);
        self.next_order = self.next_order.max(order + 1);
        self.put(print, Some(Count { balance, order }));
        while self.counts.len() > MAX_WAITING {
            let Some((_, oldest)) = self.by_order.pop_first() else { break };
            let gone = self.counts.remove(&oldest);
            self.before.entry(oldest).or_insert(gone);
        }
    }

    fn put(&mut self, print: u128, count: Option<Count>) {
        let old = match count {
            Some(count) => self.counts.insert(print, count),
            None => self.counts.remove(&print),
        };
        if let Some(old) = old {
            self.by_order.remove(&old.order);
        }
        if let Some(count) = count {
            self.by_order.insert(count.order, print);
        }
    }
}

/// What both sides must say alike, as one number: the time in seconds, the epic without `epic-`,
/// the stories' short ids, the command without `sprint-`, task, status and message. `None` for
/// what is no row.
pub fn fingerprint(event: &NewEvent) -> Option<u128> {
    let (epic, story, stories, command, task, status, message) = match &event.payload {
        Payload::CommandStart(body) => (
            &body.epic_id,
            &body.story_id,
            &body.story_ids[..],
            &body.command,
            &body.task_id,
            "start",
            body.message.as_deref(),
        ),
        Payload::CommandProgress(body) => (
            &body.epic_id,
            &body.story_id,
            &body.story_ids[..],
            &body.command,
            &body.task_id,
            "progress",
            body.message.as_deref(),
        ),
        Payload::CommandEnd(body) => (
            &body.epic_id,
            &body.story_id,
            &body.story_ids[..],
            &body.command,
            &body.task_id,
            body.status.as_str(),
            body.message.as_deref(),
        ),
        Payload::BatchStart(body) if body.origin != "managed" => {
            return Some(hash(event, &["batch-start", &format!("{:?}", body.size)]));
        }
        _ => return None,
    };
    let epic = key::normalise_epic(epic);
    let short = |story: &String| {
        let story = story.trim();
        key::short_id(story, Some(&epic)).unwrap_or_else(|| story.to_owned())
    };
    let stories: Vec<String> = match stories {
        [] => vec![short(story)],
        several => several.iter().map(short).collect(),
    };
    let command = command.trim();
    let parts = [
        epic.as_str(),
        &stories.join(","),
        command.strip_prefix("sprint-").unwrap_or(command),
        task.trim(),
        status.trim(),
        message.unwrap_or_default().trim(),
    ];
    Some(hash(event, &parts))
}

fn hash(event: &NewEvent, parts: &[&str]) -> u128 {
    let mut hash = Xxh3::new();
    hash.update(&event.timestamp_ms.div_euclid(1000).to_le_bytes());
    for part in parts {
        // The length keeps `ab`, `c` and `a`, `bc` apart.
        hash.update(&(part.len() as u64).to_le_bytes());
        hash.update(part.as_bytes());
    }
    hash.digest128()
}

fn name_of(print: u128) -> String {
    format!("{PREFIX}{print:032x}")
}

fn print_of(name: &str) -> Option<u128> {
    u128::from_str_radix(name.strip_prefix(PREFIX)?, 16).ok()
}

fn value_of(count: &Count) -> Vec<u8> {
    format!("{} {}", count.balance, count.order).into_bytes()
}

fn count_of(value: &[u8]) -> Option<Count> {
    let (balance, order) = std::str::from_utf8(value).ok()?.split_once(' ')?;
    let balance = balance.parse().ok().filter(|balance| *balance != 0)?;
    // The last place of all is left free, so that there is always a next one.
    let order = order.parse().ok().filter(|order| *order < u64::MAX / 2)?;
    Some(Count { balance, order })
}
