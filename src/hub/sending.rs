//! How far the log was sent on to a team's stream: known by who sends, shown by who is asked.

use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;

use crate::domain::event::EventId;

/// Of one log; none where it is sent nowhere.
#[derive(Debug, Default)]
pub struct Sending(Mutex<Option<Sent>>);

/// How far a log was sent.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sent {
    /// Whether events go out just now.
    pub up: bool,
    /// The last event that was taken, with all before it.
    pub up_to: EventId,
    /// Events that were taken since the start, those sent a second time included.
    pub taken: u64,
    /// How often a reader of the stream has missed something, and was sent it again.
    pub asked: u64,
    /// Events that were purged here before they were sent.
    pub lost: u64,
    /// Why nothing goes out, and since when, in milliseconds since the epoch.
    pub trouble: Option<(String, i64)>,
}

impl Sending {
    /// What is known now.
    pub fn get(&self) -> Option<Sent> {
        self.lock().clone()
    }

    /// Learns something.
    pub fn change(&self, change: impl FnOnce(&mut Sent)) {
        change(self.lock().get_or_insert_default());
    }

    fn lock(&self) -> MutexGuard<'_, Option<Sent>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Sent {
    /// How many events of a log wait; `first`: the oldest that it still has.
    pub fn waiting(&self, first: EventId, head: EventId) -> u64 {
        head.saturating_sub(self.up_to.max(first.saturating_sub(1)))
    }

    /// What ails it, in a sentence.
    pub fn reason(&self, waiting: u64) -> Option<String> {
        let (what, since_ms) = self.trouble.as_ref()?;
        let since = Timestamp::from_millisecond(since_ms / 1000 * 1000).unwrap_or_default();
        let events = if waiting == 1 { "event waits" } else { "events wait" };
        Some(format!("{what}; since {since}, {waiting} {events}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reason_says_since_when_and_how_many_wait() {
        let sending = Sending::default();
        assert_eq!(sending.get(), None);
        sending.change(|sent| {
            sent.up_to = 10;
            sent.trouble = Some(("NATS is away".to_owned(), 1_700_000_000_123));
        });
        let sent = sending.get().unwrap();
        assert_eq!(sent.waiting(1, 12), 2);
        assert_eq!(sent.waiting(12, 12), 1, "what was purged waits no more");
        let reason = sent.reason(2).unwrap();
        assert_eq!(reason, "NATS is away; since 2023-11-14T22:13:20Z, 2 events wait");
    }
}
