//! `/api/settings`: the nine settings; `/api/settings/sources`: where each value comes from.

use std::sync::Arc;

use bytes::Bytes;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::Serialize;
use serde_json::Value;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::reply::Response;

use crate::domain::event::{EventId, NewEvent, Source};
use crate::domain::payload::{Payload, SettingsChanged};
use crate::domain::settings::RANGES;
use crate::domain::words;
use crate::http::context::Context;
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{Asked, asked, exact, get};
use crate::hub::Publication;
use crate::project::settings_store::ChangeError;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/settings/sources", sources).or(settings(context)).unify().boxed()
}

/// Those of a project on which another server works: what holds where nobody says anything.
pub(super) fn read_only(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/settings/sources", sources).or(defaults(context)).unify().boxed()
}

fn defaults(context: &Context) -> BoxedFilter<(Response,)> {
    let context = context.clone();
    // What would change them is answered behind this.
    let reads = warp::get().or(warp::head()).unify();
    exact("/api/settings").and(reads).map(move || reply::json(&context.settings.get())).boxed()
}

fn settings(context: &Context) -> BoxedFilter<(Response,)> {
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

/// Each setting with where its value comes from, and what this server is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SettingSources")]
pub(in crate::http) struct Sources<'a> {
    settings: Vec<Told>,
    server: About<'a>,
}

/// One setting.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SettingSource")]
struct Told {
    /// The setting.
    #[schemars(schema_with = "setting_keys")]
    key: &'static str,
    /// What is set.
    value: i64,
    /// What holds where nobody says anything.
    default: i64,
    /// The least that it may be.
    min: i64,
    /// The greatest that it may be.
    max: i64,
    #[schemars(with = "words::SettingFrom")]
    source: &'static str,
    /// What holds just now.
    in_force: i64,
}

fn setting_keys(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "string", "enum": RANGES.map(|(key, _, _)| key) })
}

/// What this server is.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AboutServer")]
struct About<'a> {
    /// Of the program.
    version: &'static str,
    #[schemars(with = "words::Epoch")]
    epoch: &'a str,
    /// The last event.
    head: EventId,
    /// The version of the database's tables.
    schema: i64,
    /// Milliseconds since the epoch.
    started_at: i64,
    /// Whatever changes something is refused.
    read_only: bool,
    /// It listens beyond this machine.
    on_network: bool,
    /// It asks for a token.
    token: bool,
    /// A silence this long ends an observed batch.
    observed_idle_minutes: f64,
    /// How long an agent has to end by itself when it is told to.
    stop_grace_seconds: f64,
}

/// Beside each value what it may be, who says it, and what holds just now where that differs: the
/// port until a restart, the heartbeat that is never slower than the cap.
async fn sources(context: Context, _: Asked) -> Result<Response, Response> {
    let about = &context.about;
    let longest = i64::try_from(context.limits.heartbeat.as_secs()).unwrap_or(i64::MAX);
    let facts = context.settings.get().facts();
    let told = facts.into_iter().map(|fact| {
        let saved = if fact.value == fact.default { "default" } else { "saved" };
        let (source, in_force) = match fact.key {
            "server_port" => (about.port_from.unwrap_or(saved), i64::from(about.port)),
            "websocket_heartbeat_seconds" => (saved, fact.value.min(longest)),
            _ => (saved, fact.value),
        };
        Told {
            key: fact.key,
            value: fact.value,
            default: fact.default,
            min: fact.least,
            max: fact.greatest,
            source,
            in_force,
        }
    });
    Ok(reply::json(&Sources {
        settings: told.collect(),
        server: About {
            version: env!("CARGO_PKG_VERSION"),
            epoch: context.hub.epoch(),
            head: context.hub.head(),
            schema: crate::store::SCHEMA_VERSION,
            started_at: context.started_at_ms,
            read_only: context.read_only,
            on_network: about.on_network,
            token: about.token,
            observed_idle_minutes: about.observed_idle_minutes,
            stop_grace_seconds: about.stop_grace_seconds,
        },
    }))
}
