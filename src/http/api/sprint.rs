//! `/api/sprint-status`: the status file as JSON, and what is counted from it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde_json::{Map, Value, json};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::key;
use crate::domain::reading::{Entry, EntryKind, Reading};
use crate::domain::status::StatusClass;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::reply;
use crate::http::route::{Asked, get};
use crate::project::board::SprintBoard;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    // The answer is kept as bytes until the watcher reads the file anew.
    let kept: Arc<Mutex<Option<(u64, Bytes)>>> = Arc::default();
    get(context, "/api/sprint-status", move |context, asked| {
        let kept = Arc::clone(&kept);
        async move { answer(&context, &asked, &kept) }
    })
}

fn answer(
    context: &Context,
    asked: &Asked,
    kept: &Mutex<Option<(u64, Bytes)>>,
) -> Result<Response, Response> {
    let board = context.board.sprint();
    if board.newest.is_none() && board.issues.is_empty() && board.shown.is_none() {
        return Err(error_reply(Code::NotFound, "the project has no sprint-status.yaml yet"));
    }
    let etag = format!("\"{}-{}\"", context.started_at_ms, board.revision);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    let body = match &*kept {
        Some((revision, body)) if *revision == board.revision => body.clone(),
        _ => {
            let body = Bytes::from(document(&board).to_string());
            *kept = Some((board.revision, body.clone()));
            body
        }
    };
    drop(kept);
    Ok(reply::versioned(&asked.headers, &etag, &body))
}

/// The file's own keys in their order, and beside them ours.
fn document(board: &SprintBoard) -> Value {
    let nothing = Reading {
        state: crate::domain::reading::ReadingState::Invalid,
        document: Map::new(),
        entries: Vec::new(),
        duplicates: 0,
        mapping_values: 0,
        issues: Vec::new(),
    };
    let reading = board.shown.as_deref().unwrap_or(&nothing);
    let mut out = reading.document.clone();
    let mut counts: HashMap<&str, (u64, u64)> = HashMap::new();
    let mut by_class: Map<String, Value> = Map::new();
    let of_kind = |kind| reading.entries.iter().filter(move |entry| entry.kind == kind);
    for story in of_kind(EntryKind::Story) {
        let class = StatusClass::of(&story.status);
        let count = by_class.entry(class.as_str()).or_insert_with(|| 0.into());
        *count = (count.as_u64().unwrap_or(0) + 1).into();
        let (all, done) = counts.entry(story.epic_key.as_deref().unwrap_or_default()).or_default();
        *all += 1;
        *done += u64::from(class == StatusClass::Done);
    }
    let epics: Map<String, Value> = of_kind(EntryKind::Epic)
        .map(|epic| {
            let (all, done) = counts.get(epic.key.as_str()).copied().unwrap_or_default();
            let body = json!({
                "title": title(epic),
                "status": epic.status,
                "story_count": all,
                "done_count": done,
            });
            (epic.key.clone(), body)
        })
        .collect();
    let stories: Vec<Value> = of_kind(EntryKind::Story).map(story).collect();
    let counts = json!({
        "epics": epics.len(),
        "stories": stories.len(),
        "retrospectives": of_kind(EntryKind::Retrospective).count(),
        "by_class": by_class,
    });
    for (key, value) in [
        ("epics", Value::Object(epics)),
        ("stories", Value::Array(stories)),
        ("counts", counts),
        ("issues", serde_json::to_value(&board.issues).unwrap_or_default()),
        ("state", serde_json::to_value(board.newest).unwrap_or_default()),
        ("stale", board.stale.into()),
    ] {
        out.insert(key.to_owned(), value);
    }
    Value::Object(out)
}

fn story(entry: &Entry) -> Value {
    json!({
        "id": entry.key,
        "storyId": entry.key,
        "key": entry.key,
        "name": title(entry),
        "epic": entry.epic_key,
        "status": entry.status,
        "title": title(entry),
    })
}

/// The file's own title, else the key's words: `2a-1-session-list` is "Session list".
fn title(entry: &Entry) -> String {
    if let Some(title) = &entry.title {
        return title.clone();
    }
    if entry.kind == EntryKind::Epic {
        return format!("Epic {}", key::epic_id(&entry.key));
    }
    let id = key::short_id(&entry.key, entry.epic_key.as_deref());
    let slug = id.and_then(|id| entry.key.get(id.len()..)).unwrap_or(&entry.key);
    let words = slug.trim_start_matches('-').replace('-', " ");
    let mut letters = words.chars();
    match letters.next() {
        Some(first) => first.to_uppercase().chain(letters).collect(),
        None => entry.key.clone(),
    }
}
