//! Takes the history of an older database into the log.
//!
//! Nobody else writes or serves the log meanwhile: whoever asks holds the project's lock. One
//! transaction holds all: rows, what is remembered of them, and the folded state, which history
//! leaves as it is but for its place in the log.

use super::older::{Ids, Progress, Source, Tally, take_over};
use super::{Log, StoreError, fold, log};

impl Log {
    /// Takes over what an older database holds and this one does not. The events stand behind all
    /// that are there, with their own times. On an error nothing has changed.
    pub fn import(
        &mut self,
        source: &Source,
        now_ms: i64,
        mut progress: impl FnMut(Progress),
    ) -> Result<Tally, StoreError> {
        let mut state = self.load_state()?;
        // Asked later, the newest events would be old ones: time would begin there.
        let reached = self.reached_ms(now_ms)?;
        self.keep_reached(reached)?;
        let given = self.next_batch_id() - 1;
        self.place.check()?;
        self.conn.execute_batch("BEGIN IMMEDIATE")?;
        let mut take = || -> Result<_, StoreError> {
            let tally = take_over(
                &source.conn,
                &source.shape,
                &self.conn,
                Ids::Given(given),
                &mut progress,
            )?;
            let head = log::sequence(&self.conn, "events")?.cast_unsigned();
            state.last_event_id = head;
            fold::save(&self.conn, &state)?;
            self.conn.execute_batch("COMMIT")?;
            Ok((tally, head))
        };
        let taken = take();
        if taken.is_err() {
            self.roll_back();
        }
        let (tally, head) = taken?;
        let batches = log::sequence(&self.conn, "batches")?;
        self.settle(head, batches);
        Ok(tally)
    }
}
