//! The one word for what goes on in a project.

use super::count::Stories;
use crate::domain::state::{OrchestratorView, State};

/// From one command to the next: a batch that was quiet for longer waits. The page says the same.
const BREATH_MS: i64 = 10_000;

/// The one word for what goes on; the page's `verdict.js` says it of one project.
pub(super) fn word(state: &State, stories: &Stories, now_ms: i64) -> &'static str {
    match OrchestratorView::of(state).status {
        "stopping" => return "stopping",
        "waiting" => return "parked",
        _ => {}
    }
    if !state.active.is_empty() || !state.agents.is_empty() {
        return "running";
    }
    if let Some(batch) = &state.batch {
        let quiet = now_ms.saturating_sub(batch.last_activity_at);
        return if quiet < BREATH_MS { "running" } else { "waiting" };
    }
    match (stories.total, state.sprint.epics.is_empty()) {
        (0, true) => "empty",
        (1.., _) if stories.total == stories.done => "finished",
        _ => "idle",
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::state::Batch;
    use crate::http::projects::count::count;

    fn said(state: &State, now_ms: i64) -> &'static str {
        word(state, &count(state).stories, now_ms)
    }

    #[test]
    fn a_batch_that_is_quiet_does_not_run() {
        let mut state = State::default();
        assert_eq!(said(&state, 0), "empty");
        state.batch = Some(Batch { last_activity_at: 1000, ..Batch::default() });
        assert_eq!(said(&state, 1000 + BREATH_MS - 1), "running");
        assert_eq!(said(&state, 1000 + BREATH_MS), "waiting");
        // A clock that was put back makes nothing run for hours.
        state.batch = None;
        assert_eq!(said(&state, i64::MIN), "empty");
    }
}
