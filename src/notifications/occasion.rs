//! What is worth telling: one event, read by one rule. Pure.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::text::{plain, span};
use crate::config::notifications::Rule;
use crate::domain::event::EventId;
use crate::domain::key;
use crate::domain::payload::{
    BatchEnd, BatchWarning, ErrorEvent, Payload, SourceState, StoryStatus,
};
use crate::domain::state::State;

/// Words longer than this are cut, in characters.
const WORDS: usize = 300;
/// An event whose JSON is longer than this is not sent along.
const EVENT_BYTES: usize = 2048;
/// What a usage limit is told of: the batch waits.
const PAUSE: &str = "pause";
/// What the log says about itself when a message could not be delivered; nobody is told of it by
/// message.
pub(super) const OWN_ERROR: &str = "notification";

/// Something to tell, and all that is needed to tell it later.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Occasion {
    /// Which rule.
    pub(super) rule: Rule,
    /// What the cool-down counts by: a story, a batch; empty where there is only one.
    pub(super) subject: String,
    /// The event; of a silence, the last before it.
    pub(super) event_id: EventId,
    /// Since when it is so, in milliseconds since the epoch.
    pub(super) since_ms: i64,
    /// How long after [`Self::since_ms`] anybody could know, in milliseconds.
    #[serde(default)]
    pub(super) known_after_ms: i64,
    /// One line.
    pub(super) headline: String,
    /// Why, where that is known.
    pub(super) detail: Option<String>,
    /// What to do.
    pub(super) next: String,
    /// The story, by its key.
    pub(super) story_key: Option<String>,
    /// The batch.
    pub(super) batch_id: Option<i64>,
    /// The end of a batch, as the filter knows it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) batch_end: Option<String>,
    /// It needs nobody.
    #[serde(default)]
    pub(super) good: bool,
    /// The event itself, unless it is large.
    pub(super) event: Option<Value>,
}

/// An event of the log, as a reader gets it.
#[derive(Debug, Clone, Copy)]
pub(super) struct Seen<'a> {
    /// Its place in the order.
    pub(super) id: EventId,
    /// When it happened.
    pub(super) timestamp_ms: i64,
    /// The batch it belongs to.
    pub(super) batch_id: Option<i64>,
    /// What happened.
    pub(super) payload: &'a Payload,
    /// All of it.
    pub(super) json: &'a str,
}

/// Whether a rule may have something to say about this type of event.
pub(super) fn concerns(kind: &str) -> bool {
    matches!(kind, "story:status" | "batch:end" | "batch:warning" | "source:state" | "error")
}

/// Whether a status word is one that a story does not leave by itself; the page asks the same.
pub(super) fn is_stuck(word: &str) -> bool {
    let word = word.trim_start().to_ascii_lowercase();
    let rest = word.strip_prefix("blocked").or_else(|| word.strip_prefix("failed"));
    rest.is_some_and(|rest| !rest.starts_with(|c: char| c.is_alphanumeric() || c == '_'))
}

/// What an event gives to tell. `idle_ms`: the silence that ends an observed batch.
pub(super) fn occasion(seen: &Seen<'_>, state: &State, idle_ms: i64) -> Option<Occasion> {
    let mut occasion = match seen.payload {
        Payload::StoryStatus(body) => blocked(body, state)?,
        Payload::BatchEnd(body) => ended(body, state, seen, idle_ms),
        Payload::BatchWarning(body) if body.warning_type == "usage_limit" => limit(body),
        Payload::Error(body) if body.kind == "usage_limit" => limit_without_end(body),
        Payload::SourceState(body) => broken(body, state)?,
        _ => return None,
    };
    occasion.event_id = seen.id;
    occasion.since_ms = seen.timestamp_ms;
    occasion.batch_id = occasion.batch_id.or(seen.batch_id);
    occasion.event =
        (seen.json.len() <= EVENT_BYTES).then(|| serde_json::from_str(seen.json).ok()).flatten();
    Some(occasion)
}

/// Whether it is still so when it comes to be told.
pub(super) fn holds(occasion: &Occasion, state: &State) -> bool {
    match occasion.rule {
        Rule::StoryBlocked => {
            state.sprint.stories.get(&occasion.subject).is_some_and(|story| is_stuck(&story.status))
        }
        Rule::StatusFileBroken => is_broken(state),
        // A pause that is over by now needs nobody any more.
        Rule::UsageLimit if occasion.subject == PAUSE => {
            state.run.as_ref().is_some_and(|run| run.status == "waiting")
        }
        Rule::BatchEnded | Rule::UsageLimit | Rule::AgentSilent => true,
    }
}

/// Whether the status file cannot be used just now.
fn is_broken(state: &State) -> bool {
    state.sprint.state.as_deref().is_some_and(|word| word != "ok")
}

/// An occasion of which the caller says when it was.
pub(super) fn blank(rule: Rule, headline: String, next: &str) -> Occasion {
    Occasion {
        rule,
        subject: String::new(),
        event_id: 0,
        since_ms: 0,
        known_after_ms: 0,
        headline,
        detail: None,
        next: next.to_owned(),
        story_key: None,
        batch_id: None,
        batch_end: None,
        good: false,
        event: None,
    }
}

