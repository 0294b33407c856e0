//! The open streams, as far as figures need them: how far each has come, what it was given.
//!
//! A stream writes into a place of its own; who wants the figures adds them up. So a thousand
//! streams that write at once do not wait for one another to count.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use super::chunk::Form;
use super::shared::Streams;
use crate::domain::event::EventId;
use crate::metrics::Histogram;

/// All streams of a server, by their form.
#[derive(Debug, Default)]
pub struct Clients {
    sse: Kind,
    ws: Kind,
}

#[derive(Debug, Default)]
struct Kind {
    open: Mutex<Open>,
    lag: Histogram,
}

#[derive(Debug, Default)]
struct Open {
    tallies: HashMap<u64, Arc<Tally>>,
    /// What streams were given that are no more.
    delivered: u64,
}

#[derive(Debug, Default)]
struct Tally {
    cursor: AtomicU64,
    delivered: AtomicU64,
}

/// The streams of one form, just now.
#[derive(Debug)]
pub(in crate::http) struct Figures<'a> {
    /// `sse` or `ws`.
    pub(in crate::http) word: &'static str,
    /// How many are open.
    pub(in crate::http) open: usize,
    /// The place of the one that is farthest behind.
    pub(in crate::http) slowest: Option<EventId>,
    /// Events written to sockets since the start.
    pub(in crate::http) delivered: u64,
    /// From an event's being shown to its being written.
    pub(in crate::http) lag: &'a Histogram,
}

impl Clients {
    /// Of each form.
    pub(in crate::http) fn figures(&self) -> [Figures<'_>; 2] {
        [("sse", &self.sse), ("ws", &self.ws)].map(|(word, kind)| {
            let open = lock(&kind.open);
            let tallies = || open.tallies.values();
            let delivered = tallies().map(|tally| tally.delivered.load(Ordering::Relaxed));
            Figures {
                word,
                open: open.tallies.len(),
                slowest: tallies().map(|tally| tally.cursor.load(Ordering::Relaxed)).min(),
                delivered: open.delivered + delivered.sum::<u64>(),
                lag: &kind.lag,
            }
        })
    }

    fn of(&self, form: Form) -> &Kind {
        match form {
            Form::Sse => &self.sse,
            Form::Ws => &self.ws,
        }
    }
}

/// One stream's place; gone when dropped.
#[derive(Debug)]
pub(super) struct Client {
    streams: Arc<Streams>,
    form: Form,
    number: u64,
    tally: Arc<Tally>,
}

impl Client {
    /// A stream that begins behind event `cursor`.
    pub(super) fn new(streams: &Arc<Streams>, form: Form, cursor: EventId) -> Self {
        let tally = Arc::new(Tally { cursor: cursor.into(), delivered: 0.into() });
        let number = streams.number();
        lock(&streams.clients.of(form).open).tallies.insert(number, Arc::clone(&tally));
        Self { streams: Arc::clone(streams), form, number, tally }
    }

    /// A number that no other stream of this server has or had.
    pub(super) const fn number(&self) -> u64 {
        self.number
    }

    /// It is somewhere else now, without having been given anything.
    pub(super) fn is_at(&self, cursor: EventId) {
        self.tally.cursor.store(cursor, Ordering::Relaxed);
    }

    /// All up to `cursor` is written: so many events, the oldest of which was shown then.
    pub(super) fn wrote(&self, cursor: EventId, count: u64, oldest: Option<Instant>) {
        self.is_at(cursor);
        if count > 0 {
            // Nobody else writes here.
            let delivered = self.tally.delivered.load(Ordering::Relaxed);
            self.tally.delivered.store(delivered + count, Ordering::Relaxed);
        }
        if let Some(oldest) = oldest {
            self.streams.clients.of(self.form).lag.observe(oldest.elapsed());
        }
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        let mut open = lock(&self.streams.clients.of(self.form).open);
        open.tallies.remove(&self.number);
        open.delivered += self.tally.delivered.load(Ordering::Relaxed);
        if open.tallies.is_empty() {
            // After a storm of clients its room is given back.
            open.tallies = HashMap::new();
        }
    }
}

fn lock(open: &Mutex<Open>) -> std::sync::MutexGuard<'_, Open> {
    open.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_slowest_is_shown_and_what_was_given_stays_when_a_stream_goes() {
        let streams = Arc::new(Streams::new());
        let slow = Client::new(&streams, Form::Sse, 3);
        let quick = Client::new(&streams, Form::Sse, 3);
        quick.wrote(10, 7, Some(Instant::now()));
        slow.wrote(5, 1, None);
        let figures = |form: usize| {
            let figures = &streams.clients.figures()[form];
            (figures.open, figures.slowest, figures.delivered)
        };
        assert_eq!(figures(0), (2, Some(5), 8));
        assert_eq!(figures(1), (0, None, 0));
        drop(slow);
        assert_eq!(figures(0), (1, Some(10), 8));
        drop(quick);
        assert_eq!(figures(0), (0, None, 8));
        assert_ne!(Client::new(&streams, Form::Ws, 0).number(), 0);
    }
}
