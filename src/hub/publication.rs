//! What goes through the door, and what comes back.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tokio::sync::oneshot;

use crate::domain::event::{EventId, NewEvent};
use crate::domain::state::State;
use crate::store::Record;

use super::figures::Seen;

/// Makes events against the state at the moment of the append: no other event can come between.
pub type Make = Box<dyn FnOnce(&State) -> Vec<NewEvent> + Send>;

/// What is appended.
pub enum Events {
    /// Made here: attributed, and given the next ids.
    Made(Make),
    /// Told by another server, with ids of theirs that rise. What is not behind the head is left out.
    Given(Vec<Record>),
}

#[cfg(test)]
impl Events {
    /// What is made against this state.
    pub(crate) fn made(self, state: &State) -> Vec<NewEvent> {
        match self {
            Self::Made(make) => make(state),
            Self::Given(_) => Vec::new(),
        }
    }
}

/// Events and what is kept beside them: one transaction, all or nothing.
pub struct Publication {
    /// The events, in order.
    pub events: Events,
    /// Small things to keep in the same transaction, such as how far a file was read: key and
    /// value, `None` deletes.
    pub keep: Vec<(String, Option<Vec<u8>>)>,
    /// When the events were first seen, where that is worth measuring.
    pub seen: Option<Seen>,
}

impl std::fmt::Debug for Publication {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Publication").field("keep", &self.keep.len()).finish_non_exhaustive()
    }
}

impl Publication {
    /// Events that do not depend on the state.
    pub fn events(events: Vec<NewEvent>) -> Self {
        Self::from_state(move |_| events)
    }

    /// Events made against the state at the moment of the append.
    pub fn from_state(make: impl FnOnce(&State) -> Vec<NewEvent> + Send + 'static) -> Self {
        Self { events: Events::Made(Box::new(make)), keep: Vec::new(), seen: None }
    }

    /// Events that have been through the door of another server.
    pub const fn given(records: Vec<Record>) -> Self {
        Self { events: Events::Given(records), keep: Vec::new(), seen: None }
    }

    /// Keeps something in the same transaction.
    #[must_use]
    pub fn keeping(mut self, keep: Vec<(String, Option<Vec<u8>>)>) -> Self {
        self.keep = keep;
        self
    }

    /// Says when the events were first seen.
    #[must_use]
    pub const fn seen(mut self, seen: Seen) -> Self {
        self.seen = Some(seen);
        self
    }
}

/// What became of a publication.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// The head after it.
    pub head: EventId,
    /// How many events it made, those added by attribution included.
    pub count: u64,
}

/// Why nothing was published.
#[derive(Debug, Clone, thiserror::Error)]
pub enum PublishError {
    /// The database would not take it; try again later.
    #[error("the log cannot be written: {0}")]
    Store(String),
    /// The hub has been shut down.
    #[error("the hub is closed")]
    Closed,
}

pub(super) type Reply = oneshot::Sender<Result<Published, PublishError>>;

/// A publication under way: wait for it, or await it.
#[derive(Debug)]
pub struct Pending {
    reply: oneshot::Receiver<Result<Published, PublishError>>,
}

impl Pending {
    pub(super) fn pair() -> (Reply, Self) {
        let (sender, reply) = oneshot::channel();
        (sender, Self { reply })
    }

    /// Waits on a thread outside the runtime.
    pub fn wait(self) -> Result<Published, PublishError> {
        self.reply.blocking_recv().unwrap_or(Err(PublishError::Closed))
    }
}

impl Future for Pending {
    type Output = Result<Published, PublishError>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.reply)
            .poll(context)
            .map(|reply| reply.unwrap_or(Err(PublishError::Closed)))
    }
}
