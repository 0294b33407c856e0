//! The stories in the order in which they are shown, with what is known of each.

use std::cmp::Reverse;
use std::collections::HashMap;

use crate::cli::terminal::Tone;
use crate::cli::watch::model::Model;
use crate::domain::state::{Active, Story, Work};

/// A story with its newest open command.
pub(in crate::cli::watch) struct Row<'a> {
    pub(in crate::cli::watch) key: &'a str,
    pub(in crate::cli::watch) story: &'a Story,
    pub(in crate::cli::watch) active: Option<&'a Active>,
    pub(in crate::cli::watch) work: Option<&'a Work>,
    /// The attempt of the agent at work for it.
    attempt: Option<u32>,
}

/// What is under way stands first, what is finished last; within a status the file's order.
const ORDER: [&str; 7] =
    ["in-progress", "review", "ready-for-dev", "backlog", "other", "done", "optional"];

/// The stories that pass the filter.
pub(in crate::cli::watch) fn rows<'a>(model: &'a Model, filter: &str) -> Vec<Row<'a>> {
    let state = &model.state;
    let mut active: HashMap<&str, &Active> = HashMap::new();
    for one in state.active.values() {
        let newest = active.entry(one.story_key.as_str()).or_insert(one);
        if (one.started_at, one.event_id) > (newest.started_at, newest.event_id) {
            *newest = one;
        }
    }
    let mut attempts: HashMap<&str, u32> = HashMap::new();
    for agent in state.agents.values() {
        for key in &agent.story_keys {
            let highest = attempts.entry(key).or_default();
            *highest = agent.attempt.unwrap_or_default().max(*highest);
        }
    }
    let wanted = filter.to_lowercase();
    let mut rows: Vec<Row<'a>> = state
        .sprint
        .stories
        .iter()
        .map(|(key, story)| Row {
            key,
            story,
            active: active.get(key.as_str()).copied(),
            work: state.work.get(key.as_str()).map(|work| &**work),
            attempt: attempts.get(key.as_str()).copied(),
        })
        .filter(|row| wanted.is_empty() || row.holds(&wanted))
        .collect();
    rows.sort_by_key(|row| {
        let class = ORDER.iter().position(|class| *class == row.story.status_class);
        (Reverse(row.active.is_some()), class.unwrap_or(4))
    });
    rows
}

impl Row<'_> {
    /// Whether any of its words holds the text, which is in lower case.
    fn holds(&self, wanted: &str) -> bool {
        let story = self.story;
        let words = [Some(self.key), Some(story.status.as_str()), story.title.as_deref()];
        let command = self.active.map(|active| active.command.as_str());
        words
            .into_iter()
            .chain([command])
            .flatten()
            .any(|word| word.to_lowercase().contains(wanted))
    }

    /// What was said of it last, and how it is to be taken.
    pub(in crate::cli::watch) fn message(&self) -> (Tone, String) {
        if let Some(active) = self.active {
            return (Tone::Plain, active.message.clone().unwrap_or_default());
        }
        let Some(last) = self.work.and_then(|work| work.last.as_ref()) else {
            return (Tone::Faint, self.story.title.clone().unwrap_or_default());
        };
        let said = last.message.as_deref().unwrap_or_default();
        let status = last.status.as_deref().unwrap_or(&last.kind);
        let text =
            format!("{} {status}{}{said}", last.command, if said.is_empty() { "" } else { ": " });
        (if last.failed { Tone::Bad } else { Tone::Faint }, text)
    }

    /// Since when it is as it is.
    pub(in crate::cli::watch) fn since(&self) -> Option<i64> {
        self.active.map(|active| active.started_at).or(self.story.updated_at)
    }

    /// The attempt under way, else how often it was reviewed.
    pub(in crate::cli::watch) fn tries(&self) -> u32 {
        match (self.active, self.work) {
            (Some(active), _) => active.attempt.max(self.attempt.unwrap_or_default()),
            (None, Some(work)) => work.reviews,
            (None, None) => 0,
        }
    }
}
