//! Questions about batches, their stories and commands.

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, Row, params};

use super::Queries;
use crate::store::StoreError;
use crate::store::rows::{BatchRow, CommandRow, StoryRow};

/// The schema from which on a batch's row says what was purged of it.
const WITH_PURGED: i64 = 4;

/// A database that no newer server has opened yet is read as it is.
fn rows_of_batches(conn: &Connection) -> Result<String, StoreError> {
    let schema: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let purged = if schema >= WITH_PURGED { "b.purged_events" } else { "0" };
    Ok(format!(
        "SELECT b.id, b.started_at, b.ended_at, b.max_cycles, b.cycles_completed, b.status,
             (SELECT count(*) FROM stories s WHERE s.batch_id = b.id), b.origin, {purged}
         FROM batches b"
    ))
}

impl Queries {
    /// Batches, newest first, and how many there are. By time: one of an older database has a later
    /// id than some that it preceded.
    pub fn batches(&self, limit: u32, offset: u32) -> Result<(Vec<BatchRow>, i64), StoreError> {
        self.with(|conn| {
            let rows = rows_of_batches(conn)?;
            let mut statement = conn.prepare_cached(&format!(
                "{rows} ORDER BY b.started_at DESC, b.id DESC LIMIT ?1 OFFSET ?2"
            ))?;
            let rows = statement.query_map(params![limit, offset], batch_row)?;
            let rows = rows.collect::<Result<_, _>>()?;
            let total = conn
                .prepare_cached("SELECT count(*) FROM batches")?
                .query_row([], |row| row.get(0))?;
            Ok((rows, total))
        })
    }

    /// One batch's row.
    pub fn batch(&self, id: i64) -> Result<Option<BatchRow>, StoreError> {
        self.with(|conn| batch(conn, id))
    }

    /// The stories of a batch with their commands.
    pub fn stories(&self, batch_id: i64) -> Result<Vec<StoryRow>, StoreError> {
        self.with(|conn| stories(conn, Some(batch_id), None))
    }

    /// The stories of all batches in order of start, with the newest `most` commands of them all.
    pub fn all_stories(&self, most: u32) -> Result<Vec<StoryRow>, StoreError> {
        self.with(|conn| stories(conn, None, Some(most)))
    }
}

/// What a story's commands add up to, those left out included.
struct Sum {
    count: i64,
    running: bool,
    last_end: Option<i64>,
}

fn stories(
    conn: &Connection,
    batch_id: Option<i64>,
    most: Option<u32>,
) -> Result<Vec<StoryRow>, StoreError> {
    // Not one condition for both: behind an OR no index would lead to a batch's own.
    let whose = if batch_id.is_some() { "s.batch_id = ?1" } else { "?1 IS NULL" };
    let mut statement = conn.prepare_cached(&format!(
        "SELECT s.id, s.story_key, s.epic_id, s.status, s.started_at, s.ended_at, count(c.id),
             coalesce(sum(c.status = 'running'), 0), max(c.ended_at)
         FROM stories s LEFT JOIN commands c ON c.story_id = s.id
         WHERE {whose} GROUP BY s.id ORDER BY s.started_at, s.id",
    ))?;
    let rows = statement.query_map([batch_id], |row| {
        let story = StoryRow {
            id: row.get(0)?,
            story_key: row.get(1)?,
            epic_id: row.get(2)?,
            status: row.get(3)?,
            started_at: row.get(4)?,
            ended_at: row.get(5)?,
            duration_seconds: None,
            command_count: 0,
            commands: Vec::new(),
        };
        let running: i64 = row.get(7)?;
        Ok(settled(story, &Sum { count: row.get(6)?, running: running > 0, last_end: row.get(8)? }))
    })?;
    let mut stories: Vec<StoryRow> = rows.collect::<Result<_, _>>()?;
    let places: HashMap<i64, usize> =
        stories.iter().enumerate().map(|(place, story)| (story.id, place)).collect();
    let mut statement = conn.prepare_cached(&format!(
        "SELECT c.story_id, c.id, c.command, c.task_id, c.status, c.started_at, c.ended_at,
             c.output_summary
         FROM commands c JOIN stories s ON s.id = c.story_id
         WHERE {whose} ORDER BY c.id DESC LIMIT ?2",
    ))?;
    // A negative limit is none.
    let mut rows = statement.query(params![batch_id, most.map_or(-1, i64::from)])?;
    while let Some(row) = rows.next()? {
        if let Some(place) = places.get(&row.get(0)?) {
            stories[*place].commands.push(command_row(row)?);
        }
    }
    for story in &mut stories {
        story.commands.reverse();
    }
    Ok(stories)
}

/// What follows from a story's commands: its count, its end and its duration.
fn settled(mut story: StoryRow, commands: &Sum) -> StoryRow {
    story.command_count = commands.count;
    if story.ended_at.is_none() && !commands.running {
        story.ended_at = commands.last_end;
    }
    story.duration_seconds = story.ended_at.map(|ended_at| seconds(story.started_at, ended_at));
    story
}

fn seconds(from_ms: i64, to_ms: i64) -> f64 {
    (to_ms - from_ms).max(0) as f64 / 1000.0
}

pub(super) fn batch(conn: &Connection, id: i64) -> Result<Option<BatchRow>, StoreError> {
    let rows = rows_of_batches(conn)?;
    let mut statement = conn.prepare_cached(&format!("{rows} WHERE b.id = ?1"))?;
    Ok(statement.query_row([id], batch_row).optional()?)
}

/// The open one, else the newest.
pub(super) fn newest_batch(conn: &Connection) -> Result<Option<BatchRow>, StoreError> {
    let rows = rows_of_batches(conn)?;
    let mut statement = conn.prepare_cached(&format!(
        "{rows} ORDER BY b.ended_at IS NULL DESC, b.started_at DESC, b.id DESC LIMIT 1"
    ))?;
    Ok(statement.query_row([], batch_row).optional()?)
}

fn batch_row(row: &Row<'_>) -> rusqlite::Result<BatchRow> {
    let started_at: i64 = row.get(1)?;
    let ended_at: Option<i64> = row.get(2)?;
    Ok(BatchRow {
        id: row.get(0)?,
        started_at,
        ended_at,
        max_cycles: row.get(3)?,
        cycles_completed: row.get(4)?,
        status: row.get(5)?,
        story_count: row.get(6)?,
        duration_seconds: ended_at.map(|ended_at| seconds(started_at, ended_at)),
        origin: row.get(7)?,
        purged_events: row.get(8)?,
    })
}

fn command_row(row: &Row<'_>) -> rusqlite::Result<CommandRow> {
    Ok(CommandRow {
        id: row.get(1)?,
        command: row.get(2)?,
        task_id: row.get(3)?,
        status: row.get(4)?,
        started_at: row.get(5)?,
        ended_at: row.get(6)?,
        output_summary: row.get(7)?,
    })
}
