//! Commands as stretches of time.

use std::cmp::Reverse;

use rusqlite::types::Value;
use rusqlite::{Connection, OptionalExtension, Row, params_from_iter};

use super::Queries;
use super::batches::{batch, newest_batch};
use super::events::head;
use crate::domain::key;
use crate::store::StoreError;
use crate::store::rows::{Segment, Stretch, Timeline, Whose};

/// Segments in one answer.
const SEGMENTS: usize = 10_000;

/// A segment's message.
const MESSAGE_CHARS: usize = 200;

/// How far a row's own time may lie outside its batch's: late rows, clocks that differ.
const SLACK_MS: i64 = 3_600_000;

/// The schema from which on older databases can have been taken over.
const WITH_IMPORTED: i64 = 6;

/// The schema from which on a command's row says who told it.
const WITH_SOURCE: i64 = 3;

impl Queries {
    /// The newest commands in order of the log, within a stretch of time; all of it as it stood at
    /// one moment.
    pub fn timeline(&self, whose: Whose, stretch: Stretch) -> Result<Timeline, StoreError> {
        self.with(|conn| {
            // Only read; ends when it is dropped.
            let conn = &*conn.unchecked_transaction()?;
            let last_event_id = head(conn)?;
            let batch = match whose {
                Whose::All => None,
                Whose::Batch(id) => batch(conn, id)?,
                Whose::Newest => newest_batch(conn)?,
            };
            let batch_id = batch.as_ref().map(|batch| batch.id);
            if batch_id.is_none() && whose != Whose::All {
                return Ok(Timeline { last_event_id, ..Timeline::default() });
            }
            let (newest, all) = newest(conn, &ask(batch_id, stretch, by(conn)?))?;
            let source = if has_source(conn)? { "c.source" } else { "NULL" };
            let mut statement = conn.prepare_cached(&format!(
                "SELECT s.batch_id, s.story_key, s.epic_id, c.command, c.task_id, c.started_at,
                     c.ended_at, c.status, c.output_summary, {source}
                 FROM commands c CROSS JOIN stories s ON s.id = c.story_id WHERE c.id = ?1"
            ))?;
            let mut segments = Vec::with_capacity(newest.len());
            for id in &newest {
                segments.extend(statement.query_row([id], segment).optional()?);
            }
            let left_out = all - newest.len() as u64;
            Ok(Timeline { batch, segments, left_out, last_event_id })
        })
    }
}

/// The newest of what is asked for, ascending, and how many there are in all.
fn newest(conn: &Connection, asked: &Asked) -> Result<(Vec<i64>, u64), StoreError> {
    let mut statement = conn.prepare_cached(&asked.sql)?;
    let mut rows = statement.query(params_from_iter(&asked.values))?;
    // What it is newer by, and the id.
    let mut ids: Vec<(i64, i64)> = Vec::new();
    let mut all = 0;
    // They come story by story. Now and then the older half goes: SQLite would sort all of them.
    let trim = |ids: &mut Vec<(i64, i64)>| {
        if ids.len() > SEGMENTS {
            ids.select_nth_unstable_by_key(SEGMENTS - 1, |one| Reverse(*one));
            ids.truncate(SEGMENTS);
        }
    };
    while let Some(row) = rows.next()? {
        ids.push((row.get(1)?, row.get(0)?));
        all += 1;
        if ids.len() == 2 * SEGMENTS {
            trim(&mut ids);
        }
    }
    trim(&mut ids);
    let mut ids: Vec<i64> = ids.into_iter().map(|(_, id)| id).collect();
    ids.sort_unstable();
    Ok((ids, all))
}

fn segment(row: &Row<'_>) -> rusqlite::Result<Segment> {
    let command: String = row.get(3)?;
    let (command, attempt) = key::command_base(&command);
    let (story_key, epic_id): (String, String) = (row.get(1)?, row.get(2)?);
    let message: Option<String> = row.get(8)?;
    Ok(Segment {
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
    })
}

struct Asked {
    /// The ids of the commands, and what they are newer by.
    sql: String,
    values: Vec<Value>,
}

fn ask(batch_id: Option<i64>, stretch: Stretch, by: &str) -> Asked {
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
        None => "commands c",
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
    Asked { sql: format!("SELECT c.id, {by} FROM {tables}{wheres}"), values }
}

/// By what one command is newer than another: its place in the log says it, and needs no look at the
/// table, unless history of an older database came behind what is newer.
fn by(conn: &Connection) -> Result<&'static str, StoreError> {
    let schema: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    let imported = schema >= WITH_IMPORTED
        && conn
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM imported)")?
            .query_row([], |row| row.get(0))?;
    Ok(if imported { "c.started_at" } else { "c.id" })
}

