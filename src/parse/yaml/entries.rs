//! From keys and words to entries: repeats settled, epics found, titles taken.

use std::collections::HashMap;

use serde_json::{Map, Value};

use crate::domain::issue::Issue;
use crate::domain::key;
use crate::domain::reading::{Entry, EntryKind, Reading, ReadingState};

use super::remarks;

/// More entries than this are refused; the largest real file has 518.
pub(super) const MAX_ENTRIES: usize = 10_000;

/// One key with its value, before repeats are settled.
pub(super) struct Found {
    pub(super) key: String,
    pub(super) status: String,
    pub(super) title: Option<String>,
    pub(super) line: u64,
    /// Its value was a mapping or a list.
    pub(super) mapped: bool,
}

/// A reading that could not be made, and why.
pub(super) fn without_entries(
    state: ReadingState,
    document: Map<String, Value>,
    issue: Issue,
) -> Reading {
    Reading {
        state,
        document,
        entries: Vec::new(),
        duplicates: 0,
        mapping_values: 0,
        issues: vec![issue],
    }
}

/// The title in a comment such as `Epic 2a: Session list & basic display`.
pub(super) fn epic_title(key: &str, comment: &str) -> Option<String> {
    if kind_of(key) != EntryKind::Epic {
        return None;
    }
    let rest = comment.get(..5).filter(|head| head.eq_ignore_ascii_case("epic "))?;
    let rest = comment[rest.len()..].trim_start();
    let id = key::epic_id(key);
    let rest = rest
        .get(..id.len())
        .filter(|head| head.eq_ignore_ascii_case(id))
        .map(|head| &rest[head.len()..])?;
    let title = rest.trim_start().strip_prefix([':', '-', '–', '—'])?.trim();
    (!title.is_empty()).then(|| title.chars().take(200).collect())
}

/// What a key stands for.
pub(super) fn kind_of(key: &str) -> EntryKind {
    let lower = key.to_lowercase();
    if lower.ends_with("-retrospective") {
        EntryKind::Retrospective
    } else if lower.starts_with("epic-") {
        EntryKind::Epic
    } else {
        EntryKind::Story
    }
}

/// Settles repeats, finds each story's epic, and remarks on what is odd.
pub(super) fn settle(found: Vec<Found>) -> Reading {
    let mut issues = Vec::new();
    let mut entries: Vec<Entry> = Vec::with_capacity(found.len());
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut duplicates = 0;
    let mut mapping_values = 0;
    for Found { key, status, title, line, mapped } in found {
        if mapped {
            mapping_values += 1;
            issues.push(remarks::mapping_value(&key, line));
        }
        if let Some(place) = places.get(&key) {
            let first = &mut entries[*place];
            duplicates += 1;
            issues.push(remarks::duplicate(&key, first.line, line));
            first.status = status;
            first.title = title.or_else(|| first.title.take());
            first.line = line;
            continue;
        }
        places.insert(key.clone(), entries.len());
        let kind = kind_of(&key);
        entries.push(Entry { key, kind, status, epic_key: None, title, line });
    }
    assign_epics(&mut entries);
    remarks::statuses(&entries, &mut issues);
    remarks::disagreements(&entries, &mut issues);
    issues.sort_by_key(|issue| issue.line);
    Reading {
        state: ReadingState::Ok,
        document: Map::new(),
        entries,
        duplicates,
        mapping_values,
        issues,
    }
}

/// A story belongs to the longest epic id that begins its key, else to the epic line above it.
fn assign_epics(entries: &mut [Entry]) {
    let epics: HashMap<String, String> = entries
        .iter()
        .filter(|entry| entry.kind == EntryKind::Epic)
        .map(|entry| (key::epic_id(&entry.key).to_lowercase(), entry.key.clone()))
        .collect();
    let mut above: Option<String> = None;
    for entry in entries {
        entry.epic_key = match entry.kind {
            EntryKind::Epic => {
                above = Some(entry.key.clone());
                above.clone()
            }
            EntryKind::Retrospective => {
                let end = entry.key.len() - "-retrospective".len();
                let own = entry.key.get(..end).map(|own| key::epic_id(own).to_lowercase());
                let known = own.and_then(|own| epics.get(&own).cloned());
                known.or_else(|| entry.key.get(..end).map(str::to_owned))
            }
            EntryKind::Story => longest_epic(&entry.key, &epics).or_else(|| above.clone()),
        };
    }
}

fn longest_epic(key: &str, epics: &HashMap<String, String>) -> Option<String> {
    let lower = key.to_lowercase();
    if let Some(epic) = epics.get(&lower) {
        return Some(epic.clone());
    }
    let mut end = lower.len();
    while let Some(at) = lower[..end].rfind('-') {
        if let Some(epic) = epics.get(&lower[..at]) {
            return Some(epic.clone());
        }
        end = at;
    }
    None
}
