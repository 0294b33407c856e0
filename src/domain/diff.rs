//! What changed between the folded state and a whole good reading of the status file, as events.

use super::event::{NewEvent, Source};
use super::key;
use super::payload::{EpicStatus, Payload, StoryStatus};
use super::reading::{Entry, EntryKind, Reading};
use super::state::{Epic, State, Story};
use super::status::StatusClass;

/// The changes, as events at the file's time: first the keys that went, in the order they had, then
/// what is new or different, in file order. Nothing for a reading that is not good, and nothing when
/// nothing changed: comments, order and formatting are no changes.
pub fn diff(state: &State, reading: &Reading, timestamp_ms: i64) -> Vec<NewEvent> {
    let mut diff = Diff { state, timestamp_ms, out: Vec::new() };
    if reading.state == super::reading::ReadingState::Ok {
        diff.gone(&reading.entries);
        diff.changed(&reading.entries);
    }
    diff.out
}

/// How many keys of the state a reading does not have: a file caught half-written lacks some.
pub fn vanished(state: &State, reading: &Reading) -> usize {
    let mut diff = Diff { state, timestamp_ms: 0, out: Vec::new() };
    diff.gone(&reading.entries);
    diff.out.len()
}

struct Diff<'a> {
    state: &'a State,
    timestamp_ms: i64,
    out: Vec<NewEvent>,
}

impl Diff<'_> {
    fn gone(&mut self, entries: &[Entry]) {
        let mut epics = std::collections::HashSet::new();
        let mut retrospectives = std::collections::HashSet::new();
        let mut stories = std::collections::HashSet::new();
        for entry in entries {
            match entry.kind {
                EntryKind::Epic => epics.insert(entry.key.as_str()),
                EntryKind::Retrospective => retrospectives.insert(retrospected(entry)),
                EntryKind::Story => stories.insert(entry.key.as_str()),
            };
        }
        let sprint = &self.state.sprint;
        for (epic_key, epic) in &sprint.epics {
            if epic.retrospective.is_some() && !retrospectives.contains(epic_key.as_str()) {
                self.epic(epic_key, epic.retrospective.clone(), None, None, None, true);
            }
            if epic.status.is_some() && !epics.contains(epic_key.as_str()) {
                self.epic(epic_key, epic.status.clone(), None, None, None, false);
            }
        }
        for (story_key, story) in &sprint.stories {
            if !stories.contains(story_key.as_str()) {
                let body = StoryStatus {
                    story_key: story_key.clone(),
                    story_id: story.story_id.clone(),
                    epic_id: story.epic_id.clone(),
                    old_status: Some(story.status.clone()),
                    title: story.title.clone(),
                    ..StoryStatus::default()
                };
                self.push(Payload::StoryStatus(body));
            }
        }
    }

    fn changed(&mut self, entries: &[Entry]) {
        let (mut epic_before, mut story_before) = (None, None);
        for entry in entries {
            match entry.kind {
                EntryKind::Story => {
                    self.story(entry, story_before);
                    story_before = Some(entry.key.as_str());
                }
                EntryKind::Epic => {
                    let known = self.state.sprint.epics.get(&entry.key);
                    let old = known.and_then(|epic| epic.status.clone());
                    let title = |epic: &Epic| epic.title.clone();
                    if old.as_ref() != Some(&entry.status) || known.and_then(title) != entry.title {
                        self.epic(
                            &entry.key,
                            old,
                            Some(entry),
                            entry.title.clone(),
                            epic_before,
                            false,
                        );
                    }
                    epic_before = Some(entry.key.as_str());
                }
                EntryKind::Retrospective => {
                    let epic_key = retrospected(entry);
                    let known = self.state.sprint.epics.get(epic_key);
                    let old = known.and_then(|epic| epic.retrospective.clone());
                    if old.as_ref() != Some(&entry.status) {
                        let title = known.and_then(|epic| epic.title.clone());
                        let before = epic_before.filter(|before| *before != epic_key);
                        self.epic(epic_key, old, Some(entry), title, before, true);
                    }
                    epic_before = Some(epic_key);
                }
            }
        }
    }

    fn story(&mut self, entry: &Entry, before: Option<&str>) {
        let known = self.state.sprint.stories.get(&entry.key);
        let story_id = key::short_id(&entry.key, entry.epic_key.as_deref());
        let epic_id = entry.epic_key.as_deref().map(|epic| key::epic_id(epic).to_owned());
        let same = |story: &Story| {
            story.status == entry.status && story.epic_id == epic_id && story.title == entry.title
        };
        if known.is_some_and(same) {
            return;
        }
        self.push(Payload::StoryStatus(StoryStatus {
            story_key: entry.key.clone(),
            story_id,
            epic_id,
            old_status: known.map(|story| story.status.clone()),
            new_status: Some(entry.status.clone()),
            status_class: Some(StatusClass::of(&entry.status).as_str().to_owned()),
            title: entry.title.clone(),
            after: before.map(str::to_owned),
        }));
    }

    fn epic(
        &mut self,
        epic_key: &str,
        old_status: Option<String>,
        entry: Option<&Entry>,
        title: Option<String>,
        before: Option<&str>,
        retrospective: bool,
    ) {
        let class = |entry: &Entry| StatusClass::of(&entry.status).as_str().to_owned();
        self.push(Payload::EpicStatus(EpicStatus {
            epic_id: key::epic_id(epic_key).to_owned(),
            epic_key: epic_key.to_owned(),
            old_status,
            new_status: entry.map(|entry| entry.status.clone()),
            status_class: entry.map(class),
            title,
            after: before.map(str::to_owned),
            retrospective,
        }));
    }

    fn push(&mut self, payload: Payload) {
        self.out.push(NewEvent::new(self.timestamp_ms, Source::Yaml, payload));
    }
}

