//! From the wire back to the domain: a snapshot to the state it was made of, an event's JSON to an
//! event.

use std::sync::Arc;

use indexmap::IndexMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::domain::event::{Event, EventId, Source};
use crate::domain::issue::FileIssue;
use crate::domain::payload::Payload;
use crate::domain::state::{
    Active, Agent, Batch, Effort, Epic, Run, SourceInfo, Sprint, State, Story, WorkByStory,
};

/// The first message of a stream.
#[derive(Debug, Deserialize)]
pub(super) struct Init {
    payload: InitPayload,
}

#[derive(Debug, Deserialize)]
struct InitPayload {
    #[serde(default)]
    events: Vec<Box<RawValue>>,
    snapshot: Snapshot,
}

/// `/api/snapshot`, as far as the state needs it.
#[derive(Debug, Deserialize)]
pub(super) struct Snapshot {
    last_event_id: EventId,
    sprint: SprintIn,
    batch: Option<Batch>,
    active: Vec<Active>,
    orchestrator: Orchestrator,
    #[serde(default)]
    agents: Vec<Agent>,
    #[serde(default)]
    work: WorkByStory,
    #[serde(default)]
    effort: Vec<Effort>,
    #[serde(default)]
    server: Option<Owner>,
}

/// The server that works on a project of a hub, as far as it is shown.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
pub(super) struct Owner {
    pub(super) host: Option<String>,
    /// While it is not heard, nothing of the project is known to run.
    pub(super) unreachable_since: Option<i64>,
}

#[derive(Debug, Deserialize)]
struct SprintIn {
    project: Option<String>,
    state: Option<String>,
    since: Option<i64>,
    epics: Vec<EpicIn>,
    stories: Vec<StoryIn>,
    #[serde(default)]
    issues: Vec<FileIssue>,
    #[serde(default)]
    sources: Vec<SourceIn>,
}

#[derive(Debug, Deserialize)]
struct EpicIn {
    epic_key: String,
    #[serde(flatten)]
    epic: Epic,
}

#[derive(Debug, Deserialize)]
struct StoryIn {
    story_key: String,
    #[serde(flatten)]
    story: Story,
}

#[derive(Debug, Deserialize)]
struct SourceIn {
    file: String,
    #[serde(flatten)]
    source: SourceInfo,
}

#[derive(Debug, Deserialize)]
struct Orchestrator {
    status: String,
    batch_id: Option<i64>,
    batch_mode: Option<String>,
    #[serde(default)]
    current_stories: Vec<String>,
    #[serde(default)]
    cycle_number: i64,
    parked_until: Option<i64>,
}

impl Init {
    /// The server that works on the project, where that is not the one that tells of it.
    pub(super) fn owner(&self) -> Option<Owner> {
        self.payload.snapshot.server.clone()
    }

    /// The state at this moment, and the newest events before it, oldest first.
    pub(super) fn open(self) -> (State, Vec<String>) {
        let newest_first = self.payload.events;
        let events = newest_first.iter().rev().map(|event| event.get().to_owned()).collect();
        (self.payload.snapshot.state(), events)
    }
}

impl Snapshot {
    /// The state that this is a picture of. What a snapshot leaves out only matters to whoever
    /// writes the log.
    pub(super) fn state(self) -> State {
        let run = self.orchestrator.run();
        let mut active = IndexMap::with_capacity(self.active.len());
        for (place, mut one) in self.active.into_iter().enumerate() {
            // Listed oldest first; whatever comes later has a higher id than any of these.
            one.event_id = place as EventId + 1;
            active.insert(Active::slot(&one.story_key, &one.command, &one.task_id), one);
        }
        let agents = self.agents.into_iter().map(|agent| (agent.agent_id.clone(), agent));
        State {
            last_event_id: self.last_event_id,
            sprint: Arc::new(self.sprint.sprint()),
            batch: self.batch,
            active: Arc::new(active),
            run,
            agents: Arc::new(agents.collect()),
            last_managed: None,
            work: Arc::new(self.work),
            effort: Arc::new(self.effort),
        }
    }
}

impl SprintIn {
    fn sprint(self) -> Sprint {
        let mut sources: IndexMap<String, SourceInfo> =
            self.sources.into_iter().map(|it| (it.file, it.source)).collect();
        for found in self.issues {
            sources.entry(found.file).or_default().issues.push(found.issue);
        }
        Sprint {
            project: self.project,
            state: self.state,
            since: self.since,
            epics: self.epics.into_iter().map(|it| (it.epic_key, it.epic)).collect(),
            stories: self.stories.into_iter().map(|it| (it.story_key, it.story)).collect(),
            sources,
        }
    }
}

impl Orchestrator {
    fn run(self) -> Option<Run> {
        Some(Run {
            batch_id: self.batch_id.filter(|_| self.status != "idle")?,
            batch_mode: self.batch_mode.unwrap_or_default(),
            status: self.status,
            parked_until: self.parked_until,
            cycle_number: self.cycle_number,
            current_stories: self.current_stories,
        })
    }
}

/// An event as the stream sends it; `None` for anything else.
pub(super) fn event(json: &str) -> Option<Event> {
    #[derive(Deserialize)]
    struct Wire<'a> {
        id: EventId,
        #[serde(rename = "type")]
        kind: String,
        timestamp: i64,
        batch_id: Option<i64>,
        source: String,
        #[serde(borrow)]
        payload: &'a RawValue,
    }
    let wire: Wire<'_> = serde_json::from_str(json).ok()?;
    Some(Event {
        id: wire.id,
        timestamp_ms: wire.timestamp,
        source: Source::from_word(&wire.source),
        batch_id: wire.batch_id,
        payload: Payload::from_json(&wire.kind, wire.payload.get()),
    })
}

#[cfg(test)]
mod tests {
    use serde_json::Value;

    use super::*;

    fn through(state: &State) -> State {
        let json = serde_json::to_string(&state.snapshot("0badcafe")).unwrap();
        serde_json::from_str::<Snapshot>(&json).unwrap().state()
    }

    fn picture(state: &State) -> Value {
        serde_json::to_value(state.snapshot("0badcafe")).unwrap()
    }

    /// Each case of the fold: a view that joins at any moment and folds on shows what the server
    /// does.
    #[test]
    fn a_view_that_joins_at_any_moment_folds_on_as_the_server_does() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/fold");
        let mut cases = 0;
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.extension().is_none_or(|ending| ending != "json") {
                continue;
            }
            let case: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
            let Some(events) = case.get("events").and_then(Value::as_array) else { continue };
            let events: Vec<Event> =
                events.iter().filter_map(|json| event(&json.to_string())).collect();
            for joined in 0..=events.len() {
                let mut whole = State::default();
                events[..joined].iter().for_each(|event| whole.apply(event));
                let mut ours = through(&whole);
                assert_eq!(picture(&ours), picture(&whole), "{} at {joined}", path.display());
                for event in &events[joined..] {
                    whole.apply(event);
                    ours.apply(event);
                }
                assert_eq!(picture(&ours), picture(&whole), "{} from {joined}", path.display());
            }
            cases += 1;
        }
        assert!(cases > 20, "{cases}");
    }

    #[test]
    fn the_wires_own_example_is_taken() {
        let json = include_str!("../../../fixtures/wire/init.json");
        let (state, events) = serde_json::from_str::<Init>(json).unwrap().open();
        assert_eq!(state.last_event_id, 19);
        assert_eq!(state.sprint.project.as_deref(), Some("lantern"));
        assert!(
            event(events.first().unwrap()).unwrap().id < event(events.last().unwrap()).unwrap().id
        );
    }
}
