//! The one door for events: append, fold, wake the readers.
//!
//! ```text
//!  publish ─► writer thread ─► attribution ─► store (one transaction, synced) ─► fold ─► ring ─► wake
//!                                                                                   │
//!                         Subscription (a cursor): from the ring, or, when behind, from SQLite
//! ```
//!
//! - One thread owns the log: order is total. What waits when it wakes is committed together.
//! - A row that an agent's stream and the CSV log both tell makes one event ([`twins`]).
//! - Nothing is shown that is not committed; a failed commit changes nothing and is told.
//! - A reader is a cursor. There is no queue per reader, so nothing overflows and nothing is lost.

mod entry;
mod figures;
mod pace;
mod publication;
mod ring;
mod sending;
mod shared;
mod subscription;
#[cfg(test)]
mod tests;
mod trouble;
mod upkeep;
mod writer;

use std::sync::mpsc::{Sender, channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

use crate::domain::attribution::Rules;
use crate::domain::event::EventId;
use crate::domain::state::State;
use crate::domain::twins::{self, Twins};
use crate::store::{Log, Queries, StoreError};

use pace::Pace;
use shared::Shared;
use writer::{Request, Writer};

pub use entry::Entry;
pub use figures::{Figures, Seen};
pub use publication::{Events, Make, Pending, Publication, PublishError, Published};
pub use sending::{Sending, Sent};
pub use shared::SnapshotJson;
pub use subscription::Subscription;

/// Tells the time, in milliseconds since the epoch.
pub(crate) type Clock = Box<dyn Fn() -> i64 + Send>;

/// A cheap handle; all of them speak to the same writer.
#[derive(Clone, Debug)]
pub struct Hub {
    inner: Arc<Inner>,
}

#[derive(Debug)]
struct Inner {
    shared: Arc<Shared>,
    queries: Queries,
    requests: Sender<Request>,
    sending: Sending,
    thread: Mutex<Option<JoinHandle<()>>>,
}

impl Hub {
    /// Folds the log up to its head and starts the writer thread over it.
    pub fn start(log: Log, queries: Queries, rules: Rules) -> Result<Self, StoreError> {
        Self::with_clock(log, queries, rules, Box::new(now_ms))
    }

    /// [`Self::start`] by another clock than the machine's.
    pub(crate) fn with_clock(
        mut log: Log,
        queries: Queries,
        rules: Rules,
        clock: Clock,
    ) -> Result<Self, StoreError> {
        let state = log.load_state()?;
        let twins = Twins::load(&queries.kept(twins::PREFIX)?);
        let shared = Arc::new(Shared::new(&log, state.clone())?);
        let (requests, inbox) = channel();
        let clock_ms = clock();
        let pace = Pace::new(log.reached_ms(clock_ms)?, Instant::now());
        let writer = Writer::new(log, state, twins, rules, clock, pace, Arc::clone(&shared));
        let span = tracing::Span::current();
        let thread = std::thread::Builder::new()
            .name("log".to_owned())
            .spawn(move || span.in_scope(|| writer.run(&inbox)))
            .map_err(|cause| StoreError::File {
                what: "cannot start the log's thread".to_owned(),
                cause,
            })?;
        let thread = Mutex::new(Some(thread));
        let sending = Sending::default();
        Ok(Self { inner: Arc::new(Inner { shared, queries, requests, sending, thread }) })
    }

    /// The log's name: 8 hex digits.
    pub fn epoch(&self) -> &str {
        self.inner.shared.epoch()
    }

    /// The last committed event's id; 0 before the first.
    pub fn head(&self) -> EventId {
        self.inner.shared.head()
    }

    /// Waits for an event to be committed, or one behind it. Cancel-safe.
    pub async fn reaches(&self, id: EventId) {
        let mut head = self.inner.shared.watch_head();
        // The sender lives as long as this handle.
        let _ = head.wait_for(|head| *head >= id).await;
    }

    /// The oldest event still kept; `head() + 1` when none is.
    pub fn first_available(&self) -> EventId {
        self.inner.shared.first_available()
    }

    /// The folded state, consistent with its `last_event_id`. Costs a few reference counts.
    pub fn state(&self) -> State {
        self.inner.shared.state()
    }

    /// The snapshot as JSON, encoded once a head.
    pub fn snapshot_json(&self) -> SnapshotJson {
        self.inner.shared.snapshot_json()
    }

    /// Hands events in without waiting; [`Pending`] tells when they are committed. They are
    /// appended whether or not anybody waits.
    pub fn submit(&self, publication: Publication) -> Pending {
        let (reply, pending) = Pending::pair();
        // When the thread is gone the reply is dropped with the request: `Closed`.
        let _ = self.inner.requests.send(Request::Publish(publication, reply));
        pending
    }

    /// Appends events; they are committed when this returns.
    pub async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        self.submit(publication).await
    }

    /// [`Self::publish`] for threads outside the runtime.
    pub fn publish_blocking(&self, publication: Publication) -> Result<Published, PublishError> {
        self.submit(publication).wait()
    }

    /// A cursor behind event `after`.
    pub fn subscribe(&self, after: EventId) -> Subscription {
        Subscription::new(Arc::clone(&self.inner.shared), self.inner.queries.clone(), after)
    }

    /// The readers of the database. Their calls block: keep them off the runtime's threads.
    pub fn queries(&self) -> &Queries {
        &self.inner.queries
    }

    /// Waits until the search index holds all that is in the log now.
    pub async fn settle_search(&self) -> Result<(), PublishError> {
        let (reply, settled) = tokio::sync::oneshot::channel();
        let _ = self.inner.requests.send(Request::Index(reply));
        settled.await.map_err(|_| PublishError::Closed)
    }

    /// From now on events older than so many milliseconds are purged, in small steps beside all
    /// else; `None` keeps all. They age by the machine's clock, but never more than ten times as
    /// fast as this program runs: a clock that jumps ahead does not purge the log.
    pub fn keep_for(&self, keep_ms: Option<i64>) {
        let _ = self.inner.requests.send(Request::KeepFor(keep_ms));
    }

    /// What was counted since the start.
    pub fn figures(&self) -> &Figures {
        &self.inner.shared.figures
    }

    /// How far it was sent on, for who sends it and who shows that.
    pub fn sending(&self) -> &Sending {
        &self.inner.sending
    }

    /// Why nothing of it is sent on just now, in a sentence; `None` when all is well.
    pub fn unsent(&self) -> Option<String> {
        let sent = self.sending().get()?;
        sent.reason(sent.waiting(self.first_available(), self.head()))
    }

    /// Why the log cannot be written just now; `None` when all is well.
    pub fn trouble(&self) -> Option<String> {
        self.inner.shared.trouble()
    }

    /// Stores what makes the next start quick and ends the writer thread. Blocks until it has
    /// ended; later publishes fail.
    pub fn shutdown(&self) {
        let _ = self.inner.requests.send(Request::Shutdown);
        let thread = self.inner.thread.lock().unwrap_or_else(PoisonError::into_inner).take();
        if let Some(thread) = thread
            && thread.join().is_err()
        {
            tracing::error!("the log's thread had panicked");
        }
    }
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
