//! Events into their table, several with one statement: each statement keeps account of the highest
//! id and sets itself up anew, which for single rows is an eighth of the work.

use rusqlite::{CachedStatement, Connection};

use super::StoreError;
use super::columns::Columns;
use super::log::Record;
use super::projection::RowIds;

/// So many rows go into one statement.
pub(super) const AT_ONCE: usize = 8;

/// What stands in an event's row beside the event.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Row<'a> {
    pub(super) columns: Columns<'a>,
    pub(super) ids: RowIds,
}

macro_rules! insert {
    ($($row:literal)*) => {
        concat!(
            "INSERT INTO events (id, batch_id, story_id, command_id, timestamp, event_type,
                 epic_id, story_key, command, task_id, status, message, payload_json, source,
                 story_short)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            $($row, "(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)"),*
        )
    };
}

const ONE: &str = insert!();
const ALL: &str = insert!("," "," "," "," "," "," ",");

/// Inserts up to [`AT_ONCE`] events, each with the row of the same place.
pub(super) fn events(
    conn: &Connection,
    records: &[Record],
    rows: &[Row],
) -> Result<(), StoreError> {
    if records.len() == AT_ONCE {
        let mut statement = conn.prepare_cached(ALL)?;
        let mut at = 1;
        for (record, row) in records.iter().zip(rows) {
            at = bind(&mut statement, at, record, row)?;
        }
        statement.raw_execute()?;
        return Ok(());
    }
    let mut statement = conn.prepare_cached(ONE)?;
    for (record, row) in records.iter().zip(rows) {
        bind(&mut statement, 1, record, row)?;
        statement.raw_execute()?;
    }
    Ok(())
}

/// Binds one row's values from parameter `at` on; gives the number of the next one.
fn bind(
    statement: &mut CachedStatement,
    at: usize,
    record: &Record,
    Row { columns, ids }: &Row,
) -> Result<usize, StoreError> {
    let event = &record.event;
    let values: [&dyn rusqlite::ToSql; 15] = [
        &event.id.cast_signed(),
        &event.batch_id,
        &ids.story,
        &ids.command,
        &event.timestamp_ms,
        &event.payload.kind(),
        &columns.epic_id,
        &columns.story_key,
        &columns.command,
        &columns.task_id,
        &columns.status,
        &columns.message,
        &record.payload_json.get(),
        &event.source.as_str(),
        &columns.story_short,
    ];
    for (offset, value) in values.into_iter().enumerate() {
        statement.raw_bind_parameter(at + offset, value)?;
    }
    Ok(at + values.len())
}
