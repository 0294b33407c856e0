//! The recording: one step a line, in the order of its time.

use anyhow::Context as _;
use serde::Deserialize;

/// What is played.
#[derive(Debug)]
pub(crate) struct Recording {
    pub(crate) steps: Vec<Step>,
}

/// One thing that a recorded agent did.
#[derive(Debug, PartialEq, Deserialize)]
pub(crate) struct Step {
    /// When, in milliseconds from the beginning.
    pub(crate) at_ms: u64,
    #[serde(flatten)]
    pub(crate) action: Action,
}

/// What it did.
#[derive(Debug, PartialEq, Deserialize)]
#[serde(tag = "do", rename_all = "lowercase")]
pub(crate) enum Action {
    /// Logged a row.
    Row {
        epic: String,
        story: String,
        command: String,
        task: String,
        status: String,
        #[serde(default)]
        message: String,
    },
    /// Changed a status.
    Status { key: String, status: String },
    /// Wrote a line of orchestrator.md.
    Markdown { line: String },
}

impl Recording {
    /// Reads the lines.
    pub(crate) fn read(text: &str) -> anyhow::Result<Self> {
        let steps = text
            .lines()
            .enumerate()
            .filter(|(_, line)| !line.trim().is_empty())
            .map(|(index, line)| {
                serde_json::from_str(line)
                    .with_context(|| format!("line {} of the recording", index + 1))
            })
            .collect::<anyhow::Result<Vec<Step>>>()?;
        Ok(Self { steps })
    }
}
