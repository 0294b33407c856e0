//! The one door for events: append, fold, wake the readers.
//!
//! ```text
//!  publish ─► writer thread ─► attribution ─► store (one transaction, synced) ─► fold ─► ring ─► wake
//!                                                                                   │
//!                         Subscription (a cursor): from the ring, or, when behind, from SQLite
//! ```
//!
//! - One thread owns the log: order is total. What waits when it wakes is committed together.
//! - Nothing is shown that is not committed; a failed commit changes nothing and is told.
//! - A reader is a cursor. There is no queue per reader, so nothing overflows and nothing is lost.

pub mod entry;
pub mod publication;
pub mod ring;
pub mod subscription;
mod writer;

use std::sync::Arc;

use bytes::Bytes;

use crate::domain::attribution::Rules;
use crate::domain::event::EventId;
use crate::domain::state::State;
use crate::store::{Log, Queries};

pub use entry::Entry;
pub use publication::{Publication, PublishError, Published};
pub use subscription::Subscription;

/// A cheap handle; all of them speak to the same writer.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {}

impl Hub {
    /// Starts the writer thread over an open log.
    pub fn start(log: Log, queries: Queries, rules: Rules) -> Self {
        let _ = (log, queries, rules);
        todo!("lead")
    }
    /// The log's name: 8 hex digits.
    pub fn epoch(&self) -> &str {
        let _ = &self.inner;
        todo!("lead")
    }
    /// The last committed event's id; 0 before the first.
    pub fn head(&self) -> EventId {
        todo!("lead")
    }
    /// The oldest event still kept; `head() + 1` when none is.
    pub fn first_available(&self) -> EventId {
        todo!("lead")
    }
    /// The folded state, consistent with its `last_event_id`. Costs two reference counts.
    pub fn state(&self) -> State {
        todo!("lead")
    }
    /// The snapshot as JSON, encoded once a head.
    pub fn snapshot_json(&self) -> (EventId, Bytes) {
        todo!("lead")
    }
    /// Appends events; they are committed when this returns. Cancel-safe in the sense that a
    /// dropped call is either wholly done or not at all.
    pub async fn publish(&self, publication: Publication) -> Result<Published, PublishError> {
        let _ = publication;
        todo!("lead")
    }
    /// [`Self::publish`] for threads outside the runtime.
    pub fn publish_blocking(&self, publication: Publication) -> Result<Published, PublishError> {
        let _ = publication;
        todo!("lead")
    }
    /// A cursor behind event `after`.
    pub fn subscribe(&self, after: EventId) -> Subscription {
        let _ = after;
        todo!("lead")
    }
    /// The readers of the database. Their calls block: keep them off the runtime's threads.
    pub fn queries(&self) -> &Queries {
        todo!("lead")
    }
    /// Why the log cannot be written just now; `None` when all is well.
    pub fn trouble(&self) -> Option<String> {
        todo!("lead")
    }
    /// Writes what is kept for a quick start, ends the writer thread. Later publishes fail.
    pub fn shutdown(&self) {
        todo!("lead")
    }
}
