//! The one writer of the log.

use std::path::Path;

use rusqlite::{Connection, OptionalExtension, params};
use serde_json::value::RawValue;

use super::columns::Columns;
use super::fold;
use super::older::Adopted;
use super::place::Place;
use super::projection::Projection;
use super::{Queries, StoreError, inserts, migrate, search};
use crate::domain::event::{Event, EventId};
use crate::domain::payload::Payload;
use crate::domain::state::State;

/// An event with its payload encoded: what a row holds.
#[derive(Debug)]
pub struct Record {
    /// The event, with its id.
    pub event: Event,
    /// Its payload as JSON on one line.
    pub payload_json: Box<RawValue>,
}

/// The one writer. Lives on one thread.
#[derive(Debug)]
pub struct Log {
    pub(super) conn: Connection,
    epoch: String,
    head: EventId,
    next_batch_id: i64,
    /// `None` after a failed append, until it could be read back.
    projection: Option<Projection>,
    pub(super) folded: EventId,
    pub(super) indexed: EventId,
    /// What the purged events added up to, once it was needed.
    pub(super) base: Option<State>,
    pub(super) place: Place,
    adopted: Option<Adopted>,
}

impl Log {
    /// Opens the log, making it where there is none, and its readers.
    pub fn open(path: &Path) -> Result<(Self, Queries), StoreError> {
        let (conn, adopted) = migrate::open_writer(path)?;
        conn.set_prepared_statement_cache_capacity(64);
        let epoch =
            conn.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0))?;
        let head = sequence(&conn, "events")?.cast_unsigned();
        let next_batch_id = sequence(&conn, "batches")? + 1;
        let projection = Some(Projection::load(&conn)?);
        let indexed = search::cursor(&conn)?;
        let place = Place::of(path);
        let log = Self {
            conn,
            epoch,
            head,
            next_batch_id,
            projection,
            folded: 0,
            indexed,
            base: None,
            place,
            adopted,
        };
        Ok((log, Queries::open(path)?))
    }

    /// What became of the older server's database that lay here before.
    pub const fn adopted(&self) -> Option<&Adopted> {
        self.adopted.as_ref()
    }

    /// Goes on behind what was written past [`Self::append`].
    pub(super) fn settle(&mut self, head: EventId, last_batch_id: i64) {
        self.head = head;
        self.folded = self.folded.max(head);
        self.next_batch_id = self.next_batch_id.max(last_batch_id + 1);
        // It may lack rows.
        self.projection = None;
    }

    /// Gives an empty log its name, which several servers have agreed on. Returns whether it has
    /// it now; a log with events keeps its own.
    pub fn name(&mut self, epoch: &str) -> Result<bool, StoreError> {
        if self.epoch != epoch && self.head == 0 {
            self.conn.execute("UPDATE meta SET value = ?1 WHERE key = 'epoch'", [epoch])?;
            epoch.clone_into(&mut self.epoch);
        }
        Ok(self.epoch == epoch)
    }

    /// The log's name: 8 hex digits.
    pub fn epoch(&self) -> &str {
        &self.epoch
    }

    /// The last event's id; 0 before the first.
    pub const fn head(&self) -> EventId {
        self.head
    }

    /// The id the next batch will get.
    pub const fn next_batch_id(&self) -> i64 {
        self.next_batch_id
    }

    /// Gives no batch an id up to this one. Things outside the log may carry ids that a log which
    /// was put back from a copy does not know of.
    pub fn leave_out_batches(&mut self, until: i64) {
        self.next_batch_id = self.next_batch_id.max(until.saturating_add(1));
    }

    /// The oldest event still kept; `head + 1` when none is.
    pub fn first_available(&self) -> Result<EventId, StoreError> {
        let first: Option<i64> =
            self.conn.query_row("SELECT min(id) FROM events", [], |row| row.get(0))?;
        Ok(first.map_or(self.head + 1, i64::cast_unsigned))
    }

    /// The folded state: the stored one and all that came after it.
    pub fn load_state(&mut self) -> Result<State, StoreError> {
        // Needed by the next purge and by who looks back: that it cannot be read is told now.
        fold::base(&self.conn)?;
        let mut state = fold::stored(&self.conn, 0, self.head)?.unwrap_or_default();
        self.folded = state.last_event_id;
        // The purge waits for the stored state: the base is never ahead of the head.
        fold::fold_on(&self.conn, &mut state, self.head)?;
        Ok(state)
    }

    /// Appends events and keeps things beside them: one transaction, synced to the disk when this
    /// returns. On an error nothing has changed. Ids must rise from the head.
    pub fn append(
        &mut self,
        records: &[Record],
        keep: &[(String, Option<Vec<u8>>)],
    ) -> Result<(), StoreError> {
        let result = self.append_all(records, keep);
        if result.is_err() {
            self.roll_back();
            // It holds rows that were not kept.
            self.projection = None;
            return result;
        }
        if let Some(last) = records.last() {
            self.head = last.event.id;
        }
        for record in records {
            if let Payload::BatchStart(body) = &record.event.payload {
                self.next_batch_id = self.next_batch_id.max(body.batch_id + 1);
            }
        }
        result
    }

    fn append_all(
        &mut self,
        records: &[Record],
        keep: &[(String, Option<Vec<u8>>)],
    ) -> Result<(), StoreError> {
        self.place.check()?;
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        let projection = match &mut self.projection {
            Some(projection) => projection,
            lost => lost.insert(Projection::load(&self.conn)?),
        };
        // The rows that events refer to come first, then the events, several with one statement.
        for group in records.chunks(inserts::AT_ONCE) {
            let mut rows = [inserts::Row::default(); inserts::AT_ONCE];
            for (record, row) in group.iter().zip(&mut rows) {
                let columns = Columns::of(&record.event.payload);
                let ids = projection.apply(&self.conn, &record.event, &columns)?;
                *row = inserts::Row { columns, ids };
            }
            inserts::events(&self.conn, group, &rows)?;
        }
        for (key, value) in keep {
            match value {
                Some(value) => self
                    .conn
                    .prepare_cached("INSERT OR REPLACE INTO kept (key, value) VALUES (?1, ?2)")?
                    .execute(params![key, value])?,
                None => {
                    self.conn.prepare_cached("DELETE FROM kept WHERE key = ?1")?.execute([key])?
                }
            };
        }
        self.conn.execute_batch("COMMIT")?;
        Ok(())
    }

    /// Ends a transaction that has failed.
    pub(super) fn roll_back(&self) {
        if !self.conn.is_autocommit() {
            // A failed rollback leaves no transaction either; the cause is told by who asked.
            let _ = self.conn.execute_batch("ROLLBACK");
        }
    }

    /// How many events the stored state lacks.
    pub const fn unfolded(&self) -> u64 {
        self.head - self.folded
    }

    /// Stores the folded state, so that the next start folds only what follows.
    pub fn save_state(&mut self, state: &State) -> Result<(), StoreError> {
        if state.last_event_id == self.folded {
            return Ok(());
        }
        self.place.check()?;
        fold::save(&self.conn, state)?;
        self.folded = state.last_event_id;
        Ok(())
    }

    /// Takes up to `limit` events into the search index. Returns whether more are waiting.
    pub fn index_some(&mut self, limit: u32) -> Result<bool, StoreError> {
        if self.indexed < self.head {
            self.indexed = search::index(&mut self.conn, self.indexed, self.head, limit)?;
        }
        Ok(self.indexed < self.head)
    }
}

/// The highest id ever given in a table, deleted rows included.
pub(super) fn sequence(conn: &Connection, table: &str) -> Result<i64, StoreError> {
    Ok(conn
        .query_row("SELECT seq FROM sqlite_sequence WHERE name = ?1", [table], |row| row.get(0))
        .optional()?
        .unwrap_or(0))
}
