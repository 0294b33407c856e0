//! What is asked of the orchestrator of a project on which another server works: what the log tells is
//! told, what only that server can do is refused.

use std::future::ready;

use serde::Serialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::path::FullPath;
use warp::reply::Response;

use super::agents::Listed;
use super::settings;
use crate::domain::state::{Agent, OrchestratorView};
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::reply;
use crate::http::route::get;
use crate::orchestrator::AgentView;

/// Below these everything is asked of that server.
const ITS_OWN: [&str; 4] =
    ["/api/agents/", "/api/orchestrator/start", "/api/orchestrator/stop", "/api/settings"];

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/orchestrator/status", |context: Context, _| {
        ready(Ok(reply::json(&Status { view: status(&context) })))
    })
    .or(get(context, "/api/agents", |context: Context, _| {
        ready(Ok(reply::json(&agents(&context))))
    }))
    .unify()
    .or(settings::read_only(context))
    .unify()
    .or(refused())
    .unify()
    .boxed()
}

#[derive(Serialize)]
struct Status {
    #[serde(flatten)]
    view: OrchestratorView,
}

/// While the server is not heard, nothing is known to run.
fn status(context: &Context) -> OrchestratorView {
    if context.reach.is_unreachable() {
        return OrchestratorView { status: "unreachable", ..OrchestratorView::idle() };
    }
    OrchestratorView::of(&context.hub.state())
}

/// The agents at work, as far as the log knows them; of a server that is not heard, none.
fn agents(context: &Context) -> Listed {
    let state = context.hub.state();
    let heard = !context.reach.is_unreachable();
    Listed { agents: state.agents.values().filter(|_| heard).map(view).collect() }
}

fn view(agent: &Agent) -> AgentView {
    let numbers = agent.agent_id.split_once('-');
    let (batch, run) = numbers.unwrap_or_default();
    AgentView {
        agent_id: agent.agent_id.clone(),
        batch_id: batch.parse().unwrap_or_default(),
        run: run.parse().unwrap_or_default(),
        pid: u32::try_from(agent.pid).unwrap_or_default(),
        command: agent.command.clone(),
        story_keys: agent.story_keys.clone(),
        model: agent.model.clone(),
        attempt: agent.attempt,
        background: agent.background_task.is_some(),
        started_at: agent.started_at,
        ended_at: None,
        exit_code: None,
        signal: None,
        last_output_at: None,
        processes: None,
        cpu_ms: None,
        rss_bytes: None,
        log_bytes: 0,
    }
}

fn refused() -> BoxedFilter<(Response,)> {
    warp::path::full()
        .and(warp::method())
        .and_then(|full: FullPath, method: Method| async move {
            let path = full.as_str();
            let is_its_own = ITS_OWN.iter().any(|own| path.starts_with(own));
            // Its logs are files of that machine; all else there changes something.
            if is_its_own
                && (path.rsplit('/').next() == Some("log")
                    || method == Method::POST
                    || method == Method::PUT)
            {
                Ok(())
            } else {
                Err(warp::reject::not_found())
            }
        })
        .untuple_one()
        .map(|| {
            let message = "the project runs on another machine: ask the server there";
            error_reply(Code::Conflict, message)
        })
        .boxed()
}
