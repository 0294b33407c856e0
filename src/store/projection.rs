//! The tables `batches`, `stories`, `commands` and `background_tasks`: folded from the events, in
//! their transaction.
//!
//! A row of `commands` is one start..end of (batch, story, command, task). A second start without
//! an end leaves the first `lost`; an end without a start is a row that starts when it ends. A late
//! row of a batch that has ended is put into that batch: its end mends the row that was left open.

mod late;
#[cfg(test)]
mod tests;

use std::collections::HashMap;

use rusqlite::{Connection, OptionalExtension, params};

use super::StoreError;
use super::columns::Columns;
use crate::domain::event::Event;
use crate::domain::payload::{
    AgentStart, Background, BatchEnd, BatchStart, CycleStart, Payload, StoryStatus,
};
use crate::domain::state::Active;
use crate::domain::status::{CommandOutcome, canonical, command_outcome};

/// Messages kept with a command are cut here.
const SUMMARY_CHARS: usize = 500;

/// Epic and story in the rows of whoever makes the project context.
const CONTEXT: &str = "context";

/// The rows an event belongs to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct RowIds {
    /// Row of `stories`.
    pub(super) story: Option<i64>,
    /// Row of `commands`.
    pub(super) command: Option<i64>,
}

/// Row numbers of what is open, so that an event needs no look-up. Rebuilt from the tables when a
/// transaction failed.
#[derive(Debug, Default)]
pub(super) struct Projection {
    batch_id: i64,
    stories: HashMap<String, i64>,
    open: HashMap<String, i64>,
}

impl Projection {
    /// Reads what is open back from the tables.
    pub(super) fn load(conn: &Connection) -> Result<Self, StoreError> {
        let batch_id: Option<i64> = conn
            .query_row("SELECT max(id) FROM batches WHERE status = 'running'", [], |row| row.get(0))
            .optional()?
            .flatten();
        let mut projection = Self { batch_id: batch_id.unwrap_or_default(), ..Self::default() };
        let mut statement =
            conn.prepare("SELECT id, story_key FROM stories WHERE batch_id = ?1")?;
        let mut rows = statement.query([projection.batch_id])?;
        while let Some(row) = rows.next()? {
            projection.stories.insert(row.get(1)?, row.get(0)?);
        }
        let mut statement = conn.prepare(
            "SELECT c.id, s.story_key, c.command, c.task_id FROM commands c INDEXED BY commands_running
             JOIN stories s ON s.id = c.story_id
             WHERE s.batch_id = ?1 AND c.status = 'running' ORDER BY c.id",
        )?;
        let mut rows = statement.query([projection.batch_id])?;
        while let Some(row) = rows.next()? {
            let (story, command, task): (String, String, String) =
                (row.get(1)?, row.get(2)?, row.get(3)?);
            projection.open.insert(Active::slot(&story, &command, &task), row.get(0)?);
        }
        Ok(projection)
    }

    /// Folds one event into the tables.
    pub(super) fn apply(
        &mut self,
        conn: &Connection,
        event: &Event,
        columns: &Columns<'_>,
    ) -> Result<RowIds, StoreError> {
        match &event.payload {
            Payload::BatchStart(body) => self.batch_start(conn, body)?,
            Payload::BatchEnd(body) => self.batch_end(conn, event, body)?,
            Payload::CycleStart(body) => self.cycle_start(conn, event, body)?,
            Payload::CycleEnd(_) => {
                conn.prepare_cached(
                    "UPDATE batches SET cycles_completed = cycles_completed + 1 WHERE id = ?1",
                )?
                .execute([event.batch_id])?;
            }
            Payload::CommandStart(_) => return self.command_start(conn, event, columns),
            Payload::CommandProgress(_) => {
                let story = self.story(conn, event, columns)?;
                let slot = Active::slot(columns.story_key, columns.command, columns.task_id);
                return Ok(RowIds { story, command: self.open.get(&slot).copied() });
            }
            Payload::CommandEnd(_) => return self.command_end(conn, event, columns),
            Payload::StoryStatus(body) => return self.story_status(conn, event, body),
            Payload::AgentStart(body) => background_start(conn, event, body)?,
            Payload::BackgroundComplete(body) => {
                background_end(conn, event, body, "completed")?;
            }
            Payload::BackgroundError(body) => background_end(conn, event, body, "failed")?,
            _ => {}
        }
        Ok(RowIds::default())
    }

