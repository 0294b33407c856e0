//! `export`: the log as lines, as a table, or as one page that replays the sprint.

mod file;

use std::io::{BufWriter, IsTerminal as _, Write};
use std::path::PathBuf;

use anyhow::bail;

use crate::config::Layer;
use crate::export::{self, ExportError, Replay, Wish};
use crate::project::settings_store::SettingsStore;
use crate::store::Queries;
use crate::store::rows::EventFilter;

use super::client::Server;
use super::clock::now_ms;
use super::log_pages::Filter;
use super::place::{Found, Kept, Place};
use super::terminal::{Terminal, note};

/// The flags of `export`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object a line, a table for spreadsheets, or one page that replays the sprint
    #[arg(long, value_enum, default_value_t)]
    format: Format,
    /// The same as --format html
    #[arg(long, conflicts_with = "format")]
    html: bool,
    /// Only what came after this event
    #[arg(long, value_name = "ID")]
    since: Option<u64>,
    /// Only this batch; with --html all that happened between its first event and its last
    #[arg(long, value_name = "ID", value_parser = clap::value_parser!(i64).range(1..))]
    batch: Option<i64>,
    /// Only these types; * stands for anything: --type 'command:*,story:status'
    #[arg(long = "type", value_name = "GLOB", value_delimiter = ',', conflicts_with = "html")]
    types: Vec<String>,
    /// Only these stories, by key or short id
    #[arg(long = "story", value_name = "KEY", value_delimiter = ',', conflicts_with = "html")]
    stories: Vec<String>,
    /// Write to this file instead of to standard output
    #[arg(short, long, value_name = "FILE")]
    output: Option<PathBuf>,
    /// Replace the file if it is there
    #[arg(long, requires = "output")]
    force: bool,
}

/// What is written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, clap::ValueEnum)]
enum Format {
    #[default]
    Ndjson,
    Csv,
    Html,
}

impl Args {
    fn format(&self) -> Format {
        if self.html { Format::Html } else { self.format }
    }
}

/// Runs the command. The database is read beside a live server too.
pub(crate) fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let filtered = !args.types.is_empty() || !args.stories.is_empty();
    if args.format == Format::Html && filtered {
        let text = "a page holds all that happened: --type and --story do not go with it";
        clap::Error::raw(clap::error::ErrorKind::ArgumentConflict, text).exit();
    }
    let found = place.find(Layer::default())?;
    let Some(kept) = found.kept()? else { return Err(nothing_kept(&found)) };
    if let Some(id) = args.batch
        && kept.queries.batch(id)?.is_none()
    {
        bail!("there is no batch {id}");
    }
    if let Some(path) = &args.output {
        file::write(path, args.force, |out| write(args, &kept, None, out))?;
        return Ok(0);
    }
    let stdout = std::io::stdout();
    if args.format() == Format::Html && stdout.is_terminal() {
        bail!("a page is nothing to read on a terminal: name a file with --output FILE");
    }
    let mut out = BufWriter::with_capacity(64 * 1024, stdout.lock());
    write(args, &kept, Some(Terminal::stdout()), &mut out)?;
    Ok(0)
}

fn nothing_kept(found: &Found) -> anyhow::Error {
    match Server::find(&found.state_folders()) {
        Some(server) => anyhow::anyhow!(
            "the server at {} keeps its database elsewhere: name it with --db FILE",
            server.url
        ),
        None => {
            anyhow::anyhow!("nothing was recorded yet; start a server with: sprint-runner serve")
        }
    }
}

fn write(
    args: &Args,
    kept: &Kept,
    terminal: Option<Terminal>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    match args.format() {
        Format::Html => page(args, kept, out),
        Format::Ndjson | Format::Csv => lines(args, &kept.queries, terminal, out),
    }
}

fn lines(
    args: &Args,
    queries: &Queries,
    terminal: Option<Terminal>,
    out: &mut dyn Write,
) -> anyhow::Result<()> {
    let filter = Filter { types: args.types.clone(), stories: args.stories.clone() };
    let filter = EventFilter { batch_ids: args.batch.into_iter().collect(), ..filter.of_store() };
    let after = args.since.unwrap_or(0);
    if args.format() == Format::Csv {
        export::table(queries, after, &filter, |row| match terminal {
            Some(terminal) => out.write_all(&terminal.raw_row(row)),
            None => out.write_all(row),
        })
        .map_err(told)?;
        return Ok(out.flush()?);
    }
    export::lines(queries, after, &filter, |line| {
        match terminal {
            Some(terminal) => out.write_all(terminal.json_line(line).as_bytes())?,
            None => out.write_all(line.as_bytes())?,
        }
        out.write_all(b"\n")
    })
    .map_err(told)?;
    Ok(out.flush()?)
}

fn page(args: &Args, kept: &Kept, out: &mut dyn Write) -> anyhow::Result<()> {
    let (settings, trouble) = SettingsStore::peek(&kept.folder);
    if let Some(trouble) = trouble {
        note(&trouble);
    }
    let wish = Wish { batch_id: args.batch, after: args.since.unwrap_or(0) };
    let settings = serde_json::to_value(settings)?;
    let replay = Replay::prepare(&kept.queries, wish, &settings, now_ms())?;
    if replay.left_out() > 0 {
        note(&format!(
            "the page holds the newest events, from #{} on; {} older ones are left out",
            replay.first(),
            replay.left_out()
        ));
    }
    replay.write(&kept.queries, out).map_err(told)
}

/// As it is, so that a closed pipe is known for what it is.
fn told(error: ExportError) -> anyhow::Error {
    match error {
        ExportError::Write(error) => error.into(),
        error => error.into(),
    }
}
