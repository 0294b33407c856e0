//! `/api/agents`: the children of the newest batch, their logs, the stop of one.

use std::os::unix::fs::MetadataExt;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::http::Method;
use warp::path::FullPath;
use warp::reply::Response;

use super::orchestrator::not_stopped;
use crate::http::context::Context;
use crate::http::data::{Downloads, Found};
use crate::http::error::{Code, error_reply};
use crate::http::route::{Asked, asked, blocking, get};
use crate::http::{data, reply};
use crate::orchestrator::{AgentView, Orchestrator};

const BELOW: &str = "/api/agents/";
const TEXT: &str = "text/plain; charset=utf-8";

/// What is asked of one agent.
#[derive(Debug, Clone)]
enum Wish {
    Log(String),
    Stop(String),
}

pub(super) fn routes(context: &Context, orchestrator: &Orchestrator) -> BoxedFilter<(Response,)> {
    let listed = orchestrator.clone();
    get(context, "/api/agents", move |_, _| list(listed.clone()))
        .or(one_route(context, orchestrator))
        .unify()
        .boxed()
}

/// The agents of the newest batch.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "AgentList")]
pub(in crate::http) struct Listed {
    /// Running ones first.
    pub(super) agents: Vec<AgentView>,
}

async fn list(orchestrator: Orchestrator) -> Result<Response, Response> {
    Ok(reply::json(&Listed { agents: orchestrator.agents().await }))
}

fn one_route(context: &Context, orchestrator: &Orchestrator) -> BoxedFilter<(Response,)> {
    let (downloads, orchestrator) = (context.downloads.clone(), orchestrator.clone());
    let wish = warp::path::full().and_then(|full: FullPath| async move {
        let (id, wish) = full
            .as_str()
            .strip_prefix(BELOW)
            .and_then(|rest| rest.split_once('/'))
            .ok_or_else(warp::reject::not_found)?;
        match wish {
            "log" => Ok(Wish::Log(id.to_owned())),
            "stop" => Ok(Wish::Stop(id.to_owned())),
            _ => Err(warp::reject::not_found()),
        }
    });
    wish.and(asked())
        .and(warp::body::bytes())
        .then(move |wish: Wish, asked: Asked, _: Bytes| {
            let (downloads, orchestrator) = (downloads.clone(), orchestrator.clone());
            async move {
                let answered = match wish {
                    Wish::Log(id) => log(downloads, orchestrator, asked, id).await,
                    Wish::Stop(id) => stop(orchestrator, asked, id).await,
                };
                answered.unwrap_or_else(|refusal| refusal)
            }
        })
        .boxed()
}

async fn log(
    downloads: Downloads,
    orchestrator: Orchestrator,
    asked: Asked,
    id: String,
) -> Result<Response, Response> {
    reply::only_get(&asked.method)?;
    let tail = asked.query.number("tail")?;
    let answer = blocking(move || {
        let file = orchestrator.agent_log(&id).and_then(|path| data::open_plain(&path).ok());
        let Some(mut found) = file.and_then(|file| Found::of(file, TEXT)) else {
            return Ok(Err(error_reply(Code::NotFound, "there is no log of that agent")));
        };
        // It only grows: what a range is a part of is told by the file alone.
        found.etag = format!("\"{:x}\"", found.metadata.ino());
        found.begin = tail.map_or(0, |tail| found.metadata.len().saturating_sub(tail));
        Ok(found.answer(&asked.headers, &downloads))
    });
    answer.await?
}

async fn stop(orchestrator: Orchestrator, asked: Asked, id: String) -> Result<Response, Response> {
    reply::only(&asked.method, &[Method::POST])?;
    let receipt = orchestrator.stop_agent(&id).await.map_err(not_stopped)?;
    Ok(reply::json(&receipt))
}
