//! The readers.

use std::path::Path;

use super::StoreError;
use super::rows::{BatchRow, EventFilter, EventPage, Range, StoredEvent, StoryRow};
use crate::domain::event::EventId;

/// A pool of read-only connections. All calls block.
#[derive(Debug, Clone)]
pub struct Queries {}

impl Queries {
    /// Opens a database that exists.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let _ = path;
        todo!("lead")
    }
    /// A page of the log; `limit` events at most.
    pub fn events(&self, range: Range, filter: &EventFilter, limit: u32) -> Result<EventPage, StoreError> {
        let _ = (range, filter, limit);
        todo!("lead")
    }
    /// Events behind `after`, unfiltered, ascending, until `max_bytes` of payload are reached.
    pub fn events_after(&self, after: EventId, max_bytes: usize) -> Result<Vec<StoredEvent>, StoreError> {
        let _ = (after, max_bytes);
        todo!("lead")
    }
    /// The newest events up to and including `until`, newest first; of one batch, or of all.
    pub fn recent(&self, batch_id: Option<i64>, until: EventId, limit: u32) -> Result<Vec<StoredEvent>, StoreError> {
        let _ = (batch_id, until, limit);
        todo!("lead")
    }
    /// Batches, newest first, and how many there are.
    pub fn batches(&self, limit: u32, offset: u32) -> Result<(Vec<BatchRow>, i64), StoreError> {
        let _ = (limit, offset);
        todo!("lead")
    }
    /// One batch's row.
    pub fn batch(&self, id: i64) -> Result<Option<BatchRow>, StoreError> {
        let _ = id;
        todo!("lead")
    }
    /// The stories of a batch (`None`: of all batches, in order of start) with their commands.
    pub fn stories(&self, batch_id: Option<i64>) -> Result<Vec<StoryRow>, StoreError> {
        let _ = batch_id;
        todo!("lead")
    }
    /// What was kept under keys that begin with `prefix`, in order of the keys.
    pub fn kept(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        let _ = prefix;
        todo!("lead")
    }
}
