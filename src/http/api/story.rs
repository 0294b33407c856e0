//! `/api/stories/{key}`: the files that belong to one story, and what it is about.
//!
//! A key that cannot stand in a path (a slash, an escape within, too long) is asked for by
//! `/api/stories?key=`.

use std::path::PathBuf;
use std::time::UNIX_EPOCH;

use percent_encoding::percent_decode_str;
use schemars::JsonSchema;
use serde::Serialize;
use warp::Filter;
use warp::filters::BoxedFilter;
use warp::path::FullPath;
use warp::reply::Response;

use super::stories::description;
use crate::agents::story_files::{StoryKey, is_archived, known_files};
use crate::domain::reading::EntryKind;
use crate::domain::words;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};
use crate::http::query::bad;
use crate::http::reply;
use crate::http::route::{Asked, asked, blocking, get};
use crate::parse::story::FileKind;
use crate::store::StoreError;

const BELOW: &str = "/api/stories/";

/// A story has three files, seldom more; a folder full of variants is not listed whole.
const MOST_FILES: usize = 100;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/stories", by_query).or(by_path(context)).unify().boxed()
}

async fn by_query(context: Context, asked: Asked) -> Result<Response, Response> {
    match asked.query.text("key") {
        Some(key) => answer(context, key.to_owned()).await,
        None => Err(bad("\"key\" must name a story")),
    }
}

fn by_path(context: &Context) -> BoxedFilter<(Response,)> {
    let context = context.clone();
    let key = warp::path::full().and_then(|full: FullPath| async move {
        let rest = full.as_str().strip_prefix(BELOW).filter(|rest| !rest.contains('/'));
        let key = rest.and_then(|rest| percent_decode_str(rest).decode_utf8().ok());
        let key = key.filter(|key| !key.is_empty()).ok_or_else(warp::reject::not_found)?;
        Ok::<_, warp::Rejection>(key.into_owned())
    });
    key.and(asked())
        .then(move |key: String, asked: Asked| {
            let context = context.clone();
            async move {
                let answered = match reply::only_get(&asked.method) {
                    Ok(()) => answer(context, key).await,
                    Err(refusal) => Err(refusal),
                };
                answered.unwrap_or_else(|refusal| refusal)
            }
        })
        .boxed()
}

/// What is told of one story.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "StoryFiles")]
pub(in crate::http) struct Answer {
    /// The long key.
    story_key: String,
    #[schemars(length(max = 100))]
    files: Vec<StoryFile>,
    /// What it is about, from its own file.
    #[schemars(length(max = 500))]
    description: Option<String>,
}

/// A file by its name alone: where the project lies is nobody's business.
#[derive(Debug, Serialize, JsonSchema)]
struct StoryFile {
    /// By itself, without a path.
    name: String,
    #[schemars(with = "words::StoryFileKind")]
    kind: &'static str,
    /// Bytes.
    size: u64,
    /// Milliseconds since the epoch.
    modified_at: Option<i64>,
    /// It lies in the archive.
    archived: bool,
}

async fn answer(context: Context, key: String) -> Result<Response, Response> {
    match blocking(move || read(&context, key)).await? {
        Some(story) => Ok(reply::json(&story)),
        None => Err(error_reply(Code::NotFound, "there is no such story")),
    }
}

/// None for a key that neither the status file nor the log knows.
fn read(context: &Context, key: String) -> Result<Option<Answer>, StoreError> {
    let layout = context.board.layout();
    let board = context.board.sprint();
    let entries = board.shown.iter().flat_map(|reading| &reading.entries);
    let all: Vec<StoryKey> = entries
        .filter(|entry| entry.kind == EntryKind::Story)
        .map(|entry| (entry.key.clone(), entry.epic_key.clone()))
        .collect();
    let own = all.iter().find(|(known, _)| *known == key);
    if own.is_none() && !context.hub.queries().has_story(&key)? {
        return Ok(None);
    }
    let epic = own.and_then(|(_, epic)| epic.as_deref());
    let found = known_files(&layout, &key, epic, &all);
    let description = found
        .iter()
        .filter(|(_, kind)| *kind == FileKind::Story)
        .find_map(|(path, _)| description(&layout, path));
    let files = found.iter().filter_map(file).take(MOST_FILES).collect();
    Ok(Some(Answer { story_key: key, files, description }))
}

fn file((path, kind): &(PathBuf, FileKind)) -> Option<StoryFile> {
    let metadata = std::fs::metadata(path).ok()?;
    let modified = metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Some(StoryFile {
        name: path.file_name()?.to_str()?.to_owned(),
        kind: match kind {
            FileKind::Story => "story",
            FileKind::Discovery => "discovery",
            FileKind::TechSpec => "tech-spec",
        },
        size: metadata.len(),
        modified_at: modified.and_then(|since| i64::try_from(since.as_millis()).ok()),
        archived: is_archived(path),
    })
}
