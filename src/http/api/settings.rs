//! `/api/settings`: the nine settings.

use std::sync::Arc;

use bytes::Bytes;
use serde_json::Value;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::reply::Response;

use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{Payload, SettingsChanged};
use crate::http::context::Context;
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{Asked, asked, exact};
use crate::hub::Publication;
use crate::project::settings_store::ChangeError;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let context = context.clone();
    exact("/api/settings")
        .and(asked())
        .and(warp::body::bytes())
        .then(move |asked: Asked, body: Bytes| {
            let context = context.clone();
            async move { answer(&context, &asked, &body).await.unwrap_or_else(|refusal| refusal) }
        })
        .boxed()
}

async fn answer(context: &Context, asked: &Asked, body: &[u8]) -> Result<Response, Response> {
    reply::only(&asked.method, &[Method::GET, Method::HEAD, Method::PUT])?;
    if asked.method != Method::PUT {
        return Ok(reply::json(&context.settings.get()));
    }
    let change: Value = serde_json::from_slice(body)
        .map_err(|error| bad(format!("the body is not valid JSON: {error}")))?;
    let store = Arc::clone(&context.settings);
    let saved = tokio::task::spawn_blocking(move || store.change(&change)).await;
    let (settings, changed) = match saved {
        Ok(Ok(saved)) => saved,
        Ok(Err(ChangeError::Wrong(error))) => return Err(bad(error.to_string())),
        Ok(Err(error)) => return Err(reply::internal(&error)),
        Err(error) => return Err(reply::internal(&error)),
    };
    if !changed.is_empty() {
        let payload = Payload::SettingsChanged(SettingsChanged { changed });
        let event = NewEvent::new(super::now_ms(), Source::Server, payload);
        if let Err(error) = context.hub.publish(Publication::events(vec![event])).await {
            tracing::warn!(%error, "the settings are saved, but the log could not be told");
        }
    }
    Ok(reply::json(&settings))
}
