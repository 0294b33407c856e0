//! `events`: the log, as lines for people or as NDJSON; with `--follow` as it grows.

use std::io::{BufWriter, Stdout, Write};
use std::time::Duration;

use serde::Deserialize;

use crate::app::signals::Signals;
use crate::config::Layer;

use super::client::Server;
use super::event_line;
use super::log_pages::{self, Page, Pages};
use super::place::{Found, Place};
use super::terminal::{Terminal, note};

/// How many events are shown when nothing else is said.
const NEWEST: u64 = 100;

/// How often the database is looked into while no server runs, and how long a lost server is left
/// alone before the next try.
const PAUSE: Duration = Duration::from_millis(500);

/// The flags of `events`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// Go on with what happens from now on, until Ctrl-C
    #[arg(short, long)]
    follow: bool,
    /// Show what came after this event, oldest first; 0 = from the first
    #[arg(long, value_name = "ID")]
    since: Option<u64>,
    /// Only these types; * stands for anything: --type 'command:*,story:status'
    #[arg(long = "type", value_name = "GLOB", value_delimiter = ',')]
    types: Vec<String>,
    /// Only these stories, by key or short id
    #[arg(long = "story", value_name = "KEY", value_delimiter = ',')]
    stories: Vec<String>,
    /// Show the newest N [default: 100]; with --since: end after N [default: all]
    #[arg(short = 'n', long, value_name = "N", value_parser = clap::value_parser!(u64).range(1..))]
    limit: Option<u64>,
    /// One JSON object a line, as the server sends them
    #[arg(long)]
    json: bool,
}

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let filter = log_pages::Filter { types: args.types.clone(), stories: args.stories.clone() };
    let mut output = Output {
        to: BufWriter::new(std::io::stdout()),
        terminal: Terminal::stdout(),
        json: args.json,
        left: args.since.and(args.limit),
    };
    if args.follow {
        // Ends the program from a task of its own: the writer may be waiting for a full pipe.
        let mut signals = Signals::listen()?;
        tokio::spawn(async move {
            signals.recv().await;
            std::process::exit(0);
        });
    }
    let pages = Pages::open(&found, &filter)?;
    let Some(pages) = pages else {
        if !args.follow {
            anyhow::bail!(
                "no server is running and nothing was recorded yet; start one with: sprint-runner serve"
            );
        }
        let cursor = Cursor::at(args.since.unwrap_or(0));
        return follow(&found, &filter, cursor, output).await;
    };
    let cursor = Cursor::at(match args.since {
        Some(since) => show_after(&pages, since, &mut output).await?,
        None => show_newest(&pages, args.limit.unwrap_or(NEWEST), &mut output).await?,
    });
    if args.follow && !output.is_full() {
        return follow(&found, &filter, cursor, output).await;
    }
    Ok(0)
}

/// Shows everything behind `after`. Returns how far it came.
async fn show_after(pages: &Pages<'_>, mut after: u64, output: &mut Output) -> anyhow::Result<u64> {
    loop {
        let page = pages.after(after, log_pages::LARGEST).await?;
        for event in &page.events {
            output.event(event)?;
        }
        output.to.flush()?;
        match page.next {
            Some(next) if !output.is_full() => after = next,
            _ => return Ok(page.end()),
        }
    }
}

/// Shows the newest events, oldest first. Returns up to where the log was shown.
async fn show_newest(pages: &Pages<'_>, count: u64, output: &mut Output) -> anyhow::Result<u64> {
    let mut newest: Vec<Page> = Vec::new();
    let mut missing = count;
    loop {
        let size = missing.min(log_pages::LARGEST);
        let first = newest.last().and_then(Page::first_id);
        let page = match (newest.is_empty(), first) {
            (true, _) => pages.newest(size).await?,
            (false, Some(first)) => pages.before(first, size).await?,
            (false, None) => break,
        };
        missing -= (page.events.len() as u64).min(missing);
        let is_last = missing == 0 || (page.events.len() as u64) < size;
        newest.push(page);
        if is_last {
            break;
        }
    }
    for event in newest.iter().rev().flat_map(|page| &page.events) {
        output.event(event)?;
    }
    output.to.flush()?;
    Ok(newest.first().map_or(0, Page::end))
}

