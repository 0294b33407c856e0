//! `scripted-agent`: plays an agent, for `demo` and for trying a configuration out. It reads the
//! prompt, speaks the stream of `claude -p --output-format stream-json`, logs the usual tasks,
//! writes small files under the names asked for, and ends with the verdict asked for.
//!
//! Everything follows from story, command and attempt: the same batch goes the same way again.

mod brief;
mod script;

use std::ffi::OsString;
use std::io::{Read as _, Write as _};
use std::path::{Component, Path, PathBuf};
use std::time::Duration;

use anyhow::{Context as _, bail};
use serde_json::{Value, json};

use crate::agents::prompt::tasks;
use crate::parse::csv_append::format_row;
use crate::project::layout::{Layout, Named};

use super::append::append_line;
use super::clock::now_s;

use brief::Brief;

/// No prompt is longer.
const LARGEST: u64 = 4 << 20;
/// The rows of every third task go to the log's file as well, as a real agent's `sprint-runner log`
/// does it. Of a task both or none: an end that is read there before its start is heard here would
/// leave the start open.
const ALSO_IN_THE_FILE: u64 = 3;

/// The flags of `scripted-agent`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// How long a usual task takes
    #[arg(long, value_name = "SECONDS", default_value = "1", value_parser = pace)]
    pace: Duration,
    /// Whatever a real agent would be given; not looked at
    #[arg(trailing_var_arg = true, allow_hyphen_values = true, hide = true)]
    _rest: Vec<OsString>,
}

fn pace(text: &str) -> Result<Duration, String> {
    let seconds = text.parse::<f64>().map_err(|error| error.to_string())?;
    let pace = Duration::try_from_secs_f64(seconds).map_err(|error| error.to_string())?;
    if pace > Duration::from_secs(3600) { Err("at most 3600".to_owned()) } else { Ok(pace) }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<u8> {
    let mut prompt = String::new();
    std::io::stdin().take(LARGEST).read_to_string(&mut prompt).context("cannot read the prompt")?;
    let Some(brief) = Brief::read(&prompt) else {
        bail!("the prompt's first line names no command that is known");
    };
    let root = std::env::current_dir().context("cannot tell the current folder")?;
    let layout = Layout::discover(&root, &Named::default());
    let agent = Agent { brief, root, csv: layout.artifacts.join("sprint-runner.csv") };
    agent.play(args.pace)?;
    Ok(0)
}

struct Agent {
    brief: Brief,
    root: PathBuf,
    csv: PathBuf,
}

impl Agent {
    fn play(&self, pace: Duration) -> anyhow::Result<()> {
        let brief = &self.brief;
        say(
            &json!({ "type": "system", "subtype": "init", "model": "scripted", "tools": ["Bash", "Write"],
                     "session_id": brief.session(), "permissionMode": "acceptEdits" }),
        )?;
        self.text(&script::opening(brief))?;
        let subjects = brief.subjects();
        // However many stories: the run takes the same time.
        let pace = pace / u32::try_from(subjects.len()).unwrap_or(1).max(1);
        for task in tasks(brief.command) {
            for subject in &subjects {
                self.row(subject, task, "start", &script::intent(brief, task))?;
                std::thread::sleep(pace * script::weight(brief, task));
                if *task == "write" {
                    self.write(subject)?;
                }
                self.row(subject, task, "end", &script::outcome(brief, subject, task))?;
            }
        }
        let last = script::ending(brief);
        self.text(&last)?;
        let dice = brief.dice("usage");
        say(&json!({
            "type": "result", "subtype": "success", "is_error": false, "num_turns": 2 + dice % 9,
            "duration_ms": 0, "result": last, "session_id": brief.session(),
            "total_cost_usd": (40 + dice % 160) as f64 / 1000.0,
            "usage": { "input_tokens": 4000 + dice % 9000, "output_tokens": 300 + dice % 1700 },
            "permission_denials": [],
        }))
    }

    /// One row of the log, told by a tool.
    fn row(&self, subject: &str, task: &str, status: &str, message: &str) -> anyhow::Result<()> {
        let brief = &self.brief;
        let row = json!({
            "epic_id": brief.epic_of(subject), "story_id": subject, "command": brief.row_command(),
            "task_id": task, "status": status, "message": message,
        });
        let line = format_row(&row, now_s())?;
        if brief.dice(&[subject, task].join("/")).is_multiple_of(ALSO_IN_THE_FILE) {
            append_line(&self.csv, &line).context("cannot append to the log")?;
        }
        self.tool("Bash", &json!({ "command": format!("sprint-runner log '{row}'") }), &line)
    }

    /// The file that the command is there for, where there is none yet.
    fn write(&self, subject: &str) -> anyhow::Result<()> {
        let Some((name, text)) = script::file(&self.brief, subject) else { return Ok(()) };
        let inside = Path::new(&name).components().all(|part| matches!(part, Component::Normal(_)));
        let path = self.root.join(&name);
        if !inside || path.exists() {
            return Ok(());
        }
        if let Some(folder) = path.parent() {
            std::fs::create_dir_all(folder).context("cannot make a folder")?;
        }
        std::fs::write(&path, text).context("cannot write a file")?;
        self.tool("Write", &json!({ "file_path": name }), "File created")
    }

    fn text(&self, text: &str) -> anyhow::Result<()> {
        let content = json!([{ "type": "text", "text": text }]);
        say(&json!({ "type": "assistant", "session_id": self.brief.session(),
                     "parent_tool_use_id": null, "message": { "role": "assistant", "content": content } }))
    }

    fn tool(&self, name: &str, input: &Value, answer: &str) -> anyhow::Result<()> {
        let call = json!([{ "type": "tool_use", "id": "toolu_1", "name": name, "input": input }]);
        say(&json!({ "type": "assistant", "session_id": self.brief.session(),
                     "parent_tool_use_id": null, "message": { "role": "assistant", "content": call } }))?;
        let answer = json!([{ "type": "tool_result", "tool_use_id": "toolu_1", "is_error": false,
                              "content": [{ "type": "text", "text": answer }] }]);
        say(&json!({ "type": "user", "session_id": self.brief.session(),
                     "parent_tool_use_id": null, "message": { "role": "user", "content": answer } }))
    }
}

/// One line of the stream, at once.
fn say(line: &Value) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    writeln!(out, "{line}")?;
    Ok(out.flush()?)
}