    fn batch_start(&mut self, conn: &Connection, body: &BatchStart) -> Result<(), StoreError> {
        conn.prepare_cached(
            "INSERT INTO batches (id, started_at, max_cycles, origin, batch_mode, size)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?
        .execute(params![
            body.batch_id,
            body.started_at,
            body.max_cycles,
            body.origin,
            body.batch_mode,
            body.size
        ])?;
        *self = Self { batch_id: body.batch_id, ..Self::default() };
        Ok(())
    }

    fn batch_end(
        &mut self,
        conn: &Connection,
        event: &Event,
        body: &BatchEnd,
    ) -> Result<(), StoreError> {
        conn.prepare_cached(
            "UPDATE batches SET ended_at = ?2, status = ?3, reason = ?4, cycles_completed = ?5
             WHERE id = ?1",
        )?
        .execute(params![
            body.batch_id,
            event.timestamp_ms,
            body.status,
            body.reason,
            body.cycles_completed
        ])?;
        conn.prepare_cached(
            "UPDATE background_tasks SET status = 'lost' WHERE batch_id = ?1 AND status = 'running'",
        )?
        .execute([body.batch_id])?;
        *self = Self::default();
        Ok(())
    }

    /// The stories of a cycle are the batch's from its start on, not only from their first command.
    fn cycle_start(
        &mut self,
        conn: &Connection,
        event: &Event,
        body: &CycleStart,
    ) -> Result<(), StoreError> {
        for story_key in &body.story_keys {
            if event.batch_id != Some(self.batch_id) || self.stories.contains_key(story_key) {
                continue;
            }
            let epic_id: Option<String> = conn
                .prepare_cached(
                    "SELECT epic_id FROM events WHERE story_key = ?1 AND epic_id <> ''
                     ORDER BY id DESC LIMIT 1",
                )?
                .query_row([story_key], |row| row.get(0))
                .optional()?;
            // Its events may have been purged; the rows of earlier batches stay.
            let epic_id = match epic_id {
                Some(epic_id) => epic_id,
                None => conn
                    .prepare_cached(
                        "SELECT epic_id FROM stories WHERE story_key = ?1 AND epic_id <> ''
                         ORDER BY id DESC LIMIT 1",
                    )?
                    .query_row([story_key], |row| row.get(0))
                    .optional()?
                    .unwrap_or_default(),
            };
            let columns = Columns { story_key, epic_id: &epic_id, ..Columns::default() };
            self.story(conn, event, &columns)?;
        }
        Ok(())
    }

    fn command_start(
        &mut self,
        conn: &Connection,
        event: &Event,
        columns: &Columns<'_>,
    ) -> Result<RowIds, StoreError> {
        let Some(story) = self.story(conn, event, columns)? else { return Ok(RowIds::default()) };
        if event.batch_id != Some(self.batch_id) {
            return late::command_start(conn, event, columns, story);
        }
        let slot = Active::slot(columns.story_key, columns.command, columns.task_id);
        if let Some(first) = self.open.remove(&slot) {
            conn.prepare_cached("UPDATE commands SET status = 'lost' WHERE id = ?1")?
                .execute([first])?;
        }
        conn.prepare_cached(
            "INSERT INTO commands (story_id, command, task_id, started_at, source)
             VALUES (?1, ?2, ?3, ?4, ?5)",
        )?
        .execute(params![
            story,
            columns.command,
            columns.task_id,
            event.timestamp_ms,
            event.source.as_str()
        ])?;
        let command = conn.last_insert_rowid();
        self.open.insert(slot, command);
        Ok(RowIds { story: Some(story), command: Some(command) })
    }

    fn command_end(
        &mut self,
        conn: &Connection,
        event: &Event,
        columns: &Columns<'_>,
    ) -> Result<RowIds, StoreError> {
        let Some(story) = self.story(conn, event, columns)? else { return Ok(RowIds::default()) };
        let slot = Active::slot(columns.story_key, columns.command, columns.task_id);
        let status = match (columns.status, command_outcome(columns.status)) {
            ("left-open", _) => "lost",
            (_, CommandOutcome::Completed) => "completed",
            (_, CommandOutcome::Failed) => "failed",
        };
        let summary = columns.message.map(|text| cut(text, SUMMARY_CHARS));
        let open = if event.batch_id == Some(self.batch_id) {
            self.open.remove(&slot)
        } else {
            late::left_open(conn, columns, story)?
        };
        let command = if let Some(open) = open {
            // Nobody saw a command that was left open end.
            let ended_at = (status != "lost").then_some(event.timestamp_ms);
            conn.prepare_cached(
                "UPDATE commands SET ended_at = ?2, status = ?3, output_summary = ?4 WHERE id = ?1",
            )?
            .execute(params![open, ended_at, status, summary])?;
            open
        } else {
            conn.prepare_cached(
                "INSERT INTO commands
                     (story_id, command, task_id, started_at, ended_at, status, output_summary,
                      source)
                 VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7)",
            )?
            .execute(params![
                story,
                columns.command,
                columns.task_id,
                event.timestamp_ms,
                status,
                summary,
                event.source.as_str()
            ])?;
            conn.last_insert_rowid()
        };
        Ok(RowIds { story: Some(story), command: Some(command) })
    }

