//! The folded state: the one that is stored, the one the purged events added up to, and the events
//! of the log that follow them.

use rusqlite::{Connection, OptionalExtension, Row, params};
use serde::{Deserialize, Serialize};

use super::StoreError;
use crate::domain::event::{Event, EventId, Source};
use crate::domain::payload::Payload;
use crate::domain::state::State;

/// Raised when the fold's rules change: a stored state of another version is folded anew.
pub const FOLD_VERSION: i64 = 3;

/// How a base is written; fields that [`State`] gains do not change it, they have defaults.
const BASE_VERSION: i64 = 1;

/// The schema from which on events can have been purged.
const WITH_BASE: i64 = 4;

/// What [`event`] reads.
pub(super) const EVENT_COLUMNS: &str = "id, timestamp, source, batch_id, event_type, payload_json";

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

/// Stores a state.
pub(super) fn save(conn: &Connection, state: &State) -> Result<(), StoreError> {
    let json = serde_json::to_string(state)
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    conn.execute(
        "INSERT OR REPLACE INTO fold (id, version, last_event_id, state_json)
         VALUES (1, ?1, ?2, ?3)",
        params![FOLD_VERSION, state.last_event_id.cast_signed(), json],
    )?;
    Ok(())
}

/// The last event that was purged; 0 when none was.
pub(super) fn base_id(conn: &Connection) -> Result<EventId, StoreError> {
    let schema: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if schema < WITH_BASE {
        return Ok(0);
    }
    let id: Option<i64> = conn
        .prepare_cached("SELECT last_event_id FROM base")?
        .query_row([], |row| row.get(0))
        .optional()?;
    Ok(id.unwrap_or(0).cast_unsigned())
}

/// What the purged events added up to; empty when none was purged. Those events are gone, so what
/// cannot be read is never taken for nothing: it is an error, and stays as it is.
pub(super) fn base(conn: &Connection) -> Result<State, StoreError> {
    let id = base_id(conn)?;
    if id == 0 {
        return Ok(State::default());
    }
    let json: String =
        conn.prepare_cached("SELECT state_json FROM base")?.query_row([], |row| row.get(0))?;
    let state = read_base(&json).map_err(StoreError::Base)?;
    if state.last_event_id == id {
        return Ok(state);
    }
    Err(StoreError::Base(format!(
        "it is that of event {} and should be that of event {id}",
        state.last_event_id
    )))
}

fn read_base(json: &str) -> Result<State, String> {
    #[derive(Deserialize)]
    struct Head {
        #[serde(default)]
        version: i64,
    }
    #[derive(Deserialize)]
    struct Whole {
        state: State,
    }
    let plain = |error: serde_json::Error| error.to_string();
    match serde_json::from_str(json).map_err(plain)? {
        // As it was written before it had a version.
        Head { version: 0 } => serde_json::from_str(json).map_err(plain),
        Head { version: BASE_VERSION } => {
            serde_json::from_str(json).map(|Whole { state }| state).map_err(plain)
        }
        Head { version } => {
            Err(format!("it has version {version}, and this program knows up to {BASE_VERSION}"))
        }
    }
}

/// A base as [`base`] reads it.
pub(super) fn base_json(state: &State) -> Result<String, StoreError> {
    #[derive(Serialize)]
    struct Whole<'a> {
        version: i64,
        state: &'a State,
    }
    let json = serde_json::to_string(&Whole { version: BASE_VERSION, state })
        .map_err(|error| rusqlite::Error::ToSqlConversionFailure(error.into()))?;
    Ok(json)
}

/// Folds in all events that follow a state, up to and including `until`. A state from before what
/// is kept cannot be gone on from: then it begins at the base, or there is no way to `until`.
pub(super) fn fold_on(
    conn: &Connection,
    state: &mut State,
    until: EventId,
) -> Result<(), StoreError> {
    // One look at the database: between two a purge could take away what is to be folded.
    let look = conn.unchecked_transaction()?;
    let base_id = base_id(&look)?;
    if state.last_event_id < base_id {
        if until < base_id {
            return Err(StoreError::Purged { first: base_id });
        }
        *state = base(&look)?;
    }
    {
        let mut statement = look.prepare_cached(&format!(
            "SELECT {EVENT_COLUMNS} FROM events WHERE id > ?1 AND id <= ?2 ORDER BY id"
        ))?;
        let mut rows = statement.query([state.last_event_id.cast_signed(), until.cast_signed()])?;
        while let Some(row) = rows.next()? {
            state.apply(&event(row)?);
        }
    }
    look.commit()?;
    Ok(())
}

/// An event out of a row of [`EVENT_COLUMNS`].
pub(super) fn event(row: &Row<'_>) -> rusqlite::Result<Event> {
    let kind = row.get_ref(4)?.as_str().unwrap_or_default();
    let payload = row.get_ref(5)?.as_str().unwrap_or_default();
    Ok(Event {
        id: row.get::<_, i64>(0)?.cast_unsigned(),
        timestamp_ms: row.get(1)?,
        source: Source::from_word(row.get_ref(2)?.as_str().unwrap_or_default()),
        batch_id: row.get(3)?,
        payload: Payload::from_json(kind, payload),
    })
}
