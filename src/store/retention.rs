//! Purging: old events go, what they added up to stays.
//!
//! The log loses its beginning, never a part of its middle: what is left is whole from its first
//! event on. In one transaction the events go out of the table and out of the search index, and
//! the state right after the last of them becomes the base from which all folding begins.

use rusqlite::{Connection, OptionalExtension, params};

use super::{Log, StoreError, fold, search};
use crate::domain::event::EventId;

/// The key in `meta` of the time that the log has lived through.
const REACHED: &str = "reached_ms";

/// One step of a purge.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Purged {
    /// How many events went.
    pub events: u64,
    /// The oldest event now kept; `head + 1` when none is.
    pub first_available: EventId,
}

impl Log {
    /// Purges up to `limit` of the oldest events that happened before `before_ms`; `None` when
    /// there is nothing to purge.
    ///
    /// `announce` hears of the oldest event to be kept before any is gone: who then misses one knows
    /// that it was purged.
    ///
    /// An event stays while one before it stays, while its batch or an earlier one is running, and
    /// until the stored state and the search index are past it. One dated in the future says
    /// nothing of its age: it goes with its neighbours.
    pub fn purge_some(
        &mut self,
        before_ms: i64,
        now_ms: i64,
        limit: u32,
        announce: impl FnOnce(EventId),
    ) -> Result<Option<Purged>, StoreError> {
        self.place.check()?;
        let Some(until) = self.purgeable(before_ms, now_ms, limit)? else { return Ok(None) };
        announce(until + 1);
        let purged = self.purge(until);
        if purged.is_err() {
            self.roll_back();
            self.base = None;
        }
        Ok(Some(Purged { events: purged?, first_available: self.first_available()? }))
    }

    /// The last of the events that may go.
    fn purgeable(
        &self,
        before_ms: i64,
        now_ms: i64,
        limit: u32,
    ) -> Result<Option<EventId>, StoreError> {
        let mut end = self.indexed.min(self.folded);
        if let Some(first) = first_of_running(&self.conn)? {
            end = end.min(first - 1);
        }
        let mut read = self
            .conn
            .prepare_cached("SELECT id, timestamp FROM events WHERE id <= ?1 ORDER BY id")?;
        let mut rows = read.query([end.cast_signed()])?;
        let (mut until, mut seen) = (None, 0);
        // Beyond the limit only behind events of the future: they alone must not hold up the rest.
        while (seen < limit || until.is_none())
            && let Some(row) = rows.next()?
        {
            let (id, timestamp): (i64, i64) = (row.get(0)?, row.get(1)?);
            if timestamp < before_ms {
                until = Some(id.cast_unsigned());
            } else if timestamp <= now_ms {
                break;
            }
            seen += 1;
        }
        Ok(until)
    }

    /// The time that this log has lived through, as last kept; else that of its newest events, as far
    /// as it is not in the future; for a new log the present.
    pub fn reached_ms(&self, now_ms: i64) -> Result<i64, StoreError> {
        let kept: Option<String> = self
            .conn
            .query_row("SELECT value FROM meta WHERE key = ?1", [REACHED], |row| row.get(0))
            .optional()?;
        if let Some(reached) = kept.and_then(|kept| kept.parse().ok()) {
            return Ok(reached);
        }
        let newest: Option<i64> = self.conn.query_row(
            "SELECT max(timestamp) FROM (SELECT timestamp FROM events ORDER BY id DESC LIMIT 100)
             WHERE timestamp <= ?1",
            [now_ms],
            |row| row.get(0),
        )?;
        Ok(newest.unwrap_or(now_ms))
    }

    /// Keeps what [`Self::reached_ms`] tells.
    pub fn keep_reached(&mut self, reached_ms: i64) -> Result<(), StoreError> {
        self.place.check()?;
        self.conn.execute(
            "INSERT OR REPLACE INTO meta (key, value) VALUES (?1, ?2)",
            params![REACHED, reached_ms.to_string()],
        )?;
        Ok(())
    }

    fn purge(&mut self, until: EventId) -> Result<u64, StoreError> {
        let mut base = match self.base.take() {
            Some(base) => base,
            None => fold::base(&self.conn)?,
        };
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        {
            let mut read = self.conn.prepare_cached(&format!(
                "SELECT {} FROM events WHERE id <= ?1 ORDER BY id",
                fold::EVENT_COLUMNS
            ))?;
            let mut rows = read.query([until.cast_signed()])?;
            while let Some(row) = rows.next()? {
                base.apply(&fold::event(row)?);
            }
        }
        search::forget(&self.conn, until)?;
        self.conn
            .prepare_cached(
                "UPDATE batches SET purged_events = purged_events + gone.count
                 FROM (SELECT batch_id, count(*) AS count FROM events
                       WHERE id <= ?1 AND batch_id IS NOT NULL GROUP BY batch_id) AS gone
                 WHERE gone.batch_id = batches.id",
            )?
            .execute([until.cast_signed()])?;
        let events = self
            .conn
            .prepare_cached("DELETE FROM events WHERE id <= ?1")?
            .execute([until.cast_signed()])?;
        let json = fold::base_json(&base)?;
        self.conn
            .prepare_cached(
                "INSERT OR REPLACE INTO base (id, last_event_id, state_json) VALUES (1, ?1, ?2)",
            )?
            .execute(params![until.cast_signed(), json])?;
        self.conn.execute_batch("COMMIT")?;
        self.base = Some(base);
        Ok(events as u64)
    }
}

/// The first event of all running batches.
fn first_of_running(conn: &Connection) -> Result<Option<EventId>, StoreError> {
    let first: Option<i64> = conn
        .prepare_cached(
            "SELECT min(e.id) FROM batches b CROSS JOIN events e ON e.batch_id = b.id
             WHERE b.status = 'running'",
        )?
        .query_row([], |row| row.get(0))
        .optional()?
        .flatten();
    Ok(first.map(i64::cast_unsigned))
}
