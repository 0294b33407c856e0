//! Questions about events.

use rusqlite::types::Value;
use rusqlite::{Connection, Row, params, params_from_iter};
use serde_json::value::RawValue;

use super::Queries;
use crate::domain::event::EventId;
use crate::store::rows::{EventFilter, EventPage, EventRow, Range, StoredEvent};
use crate::store::{StoreError, search};

const COLUMNS: &str = "e.id, e.event_type, e.timestamp, e.batch_id, e.source, e.story_key, e.payload_json, e.story_short";

impl Queries {
    /// The highest id of the log.
    pub fn head(&self) -> Result<EventId, StoreError> {
        self.with(head)
    }

    /// A page of the log; `limit` events at most, ids ascending.
    pub fn events(
        &self,
        range: Range,
        filter: &EventFilter,
        limit: u32,
    ) -> Result<EventPage, StoreError> {
        self.with(|conn| {
            let head = head(conn)?;
            // Before the question: it may know more than this says, never less.
            let indexed = filter.text.as_ref().map(|_| search::cursor(conn)).transpose()?;
            let Some(Asked { sql, values, upwards }) = ask(range, filter) else {
                return Ok(EventPage { events: Vec::new(), next: None, head, indexed });
            };
            let sql = format!("{sql} LIMIT {}", i64::from(limit) + 1);
            let mut statement = conn.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(values))?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(stored(row)?);
            }
            let more = events.len() > limit as usize;
            events.truncate(limit as usize);
            if !upwards {
                events.reverse();
            }
            // Going down, what follows the page upwards is there unless the page ends at the head.
            let next = events
                .last()
                .map(|last| last.id)
                .filter(|last| if upwards { more } else { *last < head });
            Ok(EventPage { events, next, head, indexed })
        })
    }

    /// Events behind `after`, unfiltered, ascending, until `max_bytes` of payload are reached; at
    /// least one where there is one.
    pub fn events_after(
        &self,
        after: EventId,
        max_bytes: usize,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        // A path instead would settle the row's lifetime, and this must do for any.
        #[allow(clippy::redundant_closure_for_method_calls)]
        let stored = |row: &EventRow<'_>| row.stored();
        self.each_after(after, max_bytes, stored)
    }

    /// [`Self::events_after`], each made into something else straight from its row.
    pub fn each_after<T>(
        &self,
        after: EventId,
        max_bytes: usize,
        make: impl Fn(&EventRow<'_>) -> T,
    ) -> Result<Vec<T>, StoreError> {
        self.with(|conn| {
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM events e WHERE e.id > ?1 ORDER BY e.id LIMIT 4096"
            ))?;
            let mut rows = statement.query([after.cast_signed()])?;
            let mut events = Vec::new();
            let mut bytes = 0;
            while bytes < max_bytes {
                let Some(row) = rows.next()? else { break };
                let event = event_row(row)?;
                bytes += event.payload.get().len() + 100;
                events.push(make(&event));
            }
            Ok(events)
        })
    }

    /// The first and the last event of a batch.
    pub fn ends_of_batch(&self, id: i64) -> Result<Option<(EventId, EventId)>, StoreError> {
        self.with(|conn| {
            let mut statement =
                conn.prepare_cached("SELECT min(id), max(id) FROM events WHERE batch_id = ?1")?;
            let ends: (Option<i64>, Option<i64>) =
                statement.query_row([id], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(ends
                .0
                .zip(ends.1)
                .map(|(first, last)| (first.cast_unsigned(), last.cast_unsigned())))
        })
    }

    /// The newest `limit` events behind `after` up to and including `until`: the id of the first of
    /// them, and how many older ones there are. `None` when there is no event.
    pub fn newest_within(
        &self,
        after: EventId,
        until: EventId,
        limit: u64,
    ) -> Result<Option<(EventId, u64)>, StoreError> {
        let bound = |id: EventId| i64::try_from(id).unwrap_or(i64::MAX);
        self.with(|conn| {
            let first: Option<i64> = conn
                .prepare_cached(
                    "SELECT min(id) FROM (SELECT id FROM events WHERE id > ?1 AND id <= ?2
                     ORDER BY id DESC LIMIT ?3)",
                )?
                .query_row(params![bound(after), bound(until), bound(limit)], |row| row.get(0))?;
            let Some(first) = first else { return Ok(None) };
            let older: i64 = conn
                .prepare_cached("SELECT count(*) FROM events WHERE id > ?1 AND id < ?2")?
                .query_row([bound(after), first], |row| row.get(0))?;
            Ok(Some((first.cast_unsigned(), older.cast_unsigned())))
        })
    }

    /// Whether the log holds anything of exactly this story.
    pub fn has_story(&self, story_key: &str) -> Result<bool, StoreError> {
        if story_key.is_empty() {
            return Ok(false);
        }
        self.with(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT EXISTS (SELECT 1 FROM events WHERE story_key = ?1 AND story_key <> '')",
            )?;
            Ok(statement.query_row([story_key], |row| row.get(0))?)
        })
    }

    /// The newest events up to and including `until`, newest first; of one batch, or of all.
    pub fn recent(
        &self,
        batch_id: Option<i64>,
        until: EventId,
        limit: u32,
    ) -> Result<Vec<StoredEvent>, StoreError> {
        self.with(|conn| {
            let which = if batch_id.is_some() { "e.batch_id = ?1 AND" } else { "?1 IS NULL AND" };
            let mut statement = conn.prepare_cached(&format!(
                "SELECT {COLUMNS} FROM events e WHERE {which} e.id <= ?2 ORDER BY e.id DESC LIMIT ?3"
            ))?;
            let mut rows = statement.query(params![batch_id, until.cast_signed(), limit])?;
            let mut events = Vec::new();
            while let Some(row) = rows.next()? {
                events.push(stored(row)?);
            }
            Ok(events)
        })
    }
}

