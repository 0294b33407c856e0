//! What became of a run, from what it printed and how it ended.

use crate::agents::process::Exit;
use crate::domain::workflow::{Cause, Command, Outcome, Report};
use crate::parse::agent::{AgentStream, Format};
use crate::parse::verdict::{is_critical, tech_spec_decisions, verdict};

use super::registry::Order;

/// What ended a run before its time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum EndedBy {
    /// Somebody ordered it.
    Order(Order),
    /// It took too long, or was silent for too long; one sentence.
    TimeOut(String),
    /// It had said its result and did not end.
    AfterResult,
}

/// How a run ended, and whether its program works at all.
pub(super) fn outcome(
    command: Option<Command>,
    stream: &AgentStream,
    format: Format,
    exit: Option<Exit>,
    ended_by: Option<&EndedBy>,
) -> (Outcome, bool) {
    let well = stream.started_well();
    let failed = |why: String| Outcome::Failed(Cause::Failed(why));
    match ended_by {
        Some(EndedBy::Order(_)) => return (Outcome::Stopped, well),
        Some(EndedBy::TimeOut(why)) => return (failed(why.clone()), well),
        Some(EndedBy::AfterResult) | None => {}
    }
    // Plain text does not tell how its run ended: words about limits count after a bad end only.
    let good_text = format == Format::Text && exit.is_some_and(|exit| exit.code == Some(0));
    if let Some(limit) = stream.limit().filter(|_| !good_text) {
        let message = limit.message;
        return (Outcome::UsageLimit { resets_at_ms: limit.resets_at_ms, message }, well);
    }
    let by_itself = ended_by.is_none();
    let code = exit.and_then(|exit| exit.code).filter(|_| by_itself);
    let signal = exit.and_then(|exit| exit.signal).filter(|_| by_itself);
    let why = stream.failure();
    if let Some(signal) = signal {
        return (failed(with(&format!("ended by signal {signal}"), why)), well);
    }
    if let Some(code) = code.filter(|code| *code != 0) {
        return (failed(with(&format!("exit code {code}"), why)), well);
    }
    if let Some((why, result)) = why.zip(stream.result()) {
        if !result.is_error && !result.denied.is_empty() {
            return (Outcome::Failed(Cause::Denied(why)), well);
        }
        return (failed(why), well);
    }
    // Without a result, and not a word that could be understood: not the program it should be.
    if format == Format::StreamJson
        && stream.result().is_none()
        && !well
        && stream.text().is_empty()
    {
        let why = "it ended without a result, and nothing it printed could be understood";
        return (failed(with(why, stream.failure())), false);
    }
    (Outcome::Done(report(command, stream.text())), true)
}

fn report(command: Option<Command>, text: &str) -> Report {
    match command {
        Some(Command::CodeReview) => Report { verdict: verdict(text), ..Report::default() },
        Some(Command::StoryReview | Command::TechSpecReview) => {
            Report { critical: is_critical(text), ..Report::default() }
        }
        Some(Command::CreateStory) => {
            Report { tech_specs: tech_spec_decisions(text), ..Report::default() }
        }
        _ => Report::default(),
    }
}

fn with(what: &str, why: Option<String>) -> String {
    match why {
        Some(why) => format!("{what}: {why}"),
        None => what.to_owned(),
    }
}
