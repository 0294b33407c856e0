//! Late rows, of a batch that has ended: looked up in the tables, as nothing of it is held open.

use rusqlite::{Connection, OptionalExtension, params};

use super::{RowIds, insert_story};
use crate::domain::event::Event;
use crate::store::StoreError;
use crate::store::columns::Columns;

/// The story's row in that batch.
pub(super) fn story(
    conn: &Connection,
    event: &Event,
    columns: &Columns<'_>,
    batch_id: i64,
) -> Result<Option<i64>, StoreError> {
    let known = conn
        .prepare_cached("SELECT id FROM stories WHERE batch_id = ?1 AND story_key = ?2")?
        .query_row(params![batch_id, columns.story_key], |row| row.get(0))
        .optional()?;
    match known {
        Some(id) => Ok(Some(id)),
        None => insert_story(conn, event, columns, batch_id).map(Some),
    }
}

/// A command that begins too late to be seen ending: its end as left open follows in the log.
pub(super) fn command_start(
    conn: &Connection,
    event: &Event,
    columns: &Columns<'_>,
    story: i64,
) -> Result<RowIds, StoreError> {
    conn.prepare_cached(
        "INSERT INTO commands (story_id, command, task_id, started_at, status, source)
         VALUES (?1, ?2, ?3, ?4, 'lost', ?5)",
    )?
    .execute(params![
        story,
        columns.command,
        columns.task_id,
        event.timestamp_ms,
        event.source.as_str()
    ])?;
    Ok(RowIds { story: Some(story), command: Some(conn.last_insert_rowid()) })
}

/// The newest row of that command that nobody has seen end.
pub(super) fn left_open(
    conn: &Connection,
    columns: &Columns<'_>,
    story: i64,
) -> Result<Option<i64>, StoreError> {
    Ok(conn
        .prepare_cached(
            "SELECT id FROM commands WHERE story_id = ?1 AND command = ?2 AND task_id = ?3
             AND status = 'lost' AND ended_at IS NULL ORDER BY id DESC LIMIT 1",
        )?
        .query_row(params![story, columns.command, columns.task_id], |row| row.get(0))
        .optional()?)
}
