//! `/api/batches`, `/api/batches/{id}`, `/api/timeline`.

use std::sync::Arc;

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::kept::{Kept, Version};
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{Asked, asked, blocking, get};
use crate::store::rows::{BatchRow, StoryRow, Stretch, Whose};

const DETAIL: &str = "/api/batches/";

/// Times beyond this are as good as this: the year 10000 and more.
const MAX_MS: u64 = 1 << 50;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let kept: Arc<Kept<Page>> = Arc::default();
    get(context, "/api/batches", move |context, asked| list(context, asked, Arc::clone(&kept)))
        .or(detail_route(context))
        .unify()
        .or(get(context, "/api/timeline", timeline))
        .unify()
        .boxed()
}

/// A part of the list, the newest first.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BatchList")]
pub(in crate::http) struct Batches {
    #[schemars(length(max = 100))]
    batches: Vec<BatchRow>,
    /// How many there are.
    total: i64,
}

/// A batch with its stories and commands.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BatchDetail")]
pub(in crate::http) struct Detail {
    batch: BatchRow,
    /// In the order in which they were begun.
    stories: Vec<StoryRow>,
    stats: Stats,
}

/// What is counted in a batch.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "BatchStats")]
struct Stats {
    /// The stories that were worked on.
    story_count: usize,
    /// All of their commands.
    command_count: i64,
    /// Whole cycles.
    cycles_completed: i64,
    /// Null = unlimited or unknown.
    max_cycles: Option<i64>,
    /// Null while it runs.
    duration_seconds: Option<f64>,
    /// Done.
    stories_done: usize,
    /// Failed or blocked.
    stories_failed: usize,
    /// In progress or in review.
    stories_in_progress: usize,
}

/// A part of the list: how many at most, and how many before it.
type Page = (u32, u32);

async fn list(context: Context, asked: Asked, kept: Arc<Kept<Page>>) -> Result<Response, Response> {
    let default = context.settings.get().default_batch_list_limit.unsigned_abs();
    let limit = asked.query.number("limit")?.unwrap_or(default).clamp(1, 100) as u32;
    let offset = asked.query.number("offset")?.unwrap_or(0).min(u64::from(u32::MAX)) as u32;
    let version = Version::of(&context.hub);
    if let Some(bytes) = kept.get(&(limit, offset), version) {
        return Ok(reply::json_bytes(bytes));
    }
    let queries = context.hub.queries().clone();
    let (batches, total) = blocking(move || queries.batches(limit, offset)).await?;
    // Rows of plain values: encoding cannot fail.
    let list = serde_json::to_vec(&Batches { batches, total }).unwrap_or_default();
    let bytes = Bytes::from(list);
    kept.put((limit, offset), version, &bytes);
    Ok(reply::json_bytes(bytes))
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
    // Rust would also read `+5`.
    let number = id.parse().ok().filter(|_| !id.starts_with('+'));
    let id: i64 = number.ok_or_else(|| bad("a batch's id is a whole number"))?;
    let queries = context.hub.queries().clone();
    let found = blocking(move || {
        let Some(batch) = queries.batch(id)? else { return Ok(None) };
        Ok(Some((batch, queries.stories(id)?)))
    });
    let Some((batch, stories)) = found.await? else {
        return Err(error_reply(Code::NotFound, format!("there is no batch {id}")));
    };
    let stats = stats(&batch, &stories);
    Ok(reply::json(&Detail { batch, stories, stats }))
}

fn stats(batch: &BatchRow, stories: &[StoryRow]) -> Stats {
    let count = |words: &[&str]| {
        stories.iter().filter(|story| words.contains(&story.status.as_str())).count()
    };
    Stats {
        story_count: stories.len(),
        command_count: stories.iter().map(|story| story.command_count).sum(),
        cycles_completed: batch.cycles_completed,
        max_cycles: batch.max_cycles,
        duration_seconds: batch.duration_seconds,
        stories_done: count(&["done"]),
        stories_failed: count(&["failed", "blocked"]),
        stories_in_progress: count(&["in-progress", "review"]),
    }
}

/// Commands as segments: of one batch, by default of the running one, else of the newest; or of all.
async fn timeline(context: Context, asked: Asked) -> Result<Response, Response> {
    let time = |name| asked.query.number(name).map(|ms| ms.map(|ms| ms.min(MAX_MS).cast_signed()));
    let stretch = Stretch { from: time("from")?, to: time("to")? };
    let whose = if asked.query.text("batch_id") == Some("all") {
        Whose::All
    } else {
        match asked.query.number("batch_id")? {
            Some(id) => Whose::Batch(i64::try_from(id).unwrap_or(i64::MAX)),
            None => Whose::Newest,
        }
    };
    let queries = context.hub.queries().clone();
    let timeline = blocking(move || queries.timeline(whose, stretch)).await?;
    if timeline.batch.is_none() && matches!(whose, Whose::Batch(_)) {
        return Err(error_reply(Code::NotFound, "there is no such batch"));
    }
    Ok(reply::json(&timeline))
}
