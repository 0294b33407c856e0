//! What `status` shows: from a live server's snapshot, or read from the files themselves.

use indexmap::IndexMap;
use serde::{Deserialize, Serialize};

use crate::domain::issue::FileIssue;
use crate::domain::key;
use crate::domain::reading::{Entry, EntryKind};
use crate::domain::status::StatusClass;

use super::reading::Files;

/// The sprint as one answer.
#[derive(Debug, Clone, Default, Serialize)]
pub(crate) struct Overview {
    /// The live server's address; `None`: none is running.
    pub(crate) server: Option<String>,
    pub(crate) project: Option<String>,
    /// `ok`, `recovered`, `invalid`, `other-schema`, `refused`, `missing`.
    pub(crate) state: Option<String>,
    pub(crate) epics: Vec<Epic>,
    pub(crate) stories: Vec<Story>,
    /// Stories by the file's own word, in the order in which they go through the sprint.
    pub(crate) counts: Vec<Count>,
    pub(crate) next_story: Option<Story>,
    /// The running batch; `None` without one, and without a server.
    pub(crate) batch: Option<Batch>,
    /// Commands under way; `None`: nobody can tell, as no server is running.
    pub(crate) active: Option<Vec<Active>>,
    pub(crate) issues: Vec<FileIssue>,
}

/// An epic with the count of its stories; the names are the wire's.
#[allow(clippy::struct_field_names)]
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Epic {
    pub(crate) epic_id: String,
    pub(crate) epic_key: String,
    pub(crate) title: Option<String>,
    pub(crate) status: Option<String>,
    pub(crate) status_class: String,
    pub(crate) story_count: u64,
    pub(crate) done_count: u64,
}

/// A story; the names are the wire's.
#[allow(clippy::struct_field_names)]
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Story {
    pub(crate) story_key: String,
    pub(crate) epic_id: Option<String>,
    pub(crate) title: Option<String>,
    pub(crate) status: String,
    pub(crate) status_class: String,
}

/// How many stories have a status.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(crate) struct Count {
    pub(crate) status: String,
    pub(crate) status_class: String,
    pub(crate) stories: u64,
}

/// The running batch.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Batch {
    pub(crate) id: i64,
    pub(crate) origin: String,
    pub(crate) started_at: i64,
    pub(crate) cycles_completed: i64,
    pub(crate) max_cycles: Option<i64>,
}

/// A command under way.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Active {
    pub(crate) story_key: String,
    pub(crate) command: String,
    pub(crate) task_id: String,
    pub(crate) started_at: i64,
    pub(crate) attempt: u32,
    #[serde(default)]
    pub(crate) message: Option<String>,
}

/// The part of `/api/snapshot` that is needed here.
#[derive(Debug, Deserialize)]
struct Snapshot {
    sprint: Sprint,
    batch: Option<Batch>,
    active: Vec<Active>,
}

#[derive(Debug, Deserialize)]
struct Sprint {
    project: Option<String>,
    state: Option<String>,
    epics: Vec<Epic>,
    stories: Vec<Story>,
    issues: Vec<FileIssue>,
}

impl Overview {
    /// Reads a server's snapshot.
    pub(crate) fn from_snapshot(server: &str, json: &[u8]) -> serde_json::Result<Self> {
        let Snapshot { sprint, batch, active } = serde_json::from_slice(json)?;
        Ok(Self {
            server: Some(server.to_owned()),
            project: sprint.project,
            state: sprint.state,
            epics: sprint.epics,
            stories: sprint.stories,
            batch,
            active: Some(active),
            issues: sprint.issues,
            ..Self::default()
        }
        .counted())
    }

    /// What the files say themselves. Nobody knows then what is under way.
    pub(crate) fn from_files(files: &Files) -> Self {
        let mut overview = Self {
            state: Some(files.sprint_state().to_owned()),
            issues: files.issues.clone(),
            ..Self::default()
        };
        if let Some(reading) = &files.sprint {
            let project = reading.document.get("project").and_then(serde_json::Value::as_str);
            overview.project = project.map(str::to_owned);
            overview.epics = epics(&reading.entries);
            overview.stories = stories(&reading.entries);
        }
        overview.counted()
    }