    /// A status change of a story that the running batch works on.
    fn story_status(
        &mut self,
        conn: &Connection,
        event: &Event,
        body: &StoryStatus,
    ) -> Result<RowIds, StoreError> {
        let known = event.batch_id == Some(self.batch_id);
        let Some(story) = self.stories.get(&body.story_key).copied().filter(|_| known) else {
            return Ok(RowIds::default());
        };
        if let (Some(raw), Some(class)) = (&body.new_status, &body.status_class) {
            let status = match class.as_str() {
                "other" if canonical(raw) == "blocked" => "blocked",
                "other" => "in-progress",
                class => class,
            };
            let over = matches!(status, "done" | "blocked");
            let ended_at = over.then_some(event.timestamp_ms);
            conn.prepare_cached(
                "UPDATE stories SET status = ?2, status_raw = ?3, ended_at = ?4 WHERE id = ?1",
            )?
            .execute(params![story, status, raw, ended_at])?;
        }
        Ok(RowIds { story: Some(story), command: None })
    }

    /// The story's row in the running batch, made at its first command.
    fn story(
        &mut self,
        conn: &Connection,
        event: &Event,
        columns: &Columns<'_>,
    ) -> Result<Option<i64>, StoreError> {
        let Some(batch_id) = event.batch_id else { return Ok(None) };
        // Who makes the project context says so in both places: that is work for no story.
        if columns.story_key == CONTEXT && columns.epic_id == CONTEXT {
            return Ok(None);
        }
        if batch_id != self.batch_id {
            return late::story(conn, event, columns, batch_id);
        }
        if let Some(id) = self.stories.get(columns.story_key) {
            return Ok(Some(*id));
        }
        let id = insert_story(conn, event, columns, batch_id)?;
        self.stories.insert(columns.story_key.to_owned(), id);
        Ok(Some(id))
    }
}

fn insert_story(
    conn: &Connection,
    event: &Event,
    columns: &Columns<'_>,
    batch_id: i64,
) -> Result<i64, StoreError> {
    conn.prepare_cached(
        "INSERT INTO stories (batch_id, story_key, epic_id, started_at) VALUES (?1, ?2, ?3, ?4)",
    )?
    .execute(params![batch_id, columns.story_key, columns.epic_id, event.timestamp_ms])?;
    Ok(conn.last_insert_rowid())
}

/// An agent of a background chain: the chain's row, begun by its first agent.
fn background_start(conn: &Connection, event: &Event, body: &AgentStart) -> Result<(), StoreError> {
    let (Some(task_id), Some(batch_id)) = (&body.background_task, event.batch_id) else {
        return Ok(());
    };
    conn.prepare_cached(
        "INSERT INTO background_tasks (batch_id, story_key, task_type, spawned_at, task_id)
         SELECT ?1, ?2, ?3, ?4, ?5 WHERE NOT EXISTS (
             SELECT 1 FROM background_tasks
             WHERE batch_id = ?1 AND task_id = ?5 AND status = 'running')",
    )?
    .execute(params![
        batch_id,
        body.story_keys.join(","),
        body.command,
        event.timestamp_ms,
        task_id
    ])?;
    Ok(())
}

fn background_end(
    conn: &Connection,
    event: &Event,
    body: &Background,
    otherwise: &str,
) -> Result<(), StoreError> {
    // What ends a chain says how; `running` would leave it open.
    let status = match body.status.as_str() {
        "" | "running" => otherwise,
        word => word,
    };
    conn.prepare_cached(
        "UPDATE background_tasks SET status = ?3, completed_at = ?4
         WHERE batch_id = ?1 AND task_id = ?2 AND status = 'running'",
    )?
    .execute(params![event.batch_id, body.task_id, status, event.timestamp_ms])?;
    Ok(())
}

/// The first `chars` characters.
fn cut(text: &str, chars: usize) -> &str {
    text.char_indices().nth(chars).map_or(text, |(end, _)| &text[..end])
}
