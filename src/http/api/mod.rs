//! The API: one file per resource, each exporting its routes.

mod batches;
mod events;
mod health;
mod orchestrator;
mod settings;
mod sprint;
mod stories;

use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use super::context::Context;
use super::{assets, data};

/// Everything but `/ws` and `/sse`; ends in a reply for any path.
pub fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    batches::routes(context)
        .or(events::routes(context))
        .unify()
        .or(health::routes(context))
        .unify()
        .or(orchestrator::routes(context))
        .unify()
        .or(settings::routes(context))
        .unify()
        .or(sprint::routes(context))
        .unify()
        .or(stories::routes(context))
        .unify()
        .or(data::routes(context))
        .unify()
        .or(assets::routes(context))
        .unify()
        .boxed()
}
