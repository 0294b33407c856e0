//! `/api/batches`, `/api/batches/{id}`, `/api/timeline`.

use serde_json::{Value, json};
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

use crate::domain::key;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{Asked, asked, blocking, get};
use crate::store::rows::{BatchRow, StoryRow};

const DETAIL: &str = "/api/batches/";

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/batches", list)
        .or(detail_route(context))
        .unify()
        .or(get(context, "/api/timeline", timeline))
        .unify()
        .boxed()
}

async fn list(context: Context, asked: Asked) -> Result<Response, Response> {
    let default = context.settings.get().default_batch_list_limit.unsigned_abs();
    let limit = asked.query.number("limit")?.unwrap_or(default).clamp(1, 100);
    let offset = asked.query.number("offset")?.unwrap_or(0).min(u64::from(u32::MAX));
    let queries = context.hub.queries().clone();
    let (batches, total) = blocking(move || queries.batches(limit as u32, offset as u32)).await?;
    Ok(reply::json(&json!({ "batches": batches, "total": total })))
}

fn detail_route(context: &Context) -> BoxedFilter<(Response,)> {
    let context = context.clone();
    let id = warp::path::full().and_then(|full: FullPath| async move {
        match full.as_str().strip_prefix(DETAIL) {
            Some(id) if !id.contains('/') => Ok(id.to_owned()),
            _ => Err(warp::reject::not_found()),
        }
    });
    id.and(asked())
        .then(move |id: String, asked: Asked| {
            let context = context.clone();
            async move {
                let answered = match reply::only_get(&asked.method) {
                    Ok(()) => detail(context, &id).await,
                    Err(refusal) => Err(refusal),
                };
                answered.unwrap_or_else(|response| response)
            }
        })
        .boxed()
}

async fn detail(context: Context, id: &str) -> Result<Response, Response> {
    let id: i64 = id.parse().map_err(|_| bad("a batch's id is a whole number"))?;
    let queries = context.hub.queries().clone();
    let found = blocking(move || {
        let Some(batch) = queries.batch(id)? else { return Ok(None) };
        Ok(Some((batch, queries.stories(Some(id))?)))
    });
    let Some((batch, stories)) = found.await? else {
        return Err(error_reply(Code::NotFound, format!("there is no batch {id}")));
    };
    let stats = stats(&batch, &stories);
    Ok(reply::json(&json!({ "batch": batch, "stories": stories, "stats": stats })))
}

fn stats(batch: &BatchRow, stories: &[StoryRow]) -> Value {
    let count = |words: &[&str]| {
        stories.iter().filter(|story| words.contains(&story.status.as_str())).count()
    };
    json!({
        "story_count": stories.len(),
        "command_count": stories.iter().map(|story| story.command_count).sum::<i64>(),
        "cycles_completed": batch.cycles_completed,
        "max_cycles": batch.max_cycles,
        "duration_seconds": batch.duration_seconds,
        "stories_done": count(&["done"]),
        "stories_failed": count(&["failed", "blocked"]),
        "stories_in_progress": count(&["in-progress", "review"]),
    })
}

/// The commands of a batch as segments: by default of the running one, else of the newest.
async fn timeline(context: Context, asked: Asked) -> Result<Response, Response> {
    let wanted = asked.query.number("batch_id")?.map(u64::cast_signed);
    let running = context.hub.state().batch.as_ref().map(|batch| batch.id);
    let queries = context.hub.queries().clone();
    let found = blocking(move || {
        let id = match wanted.or(running) {
            Some(id) => Some(id),
            None => queries.batches(1, 0)?.0.first().map(|batch| batch.id),
        };
        let batch = match id {
            Some(id) => queries.batch(id)?,
            None => None,
        };
        let stories = match &batch {
            Some(batch) => queries.stories(Some(batch.id))?,
            None => Vec::new(),
        };
        Ok((batch, stories))
    });
    let (batch, stories) = found.await?;
    if batch.is_none() && wanted.is_some() {
        return Err(error_reply(Code::NotFound, "there is no such batch"));
    }
    Ok(reply::json(&json!({ "batch": batch, "segments": segments(&stories) })))
}

fn segments(stories: &[StoryRow]) -> Vec<Value> {
    let of_story = |story: &StoryRow| {
        let of_command = |command: &crate::store::rows::CommandRow| {
            let (name, attempt) = key::command_base(&command.command);
            json!({
                "story_key": story.story_key,
                "epic_id": story.epic_id,
                "command": name,
                "task_id": command.task_id,
                "attempt": attempt.unwrap_or(1),
                "start": command.started_at,
                "end": command.ended_at,
                "status": command.status,
            })
        };
        story.commands.iter().map(of_command).collect::<Vec<_>>()
    };
    stories.iter().flat_map(of_story).collect()
}
