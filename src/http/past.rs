//! Earlier states: what the log added up to right after one of its events.
//!
//! A state is folded from the log by a thread that may block, two at a time. States once folded are
//! kept: the log only grows, so they stay true. The last few serve those who look around a moment,
//! and marks along the log those who jump: behind the first long way none is longer than an eighth
//! of the log. Clones of a state share what did not change between them.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;
use warp::http::header;
use warp::reply::Response;

use super::error::{Code, error_reply};
use super::reply;
use crate::domain::event::EventId;
use crate::domain::state::State;
use crate::store::{Queries, StoreError};

/// Folds at once: half of the database's readers stay free for all other questions.
const TURNS: usize = 2;
/// How long a fold waits for its turn; somebody who drags a slider is served late, not refused.
const PATIENCE: Duration = Duration::from_secs(1);
/// States kept of those that were asked for.
const RECENT: usize = 8;
/// Events folded in one go.
const STEP: u64 = 1024;
/// Marks along the log, about; they lie a power of two of events apart.
const MARKS: u64 = 8;

/// Earlier states, folded when they are asked for.
#[derive(Debug)]
pub(super) struct Past {
    turns: Arc<Semaphore>,
    kept: Mutex<Kept>,
}

#[derive(Debug, Default)]
struct Kept {
    /// Those asked for, the last one at the end.
    recent: VecDeque<State>,
    marks: BTreeMap<EventId, State>,
}

impl Past {
    pub(super) fn new() -> Self {
        Self { turns: Arc::new(Semaphore::new(TURNS)), kept: Mutex::default() }
    }

    /// Leave to fold, as long as it is held; an answer for who has to come again.
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, Response> {
        self.turn_within(PATIENCE).await
    }

    async fn turn_within(&self, patience: Duration) -> Result<OwnedSemaphorePermit, Response> {
        let turn = timeout(patience, Arc::clone(&self.turns).acquire_owned()).await;
        turn.ok().and_then(Result::ok).ok_or_else(|| {
            let mut busy = error_reply(
                Code::Busy,
                "too many earlier states are being put together just now; ask again in a second",
            );
            reply::set(&mut busy, header::RETRY_AFTER, "1");
            busy
        })
    }

    /// The state right after event `id`; `head` is the last one's id. Blocks.
    pub(super) fn state(
        &self,
        queries: &Queries,
        id: EventId,
        head: EventId,
    ) -> Result<State, StoreError> {
        let mut state = self.kept().nearest(id).unwrap_or_default();
        if id - state.last_event_id > STEP
            && let Some(stored) = queries.stored_state(state.last_event_id, id)?
        {
            state = stored;
        }
        queries.fold_in_steps(&mut state, id, STEP, |state| self.kept().mark(state, head))?;
        self.kept().keep(&state);
        Ok(state)
    }

    fn kept(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Kept {
    /// The last known state that is not behind event `id`.
    fn nearest(&self, id: EventId) -> Option<State> {
        let marked = self.marks.range(..=id).next_back().map(|(_, state)| state);
        let recent = self.recent.iter().filter(|state| state.last_event_id <= id);
        recent.chain(marked).max_by_key(|state| state.last_event_id).cloned()
    }

    /// Keeps a state on the way, if a mark belongs there.
    fn mark(&mut self, state: &State, head: EventId) {
        let apart = (head / MARKS).next_power_of_two().max(STEP);
        if state.last_event_id.is_multiple_of(apart) && state.last_event_id > 0 {
            self.marks.insert(state.last_event_id, state.clone());
            // In a log that has grown they lie further apart.
            self.marks.retain(|id, _| id.is_multiple_of(apart));
        }
    }

    /// Keeps a state that was asked for.
    fn keep(&mut self, state: &State) {
        self.recent.retain(|known| known.last_event_id != state.last_event_id);
        self.recent.push_back(state.clone());
        if self.recent.len() > RECENT {
            self.recent.pop_front();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(id: EventId) -> State {
        State { last_event_id: id, ..State::default() }
    }

    fn ids(kept: &Kept) -> Vec<EventId> {
        kept.recent.iter().map(|state| state.last_event_id).collect()
    }

    #[test]
    fn few_are_kept_and_the_nearest_is_found() {
        let mut kept = Kept::default();
        assert!(kept.nearest(9).is_none());
        for id in [5, 3, 900, 3, 40, 50, 60, 70, 80, 90] {
            kept.keep(&at(id));
        }
        assert_eq!(ids(&kept), [900, 3, 40, 50, 60, 70, 80, 90]);
        for (id, nearest) in [(2, None), (3, Some(3)), (39, Some(3)), (899, Some(90))] {
            assert_eq!(kept.nearest(id).map(|state| state.last_event_id), nearest, "{id}");
        }
    }

    #[test]
    fn marks_stay_few_while_the_log_grows() {
        let mut kept = Kept::default();
        for id in (0..=400 * STEP).step_by(STEP as usize) {
            kept.mark(&at(id), id.max(1));
            assert!(kept.marks.len() as u64 <= 2 * MARKS, "{} at {id}", kept.marks.len());
            let behind = id - kept.nearest(id).map_or(0, |state| state.last_event_id);
            assert!(behind <= (id / MARKS).next_power_of_two().max(STEP), "{behind} at {id}");
        }
    }

    #[tokio::test]
    async fn a_third_fold_is_told_to_come_again() {
        let past = Past::new();
        let first = past.turn().await.unwrap();
        let _second = past.turn().await.unwrap();
        let refused = past.turn_within(Duration::ZERO).await.unwrap_err();
        assert_eq!(refused.status(), 503);
        assert_eq!(refused.headers()[header::RETRY_AFTER], "1");
        drop(first);
        assert!(past.turn_within(Duration::ZERO).await.is_ok());
    }
}
