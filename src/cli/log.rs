//! `log`: appends one row to the CSV log, from JSON; safe with many writers at once.

use std::io::Read;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use serde_json::Value;

use crate::config::Layer;
use crate::parse::csv_append::format_row;
use crate::project::layout::Layout;

use super::append::append_line;
use super::clock::now_s;
use super::place::Place;
use super::terminal::{Terminal, line};

/// The largest request read from standard input.
const LARGEST: u64 = 1 << 20;

const WHAT: &str = "{\"epic_id\", \"story_id\", \"command\", \"task_id\", \"status\", \"message\"?, \
                    \"metrics\"?, \"attempt\"?}, or - to read it from standard input";

/// The flags of `log`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    #[arg(value_name = "JSON", allow_hyphen_values = true, help = WHAT)]
    json: String,
}

/// Runs the command: appends the row, prints it.
pub(crate) fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let json = if args.json == "-" { standard_input()? } else { args.json.clone() };
    let request: Value = serde_json::from_str(&json).context("the request is not JSON")?;
    let row = format_row(&request, now_s())?;
    let layout = found.layout();
    let path = target(&layout);
    let name = layout.display_name(&path);
    // Where it leads shows only once its folder is there.
    if let Some(folder) = path.parent() {
        std::fs::create_dir_all(folder)
            .with_context(|| format!("cannot make the folder of {name}"))?;
    }
    if !layout.allows(&path) {
        bail!("{name} leads out of the project; name it with --csv-log if that is meant");
    }
    append_line(&path, &row).with_context(|| format!("cannot append to {name}"))?;
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
    let read = std::io::stdin().take(LARGEST + 1).read_to_string(&mut text);
    read.context("cannot read standard input")?;
    if text.len() as u64 > LARGEST {
        bail!("the request on standard input is larger than {LARGEST} bytes");
    }
    Ok(text)
}
