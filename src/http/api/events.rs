//! `/api/events`: pages of the log.

use std::time::Duration;

use schemars::JsonSchema;
use serde::Serialize;
use tokio::time::timeout;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::event::{AnyEvent, EventId, Wire};
use crate::http::context::Context;
use crate::http::limits::SEARCH_CHARS;
use crate::http::query::{Query, bad};
use crate::http::reply;
use crate::http::route::{Asked, blocking, get};
use crate::store::rows::{EventFilter, Range, StoredEvent};

/// How long a search waits for the newest events to be indexed.
const SEARCH_PATIENCE: Duration = Duration::from_secs(5);
const DEFAULT_LIMIT: u64 = 100;
const MAX_LIMIT: u64 = 1000;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/events", events)
}

/// A page of the log, ids ascending.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EventPage")]
pub(in crate::http) struct Page<'a> {
    #[schemars(with = "Vec<AnyEvent>")]
    events: Vec<Wire<'a>>,
    /// The `after` of the following page; null at the head.
    next: Option<EventId>,
    /// The highest id of the log.
    head: EventId,
    /// Of a search: up to which event it looked; below `head` while the index lags.
    #[serde(skip_serializing_if = "Option::is_none")]
    indexed: Option<EventId>,
}

async fn events(context: Context, asked: Asked) -> Result<Response, Response> {
    let Asked { query, .. } = &asked;
    let limit = query.number("limit")?.unwrap_or(DEFAULT_LIMIT);
    if !(1..=MAX_LIMIT).contains(&limit) {
        return Err(bad(format!("\"limit\" must be a whole number from 1 to {MAX_LIMIT}")));
    }
    let range = match (query.number("after")?, query.number("before")?) {
        (Some(_), Some(_)) => return Err(bad("give either \"after\" or \"before\"")),
        (Some(after), None) => Range::After(after),
        (None, Some(before)) => Range::Before(before),
        (None, None) => Range::Newest,
    };
    let filter = filter(query)?;
    if filter.text.is_some() {
        // Under a flood of events the index may lag; then what it holds by now is searched, and the
        // answer says how far that is.
        let _ = timeout(SEARCH_PATIENCE, context.hub.settle_search()).await;
    }
    let queries = context.hub.queries().clone();
    let page = blocking(move || queries.events(range, &filter, limit as u32)).await?;
    Ok(reply::json(&Page {
        events: page.events.iter().map(StoredEvent::wire).collect(),
        next: page.next,
        head: page.head,
        indexed: page.indexed.map(|indexed| indexed.min(page.head)),
    }))
}

fn filter(query: &Query) -> Result<EventFilter, Response> {
    let texts = |names: &[&str]| query.list(names).into_iter().map(str::to_owned).collect();
    let batch_ids = query.numbers("batch_id")?;
    let batch_ids = batch_ids.into_iter().map(|id| i64::try_from(id).unwrap_or(i64::MAX)).collect();
    let kinds: Vec<String> = texts(&["type", "types"]);
    let letters = |c: char| c.is_ascii_alphanumeric() || matches!(c, ':' | '_' | '-' | '.' | '*');
    if let Some(kind) = kinds.iter().find(|kind| !kind.chars().all(letters)) {
        return Err(bad(format!("\"{kind}\" is no event type or pattern")));
    }
    let mut stories = texts(&["story"]);
    // A comma means *or*, but a key may hold one.
    stories.extend(query.text("story").filter(|whole| whole.contains(',')).map(str::to_owned));
    // Blanks alone are no search.
    let text = query.text("q").map(str::trim).filter(|text| !text.is_empty());
    if text.is_some_and(|text| text.chars().count() > SEARCH_CHARS) {
        return Err(bad(format!("\"q\" may have at most {SEARCH_CHARS} characters")));
    }
    Ok(EventFilter { kinds, stories, batch_ids, text: text.map(str::to_owned) })
}
