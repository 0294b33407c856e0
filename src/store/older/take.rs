//! Takes the rows of an older database over, within the transaction of whoever asks.

use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::places::{Identity, Of, Places};
use super::shape::Shape;
use super::tally::{Progress, Tally};
use super::values::{digest, number, stamp, time, word};
use super::words;
use crate::store::StoreError;

/// Numbers above this are left to nobody: JavaScript does not tell them apart, and there would be
/// none left to go on from.
pub(super) const HIGHEST: i64 = 1 << 52;

/// Rows between two words of how far it is.
const STRIDE: u64 = 1000;

/// Whose numbers the rows get.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::store) enum Ids {
    /// Their own: the database becomes ours as it is.
    Own,
    /// New ones, as they come; a batch keeps its own where that is above `given`, the highest that
    /// was ever given here.
    Given(i64),
}

/// Takes all rows over. `source` may be `target` itself, its older tables renamed.
pub(in crate::store) fn take_over(
    source: &Connection,
    shape: &Shape,
    target: &Connection,
    ids: Ids,
    progress: &mut dyn FnMut(Progress),
) -> Result<Tally, StoreError> {
    let mut taking = Taking {
        source,
        shape,
        target,
        ids,
        tally: Tally::default(),
        batches: Places::default(),
        stories: Places::default(),
        commands: Places::default(),
        spans: Vec::new(),
        open: Vec::new(),
        far: Progress { done: 0, all: 0 },
        progress,
    };
    for table in shape.tables() {
        let sql = format!("SELECT count(*) FROM {}", shape.name(table));
        let rows: i64 = source.query_row(&sql, [], |row| row.get(0))?;
        taking.far.all += rows.cast_unsigned();
    }
    taking.batches()?;
    taking.missing_batches()?;
    taking.stories()?;
    taking.missing_stories()?;
    taking.commands()?;
    taking.tasks()?;
    taking.events()?;
    taking.bound_batches()?;
    let Taking { far, tally, progress, .. } = taking;
    progress(Progress { done: far.all, ..far });
    Ok(tally)
}

/// When a batch was under way: first and last moment, and its number here.
pub(super) type Span = (i64, Option<i64>, i64);

pub(super) struct Taking<'a> {
    pub(super) source: &'a Connection,
    pub(super) shape: &'a Shape,
    pub(super) target: &'a Connection,
    pub(super) ids: Ids,
    pub(super) tally: Tally,
    pub(super) batches: Places,
    pub(super) stories: Places,
    pub(super) commands: Places,
    pub(super) spans: Vec<Span>,
    /// Our batches of which it is not told when they began or ended.
    pub(super) open: Vec<i64>,
    far: Progress,
    progress: &'a mut dyn FnMut(Progress),
}

