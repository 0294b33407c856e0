//! `/api/orchestrator/…`: what the managed orchestrator does, its start and its stop.

use std::future::ready;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::workflow::StopMode;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{get, post};
use crate::orchestrator::{BatchSize, Orchestrator, StartError, StopError};

/// No batch has more cycles.
const MOST_CYCLES: u64 = i32::MAX as u64;

pub(super) fn routes(context: &Context, orchestrator: &Orchestrator) -> BoxedFilter<(Response,)> {
    let (told, started, stopped) =
        (orchestrator.clone(), orchestrator.clone(), orchestrator.clone());
    get(context, "/api/orchestrator/status", move |_, _| ready(Ok(reply::json(&told.status()))))
        .or(post(context, "/api/orchestrator/start", move |context, body| {
            start(context, started.clone(), body)
        }))
        .unify()
        .or(post(context, "/api/orchestrator/stop", move |_, body| stop(stopped.clone(), body)))
        .unify()
        .boxed()
}

/// What a start has done.
#[derive(Serialize, JsonSchema)]
#[serde(tag = "status", rename_all = "lowercase")]
pub(in crate::http) enum StartAnswer {
    /// The batch's row exists and its first step is under way.
    Started {
        /// Cycles, or `all`.
        batch_size: Size,
        /// Its row.
        batch_id: i64,
    },
}

/// How much a batch is to do.
#[derive(Serialize, JsonSchema)]
#[serde(untagged)]
#[schemars(rename = "BatchSize")]
pub(in crate::http) enum Size {
    Cycles(#[schemars(range(min = 1))] u32),
    All(All),
}

#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
#[schemars(inline)]
pub(in crate::http) enum All {
    /// Until nothing is left.
    All,
}

async fn start(
    context: Context,
    orchestrator: Orchestrator,
    body: Bytes,
) -> Result<Response, Response> {
    let size = asked_size(&body)?.unwrap_or_else(|| {
        let default = context.settings.get().default_max_cycles.unsigned_abs();
        BatchSize::Cycles(u32::try_from(default).unwrap_or(u32::MAX))
    });
    let started = orchestrator.start(size).await.map_err(|error| refused(&error))?;
    let batch_size = match size {
        BatchSize::Cycles(cycles) => Size::Cycles(cycles),
        BatchSize::All => Size::All(All::All),
    };
    Ok(reply::json(&StartAnswer::Started { batch_size, batch_id: started.batch_id }))
}

/// The size that a start's body names; none where it leaves that to the setting.
pub(in crate::http) fn asked_size(body: &[u8]) -> Result<Option<BatchSize>, Response> {
    object(body)?.get("batch_size").map(batch_size).transpose()
}

async fn stop(orchestrator: Orchestrator, body: Bytes) -> Result<Response, Response> {
    let answer = orchestrator.stop(asked_mode(&body)?).await.map_err(not_stopped)?;
    Ok(reply::json(&answer))
}

/// How a stop's body wants it. Scripts of the older server stop without a body.
pub(in crate::http) fn asked_mode(body: &[u8]) -> Result<StopMode, Response> {
    let body = if body.is_empty() { Map::new() } else { object(body)? };
    match body.get("mode") {
        None => Ok(StopMode::Graceful),
        Some(Value::String(mode)) if mode == "graceful" => Ok(StopMode::Graceful),
        Some(Value::String(mode)) if mode == "now" => Ok(StopMode::Now),
        Some(_) => Err(bad("\"mode\" is either \"graceful\" or \"now\"")),
    }
}

/// The body as an object; anything else is told.
pub(super) fn object(body: &[u8]) -> Result<Map<String, Value>, Response> {
    match serde_json::from_slice(body) {
        Ok(Value::Object(object)) => Ok(object),
        Ok(_) => Err(bad("the body must be a JSON object")),
        Err(error) => Err(bad(format!("the body is not valid JSON: {error}"))),
    }
}

fn batch_size(value: &Value) -> Result<BatchSize, Response> {
    let number = match value {
        Value::String(text) if text == "all" => return Ok(BatchSize::All),
        Value::String(text) if text.bytes().all(|byte| byte.is_ascii_digit()) => text.parse().ok(),
        Value::Number(number) => number.as_u64(),
        _ => None,
    };
    number
        .filter(|number| (1..=MOST_CYCLES).contains(number))
        .and_then(|number| u32::try_from(number).ok())
        .map(BatchSize::Cycles)
        .ok_or_else(|| {
            bad("\"batch_size\" must be a whole number from 1 to 2147483647, or \"all\"")
        })
}

fn refused(error: &StartError) -> Response {
    let code = match error {
        StartError::Running | StartError::Program(_) | StartError::StatusFile(_) => Code::Conflict,
        StartError::Log(_) | StartError::Closed => Code::Busy,
    };
    error_reply(code, error.to_string())
}

/// Why nothing was stopped.
pub(super) fn not_stopped(error: StopError) -> Response {
    let code = match error {
        StopError::Idle => Code::Conflict,
        StopError::NoSuchAgent => Code::NotFound,
        StopError::Closed => Code::Busy,
    };
    error_reply(code, error.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_of_batches() {
        for (json, size) in [
            ("1", Some(BatchSize::Cycles(1))),
            ("\"3\"", Some(BatchSize::Cycles(3))),
            ("2147483647", Some(BatchSize::Cycles(2_147_483_647))),
            ("\"all\"", Some(BatchSize::All)),
            ("2147483648", None),
            ("0", None),
            ("-1", None),
            ("2.5", None),
            ("2.0", None),
            ("true", None),
            ("null", None),
            ("[]", None),
            ("{}", None),
            ("\"x\"", None),
            ("\"\"", None),
            ("\"-1\"", None),
            ("\" 2\"", None),
            ("100000000000000000000", None),
            ("\"100000000000000000000\"", None),
        ] {
            let value = serde_json::from_str(json).unwrap();
            assert_eq!(batch_size(&value).ok(), size, "{json}");
        }
    }
}
