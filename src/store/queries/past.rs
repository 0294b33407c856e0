//! What the log added up to at an earlier moment.

use super::Queries;
use crate::domain::event::EventId;
use crate::domain::state::State;
use crate::store::{StoreError, fold};

/// How many events are folded while a connection is held.
const STEP: u64 = 20_000;

impl Queries {
    /// The state right after event `at`; 0 = before the first. An error where that was purged.
    pub fn state_at(&self, at: EventId) -> Result<State, StoreError> {
        let mut state = self.stored_state(0, at)?.unwrap_or_default();
        self.fold_in_steps(&mut state, at, STEP, |_| {})?;
        Ok(state)
    }

    /// Folds in all events that follow a state, up to and including `until`, and holds a connection
    /// for one step at a time: up to the next multiple of `step`. `passed` sees the state after
    /// each. Where the way would begin before what is kept, it begins at the base instead.
    pub fn fold_in_steps(
        &self,
        state: &mut State,
        until: EventId,
        step: u64,
        mut passed: impl FnMut(&State),
    ) -> Result<(), StoreError> {
        let (mut base, mut done) = (self.base_id()?, state.last_event_id);
        // Also where nothing is to be folded: that moment may lie before what is kept.
        loop {
            let next = until.min(((done / step + 1) * step).max(base));
            match self.fold_on(state, next) {
                // A purge has overtaken the way: then a step goes as far as that.
                Err(StoreError::Purged { first }) if first > base && first <= until => {
                    base = first;
                    continue;
                }
                other => other?,
            }
            passed(state);
            done = next;
            if done >= until {
                return Ok(());
            }
        }
    }

    /// The last event that was purged: the earliest moment that is known. 0 when none was.
    pub fn base_id(&self) -> Result<EventId, StoreError> {
        self.with(fold::base_id)
    }

    /// The stored state, where it lies behind `after` and not behind `until`.
    pub fn stored_state(
        &self,
        after: EventId,
        until: EventId,
    ) -> Result<Option<State>, StoreError> {
        self.with(|conn| fold::stored(conn, after, until))
    }

    /// Holds a connection and the log's present all the while: long ways are to be gone in steps.
    fn fold_on(&self, state: &mut State, until: EventId) -> Result<(), StoreError> {
        self.with(|conn| fold::fold_on(conn, state, until))
    }
}
