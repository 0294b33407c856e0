//! The state as it was: the log folded up to an event.

use rusqlite::{Connection, OptionalExtension, params};

use super::Queries;
use crate::domain::event::{Event, EventId, Source};
use crate::domain::payload::Payload;
use crate::domain::state::State;
use crate::store::StoreError;
use crate::store::log::FOLD_VERSION;

impl Queries {
    /// The state right after event `at`; 0 = before the first.
    pub fn state_at(&self, at: EventId) -> Result<State, StoreError> {
        self.with(|conn| {
            let mut state = stored(conn, at)?.unwrap_or_default();
            fold(conn, &mut state, at)?;
            Ok(state)
        })
    }
}

/// The stored state, where it is not newer than `until`.
pub(in crate::store) fn stored(
    conn: &Connection,
    until: EventId,
) -> Result<Option<State>, StoreError> {
    let json: Option<String> = conn
        .query_row(
            "SELECT state_json FROM fold WHERE version = ?1 AND last_event_id <= ?2",
            params![FOLD_VERSION, until.cast_signed()],
            |row| row.get(0),
        )
        .optional()?;
    Ok(json.and_then(|json| serde_json::from_str(&json).ok()))
}

/// Folds in what follows the state, up to and including `until`.
pub(in crate::store) fn fold(
    conn: &Connection,
    state: &mut State,
    until: EventId,
) -> Result<(), StoreError> {
    let mut statement = conn.prepare_cached(
        "SELECT id, timestamp, source, batch_id, event_type, payload_json
         FROM events WHERE id > ?1 AND id <= ?2 ORDER BY id",
    )?;
    let until = i64::try_from(until).unwrap_or(i64::MAX);
    let mut rows = statement.query(params![state.last_event_id.cast_signed(), until])?;
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
