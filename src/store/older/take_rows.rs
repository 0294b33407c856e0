//! Takes commands and background tasks over.

use rusqlite::params;

use super::places::{Identity, Of};
use super::take::Taking;
use super::values::{digest, number, stamp, text, time, word};
use super::words;
use crate::store::StoreError;

impl Taking<'_> {
    pub(super) fn commands(&mut self) -> Result<(), StoreError> {
        let keeps = self.keeps("commands")?;
        let mut last = 0;
        let mut read = self.source.prepare(&self.shape.select("commands"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            self.step();
            let Some(id) = self.id_of("commands", row)? else { continue };
            let Some(story) = number(row.get_ref(1)?).and_then(|story| self.stories.find(story))
            else {
                self.tally.left_out.add(format!("commands row {id}: no story"));
                continue;
            };
            let (command, task_id) = (word(row.get_ref(2)?), word(row.get_ref(3)?));
            let started = time(row.get_ref(4)?);
            let ended = time(row.get_ref(5)?);
            let told = word(row.get_ref(6)?);
            let summary = Some(text(row.get_ref(7)?).0).filter(|text| !text.is_empty());
            let content =
                digest(&[&word(row.get_ref(1)?), &command, &task_id, &stamp(row.get_ref(4)?)]);
            let seen =
                digest(&[&told, &stamp(row.get_ref(5)?), summary.as_deref().unwrap_or_default()]);
            let identity = Identity { of: Of::Command, id, content };
            let status = words::command_status(&told);
            let target = match identity.known(self.target, seen)? {
                Some((target, false)) => {
                    self.tally.commands.known += 1;
                    target
                }
                Some((target, true)) => {
                    self.tally.commands.changed += 1;
                    self.target
                        .prepare_cached(
                            "UPDATE commands SET ended_at = ?2, status = ?3, output_summary = ?4
                             WHERE id = ?1",
                        )?
                        .execute(params![target, ended, status, summary])?;
                    target
                }
                None => {
                    self.tally.commands.taken += 1;
                    if started.is_none() {
                        self.tally.times.add(format!("command {id}"));
                    }
                    self.target
                        .prepare_cached(
                            "INSERT INTO commands (id, story_id, command, task_id, started_at,
                                 ended_at, status, output_summary, source)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'orchestrator')",
                        )?
                        .execute(params![
                            keeps.then_some(id),
                            story,
                            command,
                            task_id,
                            started.or(ended).unwrap_or(last),
                            ended,
                            status,
                            summary
                        ])?;
                    self.target.last_insert_rowid()
                }
            };
            last = started.unwrap_or(last);
            identity.keep(self.target, target, seen)?;
            self.commands.push(id, target);
        }
        Ok(())
    }

    pub(super) fn tasks(&mut self) -> Result<(), StoreError> {
        let keeps = self.keeps("background_tasks")?;
        let mut last = 0;
        let mut read = self.source.prepare(&self.shape.select("background_tasks"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            self.step();
            let Some(id) = self.id_of("background_tasks", row)? else { continue };
            let Some(batch) = number(row.get_ref(1)?).and_then(|batch| self.batches.find(batch))
            else {
                self.tally.left_out.add(format!("background_tasks row {id}: no batch"));
                continue;
            };
            let (story_key, kind) = (word(row.get_ref(2)?), word(row.get_ref(3)?));
            let spawned = time(row.get_ref(4)?);
            let completed = time(row.get_ref(5)?);
            let told = word(row.get_ref(6)?);
            let content =
                digest(&[&word(row.get_ref(1)?), &story_key, &kind, &stamp(row.get_ref(4)?)]);
            let seen = digest(&[&told, &stamp(row.get_ref(5)?)]);
            let identity = Identity { of: Of::Task, id, content };
            let status = words::task_status(&told);
            let target = match identity.known(self.target, seen)? {
                Some((target, false)) => {
                    self.tally.tasks.known += 1;
                    target
                }
                Some((target, true)) => {
                    self.tally.tasks.changed += 1;
                    self.target
                        .prepare_cached(
                            "UPDATE background_tasks SET completed_at = ?2, status = ?3
                             WHERE id = ?1",
                        )?
                        .execute(params![target, completed, status])?;
                    target
                }
                None => {
                    self.tally.tasks.taken += 1;
                    if spawned.is_none() {
                        self.tally.times.add(format!("background task {id}"));
                    }
                    self.target
                        .prepare_cached(
                            "INSERT INTO background_tasks (id, batch_id, story_key, task_type,
                                 spawned_at, completed_at, status)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
                        )?
                        .execute(params![
                            keeps.then_some(id),
                            batch,
                            story_key,
                            kind,
                            spawned.or(completed).unwrap_or(last),
                            completed,
                            status
                        ])?;
                    self.target.last_insert_rowid()
                }
            };
            last = spawned.unwrap_or(last);
            identity.keep(self.target, target, seen)?;
        }
        Ok(())
    }
}
