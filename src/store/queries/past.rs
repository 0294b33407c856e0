//! What the log added up to at an earlier moment.

use super::Queries;
use crate::domain::event::EventId;
use crate::domain::state::State;
use crate::store::{StoreError, fold};

impl Queries {
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