/// Shows what happens from the cursor on: over the server's stream while one is alive, from the
/// database while none is. Ends only when a limit is reached.
async fn follow(
    found: &Found,
    filter: &log_pages::Filter,
    mut cursor: Cursor,
    mut output: Output,
) -> anyhow::Result<u8> {
    let folders = found.state_folders();
    let mut told_absent = false;
    while !output.is_full() {
        if let Some(server) = Server::find(&folders) {
            told_absent = false;
            if let Err(error) = stream(&server, filter, &mut cursor, &mut output).await? {
                note(&format!("{error:#}"));
            }
        } else {
            if !told_absent {
                note("no server is running: showing what the database holds, waiting for one");
                told_absent = true;
            }
            if let Some(pages) = Pages::of_database(found, filter)? {
                cursor.id = show_after(&pages, cursor.id, &mut output).await?.max(cursor.id);
            }
        }
        if !output.is_full() {
            tokio::time::sleep(PAUSE).await;
        }
    }
    Ok(0)
}

/// What is told about the stream itself.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "type")]
    kind: String,
    first_available: Option<u64>,
}

/// Shows one connection's events until it ends. The outer error is ours (the output is closed), the
/// inner one the connection's.
async fn stream(
    server: &Server,
    filter: &log_pages::Filter,
    cursor: &mut Cursor,
    output: &mut Output,
) -> anyhow::Result<anyhow::Result<()>> {
    let mut stream = match server.stream(&filter.stream_query(), &cursor.to_string()).await {
        Ok(stream) => stream,
        Err(error) => return Ok(Err(error)),
    };
    while let Some(block) = stream.next().await {
        if let Some(data) = &block.data {
            match serde_json::from_str::<Message>(data) {
                Ok(Message { kind, .. }) if kind == "init" || kind == "pong" => {}
                Ok(Message { kind, .. }) if kind == "reset" => {
                    note("the log was begun anew: following the new one");
                }
                Ok(Message { kind, first_available }) if kind == "gap" => {
                    let first = first_available.unwrap_or_default();
                    note(&format!("events before #{first} are no longer kept"));
                }
                _ => output.event(data)?,
            }
        }
        // Behind the output: what was not written is asked for again.
        if let Some(id) = &block.id {
            cursor.advance(id);
        }
        output.to.flush()?;
        if output.is_full() {
            break;
        }
    }
    Ok(Ok(()))
}

/// How far the log was shown.
struct Cursor {
    epoch: Option<String>,
    id: u64,
}

impl Cursor {
    const fn at(id: u64) -> Self {
        Self { epoch: None, id }
    }

    /// Takes an id as the stream gives them: `<epoch>:<id>`.
    fn advance(&mut self, text: &str) {
        let (epoch, id) =
            text.split_once(':').map_or((None, text), |(epoch, id)| (Some(epoch), id));
        if let Ok(id) = id.parse() {
            self.id = id;
            self.epoch = epoch.map(str::to_owned);
        }
    }
}

impl std::fmt::Display for Cursor {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.epoch {
            Some(epoch) => write!(to, "{epoch}:{}", self.id),
            None => write!(to, "{}", self.id),
        }
    }
}

struct Output {
    to: BufWriter<Stdout>,
    terminal: Terminal,
    json: bool,
    /// How many may still be shown; `None` = all.
    left: Option<u64>,
}

impl Output {
    fn is_full(&self) -> bool {
        self.left == Some(0)
    }

    fn event(&mut self, json: &str) -> std::io::Result<()> {
        match &mut self.left {
            Some(0) => return Ok(()),
            Some(left) => *left -= 1,
            None => {}
        }
        let line = if self.json {
            self.terminal.json_line(json)
        } else {
            event_line::format(self.terminal, json)
        };
        self.to.write_all(line.as_bytes())?;
        self.to.write_all(b"\n")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_speaks_as_the_server_does() {
        let mut cursor = Cursor::at(5);
        assert_eq!(cursor.to_string(), "5");
        cursor.advance("0badcafe:17");
        assert_eq!(cursor.to_string(), "0badcafe:17");
        cursor.advance("nonsense");
        assert_eq!(cursor.to_string(), "0badcafe:17");
    }
}
