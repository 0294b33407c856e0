//! Takes the events over: in their own order, each once, behind what is there.

use rusqlite::{OptionalExtension, Row, params};

use super::payload::{BatchTold, Told, payload};
use super::places::{Identity, Of};
use super::take::Taking;
use super::values::{digest, number, stamp, text, time, word};
use super::words;
use crate::domain::key;
use crate::store::StoreError;

/// The rows an event belongs to: numbers there, and here.
#[derive(Debug, Clone, Copy, Default)]
struct Belongs {
    batch: Option<(i64, i64)>,
    story: Option<i64>,
    command: Option<i64>,
}

impl Taking<'_> {
    pub(super) fn events(&mut self) -> Result<(), StoreError> {
        let keeps = self.keeps("events")?;
        let mut next: i64 = self.target.query_row(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'events'",
            [],
            |row| row.get(0),
        )?;
        self.spans.sort_unstable();
        let mut last = 0;
        let mut read = self.source.prepare(&self.shape.select("events"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            self.step();
            let Some(id) = self.id_of("events", row)? else { continue };
            let at = time(row.get_ref(4)?);
            let content = digest(&[
                &stamp(row.get_ref(4)?),
                &word(row.get_ref(6)?),
                &word(row.get_ref(7)?),
                &word(row.get_ref(8)?),
                &word(row.get_ref(9)?),
                &word(row.get_ref(10)?),
                &word(row.get_ref(11)?),
            ]);
            let target = if keeps { id } else { next + 1 };
            let identity = Identity { of: Of::Event, id, content };
            if identity.keep_new(self.target, target)? {
                if at.is_none() {
                    self.tally.times.add(format!("event {id}"));
                }
                self.event(row, id, target, at.unwrap_or(last))?;
                next = target;
                self.tally.events.taken += 1;
            } else {
                self.tally.events.known += 1;
            }
            last = at.unwrap_or(last);
        }
        Ok(())
    }

    fn event(&mut self, row: &Row<'_>, id: i64, target: i64, at: i64) -> Result<(), StoreError> {
        let belongs = self.belongs(row, at)?;
        let mut clean = true;
        let mut column = |index: usize| {
            let (text, is_text) = text(row.get_ref(index)?);
            clean &= is_text;
            Ok::<_, StoreError>(text)
        };
        let (own_kind, epic, story_key) = (column(5)?, column(6)?, column(7)?);
        let (command, task_id, status) = (column(8)?, column(9)?, column(10)?);
        let (message, stored) = (column(11)?, column(12)?);
        let epic = key::normalise_epic(&epic);
        let message = Some(message.as_ref()).filter(|text| !text.is_empty());
        let kind = words::event_type(&own_kind, &status);
        let told = Told {
            kind,
            epic_id: &epic,
            story_key: &story_key,
            command: &command,
            task_id: &task_id,
            status: &status,
            message,
            payload: &stored,
            batch: belongs.batch,
        };
        let (payload_json, readable) = payload(&told, |batch| self.batch_told(batch));
        self.target
            .prepare_cached(
                "INSERT INTO events (id, batch_id, story_id, command_id, timestamp, event_type,
                     epic_id, story_key, command, task_id, status, message, payload_json, source,
                     story_short)
                 VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, 'orchestrator',
                     ?14)",
            )?
            .execute(params![
                target,
                belongs.batch.map(|(_, here)| here),
                belongs.story,
                belongs.command,
                at,
                kind,
                epic,
                story_key,
                command,
                task_id,
                status,
                message,
                payload_json,
                key::short_id(&story_key, Some(&epic)),
            ])?;
        if !readable {
            self.tally.payloads.add(id);
        }
        if !clean {
            self.tally.texts.add(id);
        }
        Ok(())
    }

    /// Which rows it belongs to. Where the batch is not said, its story, its command or its time
    /// says it.
    fn belongs(&self, row: &Row<'_>, at: i64) -> Result<Belongs, StoreError> {
        let command = number(row.get_ref(3)?).and_then(|command| self.commands.find(command));
        let mut story = number(row.get_ref(2)?).and_then(|story| self.stories.find(story));
        if let (None, Some(command)) = (story, command) {
            story = self.story_of_command(command)?;
        }
        let told = number(row.get_ref(1)?)
            .and_then(|there| self.batches.find(there).map(|here| (there, here)));
        let batch = match (told, story) {
            (Some(told), _) => Some(told),
            // The number there is not known: nothing of the payload is to be read as it.
            (None, Some(story)) => self.batch_of_story(story)?.map(|here| (0, here)),
            (None, None) => self.batch_at(at).map(|here| (0, here)),
        };
        Ok(Belongs { batch, story, command })
    }

    /// The batch under way at a moment, the one begun last.
    fn batch_at(&self, at: i64) -> Option<i64> {
        let until = self.spans.partition_point(|(started, ..)| *started <= at);
        let (started, ended, batch) = self.spans[..until].last()?;
        (*started > 0 && ended.is_none_or(|ended| at <= ended)).then_some(*batch)
    }

    fn batch_told(&self, batch: i64) -> Option<BatchTold> {
        // What cannot be asked is left out of a payload that says nothing anyway.
        let mut read = self
            .target
            .prepare_cached(
                "SELECT started_at, ended_at, max_cycles, cycles_completed, status, reason
                 FROM batches WHERE id = ?1",
            )
            .ok()?;
        read.query_row([batch], |row| {
            Ok(BatchTold {
                started_at: row.get(0)?,
                ended_at: row.get(1)?,
                max_cycles: row.get(2)?,
                cycles_completed: row.get(3)?,
                status: row.get(4)?,
                reason: row.get(5)?,
            })
        })
        .optional()
        .ok()?
    }
}
