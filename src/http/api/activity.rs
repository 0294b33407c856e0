//! `/api/orchestrator-status`: orchestrator.md and the log's rows, for older pages.

use std::fs::File;
use std::io::Read;

use indexmap::IndexMap;
use schemars::JsonSchema;
use serde::Serialize;
use warp::filters::BoxedFilter;
use warp::reply::Response;

use crate::domain::words;
use crate::http::context::Context;
use crate::http::route::{Asked, blocking, get};
use crate::http::{data, reply};
use crate::parse::lines::next_line;
use crate::parse::markdown::{MarkdownLog, MdEntry, MdLine, activities};
use crate::store::rows::{CommandRow, StoryRow};

/// More of orchestrator.md than this is not shown; its events are in the log all the same.
const MAX_BYTES: u64 = 4 * 1024 * 1024;

/// Commands in an answer, the newest ones: the same bound as the timeline's. Sums count them all.
const COMMANDS: u32 = 10_000;

pub(super) fn routes(context: &Context) -> BoxedFilter<(Response,)> {
    get(context, "/api/orchestrator-status", files)
}

/// What orchestrator.md and the rows of the log say.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "OrchestratorLog")]
pub(in crate::http) struct Status<'a> {
    /// Lines that are no heading, trimmed.
    activities: Vec<&'a str>,
    /// Lines that say something.
    entries: Vec<MdEntry>,
    /// The file, at most 4 MiB of it.
    raw: &'a str,
    stories: Vec<Story<'a>>,
}

async fn files(context: Context, _: Asked) -> Result<Response, Response> {
    let answer = blocking(move || {
        // A long history makes a long answer: it is written as it is, without a tree of values.
        let text = read(&context);
        let stories = context.hub.queries().all_stories(COMMANDS)?;
        let statuses = context.hub.state();
        let word = |key: &str| statuses.sprint.stories.get(key).map(|story| story.status.clone());
        Ok(reply::json(&Status {
            activities: activities(&text),
            entries: entries(&text),
            raw: &text,
            stories: of_stories(&stories, word),
        }))
    });
    answer.await
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
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LoggedStory")]
struct Story<'a> {
    /// The long key.
    #[serde(rename = "storyId")]
    key: &'a str,
    /// The file's own word, else how it stands in its last batch.
    status: Option<String>,
    /// Seconds.
    total_duration: Option<f64>,
    /// Milliseconds since the epoch.
    last_activity_time: Option<i64>,
    /// What its last command said.
    description: Option<&'a str>,
    /// In their order; over all stories the newest 10,000, older ones are left out.
    commands: Vec<Command<'a>>,
}

/// A command of a story.
#[derive(Serialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
#[schemars(rename = "LoggedCommand")]
struct Command<'a> {
    /// Attempt included.
    #[serde(rename = "command")]
    name: &'a str,
    /// The phase.
    task_id: &'a str,
    /// Seconds; null while it runs.
    duration: Option<f64>,
    #[schemars(with = "words::CommandStatus")]
    status: &'a str,
    /// Milliseconds since the epoch.
    started_at: i64,
}

fn of_stories(rows: &[StoryRow], word: impl Fn(&str) -> Option<String>) -> Vec<Story<'_>> {
    let mut by_key: IndexMap<&str, Vec<&StoryRow>> = IndexMap::new();
    for row in rows {
        by_key.entry(&row.story_key).or_default().push(row);
    }
    by_key
        .into_iter()
        .map(|(key, rows)| {
            let commands = || rows.iter().flat_map(|row| &row.commands);
            let durations: Vec<f64> = rows.iter().filter_map(|row| row.duration_seconds).collect();
            Story {
                key,
                status: word(key).or_else(|| rows.last().map(|row| row.status.clone())),
                total_duration: (!durations.is_empty()).then(|| durations.iter().sum()),
                last_activity_time: commands()
                    .map(|c| c.ended_at.unwrap_or(c.started_at))
                    // All of its commands are left out.
                    .chain(rows.iter().map(|row| row.ended_at.unwrap_or(row.started_at)))
                    .max(),
                description: commands().rev().find_map(|c| c.output_summary.as_deref()),
                commands: commands().map(command).collect(),
            }
        })
        .collect()
}

fn command(row: &CommandRow) -> Command<'_> {
    let seconds = |ended_at: i64| (ended_at - row.started_at).max(0) as f64 / 1000.0;
    Command {
        name: &row.command,
        task_id: &row.task_id,
        duration: row.ended_at.map(seconds),
        status: &row.status,
        started_at: row.started_at,
    }
}
