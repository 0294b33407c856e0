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
