//! Full-text search: an index that follows the log by a cursor of its own.
//!
//! It is filled outside the commits that readers wait for; a query first asks the writer to catch
//! up, so that no answer lacks what is already in the log.

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use crate::domain::event::EventId;

/// The last event taken into the index.
pub(super) fn cursor(conn: &Connection) -> Result<EventId, StoreError> {
    let text: Option<String> = conn
        .query_row("SELECT value FROM meta WHERE key = 'search_cursor'", [], |row| row.get(0))
        .optional()?;
    Ok(text.and_then(|text| text.parse().ok()).unwrap_or(0))
}

/// Takes up to `limit` events behind `after` into the index; returns the new cursor.
pub(super) fn index(
    conn: &mut Connection,
    after: EventId,
    limit: u32,
) -> Result<EventId, StoreError> {
    let transaction = conn.transaction()?;
    let mut last = after;
    {
        let mut read = transaction.prepare_cached(
            "SELECT id, event_type, epic_id, story_key, command, task_id, status, message
             FROM events WHERE id > ?1 ORDER BY id LIMIT ?2",
        )?;
        let mut write =
            transaction.prepare_cached("INSERT INTO search (rowid, body) VALUES (?1, ?2)")?;
        let mut rows = read.query(params![after.cast_signed(), limit])?;
        let mut body = String::new();
        while let Some(row) = rows.next()? {
            body.clear();
            for column in 1..=7 {
                if let Some(text) =
                    row.get_ref(column)?.as_str_or_null().map_err(rusqlite::Error::from)?
                {
                    body.push_str(text);
                    body.push(' ');
                }
            }
            let id: i64 = row.get(0)?;
            write.execute(params![id, body])?;
            last = id.cast_unsigned();
        }
    }
    transaction.execute(
        "INSERT OR REPLACE INTO meta (key, value) VALUES ('search_cursor', ?1)",
        [last.to_string()],
    )?;
    transaction.commit()?;
    Ok(last)
}

/// What people type, as a query that cannot fail: every word must occur, the last letters open.
/// `None` when there is no word in it.
pub(super) fn expression(text: &str) -> Option<String> {
    let words: Vec<String> = text
        .split_whitespace()
        .filter(|word| word.chars().any(char::is_alphanumeric))
        .map(|word| format!("\"{}\"*", word.replace('"', "\"\"").replace('\0', "")))
        .collect();
    (!words.is_empty()).then(|| words.join(" "))
}
