//! `/story-descriptions.json`: what each story is about, from its own file.

use std::collections::HashMap;
use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

use bytes::Bytes;
use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::reading::EntryKind;
use crate::http::context::Context;
use crate::http::reply;
use crate::http::route::{Asked, blocking, get};
use crate::parse::story;
use crate::project::layout::Layout;

/// Story files are prose; one larger than this is not read for its first paragraph.
const MAX_FILE: u64 = 1024 * 1024;

/// What each story is about, by its long key.
#[derive(Default, Serialize, JsonSchema)]
#[schemars(
    rename = "StoryDescriptions",
    extend("additionalProperties" = { "type": "string", "maxLength": 500 })
)]
pub(in crate::http) struct Descriptions(IndexMap<String, String>);

/// The last answer, and what the folders looked like for it.
type Kept = Arc<Mutex<Option<(u64, Bytes)>>>;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    let kept: Kept = Arc::default();
    get(context, "/story-descriptions.json", move |context, asked| {
        let kept = Arc::clone(&kept);
        answer(context, asked, kept)
    })
}

async fn answer(context: Context, asked: Asked, kept: Kept) -> Result<Response, Response> {
    let (mark, body) = blocking(move || Ok(read(&context, &kept))).await?;
    Ok(reply::versioned(&asked.headers, &format!("\"{mark:016x}\""), &body))
}

/// A file of the artifacts folder by its name.
struct File {
    path: PathBuf,
    length: u64,
    modified: Option<SystemTime>,
}

fn read(context: &Context, kept: &Kept) -> (u64, Bytes) {
    let layout = context.board.layout();
    let board = context.board.sprint();
    let files = files(&layout);
    let mark = mark(board.revision, &files);
    let mut kept = kept.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some((known, body)) = &*kept
        && *known == mark
    {
        return (mark, body.clone());
    }
    let mut out = Descriptions::default();
    let entries = board.shown.iter().flat_map(|reading| &reading.entries);
    for entry in entries.filter(|entry| entry.kind == EntryKind::Story) {
        let names = story::candidates(&entry.key, entry.epic_key.as_deref());
        let found = names.iter().find_map(|name| files.get(name.as_str()));
        if let Some(text) = found.and_then(|file| description(&layout, &file.path)) {
            out.0.insert(entry.key.clone(), text);
        }
    }
    // Texts by texts: encoding cannot fail.
    let body = Bytes::from(serde_json::to_vec(&out).unwrap_or_default());
    *kept = Some((mark, body.clone()));
    (mark, body)
}

/// The Markdown files of the artifacts folder and its `stories/`; the former win.
fn files(layout: &Layout) -> HashMap<String, File> {
    let mut out = HashMap::new();
    for folder in [layout.artifacts.join("stories"), layout.artifacts.clone()] {
        let Ok(entries) = fs::read_dir(folder) else { continue };
        for entry in entries.flatten() {
            let Ok(name) = entry.file_name().into_string() else { continue };
            let markdown = Path::new(&name).extension().is_some_and(|kind| kind == "md");
            if !markdown || story::file_kind(&name) != story::FileKind::Story {
                continue;
            }
            let Ok(metadata) = fs::metadata(entry.path()) else { continue };
            if metadata.is_file() {
                let (length, modified) = (metadata.len(), metadata.modified().ok());
                out.insert(name, File { path: entry.path(), length, modified });
            }
        }
    }
    out
}

fn mark(revision: u64, files: &HashMap<String, File>) -> u64 {
    let mut names: Vec<_> = files.iter().collect();
    names.sort_by_key(|(name, _)| name.as_str());
    let mut hasher = DefaultHasher::new();
    revision.hash(&mut hasher);
    for (name, file) in names {
        (name, file.length, file.modified).hash(&mut hasher);
    }
    hasher.finish()
}

/// What a story's own file says of it; nothing of one that is large, or lies outside.
pub(super) fn description(layout: &Layout, path: &Path) -> Option<String> {
    let length = fs::metadata(path).ok()?.len();
    if length > MAX_FILE || !layout.allows(path) {
        return None;
    }
    let bytes = fs::read(path).ok()?;
    story::description(&String::from_utf8_lossy(&bytes))
}
