//! `check`: every issue of the sprint's files, with its place and what to do about it.

use std::io::Write;

use serde::Serialize;

use crate::config::Layer;
use crate::domain::issue::{FileIssue, Severity};

use super::clock::now_ms;
use super::place::Place;
use super::reading::{FileReport, Files};
use super::terminal::{Terminal, Tone};

/// The flags of `check`.
#[derive(Debug, clap::Args)]
pub(crate) struct Args {
    /// One JSON object instead of text
    #[arg(long)]
    json: bool,
}

/// The answer for programs.
#[derive(Serialize)]
struct Report<'a> {
    files: &'a [FileReport],
    issues: &'a [FileIssue],
    errors: usize,
    warnings: usize,
    notes: usize,
}

/// Runs the command. Exit code 1 when any issue is an error.
pub(crate) fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    let found = place.find(Layer::default())?;
    let Files { reports, issues, .. } = Files::read(&found.layout(), now_ms());
    let count = |severity| issues.iter().filter(|issue| issue.issue.severity == severity).count();
    let report = Report {
        files: &reports,
        issues: &issues,
        errors: count(Severity::Error),
        warnings: count(Severity::Warning),
        notes: count(Severity::Info),
    };
    let terminal = Terminal::stdout();
    let mut out = std::io::BufWriter::new(std::io::stdout());
    if args.json {
        writeln!(out, "{}", terminal.json_line(&serde_json::to_string_pretty(&report)?))?;
    } else {
        for issue in &issues {
            writeln!(out, "{}", show(issue, terminal))?;
        }
        writeln!(out, "{}", summary(&report, terminal))?;
    }
    out.flush()?;
    Ok(u8::from(report.errors > 0))
}

/// `file:line:column: severity: message`, and the hint on a line of its own.
fn show(found: &FileIssue, terminal: Terminal) -> String {
    let issue = &found.issue;
    let mut place = found.file.clone();
    for part in [issue.line, issue.column].into_iter().map_while(|part| part) {
        place.push(':');
        place.push_str(&part.to_string());
    }
    let (tone, severity) = match issue.severity {
        Severity::Error => (Tone::Bad, "error"),
        Severity::Warning => (Tone::Warn, "warning"),
        Severity::Info => (Tone::Live, "info"),
    };
    let text = format!(
        "{}: {}: {}",
        terminal.paint(Tone::Strong, &place),
        terminal.paint(tone, severity),
        terminal.paint(Tone::Plain, &issue.message)
    );
    match &issue.hint {
        Some(hint) => format!("{text}\n    hint: {}", terminal.paint(Tone::Faint, hint)),
        None => text,
    }
}

fn summary(report: &Report<'_>, terminal: Terminal) -> String {
    let mut lines: Vec<String> = Vec::with_capacity(report.files.len() + 1);
    // The status file stands first; all others are logs.
    for (index, file) in report.files.iter().enumerate() {
        let what = if index == 0 { "entries" } else { "events" };
        let name = terminal.paint(Tone::Plain, &file.file);
        lines.push(format!("{name}: {}, {} {what}", file.state, file.read));
    }
    let tone = match (report.errors, report.warnings) {
        (0, 0) => Tone::Good,
        (0, _) => Tone::Warn,
        _ => Tone::Bad,
    };
    let counts = format!(
        "{}, {}, {}",
        counted(report.errors, "error"),
        counted(report.warnings, "warning"),
        counted(report.notes, "note")
    );
    lines.push(terminal.paint(tone, &counts));
    lines.join("\n")
}

fn counted(count: usize, what: &str) -> String {
    format!("{count} {what}{}", if count == 1 { "" } else { "s" })
}
