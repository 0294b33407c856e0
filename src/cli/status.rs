//! `status`: where the sprint stands.

use anyhow::Context as _;

use crate::config::Layer;
use crate::domain::issue::Severity;

use super::client::Server;
use super::clock::{duration, local, now_ms};
use super::overview::Overview;
use super::place::{Found, Place};
use super::reading::Files;
use super::terminal::{Terminal, Tone, line};

/// The flags of `status`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// Runs the command. A live server is asked where there is one; else the files are read, and
/// nothing is said to run: nobody watches.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let overview = look(&found).await?;
    if args.json {
        line(&Terminal::stdout().json_line(&serde_json::to_string_pretty(&overview)?))?;
    } else {
        line(&show(&overview, &found, Terminal::stdout(), now_ms()))?;
    }
    Ok(u8::from(overview.state.as_deref() == Some("missing")))
}

async fn look(found: &Found) -> anyhow::Result<Overview> {
    let Some(server) = Server::find(&found.state_folders()) else {
        return Ok(Overview::from_files(&Files::read(&found.layout(), now_ms())));
    };
    let body = server.get_soon("/api/snapshot").await?;
    Overview::from_snapshot(&server.url, &body)
        .context("the server's answer is not what was expected")
}

fn show(overview: &Overview, found: &Found, terminal: Terminal, now_ms: i64) -> String {
    let mut out = Vec::new();
    let folder = found.root.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = overview.project.clone().or(folder).unwrap_or_default();
    out.push(terminal.paint(Tone::Strong, &name));
    out.push(match &overview.server {
        Some(url) => terminal.paint(Tone::Faint, &format!("watched by {url}")),
        None => terminal.paint(Tone::Faint, "no server is running: read from the files"),
    });
    match overview.state.as_deref() {
        Some("ok") => {}
        Some("missing") | None => {
            out.push(terminal.paint(Tone::Bad, "there is no sprint-status.yaml"));
        }
        Some(state) => {
            let text = format!("sprint-status.yaml is {state}; see: sprint-runner check");
            out.push(terminal.paint(Tone::Bad, &text));
        }
    }
    out.push(String::new());
    epics(overview, terminal, &mut out);
    stories(overview, terminal, &mut out);
    activity(overview, terminal, now_ms, &mut out);
    issues(overview, terminal, &mut out);
    out.join("\n")
}

fn epics(overview: &Overview, terminal: Terminal, out: &mut Vec<String>) {
    if overview.epics.is_empty() {
        return;
    }
    let rows = overview.epics.iter().map(|epic| {
        vec![
            (Tone::Plain, epic.epic_id.clone()),
            (Tone::of_class(&epic.status_class), epic.status.clone().unwrap_or_else(|| "-".into())),
            (Tone::Plain, format!("{}/{}", epic.done_count, epic.story_count)),
            (Tone::Plain, epic.title.clone().unwrap_or_default()),
        ]
    });
    out.push(terminal.table(&["EPIC", "STATUS", "DONE", "TITLE"], rows.collect()));
    out.push(String::new());
}

fn stories(overview: &Overview, terminal: Terminal, out: &mut Vec<String>) {
    let counts: Vec<String> = overview
        .counts
        .iter()
        .map(|count| {
            let text = format!("{} {}", count.stories, count.status);
            terminal.paint(Tone::of_class(&count.status_class), &text)
        })
        .collect();
    let counts = if counts.is_empty() { String::new() } else { format!(": {}", counts.join(", ")) };
    out.push(format!("{} {}{counts}", label(terminal, "Stories"), overview.stories.len()));
    let next = match &overview.next_story {
        Some(story) => {
            terminal.paint(Tone::Plain, &format!("{} ({})", story.story_key, story.status))
        }
        None if overview.stories.is_empty() => terminal.paint(Tone::Faint, "-"),
        None => terminal.paint(Tone::Good, "none: no story is open"),
    };
    out.push(format!("{} {next}", label(terminal, "Next")));
}

fn activity(overview: &Overview, terminal: Terminal, now_ms: i64, out: &mut Vec<String>) {
    if let Some(batch) = &overview.batch {
        let limit = batch.max_cycles.map_or(String::new(), |max| format!(" of {max}"));
        let text = format!(
            "{} ({}) since {}, {}{limit} cycles done",
            batch.id,
            batch.origin,
            local(batch.started_at),
            batch.cycles_completed
        );
        out.push(format!("{} {}", label(terminal, "Batch"), terminal.paint(Tone::Live, &text)));
    }
    let active = label(terminal, "Active");
    match &overview.active {
        None => out.push(format!(
            "{active} {}",
            terminal.paint(Tone::Faint, "unknown: no server is running")
        )),
        Some(list) if list.is_empty() => {
            out.push(format!("{active} {}", terminal.paint(Tone::Faint, "nothing")));
        }
        Some(list) => {
            out.push(format!("{active} {}", list.len()));
            let rows = list.iter().map(|active| {
                vec![
                    (Tone::Strong, active.story_key.clone()),
                    (Tone::Live, format!("{}/{}", active.command, active.task_id)),
                    (Tone::Plain, duration(now_ms - active.started_at)),
                    (Tone::Plain, active.attempt.to_string()),
                    (Tone::Faint, active.message.clone().unwrap_or_default()),
                ]
            });
            let header = ["STORY", "COMMAND", "SINCE", "ATTEMPT", "MESSAGE"];
            out.push(terminal.table(&header, rows.collect()));
        }
    }
}

fn issues(overview: &Overview, terminal: Terminal, out: &mut Vec<String>) {
    let count = overview.issues.len();
    let errors =
        overview.issues.iter().filter(|issue| issue.issue.severity == Severity::Error).count();
    let (tone, text) = match (count, errors) {
        (0, _) => (Tone::Good, "none".to_owned()),
        (_, 0) => (Tone::Warn, format!("{count}; see: sprint-runner check")),
        _ => (Tone::Bad, format!("{count}, errors among them: {errors}; see: sprint-runner check")),
    };
    out.push(format!("{} {}", label(terminal, "Issues"), terminal.paint(tone, &text)));
}

fn label(terminal: Terminal, text: &str) -> String {
    terminal.paint(Tone::Faint, &format!("{text:<8}"))
}