/// The key of the epic that a retrospective looks back at.
fn retrospected(entry: &Entry) -> &str {
    const SUFFIX: &str = "-retrospective";
    entry.epic_key.as_deref().unwrap_or_else(|| {
        let cut = entry.key.len().saturating_sub(SUFFIX.len());
        match entry.key.get(cut..) {
            Some(suffix) if suffix.eq_ignore_ascii_case(SUFFIX) => &entry.key[..cut],
            _ => &entry.key,
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::Event;
    use crate::domain::reading::ReadingState;

    fn reading(entries: &[(&str, &str)]) -> Reading {
        let epics: Vec<&str> =
            entries.iter().map(|(key, _)| *key).filter(|key| key.starts_with("epic-")).collect();
        let entry = |(key, status): &(&str, &str)| {
            let retrospective = key.ends_with("-retrospective");
            let kind = match (retrospective, key.starts_with("epic-")) {
                (true, _) => EntryKind::Retrospective,
                (_, true) => EntryKind::Epic,
                _ => EntryKind::Story,
            };
            let epic_key = match kind {
                EntryKind::Story => key::epic_of(key, epics.iter().copied()).map(str::to_owned),
                _ => Some(key.trim_end_matches("-retrospective").to_owned()),
            };
            let (key, status) = ((*key).to_owned(), (*status).to_owned());
            Entry { key, kind, status, epic_key, title: None, line: 1 }
        };
        Reading {
            state: ReadingState::Ok,
            document: serde_json::Map::new(),
            entries: entries.iter().map(entry).collect(),
            duplicates: 0,
            mapping_values: 0,
            issues: Vec::new(),
        }
    }

    fn apply(state: &mut State, events: Vec<NewEvent>) -> Vec<String> {
        let short = |event: &NewEvent| match &event.payload {
            Payload::StoryStatus(it) => {
                format!("{} {:?}>{:?}", it.story_key, it.old_status, it.new_status)
            }
            Payload::EpicStatus(it) => format!(
                "{}{} {:?}>{:?}",
                it.epic_id,
                if it.retrospective { "(r)" } else { "" },
                it.old_status,
                it.new_status
            ),
            _ => String::new(),
        };
        let told = events.iter().map(short).map(|it| it.replace("Some(\"", "").replace("\")", ""));
        let told = told.collect();
        for NewEvent { timestamp_ms, source, batch_id, payload } in events {
            let id = state.last_event_id + 1;
            state.apply(&Event { id, timestamp_ms, source, batch_id, payload });
        }
        told
    }

    #[test]
    fn applied_changes_leave_nothing_to_change() {
        let mut state = State::default();
        let first = reading(&[
            ("epic-1", "done"),
            ("1-1-a", "done"),
            ("epic-1-retrospective", "optional"),
            ("epic-2", "backlog"),
            ("2-1-b", "Wip "),
        ]);
        let told = apply(&mut state, diff(&State::default(), &first, 5));
        assert_eq!(
            told,
            [
                "1 None>done",
                "1-1-a None>done",
                "1(r) None>optional",
                "2 None>backlog",
                "2-1-b None>Wip "
            ]
        );
        assert_eq!(diff(&state, &first, 6), []);
        assert_eq!(state.sprint.stories["2-1-b"].status_class, "in-progress");
        assert_eq!(state.sprint.stories["2-1-b"].story_id.as_deref(), Some("2-1"));
        let second = reading(&[
            ("epic-0", "backlog"),
            ("epic-1", "done"),
            ("1-0-new", "backlog"),
            ("1-1-renamed", "done"),
            ("epic-2", "in-progress"),
            ("2-1-b", "review"),
        ]);
        let events = diff(&state, &second, 7);
        assert_eq!(vanished(&state, &second), 2);
        let told = apply(&mut state, events);
        assert_eq!(
            told,
            [
                "1(r) optional>None",
                "1-1-a done>None",
                "0 None>backlog",
                "1-0-new None>backlog",
                "1-1-renamed None>done",
                "2 backlog>in-progress",
                "2-1-b Wip >review"
            ]
        );
        assert_eq!(diff(&state, &second, 8), []);
        let stories: Vec<_> = state.sprint.stories.keys().collect();
        assert_eq!(stories, ["1-0-new", "1-1-renamed", "2-1-b"]);
        let epics: Vec<_> = state.sprint.epics.keys().collect();
        assert_eq!(epics, ["epic-0", "epic-1", "epic-2"]);
    }

    #[test]
    fn a_retrospective_alone_is_an_epic_of_its_own() {
        let mut state = State::default();
        let only = reading(&[("epic-3-retrospective", "done")]);
        let events = diff(&state, &only, 1);
        assert_eq!(apply(&mut state, events), ["3(r) None>done"]);
        assert_eq!(diff(&state, &only, 2), []);
        let events = diff(&state, &reading(&[]), 3);
        apply(&mut state, events);
        assert!(state.sprint.epics.is_empty());
    }

    #[test]
    fn only_a_good_reading_makes_events() {
        let mut recovered = reading(&[("1-1-a", "done")]);
        recovered.state = ReadingState::Recovered;
        assert_eq!(diff(&State::default(), &recovered, 1), []);
    }
}
