//! The events of one reading of the status file, made against the state at the append.

use std::sync::Arc;

use crate::domain::diff::diff;
use crate::domain::event::{NewEvent, Source};
use crate::domain::issue::{Issue, Severity};
use crate::domain::payload::{Payload, SourceState};
use crate::domain::reading::{Reading, ReadingState};
use crate::domain::state::{SourceInfo, State};

/// Issues in one event at most.
const MAX_ISSUES: usize = 100;

/// The differences of a whole good reading, then its `source:state` where that differs.
pub(super) fn good(
    file: String,
    reading: Arc<Reading>,
    mtime_ms: i64,
) -> impl Fn(&State) -> Vec<NewEvent> + Clone + Send + 'static {
    let project = reading.document.get("project").and_then(|project| project.as_str());
    let body = SourceState {
        file,
        state: "ok".to_owned(),
        issues: Some(bounded(&reading.issues)),
        project: project.map(str::to_owned),
        sprint_state: Some("ok".to_owned()),
        ..SourceState::default()
    };
    move |state| {
        let mut events = diff(state, &reading, mtime_ms);
        events.extend(differing(state, &body, mtime_ms));
        events
    }
}

/// What to tell of anything but a good reading; without a reading the file is missing.
pub(super) fn troubled(file: String, word: &str, reading: Option<&Reading>) -> SourceState {
    let issues = reading.map(|reading| bounded(&reading.issues)).unwrap_or_default();
    let worst = issues.iter().find(|issue| issue.severity == Severity::Error);
    let worst = worst.or(issues.first()).cloned();
    SourceState {
        file,
        state: word.to_owned(),
        line: worst.as_ref().and_then(|issue| issue.line),
        column: worst.as_ref().and_then(|issue| issue.column),
        message: Some(worst.map_or_else(|| "there is no such file".to_owned(), |it| it.message)),
        issues: Some(issues),
        project: None,
        sprint_state: Some(
            reading.map_or("missing", |reading| state_word(reading.state)).to_owned(),
        ),
    }
}

/// One `source:state`, where it differs from what is known.
pub(super) fn told_differently(
    body: SourceState,
    now_ms: i64,
) -> impl Fn(&State) -> Vec<NewEvent> + Clone + Send + 'static {
    move |state| differing(state, &body, now_ms).into_iter().collect()
}

fn differing(state: &State, body: &SourceState, timestamp_ms: i64) -> Option<NewEvent> {
    let sprint = &state.sprint;
    let same = |known: &SourceInfo| {
        known.state == body.state
            && known.message == body.message
            && known.line == body.line
            && known.column == body.column
            && body.issues.as_ref() == Some(&known.issues)
            && body.sprint_state == sprint.state
            && (body.project.is_none() || body.project == sprint.project)
    };
    if sprint.sources.get(&body.file).is_some_and(same) {
        return None;
    }
    Some(NewEvent::new(timestamp_ms, Source::Yaml, Payload::SourceState(body.clone())))
}

fn bounded(issues: &[Issue]) -> Vec<Issue> {
    issues.iter().take(MAX_ISSUES).cloned().collect()
}

const fn state_word(state: ReadingState) -> &'static str {
    match state {
        ReadingState::Ok => "ok",
        ReadingState::Recovered => "recovered",
        ReadingState::Invalid => "invalid",
        ReadingState::OtherSchema => "other-schema",
        ReadingState::Refused => "refused",
    }
}
