//! The ring: the newest entries, shared by all readers.

use std::collections::VecDeque;
use std::sync::Arc;

use super::entry::Entry;
use crate::domain::event::EventId;

/// Entries kept at most. A reader further behind than this reads pages from SQLite.
const MAX_ENTRIES: usize = 32 * 1024;
/// Bytes kept at most: one burst of large messages must not hold memory for ever.
const MAX_BYTES: usize = 8 * 1024 * 1024;

/// Every event behind `floor` up to the head.
#[derive(Debug)]
pub(super) struct Ring {
    entries: VecDeque<Arc<Entry>>,
    bytes: usize,
    floor: EventId,
}

impl Ring {
    /// An empty ring over a log that ends at `head`.
    pub(super) const fn new(head: EventId) -> Self {
        Self { entries: VecDeque::new(), bytes: 0, floor: head }
    }

    /// Adds an entry; ids rise.
    pub(super) fn push(&mut self, entry: Arc<Entry>) {
        self.bytes += entry.frame.len();
        self.entries.push_back(entry);
        while self.entries.len() > MAX_ENTRIES || self.bytes > MAX_BYTES {
            let Some(oldest) = self.entries.pop_front() else { break };
            self.bytes -= oldest.frame.len();
            self.floor = oldest.id;
        }
    }

    /// What follows `after`, about `max_bytes` of it and at least one entry where there is one;
    /// `None` when the ring no longer reaches back so far.
    pub(super) fn after(&self, after: EventId, max_bytes: usize) -> Option<Vec<Arc<Entry>>> {
        if after < self.floor {
            return None;
        }
        let start = self.entries.partition_point(|entry| entry.id <= after);
        let mut bytes = 0;
        Some(
            self.entries
                .range(start..)
                .take_while(|entry| {
                    let room = bytes < max_bytes;
                    bytes += entry.frame.len();
                    room
                })
                .cloned()
                .collect(),
        )
    }
}
