//! Commands as stretches of time.

use rusqlite::types::Value;
use rusqlite::{Connection, params_from_iter};

use super::Queries;
use crate::domain::key;
use crate::store::StoreError;
use crate::store::rows::{Segment, Stretch, Timeline};

/// Segments in one answer.
const SEGMENTS: usize = 10_000;

/// A segment's message.
const MESSAGE_CHARS: usize = 200;

/// How far a row's own time may lie outside its batch's: late rows, clocks that differ.
const SLACK_MS: i64 = 3_600_000;

/// The schema from which on a command's row says who told it.
const WITH_SOURCE: i64 = 3;

impl Queries {
    /// The newest commands in order of the log, of one batch or of all, within a stretch of time.
    pub fn timeline(
        &self,
        batch_id: Option<i64>,
        stretch: Stretch,
    ) -> Result<Timeline, StoreError> {
        self.with(|conn| {
            let Asked { from, values } = ask(batch_id, stretch);
            let sql = select(&from, has_source(conn)?);
            let mut statement = conn.prepare_cached(&sql)?;
            let mut rows = statement.query(params_from_iter(&values))?;
            let mut segments = Vec::new();
            while let Some(row) = rows.next()? {
                let command: String = row.get(3)?;
                let (command, attempt) = key::command_base(&command);
                let (story_key, epic_id): (String, String) = (row.get(1)?, row.get(2)?);
                let message: Option<String> = row.get(8)?;
                segments.push(Segment {
                    batch_id: row.get(0)?,
                    story_id: key::short_id(&story_key, Some(&epic_id)),
                    story_key,
                    epic_id,
                    command,
                    task_id: row.get(4)?,
                    attempt: attempt.unwrap_or(1),
                    start: row.get(5)?,
                    end: row.get(6)?,
                    status: row.get(7)?,
                    source: row.get(9)?,
                    message: message.map(|text| text.chars().take(MESSAGE_CHARS).collect()),
                });
            }
            segments.reverse();
            let left_out = if segments.len() < SEGMENTS {
                0
            } else {
                let mut statement = conn.prepare_cached(&count(&from))?;
                let all: i64 = statement.query_row(params_from_iter(&values), |row| row.get(0))?;
                u64::try_from(all).unwrap_or(0).saturating_sub(segments.len() as u64)
            };
            Ok(Timeline { segments, left_out })
        })
    }
}

struct Asked {
    /// From what, under which conditions.
    from: String,
    values: Vec<Value>,
}

fn ask(batch_id: Option<i64>, stretch: Stretch) -> Asked {
    let Stretch { from, to } = stretch;
    let bounded = from.is_some() || to.is_some();
    let mut wheres: Vec<&str> = Vec::new();
    let mut values: Vec<Value> = Vec::new();
    // Which table leads: without CROSS the planner may walk all commands for one batch's.
    let tables = match batch_id {
        Some(batch_id) => {
            wheres.push("s.batch_id = ?");
            values.push(batch_id.into());
            "stories s CROSS JOIN commands c ON c.story_id = s.id"
        }
        // There are few batches, and a command lies within its batch: no index over time is needed.
        None if bounded => {
            wheres.push("b.started_at <= ? AND (b.ended_at IS NULL OR b.ended_at >= ?)");
            values.push(to.unwrap_or(i64::MAX).saturating_add(SLACK_MS).into());
            values.push(from.unwrap_or(i64::MIN).saturating_sub(SLACK_MS).into());
            "batches b CROSS JOIN stories s ON s.batch_id = b.id
             CROSS JOIN commands c ON c.story_id = s.id"
        }
        None => "commands c CROSS JOIN stories s ON s.id = c.story_id",
    };
    if let Some(to) = to {
        wheres.push("c.started_at <= ?");
        values.push(to.into());
    }
    if let Some(from) = from {
        // What runs has not ended; of what was lost only the start is known.
        wheres.push("(c.ended_at >= ? OR c.status = 'running' OR c.started_at >= ?)");
        values.extend([from.into(), from.into()]);
    }
    let wheres =
        if wheres.is_empty() { String::new() } else { format!(" WHERE {}", wheres.join(" AND ")) };
    Asked { from: format!("{tables}{wheres}"), values }
}

fn select(from: &str, has_source: bool) -> String {
    let source = if has_source { "c.source" } else { "NULL" };
    format!(
        "SELECT s.batch_id, s.story_key, s.epic_id, c.command, c.task_id, c.started_at, c.ended_at,
             c.status, c.output_summary, {source}
         FROM {from} ORDER BY c.id DESC LIMIT {SEGMENTS}"
    )
}

fn count(from: &str) -> String {
    // Each command has its story: who counts all of them need not look.
    let from = from.strip_suffix(" CROSS JOIN stories s ON s.id = c.story_id").unwrap_or(from);
    format!("SELECT count(*) FROM {from}")
}

/// A database that no newer server has opened yet is read as it is.
fn has_source(conn: &Connection) -> Result<bool, StoreError> {
    let schema: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(schema >= WITH_SOURCE)
}
