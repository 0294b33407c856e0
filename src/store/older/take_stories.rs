//! Takes the stories over: one row a batch and key, however many the older database has.

use rusqlite::params;

use super::places::{Identity, Of};
use super::take::Taking;
use super::values::{digest, number, stamp, time, word};
use super::words;
use crate::domain::key;
use crate::store::StoreError;

impl Taking<'_> {
    pub(super) fn stories(&mut self) -> Result<(), StoreError> {
        let keeps = self.keeps("stories")?;
        let mut read = self.source.prepare(&self.shape.select("stories"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            self.step();
            let Some(id) = self.id_of("stories", row)? else { continue };
            let Some(batch) = number(row.get_ref(1)?).and_then(|batch| self.batches.find(batch))
            else {
                self.tally.left_out.add(format!("stories row {id}: no batch"));
                continue;
            };
            let (story_key, epic) = (word(row.get_ref(2)?), word(row.get_ref(3)?));
            let told = word(row.get_ref(4)?);
            let started = time(row.get_ref(5)?);
            let ended = time(row.get_ref(6)?);
            let content = digest(&[&word(row.get_ref(1)?), &story_key, &stamp(row.get_ref(5)?)]);
            let seen = digest(&[&told, &stamp(row.get_ref(6)?)]);
            let identity = Identity { of: Of::Story, id, content };
            let known = identity.known(self.target, seen)?;
            let status = words::story_status(&told);
            let raw = Some(told.as_str()).filter(|told| !told.is_empty());
            let target = match known {
                Some((target, false)) => {
                    self.tally.stories.known += 1;
                    target
                }
                Some((target, true)) => {
                    self.tally.stories.changed += 1;
                    self.target
                        .prepare_cached(
                            "UPDATE stories SET status = ?2, status_raw = ?3, ended_at = ?4
                             WHERE id = ?1",
                        )?
                        .execute(params![target, status, raw, ended])?;
                    target
                }
                None => {
                    self.tally.stories.taken += 1;
                    if started.is_none() {
                        self.tally.times.add(format!("story {id}"));
                    }
                    let started = match started {
                        Some(started) => started,
                        None => self.start_of(batch)?,
                    };
                    // Here a story has one row a batch; a later row of it tells how it went on.
                    self.target
                        .prepare_cached(
                            "INSERT INTO stories (id, batch_id, story_key, epic_id, status,
                                 status_raw, started_at, ended_at)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)
                             ON CONFLICT (batch_id, story_key) DO UPDATE SET
                                 status = excluded.status, status_raw = excluded.status_raw,
                                 started_at = min(started_at, excluded.started_at),
                                 ended_at = excluded.ended_at
                             RETURNING id",
                        )?
                        .query_row(
                            params![
                                keeps.then_some(id),
                                batch,
                                story_key,
                                key::normalise_epic(&epic),
                                status,
                                raw,
                                started,
                                ended
                            ],
                            |row| row.get(0),
                        )?
                }
            };
            identity.keep(self.target, target, seen)?;
            self.stories.push(id, target);
        }
        Ok(())
    }

    fn start_of(&self, batch: i64) -> Result<i64, StoreError> {
        Ok(self
            .target
            .prepare_cached("SELECT started_at FROM batches WHERE id = ?1")?
            .query_row([batch], |row| row.get(0))?)
    }

    /// Stories that have gone while their commands and events are left: from what the events say.
    pub(super) fn missing_stories(&mut self) -> Result<(), StoreError> {
        let shape = self.shape;
        if !["batch_id", "story_id"].iter().all(|one| shape.has_column("events", one)) {
            return Ok(());
        }
        let gone = if shape.has("stories") {
            format!("SELECT {} FROM {}", shape.id("stories"), shape.name("stories"))
        } else {
            "SELECT NULL WHERE 0".to_owned()
        };
        let epic = if shape.has_column("events", "epic_id") { "min(epic_id)" } else { "NULL" };
        let mut read = self.source.prepare(&format!(
            "SELECT story_id, min(batch_id), min(story_key), {epic}, min(timestamp) FROM {}
             WHERE typeof(story_id) = 'integer' AND story_id NOT IN ({gone})
             GROUP BY story_id ORDER BY story_id",
            shape.name("events")
        ))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let Some(batch) = number(row.get_ref(1)?).and_then(|batch| self.batches.find(batch))
            else {
                continue;
            };
            let (story_key, epic) = (word(row.get_ref(2)?), word(row.get_ref(3)?));
            let identity =
                Identity { of: Of::Story, id, content: digest(&["missing", &story_key]) };
            let target = if let Some((target, _)) = identity.known(self.target, 0)? {
                target
            } else {
                let started = time(row.get_ref(4)?).unwrap_or(0);
                self.target
                    .prepare_cached(
                        "INSERT INTO stories (batch_id, story_key, epic_id, started_at)
                         VALUES (?1, ?2, ?3, ?4)
                         ON CONFLICT (batch_id, story_key) DO UPDATE SET epic_id = epic_id
                         RETURNING id",
                    )?
                    .query_row(
                        params![batch, story_key, key::normalise_epic(&epic), started],
                        |row| row.get(0),
                    )?
            };
            identity.keep(self.target, target, 0)?;
            self.stories.push(id, target);
        }
        self.stories.sort();
        Ok(())
    }
}
