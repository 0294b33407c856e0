//! `/api/orchestrator-status`: orchestrator.md and the log's rows, for older pages.

use std::fs::File;
use std::io::Read;

use indexmap::IndexMap;
use serde_json::{Value, json};
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::http::context::Context;
use crate::http::route::{Asked, blocking, get};
use crate::http::{data, reply};
use crate::parse::lines::next_line;
use crate::parse::markdown::{MarkdownLog, MdEntry, MdLine, activities};
use crate::store::rows::{CommandRow, StoryRow};

/// More of orchestrator.md than this is not shown; its events are in the log all the same.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/orchestrator-status", files)
}

async fn files(context: Context, _: Asked) -> Result<Response, Response> {
    let answer = blocking(move || {
        let text = read(&context);
        let stories = context.hub.queries().stories(None)?;
        let statuses = context.hub.state();
        let word = |key: &str| statuses.sprint.stories.get(key).map(|story| story.status.clone());
        Ok(json!({
            "activities": activities(&text),
            "entries": entries(&text),
            "raw": text,
            "stories": of_stories(&stories, word),
        }))
    });
    Ok(reply::json(&answer.await?))
}

fn read(context: &Context) -> String {
    let layout = context.board.layout();
    let open = |path: &std::path::PathBuf| data::open(&layout, path);
    let found: Option<File> = layout.orchestrator_logs.iter().find_map(open);
    let mut bytes = Vec::new();
    if let Some(file) = found
        && let Err(error) = file.take(MAX_BYTES).read_to_end(&mut bytes)
    {
        tracing::warn!(%error, "cannot read orchestrator.md");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

fn entries(text: &str) -> Vec<MdEntry> {
    let mut log = MarkdownLog::default();
    let mut out = Vec::new();
    let mut rest = text.as_bytes();
    for line_no in 1.. {
        let (line, taken) = next_line(rest).unwrap_or((rest, rest.len()));
        if taken == 0 {
            break;
        }
        if let MdLine::Entry(entry) = log.line(line_no, line) {
            out.push(*entry);
        }
        rest = &rest[taken..];
    }
    out
}

/// A story over all its batches.
fn of_stories(rows: &[StoryRow], word: impl Fn(&str) -> Option<String>) -> Vec<Value> {
    let mut by_key: IndexMap<&str, Vec<&StoryRow>> = IndexMap::new();
    for row in rows {
        by_key.entry(&row.story_key).or_default().push(row);
    }
    by_key
        .into_iter()
        .map(|(key, rows)| {
            let commands = || rows.iter().flat_map(|row| &row.commands);
            let last = commands().map(|c| c.ended_at.unwrap_or(c.started_at)).max();
            let durations: Vec<f64> = rows.iter().filter_map(|row| row.duration_seconds).collect();
            let total = (!durations.is_empty()).then(|| durations.iter().sum::<f64>());
            let description = commands().rev().find_map(|c| c.output_summary.as_deref());
            json!({
                "storyId": key,
                "status": word(key).or_else(|| rows.last().map(|row| row.status.clone())),
                "totalDuration": total,
                "lastActivityTime": last,
                "description": description,
                "commands": commands().map(command).collect::<Vec<_>>(),
            })
        })
        .collect()
}

fn command(row: &CommandRow) -> Value {
    let duration = row.ended_at.map(|ended_at| (ended_at - row.started_at).max(0) as f64 / 1000.0);
    json!({
        "command": row.command,
        "taskId": row.task_id,
        "duration": duration,
        "status": row.status,
        "startedAt": row.started_at,
    })
}
