//! `run --dry-run`: shows what the next cycle's agents would be told.

use std::ffi::{OsStr, OsString};
use std::io::{BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;
use serde_json::{Value, json};

use crate::app::state_dir::StateDir;
use crate::cli::place::Found;
use crate::cli::terminal::{Terminal, Tone, escape, note};
use crate::orchestrator::BatchSize;
use crate::orchestrator::rehearsal::{Rehearsal, Rehearsed, Rehearsing, Stage, rehearse};
use crate::project::settings_store::SettingsStore;

/// Runs the command; the exit code says whether anything is in the way.
pub(super) async fn run(found: &Found, size: Option<BatchSize>, json: bool) -> anyhow::Result<u8> {
    let (settings, trouble) = SettingsStore::peek(&state_folder(found));
    if let Some(trouble) = trouble {
        note(&escape(&trouble));
    }
    let contexts = tempfile::Builder::new()
        .prefix("sprint-runner-dry-run-")
        .tempdir()
        .context("cannot make a temporary folder for the context files")?;
    let default = u32::try_from(settings.default_max_cycles).unwrap_or(u32::MAX);
    let rehearsal = rehearse(Stage {
        layout: &found.layout(),
        settings: &settings,
        agents: &found.config.agents,
        contexts: contexts.path(),
        size: size.unwrap_or(BatchSize::Cycles(default)),
    })
    .await;
    write_contexts(&rehearsal)?;
    let problems = problems(&rehearsal);
    let folder = contexts.keep();
    let mut out = BufWriter::new(std::io::stdout());
    let terminal = Terminal::stdout();
    if json {
        let text = serde_json::to_string_pretty(&as_json(&rehearsal))?;
        for line in text.lines() {
            writeln!(out, "{}", terminal.json_line(line))?;
        }
    } else {
        let mut page = Page { out: &mut out, terminal };
        page.rehearsal(&rehearsal, &folder, problems)?;
    }
    out.flush()?;
    if problems > 0 {
        let count =
            if problems == 1 { "1 problem".to_owned() } else { format!("{problems} problems") };
        note(&format!("sprint-runner: {count} in the way of a batch, see above"));
    }
    Ok(u8::from(problems > 0))
}

/// Where a server of this project keeps its settings.
fn state_folder(found: &Found) -> std::path::PathBuf {
    let folders = StateDir::candidates(&found.root, &found.config);
    let used = folders.iter().find(|folder| folder.is_dir());
    used.or(folders.first()).cloned().unwrap_or_default()
}

fn write_contexts(rehearsal: &Rehearsal) -> anyhow::Result<()> {
    for run in rehearsal.commands.iter().flat_map(|command| &command.runs) {
        if let Some(context) = &run.context {
            std::fs::write(&run.context_file, context).context("cannot write a context file")?;
        }
    }
    Ok(())
}

fn problems(rehearsal: &Rehearsal) -> usize {
    let runs = rehearsal.commands.iter().flat_map(|command| &command.runs);
    let of_runs: usize = runs.map(|run| run.problems.len()).sum();
    of_runs + usize::from(rehearsal.problem.is_some())
}

struct Page<'a, W> {
    out: &'a mut W,
    terminal: Terminal,
}

