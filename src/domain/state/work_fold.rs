//! How the events change [`Work`] and [`Effort`]. The twin of the page's `model-work.js`.

use std::sync::Arc;

use super::work::{Effort, Last, MAX_EFFORT, MAX_WORK, Note, Work, WorkByStory, cut};
use super::{Agent, State};
use crate::domain::event::Event;
use crate::domain::key;
use crate::domain::payload::{
    Activity, AgentEnd, CommandEnd, CommandProgress, CommandStart, StoryStatus,
};
use crate::domain::status::{CommandOutcome, command_outcome};

impl State {
    /// `opened`: whether it is a new one among the open commands.
    pub(super) fn work_start(&mut self, event: &Event, body: &CommandStart, opened: bool) {
        let at = event.timestamp_ms;
        let Some(work) = entry(&mut self.work, &body.story_key) else { return };
        let same = work.command.as_ref() == Some(&body.command);
        let retry = work.last.as_ref().is_some_and(|last| last.failed);
        if work.open > 0 && !same {
            hand_over(&mut self.effort, work, at);
        }
        if opened {
            work.open += 1;
            if work.open == 1 {
                work.busy_since = Some(at);
                work.command_since = Some(at);
            }
        }
        let (base, attempt) = key::command_base(&body.command);
        if base == "code-review" {
            work.reviews = work.reviews.max(attempt.unwrap_or(1));
        }
        if !same {
            work.command = Some(body.command.clone());
        }
        said(work, at, Last::of("start", &body.command, &body.task_id));
        if !same || retry {
            work.runs += 1;
            effort(&mut self.effort, &base, |effort| effort.runs += 1);
        }
    }

    pub(super) fn work_progress(&mut self, event: &Event, body: &CommandProgress) {
        let Some(work) = entry(&mut self.work, &body.story_key) else { return };
        said(work, event.timestamp_ms, Last::of("progress", &body.command, &body.task_id));
    }

    /// `closed`: whether it was among the open commands.
    pub(super) fn work_end(&mut self, event: &Event, body: &CommandEnd, closed: bool) {
        let Some(work) = entry(&mut self.work, &body.story_key) else { return };
        if closed && work.open > 0 {
            work.open -= 1;
            if work.open == 0 {
                close(&mut self.effort, work, event.timestamp_ms);
            }
        }
        let failed = command_outcome(&body.status) == CommandOutcome::Failed;
        if failed {
            work.failures += 1;
            let (base, _) = key::command_base(&body.command);
            effort(&mut self.effort, &base, |effort| effort.failed += 1);
        }
        let last = Last {
            status: Some(body.status.clone()),
            failed,
            message: body.message.as_deref().filter(|_| failed).map(cut),
            ..Last::of("end", &body.command, &body.task_id)
        };
        said(work, event.timestamp_ms, last);
    }

    /// Nothing is open any more.
    pub(super) fn work_closes(&mut self, at: i64) {
        if self.work.values().all(|work| work.open == 0) {
            return;
        }
        for work in Arc::make_mut(&mut self.work).values_mut().filter(|work| work.open > 0) {
            let work = Arc::make_mut(work);
            work.open = 0;
            close(&mut self.effort, work, at);
        }
    }

    /// What an agent took goes to its command, and in equal shares to its stories.
    // Token counts lie far below where a float leaves numbers out; the page counts in floats too.
    #[allow(clippy::cast_precision_loss)]
    pub(super) fn work_costs(&mut self, agent: &Agent, body: &AgentEnd) {
        let input = body.input_tokens.unwrap_or(0) as f64;
        let output = body.output_tokens.unwrap_or(0) as f64;
        let cost = body.cost_usd.unwrap_or(0.0);
        if [input, output, cost].iter().all(|part| *part == 0.0) {
            return;
        }
        let (base, _) = key::command_base(&agent.command);
        effort(&mut self.effort, &base, |effort| {
            effort.input_tokens += input;
            effort.output_tokens += output;
            effort.cost_usd += cost;
        });
        let stories = agent.story_keys.len() as f64;
        for story_key in &agent.story_keys {
            let Some(work) = entry(&mut self.work, story_key) else { continue };
            work.input_tokens += input / stories;
            work.output_tokens += output / stories;
            work.cost_usd += cost / stories;
        }
    }

