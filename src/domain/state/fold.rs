//! `apply`: what each event changes. The twin of `apply` in the page's `model.js`.

use std::sync::Arc;

use indexmap::IndexMap;

use super::{
    Active, Agent, Batch, EndedBatch, Epic, MAX_ACTIVE, MAX_AGENTS, Run, SourceInfo, State, Story,
};
use crate::domain::event::Event;
use crate::domain::key;
use crate::domain::payload::{
    AgentStart, BatchStart, CommandStart, EpicStatus, Payload, SourceState, StoryStatus,
};

impl State {
    /// Folds one event in. Total: never fails, ignores what it does not know.
    pub fn apply(&mut self, event: &Event) {
        self.last_event_id = event.id;
        match &event.payload {
            Payload::StoryStatus(body) => {
                self.work_done(event.timestamp_ms, body);
                self.story_status(event.timestamp_ms, body);
            }
            Payload::EpicStatus(body) => self.epic_status(body),
            Payload::SourceState(body) => self.source_state(event.timestamp_ms, body),
            Payload::BatchStart(body) => self.batch_start(event.timestamp_ms, body),
            Payload::BatchEnd(_) => self.batch_end(event),
            Payload::BatchWarning(body) => {
                if let (Some(run), Some(state)) = (self.run_of(event), body.state.as_deref())
                    && matches!(state, "running" | "waiting" | "stopping")
                {
                    state.clone_into(&mut run.status);
                    run.parked_until = body.parked_until;
                }
            }
            Payload::CycleStart(body) => {
                if let Some(run) = self.run_of(event) {
                    run.cycle_number = body.cycle_number;
                    run.current_stories.clone_from(&body.story_keys);
                }
            }
            Payload::CycleEnd(_) => {
                if let Some(batch) = &mut self.batch {
                    batch.cycles_completed += 1;
                }
                if let Some(run) = self.run_of(event) {
                    run.current_stories.clear();
                }
            }
            Payload::AgentStart(body) => self.agent_start(event.timestamp_ms, body),
            Payload::AgentEnd(body) if self.agents.contains_key(&body.agent_id) => {
                let agent = Arc::make_mut(&mut self.agents).shift_remove(&body.agent_id);
                if let Some(agent) = agent {
                    self.work_costs(&agent, body);
                }
            }
            Payload::ActivityEntry(body) => self.work_note(event.timestamp_ms, body),
            Payload::CommandStart(body) => {
                let opened = self.command_start(event, body);
                self.work_start(event, body, opened);
                self.touch(event);
            }
            Payload::CommandProgress(body) => {
                let slot = Active::slot(&body.story_key, &body.command, &body.task_id);
                if self.active.contains_key(&slot)
                    && let Some(active) = Arc::make_mut(&mut self.active).get_mut(&slot)
                {
                    active.message.clone_from(&body.message);
                }
                self.work_progress(event, body);
                self.touch(event);
            }
            Payload::CommandEnd(body) => {
                let slot = Active::slot(&body.story_key, &body.command, &body.task_id);
                let closed = self.active.contains_key(&slot);
                if closed {
                    Arc::make_mut(&mut self.active).swap_remove(&slot);
                }
                self.work_end(event, body, closed);
                self.touch(event);
            }
            _ => {}
        }
    }

    fn touch(&mut self, event: &Event) {
        if let Some(batch) = &mut self.batch
            && event.batch_id == Some(batch.id)
        {
            batch.last_activity_at = event.timestamp_ms;
        }
    }

    fn batch_start(&mut self, timestamp_ms: i64, body: &BatchStart) {
        self.batch = Some(Batch {
            id: body.batch_id,
            started_at: body.started_at,
            ended_at: None,
            max_cycles: body.max_cycles,
            cycles_completed: 0,
            status: "running".to_owned(),
            origin: body.origin.clone(),
            size: body.size,
            last_activity_at: timestamp_ms,
        });
        self.run = (body.origin == "managed").then(|| Run {
            batch_id: body.batch_id,
            batch_mode: body.batch_mode.clone(),
            status: "running".to_owned(),
            ..Run::default()
        });
    }

    fn batch_end(&mut self, event: &Event) {
        if let (Some(batch), Some(_)) = (&self.batch, &self.run) {
            self.last_managed = Some(EndedBatch {
                id: batch.id,
                started_at: batch.started_at,
                ended_at: event.timestamp_ms,
                ended_id: event.id,
            });
        }
        self.batch = None;
        self.run = None;
        if !self.active.is_empty() {
            self.active = Arc::default();
        }
        self.work_closes(event.timestamp_ms);
        if !self.agents.is_empty() {
            self.agents = Arc::default();
        }
    }

    /// The managed batch under way, if the event is one of its.
    fn run_of(&mut self, event: &Event) -> Option<&mut Run> {
        self.run.as_mut().filter(|run| event.batch_id == Some(run.batch_id))
    }

