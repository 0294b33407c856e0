//! `log`: appends one row to the CSV log, from JSON; safe with many writers at once.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::{Map, Value};

use crate::config::Layer;
use crate::parse::csv_append;
use crate::project::layout::Layout;

use super::append::append_row;
use super::place::Place;
use super::terminal::{Terminal, line};

/// The largest request read from standard input.
const LARGEST: u64 = 1 << 20;

/// The flags of `log`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// {"epic_id","story_id","command","task_id","status","message"?}, or - to read it from
    /// standard input
    #[arg(value_name = "JSON", allow_hyphen_values = true)]
    json: String,
}

/// Runs the command: appends the row, prints it.
pub(crate) fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let json = if args.json == "-" { standard_input()? } else { args.json.clone() };
    let row = Request::read(&json)?.row();
    let layout = found.layout();
    let path = target(&layout);
    let name = layout.display_name(&path);
    if !layout.allows(&path) {
        bail!("{name} leads out of the project; name it with --csv-log if that is meant");
    }
    append_row(&path, &row).with_context(|| format!("cannot append to {name}"))?;
    line(&Terminal::stdout().raw_line(&row))?;
    Ok(0)
}

/// The log that was found, else the one that will be.
fn target(layout: &Layout) -> PathBuf {
    let found = layout.csv_logs.iter().find(|path| path.symlink_metadata().is_ok());
    found.cloned().unwrap_or_else(|| match &layout.named.csv_log {
        Some(named) => named.clone(),
        None => layout.artifacts.join("sprint-runner.csv"),
    })
}

fn standard_input() -> anyhow::Result<String> {
    let mut text = String::new();
    std::io::stdin().take(LARGEST + 1).read_to_string(&mut text).context("cannot read standard input")?;
    if text.len() as u64 > LARGEST {
        bail!("the request on standard input is larger than {LARGEST} bytes");
    }
    Ok(text)
}

/// What is asked to be logged.
#[derive(Debug, PartialEq, Eq)]
struct Request {
    epic_id: String,
    story_id: String,
    command: String,
    task_id: String,
    status: String,
    message: Option<String>,
}

impl Request {
    /// Reads the JSON. Numbers count as their text; keys beyond the six are taken and, but for
    /// `metrics` and `attempt`, not used.
    fn read(json: &str) -> anyhow::Result<Self> {
        let value: Value = serde_json::from_str(json).context("the request is not JSON")?;
        let Value::Object(map) = value else {
            bail!("the request is not a JSON object: {{\"epic_id\": …, \"story_id\": …, …}}");
        };
        let mut request = Self {
            epic_id: required(&map, "epic_id")?,
            story_id: required(&map, "story_id")?,
            command: required(&map, "command")?,
            task_id: required(&map, "task_id")?,
            status: required(&map, "status")?,
            message: text(&map, "message")?,
        };
        if let Some(Value::Object(metrics)) = map.get("metrics") {
            request.add_metrics(metrics);
        }
        if let Some(attempt) = map.get("attempt").and_then(Value::as_u64) {
            request.add_attempt(attempt);
        }
        Ok(request)
    }

    /// Metrics travel at the end of the message, as `(files:2, lines:85)`.
    fn add_metrics(&mut self, metrics: &Map<String, Value>) {
        let listed: Vec<String> = metrics
            .iter()
            .filter(|(_, value)| value.is_number())
            .map(|(name, value)| format!("{name}:{value}"))
            .collect();
        if !listed.is_empty() {
            let message = self.message.take().unwrap_or_default();
            self.message = Some(format!("{message} ({})", listed.join(", ")).trim_start().to_owned());
        }
    }

    /// An attempt travels at the end of the command, as `code-review-2`; the first has none.
    fn add_attempt(&mut self, attempt: u64) {
        let has_one = self.command.rsplit_once('-').is_some_and(|(_, end)| end.parse::<u64>().is_ok());
        if attempt > 1 && !has_one {
            self.command = format!("{}-{attempt}", self.command);
        }
    }

    fn row(&self) -> String {
        row_now(
            &self.epic_id,
            &self.story_id,
            &self.command,
            &self.task_id,
            &self.status,
            self.message.as_deref().unwrap_or_default(),
        )
    }
}

fn required(map: &Map<String, Value>, key: &str) -> anyhow::Result<String> {
    match text(map, key)? {
        Some(text) if !text.trim().is_empty() => Ok(text),
        _ => bail!(
            "the request lacks {key:?}: epic_id, story_id, command, task_id and status are needed, \
             message is optional"
        ),
    }
}

fn text(map: &Map<String, Value>, key: &str) -> anyhow::Result<Option<String>> {
    match map.get(key) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(Value::Number(number)) => Ok(Some(number.to_string())),
        Some(_) => bail!("{key:?} is neither text nor a number"),
    }
}

/// stub
pub(crate) fn row_now(epic: &str, story: &str, command: &str, task: &str, status: &str, message: &str) -> String { format!("{epic}{story}{command}{task}{status}{message}") }
