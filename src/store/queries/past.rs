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
        // Also where nothing is to be folded: that moment may lie before what is kept.
        self.fold_on(&mut state, at.min(self.base_id()?))?;
        let mut until = state.last_event_id;
        while until < at {
            until = at.min(until.saturating_add(STEP));
            self.fold_on(&mut state, until)?;
        }
        Ok(state)
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

    /// Folds in all events that follow a state, up to and including `until`. Holds a connection
    /// and the log's present all the while: long ways are to be gone in steps.
    pub fn fold_on(&self, state: &mut State, until: EventId) -> Result<(), StoreError> {
        self.with(|conn| fold::fold_on(conn, state, until))
    }
}