    pub(super) fn work_note(&mut self, at: i64, body: &Activity) {
        let (Some(story_key), Some(word)) = (&body.story_key, &body.result) else { return };
        if matches!(body.kind.as_str(), "story" | "step")
            && let Some(work) = entry(&mut self.work, story_key)
        {
            work.note = Some(Note { word: cut(word), at });
        }
    }

    /// Told before the story itself changes.
    pub(super) fn work_done(&mut self, at: i64, body: &StoryStatus) {
        let done = body.new_status.is_some() && body.status_class.as_deref() == Some("done");
        if done {
            let known = self.sprint.stories.get(&body.story_key);
            if body.old_status.is_some()
                && known.is_some_and(|story| story.status_class != "done")
                && let Some(work) = entry(&mut self.work, &body.story_key)
            {
                work.done_at = Some(at);
            }
        } else if self.work.get(body.story_key.as_str()).is_some_and(|work| work.done_at.is_some())
            && let Some(work) = entry(&mut self.work, &body.story_key)
        {
            work.done_at = None;
            if work.is_bare() {
                Arc::make_mut(&mut self.work).shift_remove(body.story_key.as_str());
            }
        }
    }
}

impl Last {
    fn of(kind: &str, command: &str, task_id: &str) -> Self {
        Self {
            kind: kind.to_owned(),
            command: command.to_owned(),
            task_id: task_id.to_owned(),
            ..Self::default()
        }
    }
}

/// The entry of a key, made where there is none; `None` when too many are known.
fn entry<'a>(work: &'a mut Arc<WorkByStory>, story_key: &str) -> Option<&'a mut Work> {
    let place = work.get_index_of(story_key);
    if place.is_none() && work.len() >= MAX_WORK {
        return None;
    }
    let map = Arc::make_mut(work);
    let place = place.unwrap_or_else(|| map.insert_full(Arc::from(story_key), Arc::default()).0);
    map.get_index_mut(place).map(|(_, work)| Arc::make_mut(work))
}

/// Changes the entry of a command, made where there is none; too many are left out.
fn effort(all: &mut Arc<Vec<Effort>>, base: &str, change: impl FnOnce(&mut Effort)) {
    let place = all.iter().position(|one| one.command == base);
    if place.is_none() && all.len() >= MAX_EFFORT {
        return;
    }
    let all = Arc::make_mut(all);
    let place = place.unwrap_or_else(|| {
        all.push(Effort { command: base.to_owned(), ..Effort::default() });
        all.len() - 1
    });
    change(&mut all[place]);
}

fn said(work: &mut Work, at: i64, last: Last) {
    work.first_at = Some(work.first_at.map_or(at, |first| first.min(at)));
    work.last_at = Some(work.last_at.map_or(at, |before| before.max(at)));
    work.last = Some(Last { at, ..last });
}

/// The time so far goes to the command at work until now. Returns up to when: a time that goes
/// backwards takes nothing back.
fn hand_over(all: &mut Arc<Vec<Effort>>, work: &mut Work, at: i64) -> i64 {
    let since = work.command_since.unwrap_or(at);
    let until = since.max(at);
    let (base, _) = key::command_base(work.command.as_deref().unwrap_or_default());
    effort(all, &base, |effort| {
        effort.busy_ms = effort.busy_ms.saturating_add(until.saturating_sub(since));
    });
    work.command_since = Some(until);
    until
}

/// Ends the stretch.
fn close(all: &mut Arc<Vec<Effort>>, work: &mut Work, at: i64) {
    let until = hand_over(all, work, at);
    let since = work.busy_since.unwrap_or(until);
    work.busy_ms = work.busy_ms.saturating_add(until.saturating_sub(since));
    work.busy_since = None;
    work.command_since = None;
}