/// A story's key as people say it, with its title where it has one.
pub(super) fn called(story_key: &str, state: &State) -> String {
    let story = state.sprint.stories.get(story_key);
    let key = plain(story_key, 80);
    match story.and_then(|story| story.title.as_deref()).map(|title| plain(title, 80)) {
        Some(title) if !title.is_empty() && !key.ends_with(&title) => format!("{key} ({title})"),
        _ => key,
    }
}

fn words(text: &str) -> Option<String> {
    Some(plain(text, WORDS)).filter(|text| !text.is_empty())
}

fn blocked(body: &StoryStatus, state: &State) -> Option<Occasion> {
    let word = body.new_status.as_deref().filter(|word| is_stuck(word))?;
    // A key that appears as blocked was blocked by whoever wrote it, who knows.
    let old = body.old_status.as_deref()?;
    if is_stuck(old) {
        return None;
    }
    let headline = format!("{} is {}", called(&body.story_key, state), plain(word, 40));
    let last = state.work.get(body.story_key.as_str()).and_then(|work| work.last.as_ref());
    let failed = last.filter(|last| last.failed).map(|last| match &last.message {
        Some(message) => format!("{} failed: {message}", last.command),
        None => format!("{} failed", last.command),
    });
    Some(Occasion {
        subject: body.story_key.clone(),
        story_key: Some(body.story_key.clone()),
        detail: failed.and_then(|text| words(&text)),
        ..blank(
            Rule::StoryBlocked,
            headline,
            "read its last review, mend the cause, then set it back to in-progress or ready-for-dev",
        )
    })
}

fn ended(body: &BatchEnd, state: &State, seen: &Seen<'_>, idle_ms: i64) -> Occasion {
    let observed = state.last_managed.is_none_or(|last| last.id != body.batch_id);
    let (word, next) = match body.status.as_str() {
        "completed" => ("completed", "nothing, or start the next batch"),
        "stopped" => ("stopped", "start a batch again when you want to go on"),
        "lost" => ("lost", "look what was left open, then start a batch again"),
        _ => ("error", "mend the cause, then start a batch again"),
    };
    let took = match body.cycles_completed {
        0 => span(body.duration_ms),
        1 => format!("1 cycle in {}", span(body.duration_ms)),
        cycles => format!("{cycles} cycles in {}", span(body.duration_ms)),
    };
    let detail = match words(&body.reason) {
        Some(reason) => format!("{reason}; {took}"),
        None => took,
    };
    Occasion {
        subject: body.batch_id.to_string(),
        batch_id: Some(body.batch_id).or(seen.batch_id),
        batch_end: Some(word.to_owned()),
        // Its end is the time of its last row, and that it is over is known after the silence.
        known_after_ms: if observed { idle_ms } else { 0 },
        good: word == "completed",
        detail: Some(detail),
        ..blank(Rule::BatchEnded, format!("Batch {} ended: {word}", body.batch_id), next)
    }
}

fn limit(body: &BatchWarning) -> Occasion {
    let message = body.message.strip_prefix("the provider's usage limit is reached: ");
    Occasion {
        subject: PAUSE.to_owned(),
        detail: words(message.unwrap_or(&body.message)),
        ..blank(
            Rule::UsageLimit,
            "The provider's usage limit is reached, the batch waits".to_owned(),
            "nothing: it goes on by itself when the limit is over",
        )
    }
}

fn limit_without_end(body: &ErrorEvent) -> Occasion {
    Occasion {
        detail: words(&body.message),
        ..blank(
            Rule::UsageLimit,
            "The provider's usage limit is reached, the batch has ended".to_owned(),
            "start a batch again when the limit is over",
        )
    }
}

fn broken(body: &SourceState, state: &State) -> Option<Occasion> {
    // Only what is told of the status file has it.
    let word = body.sprint_state.as_deref().filter(|word| *word != "ok")?;
    // Before the first good one nothing has broken: it is yet to come.
    if state.sprint.stories.is_empty() && state.sprint.epics.is_empty() {
        return None;
    }
    let file = plain(body.file.rsplit('/').next().unwrap_or_default(), 80);
    let what = match (body.state.as_str(), word) {
        ("missing", _) => "is missing",
        ("unreadable", _) => "cannot be read",
        (_, "other-schema") => "is of another kind than a sprint's status",
        (_, "recovered") => "can be read in parts only",
        _ => "is invalid",
    };
    let place = match (body.line, body.column) {
        (Some(line), Some(column)) => format!("line {line}, column {column}: "),
        (Some(line), None) => format!("line {line}: "),
        _ => String::new(),
    };
    let message = body.message.as_deref().filter(|_| body.state != "missing");
    Some(Occasion {
        detail: message.and_then(|message| words(&format!("{place}{message}"))),
        ..blank(
            Rule::StatusFileBroken,
            format!("{file} {what}; the last good state is shown"),
            "mend the file; `sprint-runner check` names every place",
        )
    })
}

/// The short id of a story, for a line with many of them.
pub(super) fn short(story_key: &str) -> String {
    plain(&key::short_id(story_key, None).unwrap_or_else(|| story_key.to_owned()), 40)
}

#[cfg(test)]
mod tests;
