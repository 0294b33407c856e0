//! What is said of a project in a list of all.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::count::Counted;
use super::project::Project;
use super::word::word;
use crate::domain::event::EventId;
use crate::domain::state::OrchestratorView;
use crate::domain::words;
use crate::hub::Hub;

/// What is said of one project.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectSummary")]
pub(super) struct Summary {
    /// What stands in its addresses; null for the only one.
    name: Option<String>,
    /// Where it is, from the server's root: `p/lantern/`; empty for the only one.
    path: String,
    /// Where it lies; the home folder is `~`.
    folder: String,
    /// What its repository has checked out.
    branch: Option<String>,
    #[schemars(with = "words::ProjectState")]
    state: &'static str,
    /// What ails it, a sentence each.
    reasons: Vec<String>,
    /// Names its log; null while it does not run.
    #[schemars(with = "Option<words::Epoch>")]
    epoch: Option<String>,
    /// The last event.
    last_event_id: Option<EventId>,
    /// The batch under way.
    batch: Option<BatchTold>,
    /// Agents at work.
    agents: usize,
    #[serde(flatten)]
    counted: Arc<Counted>,
}

/// The batch under way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectBatch")]
struct BatchTold {
    /// Its number.
    id: i64,
    #[schemars(with = "words::Origin")]
    origin: String,
    /// Milliseconds since the epoch.
    started_at: i64,
    /// How many are done.
    cycles_completed: i64,
    /// How many there are to be; null without a limit.
    max_cycles: Option<i64>,
    /// At a usage limit: until when, in milliseconds since the epoch.
    parked_until: Option<i64>,
}

impl Project {
    /// What it is up to at this time.
    pub(super) fn summary(&self, now_ms: i64) -> Summary {
        let state = self.hub().map(Hub::state);
        let (counted, orchestrator) = match &state {
            Some(state) => (self.counted(state), OrchestratorView::of(state)),
            None => (Arc::default(), OrchestratorView::idle()),
        };
        let batch = state.as_ref().and_then(|state| state.batch.as_ref()).map(|batch| BatchTold {
            id: batch.id,
            origin: batch.origin.clone(),
            started_at: batch.started_at,
            cycles_completed: batch.cycles_completed,
            max_cycles: batch.max_cycles,
            parked_until: orchestrator.parked_until,
        });
        Summary {
            name: self.name().map(str::to_owned),
            path: self.name().map(|name| format!("p/{name}/")).unwrap_or_default(),
            folder: self.folder.shown(),
            branch: self.folder.looked().branch,
            state: state.as_ref().map_or("down", |state| word(state, &counted.stories, now_ms)),
            reasons: self.known_reasons(),
            epoch: self.hub().map(|hub| hub.epoch().to_owned()),
            last_event_id: state.as_ref().map(|state| state.last_event_id),
            batch,
            agents: state.as_ref().map_or(0, |state| state.agents.len()),
            counted,
        }
    }
}