    fn agent_start(&mut self, timestamp_ms: i64, body: &AgentStart) {
        if self.agents.len() >= MAX_AGENTS && !self.agents.contains_key(&body.agent_id) {
            return;
        }
        let agent = Agent {
            agent_id: body.agent_id.clone(),
            pid: body.pid,
            command: body.command.clone(),
            story_keys: body.story_keys.clone(),
            model: body.model.clone(),
            attempt: body.attempt,
            background_task: body.background_task.clone(),
            started_at: timestamp_ms,
        };
        Arc::make_mut(&mut self.agents).insert(body.agent_id.clone(), agent);
    }

    /// Returns whether it is a new one among the open commands.
    fn command_start(&mut self, event: &Event, body: &CommandStart) -> bool {
        let slot = Active::slot(&body.story_key, &body.command, &body.task_id);
        // A second start takes the place of the first in the list.
        let first = self.active.get(&slot).map(|first| first.event_id);
        if self.active.len() >= MAX_ACTIVE && first.is_none() {
            return false;
        }
        let active = Active {
            story_key: body.story_key.clone(),
            story_id: body.story_id.clone(),
            epic_id: body.epic_id.clone(),
            command: body.command.clone(),
            task_id: body.task_id.clone(),
            started_at: event.timestamp_ms,
            attempt: key::command_base(&body.command).1.unwrap_or(1),
            source: event.source.as_str().to_owned(),
            message: body.message.clone(),
            event_id: first.unwrap_or(event.id),
        };
        Arc::make_mut(&mut self.active).insert(slot, active);
        first.is_none()
    }

    fn story_status(&mut self, timestamp_ms: i64, body: &StoryStatus) {
        let stories = &mut Arc::make_mut(&mut self.sprint).stories;
        let Some(status) = &body.new_status else {
            stories.shift_remove(&body.story_key);
            return;
        };
        let story = Story {
            story_id: body.story_id.clone(),
            epic_id: body.epic_id.clone(),
            // An event that does not say the title keeps the known one.
            title: body
                .title
                .clone()
                .or_else(|| stories.get(&body.story_key).and_then(|known| known.title.clone())),
            status: status.clone(),
            status_class: body.status_class.clone().unwrap_or_default(),
            updated_at: Some(timestamp_ms),
        };
        place(stories, &body.story_key, body.after.as_deref(), story);
    }

    fn epic_status(&mut self, body: &EpicStatus) {
        let epics = &mut Arc::make_mut(&mut self.sprint).epics;
        let mut epic = epics
            .get(&body.epic_key)
            .cloned()
            .unwrap_or_else(|| Epic { epic_id: body.epic_id.clone(), ..Epic::default() });
        if body.retrospective {
            epic.retrospective.clone_from(&body.new_status);
        } else {
            epic.status.clone_from(&body.new_status);
            epic.status_class.clone_from(&body.status_class);
            if body.title.is_some() {
                epic.title.clone_from(&body.title);
            }
        }
        if epic.status.is_none() && epic.retrospective.is_none() {
            epics.shift_remove(&body.epic_key);
        } else {
            place(epics, &body.epic_key, body.after.as_deref(), epic);
        }
    }

    fn source_state(&mut self, timestamp_ms: i64, body: &SourceState) {
        let sprint = Arc::make_mut(&mut self.sprint);
        let source = sprint
            .sources
            .entry(body.file.clone())
            .or_insert_with(|| SourceInfo { since: timestamp_ms, ..SourceInfo::default() });
        let reset = body.state == "reset";
        // A reset is something that happens to a file that can be read.
        let state = if reset { "ok" } else { body.state.as_str() };
        if source.state != state {
            state.clone_into(&mut source.state);
            source.since = timestamp_ms;
        }
        source.message.clone_from(&body.message);
        source.line = body.line;
        source.column = body.column;
        if reset {
            source.issues.clear();
        }
        if let Some(issues) = &body.issues {
            source.issues.clone_from(issues);
        }
        if let Some(project) = &body.project {
            sprint.project = Some(project.clone());
        }
        if let Some(state) = &body.sprint_state
            && sprint.state.as_ref() != Some(state)
        {
            sprint.state = Some(state.clone());
            sprint.since = Some(timestamp_ms);
        }
    }
}

/// Sets a value; a new key goes behind `after` (`None` = first, unknown = last).
fn place<V>(map: &mut IndexMap<String, V>, key: &str, after: Option<&str>, value: V) {
    if let Some(old) = map.get_mut(key) {
        *old = value;
        return;
    }
    let index = match after {
        None => 0,
        Some(after) => map.get_index_of(after).map_or(map.len(), |index| index + 1),
    };
    map.shift_insert(index, key.to_owned(), value);
}