pub(super) fn head(conn: &Connection) -> Result<EventId, StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'",
    )?;
    Ok(statement.query_row([], |row| row.get::<_, i64>(0))?.cast_unsigned())
}

struct Asked {
    sql: String,
    values: Vec<Value>,
    upwards: bool,
}

/// The question as SQL without its limit; `None` when nothing can match.
fn ask(range: Range, filter: &EventFilter) -> Option<Asked> {
    let mut values: Vec<Value> = Vec::new();
    let mut wheres: Vec<String> = Vec::new();
    let mut from = "events e";
    let mut id = "e.id";
    if let Some(text) = &filter.text {
        from = "search JOIN events e ON e.id = search.rowid";
        id = "search.rowid";
        wheres.push("search MATCH ?".to_owned());
        values.push(search::expression(text)?.into());
    }
    let bound = |after: EventId| Value::from(i64::try_from(after).unwrap_or(i64::MAX));
    let upwards = match range {
        Range::Newest => false,
        Range::After(after) => {
            wheres.push(format!("{id} > ?"));
            values.push(bound(after));
            true
        }
        Range::Before(before) => {
            wheres.push(format!("{id} < ?"));
            values.push(bound(before));
            false
        }
    };
    let mut any = |parts: Vec<String>| {
        if !parts.is_empty() {
            wheres.push(format!("({})", parts.join(" OR ")));
        }
    };
    any(filter
        .kinds
        .iter()
        .map(|kind| {
            values.push(glob(kind).into());
            "e.event_type GLOB ?".to_owned()
        })
        .collect());
    any(filter
        .stories
        .iter()
        .map(|story| {
            // A long key is exact; a short id is a prefix up to a `-`, proven by its own column.
            values.push(story.clone().into());
            values.push(format!("{story}-").into());
            values.push(format!("{story}.").into());
            values.push(story.clone().into());
            "e.story_key = ? OR (e.story_key >= ? AND e.story_key < ? AND e.story_short = ?)"
                .to_owned()
        })
        .collect());
    any(filter
        .batch_ids
        .iter()
        .map(|batch| {
            values.push((*batch).into());
            "e.batch_id = ?".to_owned()
        })
        .collect());
    let filters =
        if wheres.is_empty() { String::new() } else { format!("WHERE {}", wheres.join(" AND ")) };
    let order = if upwards { "ASC" } else { "DESC" };
    Some(Asked {
        sql: format!("SELECT {COLUMNS} FROM {from} {filters} ORDER BY {id} {order}"),
        values,
        upwards,
    })
}

/// A type pattern in which only `*` is special, for SQLite's GLOB.
fn glob(pattern: &str) -> String {
    let mut out = String::with_capacity(pattern.len());
    for c in pattern.chars() {
        match c {
            '?' | '[' => out.extend(['[', c, ']']),
            _ => out.push(c),
        }
    }
    out
}

fn stored(row: &Row<'_>) -> Result<StoredEvent, StoreError> {
    Ok(event_row(row)?.stored())
}

/// An event out of a row of [`COLUMNS`].
fn event_row<'a>(row: &'a Row<'_>) -> Result<EventRow<'a>, rusqlite::Error> {
    let text = |column: usize| Ok::<_, rusqlite::Error>(row.get_ref(column)?.as_str()?);
    let short = row.get_ref(7)?.as_str_or_null()?;
    Ok(EventRow {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        kind: text(1)?,
        timestamp_ms: row.get(2)?,
        batch_id: row.get(3)?,
        source: text(4)?,
        story_key: text(5)?,
        story_id: short.unwrap_or_default(),
        payload: serde_json::from_str(text(6)?).unwrap_or(RawValue::NULL),
    })
}
