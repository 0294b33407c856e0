//! Where the rows of an older table went: its numbers and ours.

use rusqlite::{Connection, OptionalExtension, params};

use crate::store::StoreError;

/// What a remembered row is of; the numbers are kept in the database.
#[derive(Debug, Clone, Copy)]
pub(super) enum Of {
    Batch = 1,
    Story = 2,
    Command = 3,
    Task = 4,
    Event = 5,
}

/// A row as it is remembered: its table, its number, and a hash of what never changes of it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Identity {
    pub(super) of: Of,
    pub(super) id: i64,
    pub(super) content: i64,
}

impl Identity {
    /// Our row that it became at an earlier time, and whether it has changed since.
    pub(super) fn known(
        self,
        target: &Connection,
        seen: i64,
    ) -> Result<Option<(i64, bool)>, StoreError> {
        Ok(target
            .prepare_cached(
                "SELECT target_id, seen <> ?4 FROM imported
                 WHERE kind = ?1 AND source_id = ?2 AND content = ?3",
            )?
            .query_row(params![self.of as i64, self.id, self.content, seen], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?)
    }

    /// Remembers which row of ours it is, and what changes of it.
    pub(super) fn keep(
        self,
        target: &Connection,
        target_id: i64,
        seen: i64,
    ) -> Result<(), StoreError> {
        target
            .prepare_cached("INSERT OR REPLACE INTO imported VALUES (?1, ?2, ?3, ?4, ?5)")?
            .execute(params![self.of as i64, self.id, self.content, target_id, seen])?;
        Ok(())
    }

    /// Remembers a row that never changes; `false`: it was known.
    pub(super) fn keep_new(self, target: &Connection, target_id: i64) -> Result<bool, StoreError> {
        let kept = target
            .prepare_cached("INSERT OR IGNORE INTO imported VALUES (?1, ?2, ?3, ?4, 0)")?
            .execute(params![self.of as i64, self.id, self.content, target_id])?;
        Ok(kept == 1)
    }
}

/// Pairs of numbers, put in by rising first ones: sixteen bytes a row.
#[derive(Debug, Default)]
pub(super) struct Places(Vec<(i64, i64)>);

impl Places {
    pub(super) fn push(&mut self, source: i64, target: i64) {
        self.0.push((source, target));
    }

    /// To be called when pairs did not come in order.
    pub(super) fn sort(&mut self) {
        self.0.sort_unstable();
    }

    pub(super) fn find(&self, source: i64) -> Option<i64> {
        let place = self.0.binary_search_by_key(&source, |pair| pair.0).ok()?;
        Some(self.0[place].1)
    }
}