    /// Fills in what follows from epics and stories.
    pub(crate) fn counted(mut self) -> Self {
        self.counts = count(&self.stories);
        self.next_story = next(&self.stories).cloned();
        self
    }
}

fn stories(entries: &[Entry]) -> Vec<Story> {
    entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Story)
        .map(|entry| Story {
            story_key: entry.key.clone(),
            epic_id: entry.epic_key.as_deref().map(|epic| key::epic_id(epic).to_owned()),
            title: entry.title.clone(),
            status: entry.status.clone(),
            status_class: StatusClass::of(&entry.status).as_str().to_owned(),
        })
        .collect()
}

/// Epics in file order; one of which only the retrospective is listed counts as well.
fn epics(entries: &[Entry]) -> Vec<Epic> {
    let mut epics: IndexMap<&str, Epic> = IndexMap::new();
    for entry in entries.iter().filter(|entry| entry.kind != EntryKind::Story) {
        let Some(epic_key) = entry.epic_key.as_deref() else { continue };
        let epic = epics.entry(epic_key).or_insert_with(|| Epic {
            epic_id: key::epic_id(epic_key).to_owned(),
            epic_key: epic_key.to_owned(),
            title: None,
            status: None,
            status_class: String::new(),
            story_count: 0,
            done_count: 0,
        });
        if entry.kind == EntryKind::Epic {
            epic.title.clone_from(&entry.title);
            epic.status = Some(entry.status.clone());
            StatusClass::of(&entry.status).as_str().clone_into(&mut epic.status_class);
        }
    }
    for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Story) {
        if let Some(epic) = entry.epic_key.as_deref().and_then(|key| epics.get_mut(key)) {
            epic.story_count += 1;
            epic.done_count += u64::from(StatusClass::of(&entry.status) == StatusClass::Done);
        }
    }
    epics.into_values().collect()
}

/// The classes in the order of a story's life; what is unknown comes last.
const CLASSES: [&str; 6] =
    ["backlog", "ready-for-dev", "in-progress", "review", "done", "optional"];

/// The classes whose stories a batch would take up.
const OPEN: &[&str] = &["backlog", "ready-for-dev", "in-progress", "review"];

fn count(stories: &[Story]) -> Vec<Count> {
    let mut counts: Vec<Count> = Vec::new();
    for story in stories {
        match counts.iter_mut().find(|count| count.status == story.status) {
            Some(count) => count.stories += 1,
            None => counts.push(Count {
                status: story.status.clone(),
                status_class: story.status_class.clone(),
                stories: 1,
            }),
        }
    }
    // Stable: words of one class keep the file's order.
    counts.sort_by_key(|count| {
        CLASSES.iter().position(|class| *class == count.status_class).unwrap_or(CLASSES.len())
    });
    counts
}

/// The story a batch would take up next: the first open one in the order of the keys.
fn next(stories: &[Story]) -> Option<&Story> {
    stories
        .iter()
        .filter(|story| OPEN.contains(&story.status_class.as_str()))
        .min_by_key(|story| key::sort_key(&story.story_key))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(key: &str, status: &str, class: &str) -> Story {
        Story {
            story_key: key.into(),
            epic_id: None,
            title: None,
            status: status.into(),
            status_class: class.into(),
        }
    }

    #[test]
    fn the_next_story_is_the_first_open_one_by_number() {
        let stories = [
            story("2-10-x", "backlog", "backlog"),
            story("2-9-x", "review", "review"),
            story("1-1-x", "done", "done"),
            story("1-2-x", "on hold", "other"),
        ];
        assert_eq!(next(&stories).unwrap().story_key, "2-9-x");
        assert_eq!(next(&stories[2..]), None);
    }

    #[test]
    fn words_are_counted_in_the_order_of_a_storys_life() {
        let counts = count(&[
            story("a", "deferred", "other"),
            story("b", "done", "done"),
            story("c", "complete", "done"),
            story("d", "backlog", "backlog"),
            story("e", "done", "done"),
        ]);
        let words: Vec<_> = counts.iter().map(|c| (c.status.as_str(), c.stories)).collect();
        assert_eq!(words, [("backlog", 1), ("done", 2), ("complete", 1), ("deferred", 1)]);
    }
}