/// A database that no newer server has opened yet is read as it is.
fn has_source(conn: &Connection) -> Result<bool, StoreError> {
    let schema: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    Ok(schema >= WITH_SOURCE)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Log;

    const ALL: Stretch = Stretch { from: None, to: None };

    fn between(from: i64, to: i64) -> Stretch {
        Stretch { from: Some(from), to: Some(to) }
    }

    /// `batches` batches of `stories` stories of `commands` commands, a second each, one by one;
    /// the last one runs.
    fn filled(batches: i64, stories: i64, commands: i64) -> (tempfile::TempDir, Queries) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let (_, queries) = Log::open(&path).unwrap();
        let conn = Connection::open(&path).unwrap();
        let sql = format!(
            "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {batches})
             INSERT INTO batches (id, started_at, ended_at, status)
                 SELECT i, (i - 1) * {a} * 1000, i * {a} * 1000, 'completed' FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {b})
             INSERT INTO stories (id, batch_id, story_key, epic_id, started_at)
                 SELECT i, (i - 1) / {stories} + 1, '1-' || i || '-x', '1', 0 FROM n;
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {c})
             INSERT INTO commands (id, story_id, command, task_id, started_at, ended_at, status,
                     output_summary, source)
                 SELECT i, (i - 1) / {commands} + 1, 'code-review-2', 't', (i - 1) * 1000,
                     i * 1000 - 1, 'completed', printf('%.*c', 300, 'm'), 'csv' FROM n;
             UPDATE commands SET ended_at = NULL, status = 'running' WHERE id = {c};
             UPDATE batches SET ended_at = NULL, status = 'running' WHERE id = {batches};",
            a = stories * commands,
            b = batches * stories,
            c = batches * stories * commands,
        );
        conn.execute_batch(&sql).unwrap();
        (dir, queries)
    }

    #[test]
    fn segments_of_one_batch_of_all_and_of_a_stretch() {
        let (_dir, queries) = filled(4, 3, 5);
        let starts = |whose: Whose, stretch: Stretch| {
            let found = queries.timeline(whose, stretch).unwrap();
            assert_eq!(found.left_out, 0);
            found.segments.iter().map(|one| one.start / 1000).collect::<Vec<_>>()
        };
        assert_eq!(starts(Whose::Batch(2), ALL), (15..30).collect::<Vec<_>>());
        assert_eq!(starts(Whose::All, ALL), (0..60).collect::<Vec<_>>());
        assert_eq!(starts(Whose::All, between(16_500, 18_000)), [16, 17, 18]);
        assert_eq!(starts(Whose::All, between(58_000, 90_000)), [58, 59]);
        assert_eq!(starts(Whose::All, between(80_000, 90_000)), [59], "it still runs");
        assert_eq!(starts(Whose::Batch(1), between(0, 2_000)), [0, 1, 2]);
        assert_eq!(starts(Whose::Batch(1), between(i64::MAX, i64::MIN)), [0; 0]);
        assert_eq!(starts(Whose::All, between(i64::MIN, i64::MAX)).len(), 60);
        assert_eq!(starts(Whose::Batch(99), ALL), [0; 0]);
        assert_eq!(starts(Whose::Newest, ALL), (45..60).collect::<Vec<_>>());
        let found = queries.timeline(Whose::All, ALL).unwrap();
        let last = found.segments.last().unwrap();
        assert_eq!((last.end, last.status.as_str()), (None, "running"));
        assert_eq!((last.command.as_str(), last.attempt), ("code-review", 2));
        assert_eq!(last.story_id.as_deref(), Some("1-12"));
        assert_eq!(last.source.as_deref(), Some("csv"));
        assert_eq!(last.message.as_ref().unwrap().len(), MESSAGE_CHARS);
    }

    #[test]
    fn beyond_the_cap_the_newest_are_given_and_the_rest_is_counted() {
        let (_dir, queries) = filled(3, 10, 1000);
        for stretch in [ALL, between(0, i64::MAX)] {
            let found = queries.timeline(Whose::All, stretch).unwrap();
            assert_eq!((found.segments.len(), found.left_out), (SEGMENTS, 20_000));
            assert_eq!(found.segments[0].start, 20_000_000);
            assert!(found.segments.is_sorted_by_key(|segment| segment.start));
        }
        let found = queries.timeline(Whose::Batch(1), ALL).unwrap();
        assert_eq!((found.segments.len(), found.left_out), (SEGMENTS, 0));
    }

    #[test]
    fn beside_taken_over_history_the_newest_are_told_by_their_time() {
        let (dir, queries) = filled(3, 10, 1000);
        let conn = Connection::open(dir.path().join("t.db")).unwrap();
        // The last batch is from long before.
        conn.execute_batch(
            "UPDATE commands SET started_at = started_at - 100000000 WHERE id > 20000;
             INSERT INTO imported VALUES (1, 1, 0, 3, 0);",
        )
        .unwrap();
        let found = queries.timeline(Whose::All, ALL).unwrap();
        assert_eq!((found.segments.len(), found.left_out), (SEGMENTS, 20_000));
        assert!(found.segments.iter().all(|segment| segment.batch_id == 2));
    }

    #[test]
    fn no_question_walks_a_table_that_it_need_not() {
        let (_dir, queries) = filled(1, 1, 1);
        for (batch, stretch) in [(Some(1), ALL), (None, between(0, 1)), (Some(1), between(0, 1))] {
            let Asked { sql, values } = ask(batch, stretch, "c.started_at");
            let plan: Vec<String> = queries
                .with(|conn| {
                    let mut plan = conn.prepare(&format!("EXPLAIN QUERY PLAN {sql}"))?;
                    let rows = plan.query_map(params_from_iter(&values), |row| row.get(3))?;
                    Ok(rows.collect::<Result<_, _>>()?)
                })
                .unwrap();
            let plan = plan.join("\n");
            assert!(
                plan.contains("stories_by_key") && plan.contains("commands_by_story"),
                "{plan}"
            );
            assert!(!plan.contains("SCAN s") && !plan.contains("SCAN c"), "{plan}");
        }
    }

    #[test]
    fn an_older_schema_is_read_as_it_is() {
        let (dir, queries) = filled(1, 1, 1);
        let conn = Connection::open(dir.path().join("t.db")).unwrap();
        conn.execute_batch("ALTER TABLE commands DROP COLUMN source; PRAGMA user_version = 2;")
            .unwrap();
        assert_eq!(queries.timeline(Whose::All, ALL).unwrap().segments[0].source, None);
    }
}
