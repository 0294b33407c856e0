//! What is said of a project in a list of all.

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use super::count::{Counted, Work};
use super::project::Project;
use super::word::word;
use crate::domain::event::EventId;
use crate::domain::state::{OrchestratorView, ServerView};
use crate::domain::words;
use crate::http::reach::Reached;
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
    pub(super) state: &'static str,
    /// Since when, as far as is known, in milliseconds since the epoch: the batch's beginning, the
    /// last sign of one that waits or is idle, the silence of an unreachable server.
    since: Option<i64>,
    /// The server that works on it, where that is another one; null for this server's own.
    server: Option<ServerView>,
    /// What ails it, a sentence each.
    pub(super) reasons: Vec<String>,
    /// Names its log; null while it does not run.
    #[schemars(with = "Option<words::Epoch>")]
    epoch: Option<String>,
    /// The last event.
    last_event_id: Option<EventId>,
    /// The batch under way.
    batch: Option<BatchTold>,
    /// Agents at work.
    pub(super) agents: usize,
    #[serde(flatten)]
    pub(super) work: Arc<Work>,
    /// Commands under way without a sign for ten minutes.
    pub(super) silent: usize,
    /// Stories that nobody has reviewed for 24 hours.
    pub(super) reviews_waiting: usize,
    #[serde(flatten)]
    pub(super) counted: Arc<Counted>,
    /// While its server is unreachable: what was last heard. None of it is known to go on.
    last_known: Option<LastKnown>,
}

/// What was last heard of a project whose server is unreachable.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectLastKnown")]
struct LastKnown {
    #[schemars(with = "words::ProjectState")]
    state: &'static str,
    /// The batch that was under way.
    batch: Option<BatchTold>,
    /// Agents that were at work.
    agents: usize,
    #[serde(flatten)]
    work: Arc<Work>,
}

impl Summary {
    /// Whether it waits for a person.
    pub(super) fn needs_somebody(&self) -> bool {
        let Counted { stories, issues, .. } = &*self.counted;
        let stuck = stories.blocked + stories.stuck + self.silent + self.reviews_waiting;
        stuck + issues.errors + self.reasons.len() > 0
    }
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
        let agents = state.as_ref().map_or(0, |state| state.agents.len());
        let word = state.as_ref().map_or("down", |state| word(state, &counted.stories, now_ms));
        let known = self.reached();
        let told = Summary {
            name: self.name().map(str::to_owned),
            path: self.name().map(|name| format!("p/{name}/")).unwrap_or_default(),
            folder: self.folder.shown(),
            branch: self.folder.looked().branch,
            state: word,
            since: match word {
                "running" | "stopping" | "parked" => {
                    batch.as_ref().map(|batch| batch.started_at).or(counted.begun_at)
                }
                _ => counted.last_activity_at,
            },
            server: known.as_ref().map(Reached::view),
            reasons: self.known_reasons(),
            epoch: self.hub().map(|hub| hub.epoch().to_owned()),
            last_event_id: state.as_ref().map(|state| state.last_event_id),
            batch,
            agents,
            work: Arc::clone(&counted.work),
            silent: counted.silent(now_ms),
            reviews_waiting: counted.reviews_waiting(now_ms),
            counted,
            last_known: None,
        };
        match known.and_then(|known| known.unreachable_since) {
            Some(since) if self.hub().is_some() => told.unreachable(since),
            _ => told,
        }
    }
}

impl Summary {
    /// Nothing that it said last goes on being said.
    fn unreachable(self, since: i64) -> Self {
        let Self { state, batch, agents, work, .. } = self;
        Self {
            state: "unreachable",
            since: Some(since),
            batch: None,
            agents: 0,
            work: Arc::default(),
            silent: 0,
            last_known: Some(LastKnown { state, batch, agents, work }),
            ..self
        }
    }
}
