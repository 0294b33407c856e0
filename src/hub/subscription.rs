//! A reader's cursor over the log.

use std::sync::Arc;

use tokio::sync::watch;

use super::entry::Entry;
use super::shared::Shared;
use crate::domain::event::EventId;
use crate::store::rows::EventRow;
use crate::store::{Queries, StoreError};

/// A cursor: gives what lies between itself and the head, from the shared ring or, when behind,
/// from SQLite in pages; then waits.
#[derive(Debug)]
pub struct Subscription {
    shared: Arc<Shared>,
    queries: Queries,
    head: watch::Receiver<EventId>,
    cursor: EventId,
}

impl Subscription {
    pub(super) fn new(shared: Arc<Shared>, queries: Queries, after: EventId) -> Self {
        let head = shared.watch_head();
        Self { shared, queries, head, cursor: after }
    }

    /// The last event given out.
    pub const fn cursor(&self) -> EventId {
        self.cursor
    }

    /// Moves the cursor, forwards or back.
    pub const fn seek(&mut self, after: EventId) {
        self.cursor = after;
    }

    /// The next events, at least one, in order, about `max_bytes` at most; waits for them. Moves the
    /// cursor. Cancel-safe: a dropped call gives nothing out and moves nothing.
    pub async fn next(&mut self, max_bytes: usize) -> Result<Vec<Arc<Entry>>, StoreError> {
        // Up to where nothing is left. The cursor itself stays: who reads on behind a gap is told.
        let mut nothing_up_to = self.cursor;
        loop {
            let head = *self.head.borrow_and_update();
            if head > nothing_up_to {
                let entries = match self.shared.recent(self.cursor, max_bytes) {
                    Some(entries) => entries,
                    None => self.page(max_bytes).await?,
                };
                if let Some(last) = entries.last() {
                    self.cursor = last.id;
                    return Ok(entries);
                }
                // Nothing is left between cursor and head: those events were deleted.
                nothing_up_to = head;
            }
            if self.head.changed().await.is_err() {
                // The log has ended; there will be nothing more.
                std::future::pending::<()>().await;
            }
        }
    }

    async fn page(&self, max_bytes: usize) -> Result<Vec<Arc<Entry>>, StoreError> {
        let queries = self.queries.clone();
        let shared = Arc::clone(&self.shared);
        let cursor = self.cursor;
        let read = tokio::task::spawn_blocking(move || {
            let entry = |row: &EventRow<'_>| Arc::new(Entry::of_row(shared.epoch(), row));
            queries.each_after(cursor, max_bytes, entry)
        });
        match read.await {
            Ok(entries) => entries,
            Err(error) => Err(StoreError::File {
                what: "cannot read a page of the log".to_owned(),
                cause: std::io::Error::other(error),
            }),
        }
    }
}