impl Taking<'_> {
    /// One row further.
    pub(super) fn step(&mut self) {
        self.far.done += 1;
        if self.far.done.is_multiple_of(STRIDE) {
            (self.progress)(self.far);
        }
    }

    /// Whether the rows of a table can keep their own numbers.
    pub(super) fn keeps(&self, table: &str) -> Result<bool, StoreError> {
        if self.ids != Ids::Own || !self.shape.has(table) {
            return Ok(false);
        }
        let (id, name) = (self.shape.id(table), self.shape.name(table));
        let sql = format!(
            "SELECT count(*) = count(DISTINCT {id}) AND total(typeof({id}) <> 'integer') = 0
                 AND coalesce(min({id}), 1) >= 1 AND coalesce(max({id}), 1) <= {HIGHEST}
             FROM {name}"
        );
        Ok(self.source.query_row(&sql, [], |row| row.get(0))?)
    }

    /// The row's number; a row without one cannot be told from others.
    pub(super) fn id_of(&mut self, table: &str, row: &Row<'_>) -> Result<Option<i64>, StoreError> {
        let value = row.get_ref(0)?;
        if let ValueRef::Integer(id) = value {
            return Ok(Some(id));
        }
        let id = number(value);
        if id.is_none() {
            self.tally.left_out.add(format!("{table} row {:?}: no number", word(value)));
        }
        Ok(id)
    }

    fn batches(&mut self) -> Result<(), StoreError> {
        let keeps = self.keeps("batches")?;
        let mut next = self.first_free_batch()?;
        let mut read = self.source.prepare(&self.shape.select("batches"))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            self.step();
            let Some(id) = self.id_of("batches", row)? else { continue };
            let started = time(row.get_ref(1)?);
            let ended = time(row.get_ref(2)?);
            let told = word(row.get_ref(5)?);
            let (status, reason) = words::batch_status(&told);
            let max_cycles = words::max_cycles(number(row.get_ref(3)?));
            let cycles = number(row.get_ref(4)?).unwrap_or(0);
            let content = digest(&[&stamp(row.get_ref(1)?)]);
            let seen = digest(&[
                &stamp(row.get_ref(2)?),
                &told,
                &word(row.get_ref(4)?),
                &word(row.get_ref(3)?),
            ]);
            let identity = Identity { of: Of::Batch, id, content };
            let mode = if max_cycles.is_some() { "fixed" } else { "all" };
            let (target, is_new) = match identity.known(self.target, seen)? {
                Some((target, false)) => {
                    self.tally.batches.known += 1;
                    (target, false)
                }
                Some((target, true)) => {
                    self.target
                        .prepare_cached(
                            "UPDATE batches SET ended_at = ?2, max_cycles = ?3,
                                 cycles_completed = ?4, status = ?5, batch_mode = ?6, reason = ?7
                             WHERE id = ?1",
                        )?
                        .execute(params![
                            target, ended, max_cycles, cycles, status, mode, reason
                        ])?;
                    self.tally.batches.changed += 1;
                    (target, true)
                }
                None => {
                    let target = match self.ids {
                        Ids::Own if keeps => id,
                        Ids::Given(given) if id > given && id <= HIGHEST => id,
                        _ => {
                            next += 1;
                            next
                        }
                    };
                    self.target
                        .prepare_cached(
                            "INSERT INTO batches (id, started_at, ended_at, max_cycles,
                                 cycles_completed, status, origin, batch_mode, reason)
                             VALUES (?1, ?2, ?3, ?4, ?5, ?6, 'managed', ?7, ?8)",
                        )?
                        .execute(params![
                            target,
                            started.unwrap_or(0),
                            ended,
                            max_cycles,
                            cycles,
                            status,
                            mode,
                            reason
                        ])?;
                    self.tally.batches.taken += 1;
                    if target != id {
                        self.tally.renumbered.add(format!("{id} is {target} here"));
                    }
                    if started.is_none() {
                        self.tally.times.add(format!("batch {id}"));
                    }
                    (target, true)
                }
            };
            identity.keep(self.target, target, seen)?;
            if is_new && reason.as_deref() == Some(words::LEFT_RUNNING) {
                self.tally.left_running.add(target);
            }
            if started.is_none() || ended.is_none() {
                self.open.push(target);
            }
            self.spans.push((started.unwrap_or(0), ended, target));
            self.batches.push(id, target);
        }
        Ok(())
    }

    /// The highest number that no batch may get: all that were given here, or stand there.
    fn first_free_batch(&self) -> Result<i64, StoreError> {
        let (id, name) = (self.shape.id("batches"), self.shape.name("batches"));
        let sql = format!(
            "SELECT coalesce(max({id}), 0) FROM {name}
             WHERE typeof({id}) = 'integer' AND {id} BETWEEN 1 AND {HIGHEST}"
        );
        let there: i64 = self.source.query_row(&sql, [], |row| row.get(0))?;
        Ok(match self.ids {
            Ids::Own => there,
            Ids::Given(given) => there.max(given),
        })
    }

    /// Without foreign keys rows may speak of a batch that has gone: it gets a row, so that what is
    /// left of it shows.
    fn missing_batches(&mut self) -> Result<(), StoreError> {
        let id = self.shape.id("batches");
        let asked: Vec<String> = ["stories", "background_tasks", "events"]
            .into_iter()
            .filter(|table| self.shape.has_column(table, "batch_id"))
            .map(|table| {
                format!(
                    "SELECT batch_id FROM {} WHERE typeof(batch_id) = 'integer'
                         AND batch_id NOT IN (SELECT {id} FROM {})",
                    self.shape.name(table),
                    self.shape.name("batches")
                )
            })
            .collect();
        if asked.is_empty() {
            return Ok(());
        }
        let mut next: i64 = self.target.query_row(
            "SELECT coalesce(max(seq), 0) FROM sqlite_sequence WHERE name = 'batches'",
            [],
            |row| row.get(0),
        )?;
        if let Ids::Given(given) = self.ids {
            next = next.max(given);
        }
        let mut read =
            self.source.prepare(&format!("{} ORDER BY batch_id", asked.join(" UNION ")))?;
        let mut rows = read.query([])?;
        while let Some(row) = rows.next()? {
            let id: i64 = row.get(0)?;
            let identity = Identity { of: Of::Batch, id, content: digest(&["missing"]) };
            let target = if let Some((target, _)) = identity.known(self.target, 0)? {
                self.tally.batches.known += 1;
                target
            } else {
                // Its own number, where nobody has or had it here.
                let own = (1..=HIGHEST).contains(&id)
                    && (id > next || (self.ids == Ids::Own && !self.has_batch(id)?));
                let target = if own { id } else { next + 1 };
                next = next.max(target);
                self.target
                    .prepare_cached(
                        "INSERT INTO batches (id, started_at, status, origin, reason)
                         VALUES (?1, 0, 'lost', 'managed', 'no row in the older database')",
                    )?
                    .execute([target])?;
                self.tally.batches.taken += 1;
                self.tally.made_up.add(target);
                target
            };
            identity.keep(self.target, target, 0)?;
            self.open.push(target);
            self.batches.push(id, target);
        }
        self.batches.sort();
        Ok(())
    }

    fn has_batch(&self, id: i64) -> Result<bool, StoreError> {
        Ok(self
            .target
            .prepare_cached("SELECT EXISTS (SELECT 1 FROM batches WHERE id = ?1)")?
            .query_row([id], |row| row.get(0))?)
    }

    /// Batches that do not say when they began or ended: by what happened in them.
    fn bound_batches(&mut self) -> Result<(), StoreError> {
        let mut bound = self.target.prepare(
            "UPDATE batches SET
                 started_at = CASE WHEN started_at > 0 THEN started_at ELSE coalesce(
                     (SELECT min(timestamp) FROM events WHERE batch_id = ?1 AND timestamp > 0),
                     (SELECT min(started_at) FROM stories WHERE batch_id = ?1 AND started_at > 0),
                     ended_at, 0) END,
                 ended_at = max(started_at, coalesce(ended_at, 0),
                     coalesce((SELECT max(timestamp) FROM events WHERE batch_id = ?1), 0),
                     coalesce((SELECT max(coalesce(c.ended_at, c.started_at))
                               FROM stories s JOIN commands c ON c.story_id = s.id
                               WHERE s.batch_id = ?1), 0))
             WHERE id = ?1",
        )?;
        for batch in &self.open {
            bound.execute([batch])?;
            // The end may lie behind a beginning that was found only now.
            self.target
                .prepare_cached("UPDATE batches SET ended_at = started_at WHERE id = ?1 AND ended_at < started_at")?
                .execute([batch])?;
        }
        Ok(())
    }

    /// Our story row's batch.
    pub(super) fn batch_of_story(&self, story: i64) -> Result<Option<i64>, StoreError> {
        Ok(self
            .target
            .prepare_cached("SELECT batch_id FROM stories WHERE id = ?1")?
            .query_row([story], |row| row.get(0))
            .optional()?)
    }

    /// Our command row's story.
    pub(super) fn story_of_command(&self, command: i64) -> Result<Option<i64>, StoreError> {
        Ok(self
            .target
            .prepare_cached("SELECT story_id FROM commands WHERE id = ?1")?
            .query_row([command], |row| row.get(0))
            .optional()?)
    }
}
