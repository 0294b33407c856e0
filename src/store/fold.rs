//! The folded state: the one that is stored, and the events of the log that follow it.

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use crate::domain::event::{Event, EventId, Source};
use crate::domain::payload::Payload;
use crate::domain::state::State;

/// Raised when the fold's rules change: a stored state of another version is folded anew.
pub const FOLD_VERSION: i64 = 3;

/// The stored state, where it lies behind `after` and not behind `until`.
pub(super) fn stored(
    conn: &Connection,
    after: EventId,
    until: EventId,
) -> Result<Option<State>, StoreError> {
    let json: Option<String> = conn
        .query_row(
            "SELECT state_json FROM fold
             WHERE version = ?1 AND last_event_id > ?2 AND last_event_id <= ?3",
            params![FOLD_VERSION, after.cast_signed(), until.cast_signed()],
            |row| row.get(0),
        )
        .optional()?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Folds in all events that follow a state, up to and including `until`.
pub(super) fn fold_on(
    conn: &Connection,
    state: &mut State,
    until: EventId,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, timestamp, source, batch_id, event_type, payload_json
         FROM events WHERE id > ?1 AND id <= ?2 ORDER BY id",
    )?;
    let mut rows = statement.query([state.last_event_id.cast_signed(), until.cast_signed()])?;
    while let Some(row) = rows.next()? {
        let kind = row.get_ref(4)?.as_str().unwrap_or_default();
        let payload = row.get_ref(5)?.as_str().unwrap_or_default();
        state.apply(&Event {
            id: row.get::<_, i64>(0)?.cast_unsigned(),
            timestamp_ms: row.get(1)?,
            source: Source::from_word(row.get_ref(2)?.as_str().unwrap_or_default()),
            batch_id: row.get(3)?,
            payload: Payload::from_json(kind, payload),
        });
    }
    Ok(())
}
