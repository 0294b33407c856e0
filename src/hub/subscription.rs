//! A reader's cursor over the log.

use std::sync::Arc;

use crate::domain::event::EventId;
use crate::store::StoreError;

use super::entry::Entry;

/// A cursor: gives what lies between itself and the head, from the shared ring or, when behind,
/// from SQLite in pages; then waits.
pub struct Subscription {}

impl Subscription {
    /// The last event given out.
    pub fn cursor(&self) -> EventId {
        todo!("lead")
    }
    /// Moves the cursor, forwards or back.
    pub fn seek(&mut self, after: EventId) {
        let _ = after;
        todo!("lead")
    }
    /// The next events, at least one, in order, about `max_bytes` at most; waits for them. Moves the
    /// cursor. Cancel-safe: a dropped call gives nothing out and moves nothing.
    pub async fn next(&mut self, max_bytes: usize) -> Result<Vec<Arc<Entry>>, StoreError> {
        let _ = max_bytes;
        todo!("lead")
    }
}
