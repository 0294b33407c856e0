//! What was sent and is not acked yet, and what follows from an ack; nothing here sends anything.
//!
//! The rule that all rests on: the acks of two events that follow one another name sequences that
//! rise. Then whoever reads the stream in its order finds each event behind the one before it, however
//! many repeats lie between them.

use std::collections::VecDeque;

use crate::domain::event::EventId;

/// More are not sent before the first of them is acked.
const MOST: usize = 512;

/// Nor more bytes.
const MOST_BYTES: usize = 4 << 20;

/// An event, and where in the stream it lies.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Position {
    /// Its id; 0 before the first.
    pub(super) id: EventId,
    /// Its place in the stream.
    pub(super) sequence: u64,
}

/// What is to be done behind an ack.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Next {
    /// Going on.
    On,
    /// Sending again what lies behind [`Window::sent`]; what was sent and not acked is forgotten.
    Back,
    /// Looking into the stream: it is shorter than it was.
    Look,
}

#[derive(Debug)]
struct Flying {
    id: EventId,
    bytes: usize,
    again: Option<u64>,
}

/// Events that are sent a second time, under names of their own.
#[derive(Debug, Clone, Copy)]
struct Again {
    /// By which their names differ.
    number: u64,
    /// They begin behind this one.
    after: EventId,
    /// And end with this one.
    until: EventId,
}

/// What was sent, in the order of the log.
#[derive(Debug)]
pub(super) struct Window {
    /// Acked with all before it. Only an ack moves it, and never back.
    position: Position,
    /// The last ack; behind the position while something is sent again because of a hole.
    reached: Position,
    flying: VecDeque<Flying>,
    bytes: usize,
    again: Option<Again>,
}

impl Window {
    /// Behind this position.
    pub(super) const fn new(position: Position) -> Self {
        Self { position, reached: position, flying: VecDeque::new(), bytes: 0, again: None }
    }

    /// The last event that was acked with all before it.
    pub(super) const fn position(&self) -> Position {
        self.position
    }

    /// The last event that was sent: what follows is to be sent next.
    pub(super) fn sent(&self) -> EventId {
        self.flying.back().map_or(self.reached.id, |it| it.id)
    }

    /// Whether an event of so many bytes may be sent now. One alone always may.
    pub(super) fn takes(&self, bytes: usize) -> bool {
        self.flying.is_empty() || (self.flying.len() < MOST && self.bytes + bytes <= MOST_BYTES)
    }

    /// By which the name of this event differs from the one it was first sent under.
    pub(super) fn again(&self, id: EventId) -> Option<u64> {
        self.again.filter(|again| id <= again.until).map(|again| again.number)
    }

    /// This event was sent.
    pub(super) fn send(&mut self, id: EventId, bytes: usize) {
        let again = self.again(id);
        self.bytes += bytes;
        self.flying.push_back(Flying { id, bytes, again });
    }

    /// The first that was sent is stored at this place.
    pub(super) fn acked(&mut self, sequence: u64) -> Next {
        let Some(first) = self.flying.pop_front() else { return Next::On };
        self.bytes -= first.bytes;
        if sequence > self.reached.sequence {
            self.reached = Position { id: first.id, sequence };
            if first.id >= self.position.id {
                self.position = self.reached;
            }
            self.again = self.again.filter(|again| first.id < again.until);
            return Next::On;
        }
        // A repeat of one that lies before the event that comes before it.
        let number = self.reached.sequence;
        if first.again == Some(number) {
            // It was not in the stream before that event was: the stream has been cut since.
            self.forget();
            return Next::Look;
        }
        let last = self.flying.back().map_or(first.id, |it| it.id);
        let until = self.again.map_or(last, |again| again.until.max(last));
        self.again = Some(Again { number, after: self.reached.id, until });
        self.clear();
        Next::Back
    }

    /// Nobody knows what became of what was sent: all behind the position is to be sent as if it had
    /// not been.
    pub(super) fn forget(&mut self) {
        self.reached = self.position;
        self.again = None;
        self.clear();
    }

    /// Somebody who reads the stream misses what follows `after`; it showed at the place `seen`.
    /// Whether that is now to be sent again.
    pub(super) fn ask(&mut self, after: EventId, seen: u64) -> bool {
        let answered = self.again.is_some_and(|again| after >= again.after);
        if after >= self.reached.id || answered {
            return false;
        }
        let until = self.sent().max(self.position.id);
        self.again = Some(Again { number: seen, after, until });
        self.reached.id = after;
        self.clear();
        true
    }

    fn clear(&mut self) {
        self.flying.clear();
        self.bytes = 0;
    }
}

/// What the stream has at the place that was kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum There {
    /// This event of the same log.
    Ours(EventId),
    /// Something else.
    Other,
    /// Nothing any more: too old, or deleted.
    Gone,
    /// The stream has not come so far.
    Beyond,
}

/// Where to go on: behind what was kept, unless the stream has lost it. `last`: the last event of
/// this log that is in the stream.
pub(super) fn resume(kept: Position, there: There, last: Option<Position>) -> Position {
    match there {
        There::Gone => kept,
        There::Ours(id) if id == kept.id => kept,
        There::Ours(_) | There::Other | There::Beyond => {
            let last = last.unwrap_or_default();
            Position { id: last.id.min(kept.id), sequence: last.sequence }
        }
    }
}

#[cfg(test)]
mod tests;