impl<W: Write> Page<'_, W> {
    fn rehearsal(&mut self, it: &Rehearsal, folder: &Path, problems: usize) -> anyhow::Result<()> {
        self.heading("Dry run: nothing is written into the project, nothing is started")?;
        if let Some(problem) = &it.problem {
            self.problem(problem)?;
        }
        let named = |(key, word): &(String, String)| format!("{key} ({word})");
        let stories: Vec<String> = it.stories.iter().map(named).collect();
        if !stories.is_empty() {
            self.text(&format!("Stories of the next cycle: {}", stories.join(", ")))?;
        } else if it.problem.is_none() && it.commands.len() > 1 {
            self.text("No story is open: a batch would end at once.")?;
        }
        for story in &it.unknown {
            self.warning(&format!("{}: its status says nothing known: left out", named(story)))?;
        }
        self.text(&format!(
            "Context files, to be looked at and removed: {}",
            folder.to_string_lossy()
        ))?;
        self.text(&format!("Problems: {problems}"))?;
        for (at, command) in it.commands.iter().enumerate() {
            self.command(&format!("{}/{}", at + 1, it.commands.len()), command)?;
        }
        Ok(())
    }

    fn command(&mut self, number: &str, command: &Rehearsed) -> anyhow::Result<()> {
        self.heading(&format!("\n═══ {number} {} ═══", command.command))?;
        self.text(&command.when)?;
        for run in &command.runs {
            self.run(run)?;
        }
        Ok(())
    }

    fn run(&mut self, run: &Rehearsing) -> anyhow::Result<()> {
        let model = run.model.as_ref().map(|model| format!(", model {model}"));
        let stories = run.story_keys.join(", ");
        let of = if stories.is_empty() { stories } else { format!(" of {stories}") };
        self.heading(&format!("\n─── Agent{of} ───"))?;
        self.text(&format!("{}{}", run.agent, model.unwrap_or_default()))?;
        for problem in &run.problems {
            self.problem(problem)?;
        }
        for warning in &run.warnings {
            self.warning(warning)?;
        }
        self.heading("\n─── Arguments ───")?;
        let words = std::iter::once(&run.program).chain(&run.args);
        let words: Vec<String> = words.map(|word| quoted(word)).collect();
        self.text(&words.join(" "))?;
        if let Some(context) = &run.context {
            let (file, bytes) = (run.context_file.to_string_lossy(), context.len());
            self.heading(&format!("\n─── Context ({bytes} bytes, {file}) ───"))?;
            self.text(context)?;
        }
        if !run.prompt.is_empty() {
            self.heading("\n─── Prompt (standard input) ───")?;
            self.text(&run.prompt)?;
        }
        Ok(())
    }

    /// Not in the way of Markdown: the texts between are full of its headings.
    fn heading(&mut self, text: &str) -> std::io::Result<()> {
        let text = match text.strip_prefix('\n') {
            Some(text) => {
                writeln!(self.out)?;
                text
            }
            None => text,
        };
        writeln!(self.out, "{}", self.terminal.paint(Tone::Strong, text))
    }

    fn problem(&mut self, text: &str) -> std::io::Result<()> {
        writeln!(self.out, "{}", self.terminal.paint(Tone::Bad, &format!("problem: {text}")))
    }

    fn warning(&mut self, text: &str) -> std::io::Result<()> {
        writeln!(self.out, "{}", self.terminal.paint(Tone::Warn, &format!("warning: {text}")))
    }

    /// Somebody's text, line by line as it is; what could move the cursor is escaped for people.
    fn text(&mut self, text: &str) -> std::io::Result<()> {
        text.lines().try_for_each(|line| writeln!(self.out, "{}", self.terminal.raw_line(line)))
    }
}

/// An argument as a shell would take it: for reading, no shell ever sees it.
fn quoted(word: &OsStr) -> String {
    let word = word.to_string_lossy();
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./=:,@%+".contains(c);
    if !word.is_empty() && word.chars().all(plain) {
        return word.into_owned();
    }
    format!("'{}'", word.replace('\'', "'\\''"))
}

fn as_json(rehearsal: &Rehearsal) -> Value {
    let story = |(key, word): &(String, String)| json!({ "story_key": key, "status": word });
    let stories = |list: &[(String, String)]| list.iter().map(story).collect::<Vec<_>>();
    json!({
        "stories": stories(&rehearsal.stories),
        "unknown": stories(&rehearsal.unknown),
        "problem": rehearsal.problem,
        "commands": rehearsal.commands.iter().map(|command| json!({
            "command": command.command,
            "when": command.when,
            "runs": command.runs.iter().map(run_json).collect::<Vec<_>>(),
        })).collect::<Vec<_>>(),
    })
}

fn run_json(run: &Rehearsing) -> Value {
    let words = std::iter::once(&run.program).chain(&run.args);
    let argv: Vec<_> = words.map(|word: &OsString| word.to_string_lossy()).collect();
    json!({
        "story_keys": run.story_keys,
        "agent": run.agent,
        "model": run.model,
        "argv": argv,
        "context_file": run.context.as_ref().map(|_| run.context_file.to_string_lossy()),
        "context": run.context,
        "prompt": run.prompt,
        "problems": run.problems,
        "warnings": run.warnings,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn arguments_are_quoted_for_reading() {
        for (word, expected) in [
            ("-p", "-p"),
            ("a b", "'a b'"),
            ("it's", "'it'\\''s'"),
            ("", "''"),
            ("$(x)", "'$(x)'"),
            ("/p/c.md", "/p/c.md"),
        ] {
            assert_eq!(quoted(OsStr::new(word)), expected);
        }
    }
}
