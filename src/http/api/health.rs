//! `/healthz`: alive, and what is degraded.

use std::sync::atomic::Ordering;

use schemars::JsonSchema;
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::event::EventId;
use crate::domain::words;
use crate::http::context::Context;
use crate::http::reply;
use crate::http::route::{Asked, get};

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
}

/// Open streams.
#[derive(Serialize, JsonSchema)]
struct Clients {
    /// Server-Sent Events.
    sse: u64,
    /// WebSockets.
    ws: u64,
}

/// 200 also when degraded: the server is alive and must not be restarted for it; `status` tells.
async fn health(context: Context, _: Asked) -> Result<Response, Response> {
    let mut reasons = Vec::new();
    if let Some(trouble) = context.hub.trouble() {
        reasons.push(format!("the log cannot be written: {trouble}"));
    }
    if context.streams.counts.starved.load(Ordering::Relaxed) {
        reasons.push(
            "the server has no file descriptor left: new connections wait; close some pages, or \
             start it with a higher limit (ulimit -n)"
                .to_owned(),
        );
    }
    let state = context.hub.state();
    let unread = state.sprint.sources.iter().filter(|(_, source)| source.state == "unreadable");
    reasons.extend(unread.map(|(file, source)| {
        format!("{file} cannot be read: {}", source.message.as_deref().unwrap_or("unknown cause"))
    }));
    let counts = &context.streams.counts;
    Ok(reply::json(&Health {
        status: if reasons.is_empty() { "ok" } else { "degraded" },
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
    }))
}
