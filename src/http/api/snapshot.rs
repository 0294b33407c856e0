//! `/api/snapshot`: what the log adds up to, now or right after one of its events.

use std::sync::Arc;

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::http::HeaderMap;
use warp::reply::Response;

use crate::domain::event::EventId;
use crate::domain::state::ServerView;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::past::Past;
use crate::http::reach::with_server;
use crate::http::reply;
use crate::http::route::{Asked, blocking, get};
use crate::store::FOLD_VERSION;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let past = Arc::new(Past::new());
    get(context, "/api/snapshot", move |context, asked| snapshot(context, asked, Arc::clone(&past)))
}

async fn snapshot(context: Context, asked: Asked, past: Arc<Past>) -> Result<Response, Response> {
    let Asked { headers, query, .. } = &asked;
    let Some(id) = query.number("at")? else {
        let now = context.hub.snapshot_json();
        let server = context.reach.view();
        let json = with_server(&now.json, server.as_ref());
        return Ok(answer(&context, headers, now.last_event_id, server.as_ref(), &json));
    };
    let head = context.hub.head();
    if id > head {
        let message = format!("there is no event {id} yet; the last one is {head}");
        return Err(error_reply(Code::NotFound, message));
    }
    let turn = past.turn().await?;
    let hub = context.hub.clone();
    let (last, json) = blocking(move || {
        let state = past.state(hub.queries(), id, head)?;
        // Held until here even when the client has gone: the thread works on.
        drop(turn);
        // The snapshot's keys are texts and its values plain: encoding cannot fail.
        let json = serde_json::to_vec(&state.snapshot(hub.epoch())).unwrap_or_default();
        Ok((state.last_event_id, Bytes::from(json)))
    })
    .await?;
    Ok(answer(&context, headers, last, None, &json))
}

/// The same log under the same rules adds up to the same; what is known of another server does not.
fn answer(
    context: &Context,
    headers: &HeaderMap,
    id: EventId,
    server: Option<&ServerView>,
    json: &Bytes,
) -> Response {
    let known = server.map_or(String::new(), |server| {
        let told = serde_json::to_vec(server).unwrap_or_default();
        format!("-{:016x}", xxhash_rust::xxh3::xxh3_64(&told))
    });
    let etag = format!("\"{}-{id}-{FOLD_VERSION}{known}\"", context.hub.epoch());
    reply::versioned(headers, &etag, json)
}
