//! The API: one file per resource, each exporting its routes.

mod activity;
mod agents;
mod batches;
mod events;
mod export;
pub(super) mod health;
mod metrics;
mod openapi;
pub(super) mod orchestrator;
pub(super) mod projects;
mod settings;
mod snapshot;
mod sprint;
mod stories;
mod story;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::context::Context;
use super::{assets, data};
use crate::orchestrator::Orchestrator;

/// Everything but `/ws` and `/sse`; ends in a reply for any path.
pub fn routes(context: &Context, orchestrator: &Orchestrator) -> BoxedFilter<(Response,)> {
    activity::routes(context)
        .or(agents::routes(context, orchestrator))
        .unify()
        .or(batches::routes(context))
        .unify()
        .or(events::routes(context))
        .unify()
        .or(export::routes(context))
        .unify()
        .or(health::routes(context))
        .unify()
        .or(metrics::routes(context, orchestrator))
        .unify()
        .or(openapi::routes(context))
        .unify()
        .or(orchestrator::routes(context, orchestrator))
        .unify()
        .or(projects::routes(context))
        .unify()
        .or(settings::routes(context))
        .unify()
        .or(snapshot::routes(context))
        .unify()
        .or(sprint::routes(context))
        .unify()
        .or(stories::routes(context))
        .unify()
        .or(story::routes(context))
        .unify()
        .or(data::routes(context))
        .unify()
        .or(assets::routes(context))
        .unify()
        .boxed()
}

/// The answers' types, for the document.
pub(super) mod shapes {
    pub(in crate::http) use super::activity::Status as OrchestratorLog;
    pub(in crate::http) use super::agents::Listed as AgentList;
    pub(in crate::http) use super::batches::{Batches as BatchList, Detail as BatchDetail};
    pub(in crate::http) use super::events::Page as EventPage;
    pub(in crate::http) use super::health::Health;
    pub(in crate::http) use super::orchestrator::StartAnswer;
    pub(in crate::http) use super::settings::Sources as SettingSources;
    pub(in crate::http) use super::sprint::Answer as SprintStatus;
    pub(in crate::http) use super::stories::Descriptions;
    pub(in crate::http) use super::story::Answer as StoryFiles;
    pub(in crate::http) use crate::http::projects::Told as Projects;
}

fn now_ms() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    since.map_or(0, |since| since.as_millis() as i64)
}
