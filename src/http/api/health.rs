//! `/healthz`: alive, and what is degraded.

use std::sync::atomic::Ordering;

use schemars::JsonSchema;
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::event::EventId;
use crate::domain::state::ServerView;
use crate::domain::words;
use crate::http::context::Context;
use crate::http::projects::{Projects, reasons};
use crate::http::reply;
use crate::http::route::{Asked, get};
use crate::http::standing::Standing;
use crate::hub::Hub;
use crate::notifications::TargetState;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/healthz", health)
}

/// Alive, and what is degraded.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Health<'a> {
    #[schemars(with = "words::HealthStatus")]
    status: &'static str,
    /// What is in the way: one sentence each.
    reasons: Vec<String>,
    /// Of the program.
    version: &'static str,
    #[schemars(with = "words::Epoch")]
    epoch: &'a str,
    /// The last event.
    head: EventId,
    /// The oldest event that is kept, or the next one to come.
    first_available: EventId,
    /// Milliseconds since the epoch.
    started_at: i64,
    clients: Clients,
    /// The targets of `sprint-runner.toml`, without secrets.
    notifications: Vec<TargetState>,
    /// The server that works on the project, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServerView>,
    /// At the root of a server of several: each of them. What stands above is then the whole's, and
    /// the log's the first one's that runs.
    #[serde(skip_serializing_if = "Option::is_none")]
    projects: Option<Vec<ProjectHealth>>,
}

/// One of several projects, alive or not.
#[derive(Serialize, JsonSchema)]
struct ProjectHealth {
    /// What stands in its addresses.
    name: String,
    #[schemars(with = "words::ProjectStatus")]
    status: &'static str,
    /// What is in the way: one sentence each.
    reasons: Vec<String>,
    /// Names its log; null while it does not run.
    #[schemars(with = "Option<words::Epoch>")]
    epoch: Option<String>,
    /// The last event.
    head: Option<EventId>,
    /// The server that works on it, where that is another one.
    #[serde(skip_serializing_if = "Option::is_none")]
    server: Option<ServerView>,
}

/// Open streams.
#[derive(Serialize, JsonSchema)]
struct Clients {
    /// Server-Sent Events.
    sse: u64,
    /// WebSockets.
    ws: u64,
}

/// The name of the log of who has none: a hub of a team that has no project yet.
const NO_LOG: &str = "00000000";

/// The first one's, as one server's health looks, with all that ails any of them; nothing when none
/// runs.
pub(in crate::http) async fn of_all(
    projects: &Projects,
    started_at: i64,
    standing: Option<&Standing>,
) -> Option<Response> {
    let projects = projects.all();
    let mut reasons = standing.map(Standing::reasons).unwrap_or_default();
    let mut each = Vec::with_capacity(projects.len());
    let (mut clients, mut notifications) = (Clients { sse: 0, ws: 0 }, Vec::new());
    for project in &projects {
        let own = project.reasons().await;
        let name = project.name().unwrap_or_default().to_owned();
        // That somebody's machine sleeps is told of its project; the hub itself is well.
        let asleep = project.reached().and_then(|known| known.reason());
        let ailing = own.iter().filter(|reason| asleep.as_ref() != Some(*reason));
        reasons.extend(ailing.map(|reason| format!("{name}: {reason}")));
        notifications.extend(project.notified());
        if let Some(streams) = project.streams() {
            clients.sse += streams.counts.sse.load(Ordering::Relaxed);
            clients.ws += streams.counts.ws.load(Ordering::Relaxed);
        }
        each.push(ProjectHealth {
            name,
            status: if project.hub().is_none() { "down" } else { status(&own) },
            reasons: own,
            epoch: project.hub().map(|hub| hub.epoch().to_owned()),
            head: project.hub().map(Hub::head),
            server: project.reached().map(|known| known.view()),
        });
    }
    let first = projects.iter().find_map(|project| project.hub());
    if first.is_none() && standing.is_none() {
        return None;
    }
    Some(reply::json(&Health {
        status: status(&reasons),
        reasons,
        version: env!("CARGO_PKG_VERSION"),
        epoch: first.map_or(NO_LOG, Hub::epoch),
        head: first.map_or(0, Hub::head),
        first_available: first.map_or(1, Hub::first_available),
        started_at,
        clients,
        notifications,
        server: None,
        projects: Some(each),
    }))
}

const fn status(reasons: &[String]) -> &'static str {
    if reasons.is_empty() { "ok" } else { "degraded" }
}

/// 200 also when degraded: the server is alive and must not be restarted for it; `status` tells.
async fn health(context: Context, _: Asked) -> Result<Response, Response> {
    let reasons = if let Some(project) = context.projects.of(&context.streams) {
        project.reasons().await
    } else {
        let mut all = reasons(&context.hub, &context.streams, &context.notified.get());
        all.extend(context.reach.get().and_then(|known| known.reason()));
        all
    };
    let counts = &context.streams.counts;
    Ok(reply::json(&Health {
        status: status(&reasons),
        reasons,
        version: env!("CARGO_PKG_VERSION"),
        epoch: context.hub.epoch(),
        head: context.hub.head(),
        first_available: context.hub.first_available(),
        started_at: context.started_at_ms,
        clients: Clients {
            sse: counts.sse.load(Ordering::Relaxed),
            ws: counts.ws.load(Ordering::Relaxed),
        },
        notifications: context.notified.get(),
        server: context.reach.view(),
        projects: None,
    }))
}
