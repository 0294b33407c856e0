//! `/healthz`: alive, and what is degraded.

use std::sync::atomic::Ordering;

use serde_json::json;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::http::context::Context;
use crate::http::projects::reasons;
use crate::http::reply;
use crate::http::route::{Asked, get};

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/healthz", health)
}

/// 200 also when degraded: the server is alive and must not be restarted for it; `status` tells.
async fn health(context: Context, _: Asked) -> Result<Response, Response> {
    let reasons = match context.projects.of(&context.streams) {
        Some(project) => project.reasons().await,
        None => reasons(&context.hub, &context.streams),
    };
    let counts = &context.streams.counts;
    Ok(reply::json(&json!({
        "status": if reasons.is_empty() { "ok" } else { "degraded" },
        "reasons": reasons,
        "version": env!("CARGO_PKG_VERSION"),
        "epoch": context.hub.epoch(),
        "head": context.hub.head(),
        "first_available": context.hub.first_available(),
        "started_at": context.started_at_ms,
        "clients": {
            "sse": counts.sse.load(Ordering::Relaxed),
            "ws": counts.ws.load(Ordering::Relaxed),
        },
    })))
}
