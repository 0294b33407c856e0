//! The API: one file per resource, each exporting its routes.

mod activity;
mod afar;
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
pub(super) mod standing;
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
    agents::routes(context, orchestrator)
        .or(metrics::routes(context, Some(orchestrator)))
        .unify()
        .or(orchestrator::routes(context, orchestrator))
        .unify()
        .or(settings::routes(context))
        .unify()
        .or(log_and_files(context))
        .unify()
        .boxed()
}

/// The same for a project on which another server works: what that one alone can do is refused.
pub fn routes_afar(context: &Context) -> BoxedFilter<(Response,)> {
    afar::routes(context)
        .or(metrics::routes(context, None))
        .unify()
        .or(log_and_files(context))
        .unify()
        .boxed()
}

/// What is made of the log and of files alone.
fn log_and_files(context: &Context) -> BoxedFilter<(Response,)> {
    activity::routes(context)
        .or(batches::routes(context))
        .unify()
        .or(events::routes(context))
        .unify()
        .or(export::routes(context))
        .unify()
        .or(health::routes(context))
        .unify()
        .or(openapi::routes(context))
        .unify()
        .or(projects::routes(context))
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
