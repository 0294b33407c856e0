//! Which stories come next.

use std::collections::BTreeSet;

use crate::domain::key;
use crate::domain::status::{StatusClass, canonical};

/// A story as the status file has it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The long key.
    pub story_key: String,
    /// The short id, where the key has one.
    pub story_id: Option<String>,
    /// Its epic, without prefix.
    pub epic_id: Option<String>,
    /// The file's own word.
    pub status: String,
}

/// What a cycle takes, and what it could not make sense of.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Selection {
    /// None, one, or two of the same epic and class.
    pub stories: Vec<Candidate>,
    /// Stories left out because their word says nothing we know.
    pub unknown: Vec<Candidate>,
}

/// Takes the first open story and, where the next open one of its epic has the same class, that one
/// too. An overnight run must not develop what somebody put on hold: words that are not known are
/// left out.
pub fn select(candidates: &[Candidate], left_out: &BTreeSet<String>) -> Selection {
    let mut unknown = Vec::new();
    let mut open: Vec<&Candidate> = Vec::new();
    for candidate in candidates {
        if left_out.contains(&candidate.story_key) {
            continue;
        }
        match StatusClass::of(&candidate.status) {
            StatusClass::Done | StatusClass::Optional => {}
            StatusClass::Other if is_over(&candidate.status) => {}
            StatusClass::Other => unknown.push(candidate.clone()),
            _ => open.push(candidate),
        }
    }
    // Stable: keys without a number keep the file's order.
    open.sort_by_key(|candidate| key::sort_key(&candidate.story_key));
    let mut open = open.into_iter();
    let mut stories: Vec<Candidate> = open.next().cloned().into_iter().collect();
    if let Some(first) = stories.first()
        && first.epic_id.is_some()
        && let Some(next) = open.find(|candidate| candidate.epic_id == first.epic_id)
        && StatusClass::of(&next.status) == StatusClass::of(&first.status)
    {
        stories.push(next.clone());
    }
    Selection { stories, unknown }
}

/// Whether a word of somebody's own says that there is nothing to do: blocked, finished in other
/// words, dropped.
fn is_over(word: &str) -> bool {
    const WORDS: [&str; 24] = [
        "blocked",
        "finished",
        "closed",
        "merged",
        "released",
        "shipped",
        "skipped",
        "skip",
        "cancelled",
        "canceled",
        "deferred",
        "superseded",
        "split",
        "dropped",
        "removed",
        "obsolete",
        "abandoned",
        "archived",
        "duplicate",
        "descoped",
        "rejected",
        "wont-do",
        "won't-do",
        "wontfix",
    ];
    let word = canonical(word);
    let first = word.split(['-', '(', ':', ',', ';', '.']).next().unwrap_or_default();
    WORDS.contains(&word.as_str())
        || WORDS.contains(&first)
        || matches!(first, "done" | "completed" | "complete" | "moved" | "wont" | "won't")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Key, epic, word.
    type Line = (&'static str, Option<&'static str>, &'static str);

    fn candidates(lines: &[Line]) -> Vec<Candidate> {
        let candidate = |(key, epic, status): &Line| Candidate {
            story_key: (*key).to_owned(),
            story_id: key::short_id(key, None),
            epic_id: epic.map(str::to_owned),
            status: (*status).to_owned(),
        };
        lines.iter().map(candidate).collect()
    }

    fn taken(lines: &[Line], left_out: &[&str]) -> Vec<String> {
        let left_out = left_out.iter().map(|key| (*key).to_owned()).collect();
        let selection = select(&candidates(lines), &left_out);
        selection.stories.into_iter().map(|story| story.story_key).collect()
    }

    #[test]
    fn numbers_sort_as_numbers_and_pairs_share_epic_and_class() {
        let table: &[(&[Line], &[&str])] = &[
            (
                &[("2-10-b", Some("2"), "backlog"), ("2-9-a", Some("2"), "backlog")],
                &["2-9-a", "2-10-b"],
            ),
            (&[("2a-1-x", Some("2a"), "backlog"), ("2-1-y", Some("2"), "backlog")], &["2-1-y"]),
            (
                &[
                    ("zeta", None, "backlog"),
                    ("alpha", None, "backlog"),
                    ("9-1-x", Some("9"), "backlog"),
                ],
                &["9-1-x"],
            ),
            (&[("zeta", None, "backlog"), ("alpha", None, "backlog")], &["zeta"]),
            // The next open one of the epic has another class: alone, even if a later one fits.
            (
                &[
                    ("1-1", Some("1"), "backlog"),
                    ("1-2", Some("1"), "review"),
                    ("1-3", Some("1"), "backlog"),
                ],
                &["1-1"],
            ),
            // Done ones between do not part a pair.
            (
                &[
                    ("1-1", Some("1"), "drafted"),
                    ("1-2", Some("1"), "done"),
                    ("1-3", Some("1"), "ready-for-dev"),
                ],
                &["1-1", "1-3"],
            ),
            (
                &[
                    ("1-1", Some("1"), "done"),
                    ("1-2", Some("1"), "blocked"),
                    ("1-3", Some("1"), "optional"),
                ],
                &[],
            ),
            (
                &[("1-1", Some("1"), "done (0 type errors)"), ("1-2", Some("1"), "moved-to-12.8")],
                &[],
            ),
        ];
        for (lines, expected) in table {
            assert_eq!(taken(lines, &[]), *expected, "{lines:?}");
        }
    }

    #[test]
    fn left_out_stories_are_not_taken() {
        let lines = [
            ("1-1", Some("1"), "backlog"),
            ("1-2", Some("1"), "backlog"),
            ("1-3", Some("1"), "backlog"),
        ];
        assert_eq!(taken(&lines, &["1-2"]), ["1-1", "1-3"]);
        assert_eq!(taken(&lines, &["1-1", "1-2", "1-3"]), [""; 0]);
    }

    #[test]
    fn a_word_nobody_knows_is_told_and_left_out() {
        let lines = [
            ("1-1", Some("1"), "on hold"),
            ("1-2", Some("1"), "won't do"),
            ("1-3", Some("1"), "wip"),
        ];
        let selection = select(&candidates(&lines), &BTreeSet::new());
        assert_eq!(selection.unknown.len(), 1);
        assert_eq!(selection.unknown[0].story_key, "1-1");
        assert_eq!(selection.stories[0].story_key, "1-3");
    }
}
