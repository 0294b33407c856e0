//! `/api/sprint-status`: the status file as JSON, and what is counted from it.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::{Map, Value};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::issue::FileIssue;
use crate::domain::key;
use crate::domain::reading::{Entry, EntryKind, Reading, ReadingState};
use crate::domain::status::StatusClass;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::reply;
use crate::http::route::{Asked, get};
use crate::project::board::SprintBoard;

/// Keys of ours that stand above the file's own of the same name.
const OURS: [&str; 6] = ["epics", "stories", "counts", "issues", "state", "stale"];

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
            // Its keys are texts and its values plain: encoding cannot fail.
            let body = Bytes::from(serde_json::to_vec(&answer_of(&board)).unwrap_or_default());
            *kept = Some((board.revision, body.clone()));
            body
        }
    };
    drop(kept);
    Ok(reply::versioned(&asked.headers, &etag, &body))
}

/// The status file's own keys as JSON, in their order; and what is counted from it.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "SprintStatus")]
pub(in crate::http) struct Answer<'a> {
    /// What the file itself says, but for keys that are named below.
    #[serde(flatten)]
    #[schemars(with = "Own")]
    own: Map<String, Value>,
    /// By key.
    epics: IndexMap<&'a str, Epic<'a>>,
    /// In the order of the file.
    stories: Vec<Story<'a>>,
    counts: Counts,
    /// What is wrong in the file.
    issues: &'a [FileIssue],
    /// What became of the newest reading.
    state: Option<ReadingState>,
    /// What is shown is older than the file.
    stale: bool,
}

/// The file's own keys, as far as they are known.
#[derive(Serialize, JsonSchema)]
#[allow(dead_code)]
struct Own {
    /// The file's own map of keys to statuses; absent where no reading was good.
    #[serde(skip_serializing_if = "Option::is_none")]
    development_status: Option<IndexMap<String, String>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

/// An epic with the count of its stories.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EpicEntry")]
struct Epic<'a> {
    /// The file's own title, else `Epic` and its number.
    title: String,
    /// The file's own word.
    status: &'a str,
    /// Its stories.
    story_count: u64,
    /// Those of them that are done.
    done_count: u64,
}

/// A story of the status file.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "StoryEntry")]
// The older server names them so.
#[allow(clippy::struct_field_names)]
struct Story<'a> {
    /// The long key.
    id: &'a str,
    /// The same.
    story_id: &'a str,
    /// The same.
    key: &'a str,
    /// The same as `title`.
    name: String,
    /// Its `epic-…` key.
    epic: Option<&'a str>,
    /// The file's own word.
    status: &'a str,
    /// The file's own title, else the key's words.
    title: String,
}

/// How many of what.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "EntryCounts")]
struct Counts {
    /// Epics.
    epics: usize,
    /// Stories.
    stories: usize,
    /// Retrospectives.
    retrospectives: usize,
    /// Stories by the class of their status; a class without a story is absent.
    by_class: IndexMap<&'static str, u64>,
}

/// The file's own keys in their order, and beside them ours.
fn answer_of(board: &SprintBoard) -> Answer<'_> {
    let reading: Option<&Reading> = board.shown.as_deref();
    let mut own = reading.map(|reading| reading.document.clone()).unwrap_or_default();
    own.retain(|key, _| !OURS.contains(&key.as_str()));
    let entries: &[Entry] = reading.map_or(&[], |reading| &reading.entries);
    let mut counts: HashMap<&str, (u64, u64)> = HashMap::new();
    let mut by_class: IndexMap<&'static str, u64> = IndexMap::new();
    let of_kind = |kind| entries.iter().filter(move |entry| entry.kind == kind);
    for story in of_kind(EntryKind::Story) {
        let class = StatusClass::of(&story.status);
        *by_class.entry(class.as_str()).or_default() += 1;
        let (all, done) = counts.entry(story.epic_key.as_deref().unwrap_or_default()).or_default();
        *all += 1;
        *done += u64::from(class == StatusClass::Done);
    }
    let epics: IndexMap<&str, Epic<'_>> = of_kind(EntryKind::Epic)
        .map(|epic| {
            let (all, done) = counts.get(epic.key.as_str()).copied().unwrap_or_default();
            let body = Epic {
                title: title(epic),
                status: &epic.status,
                story_count: all,
                done_count: done,
            };
            (epic.key.as_str(), body)
        })
        .collect();
    let stories: Vec<Story<'_>> = of_kind(EntryKind::Story).map(story).collect();
    let counts = Counts {
        epics: epics.len(),
        stories: stories.len(),
        retrospectives: of_kind(EntryKind::Retrospective).count(),
        by_class,
    };
    Answer {
        own,
        epics,
        stories,
        counts,
        issues: &board.issues,
        state: board.newest,
        stale: board.stale,
    }
}

fn story(entry: &Entry) -> Story<'_> {
    Story {
        id: &entry.key,
        story_id: &entry.key,
        key: &entry.key,
        name: title(entry),
        epic: entry.epic_key.as_deref(),
        status: &entry.status,
        title: title(entry),
    }
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
