//! What is counted over all stories of a project.

use std::collections::HashSet;
use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use crate::domain::issue::Severity;
use crate::domain::state::{Active, Effort, State};

/// Commands under way that are told one by one; the others are counted.
const SHOWN: usize = 3;

/// A command that has given no sign for so long is silent. The project's page says the same.
const SILENT_MS: i64 = 10 * 60_000;

/// A story that nobody reviews for so long has been forgotten.
const REVIEW_MS: i64 = 24 * 3_600_000;

/// A command under way.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "ProjectCommand")]
struct ActiveTold {
    /// The story's long key.
    story_key: String,
    /// Its short id.
    story_id: String,
    /// What is done.
    command: String,
    /// Milliseconds since the epoch.
    started_at: i64,
}

/// What is under way.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Work {
    /// The commands that have been under way longest, three at most.
    active: Vec<ActiveTold>,
    /// How many commands are under way.
    pub(super) active_count: usize,
}

/// What is counted over all stories, once an event id.
#[derive(Debug, Default, Serialize, JsonSchema)]
pub(super) struct Counted {
    /// As its status file calls it.
    project: Option<String>,
    pub(super) stories: Stories,
    pub(super) issues: Issues,
    /// Milliseconds since the epoch.
    pub(super) last_activity_at: Option<i64>,
    /// Dollars; null where nobody told.
    pub(super) cost_usd: Option<f64>,
    /// Tokens; null where nobody told.
    pub(super) input_tokens: Option<f64>,
    /// Tokens; null where nobody told.
    pub(super) output_tokens: Option<f64>,
    /// What is under way: told apart, because it may not be true any more.
    #[serde(skip)]
    pub(super) work: Arc<Work>,
    /// When the first of the commands under way began.
    #[serde(skip)]
    pub(super) begun_at: Option<i64>,
    /// The last sign of each command under way, the oldest first.
    #[serde(skip)]
    signs: Vec<i64>,
    /// Since when stories wait for a review that nobody makes, the oldest first.
    #[serde(skip)]
    in_review: Vec<i64>,
}

impl Counted {
    /// Commands under way that have given no sign for a while.
    pub(super) fn silent(&self, now_ms: i64) -> usize {
        self.signs.partition_point(|at| now_ms.saturating_sub(*at) > SILENT_MS)
    }

    /// Stories that have waited too long for a review.
    pub(super) fn reviews_waiting(&self, now_ms: i64) -> usize {
        self.in_review.partition_point(|at| now_ms.saturating_sub(*at) > REVIEW_MS)
    }
}

/// Stories, counted.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ProjectStories")]
pub(super) struct Stories {
    /// All there are.
    pub(super) total: usize,
    /// Their word is done.
    pub(super) done: usize,
    /// Their word says that somebody works on them.
    in_progress: usize,
    /// Their word says that they are or wait to be reviewed.
    review: usize,
    /// Their word is *blocked* or *failed*.
    pub(super) blocked: usize,
    /// Their last command ended badly and nothing has begun since.
    pub(super) stuck: usize,
}

/// Issues of the three files, counted.
#[derive(Debug, Default, Serialize, JsonSchema)]
#[schemars(rename = "ProjectIssues")]
pub(super) struct Issues {
    /// What cannot be read.
    pub(super) errors: usize,
    /// What is read, and looks wrong.
    warnings: usize,
}

pub(super) fn count(state: &State) -> Counted {
    let busy: HashSet<&str> = state.active.values().map(|one| &*one.story_key).collect();
    let mut active: Vec<_> = state.active.values().collect();
    active.sort_by_key(|one| one.event_id);
    let begun_at = active.iter().map(|one| one.started_at).min();
    let last_sign = |key: &str| state.work.get(key).and_then(|work| work.last_at);
    let sign = |one: &&Active| last_sign(&one.story_key).unwrap_or(i64::MIN).max(one.started_at);
    let mut signs: Vec<_> = active.iter().map(sign).collect();
    signs.sort_unstable();
    let active = active.into_iter().take(SHOWN).map(|one| ActiveTold {
        story_key: one.story_key.clone(),
        story_id: one.story_id.clone(),
        command: one.command.clone(),
        started_at: one.started_at,
    });
    let mut stories = Stories { total: state.sprint.stories.len(), ..Stories::default() };
    let mut in_review = Vec::new();
    let mut last = state.batch.as_ref().map(|batch| batch.last_activity_at);
    for (key, story) in &state.sprint.stories {
        last = last.max(story.updated_at);
        if story.status_class == "done" {
            stories.done += 1;
            continue;
        }
        match story.status_class.as_str() {
            "in-progress" => stories.in_progress += 1,
            "review" => {
                stories.review += 1;
                let idle = !busy.contains(key.as_str());
                in_review.extend(story.updated_at.max(last_sign(key)).filter(|_| idle));
            }
            _ => {}
        }
        let work = state.work.get(key.as_str());
        let failed = work.and_then(|work| work.last.as_ref()).is_some_and(|last| last.failed);
        if is_stuck_word(&story.status) {
            stories.blocked += 1;
        } else if failed && !busy.contains(key.as_str()) {
            stories.stuck += 1;
        }
    }
    let mut issues = Issues::default();
    for issue in state.sprint.sources.values().flat_map(|source| &source.issues) {
        match issue.severity {
            Severity::Error => issues.errors += 1,
            Severity::Warning => issues.warnings += 1,
            Severity::Info => {}
        }
    }
    last = last.max(state.work.values().filter_map(|work| work.last_at).max());
    // Nothing spent and nothing known look alike; then nothing is said.
    let sum = |of: fn(&Effort) -> f64| {
        let all: f64 = state.effort.iter().map(of).sum();
        (all > 0.0).then_some(all)
    };
    in_review.sort_unstable();
    Counted {
        project: state.sprint.project.clone(),
        work: Arc::new(Work { active: active.collect(), active_count: state.active.len() }),
        begun_at,
        signs,
        in_review,
        stories,
        issues,
        last_activity_at: last,
        cost_usd: sum(|effort| effort.cost_usd),
        input_tokens: sum(|effort| effort.input_tokens),
        output_tokens: sum(|effort| effort.output_tokens),
    }
}

/// `blocked`, `failed`, and what people write behind them.
fn is_stuck_word(status: &str) -> bool {
    let word = status.trim_start().split(|c: char| !c.is_ascii_alphanumeric() && c != '_').next();
    word.is_some_and(|it| it.eq_ignore_ascii_case("blocked") || it.eq_ignore_ascii_case("failed"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_that_mean_that_somebody_is_needed() {
        for word in ["blocked", "Blocked", "failed - no key", "blocked: waits", " failed"] {
            assert!(is_stuck_word(word), "{word}");
        }
        for word in ["unblocked", "blockedish", "done", "", "on hold", "in-progress"] {
            assert!(!is_stuck_word(word), "{word}");
        }
    }
}
