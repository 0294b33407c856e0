//! Story and epic keys: short ids, epics, and joining a log row's id to the status file's key.

use std::collections::HashMap;

use super::reading::{Entry, EntryKind};

/// The epic's id: its key without the prefix `epic-`, in any case.
pub fn epic_id(epic_key: &str) -> &str {
    match epic_key.get(..5) {
        Some(prefix) if prefix.eq_ignore_ascii_case("epic-") => &epic_key[5..],
        _ => epic_key,
    }
}

/// The number part of a story's key: `2a-1` of `2a-1-session-list`, `5-sr-3` of `5-sr-3-core-loop`
/// when its epic is `epic-5-sr`. `None` when the key has no number.
pub fn short_id(key: &str, epic_key: Option<&str>) -> Option<String> {
    if let Some(epic) = epic_key.map(epic_id)
        && let Some(rest) = after_part(key, epic)
        && let Some(number) = rest.split('-').next().filter(|part| is_story_number(part))
    {
        return Some(format!("{}-{number}", &key[..epic.len()]));
    }
    // Without its epic the first part with a digit must be followed by the story's number:
    // `p4-1-…`, `TD-18-20-…`, but not `login-2-factor`.
    let mut end = 0;
    for part in key.split('-') {
        end += part.len();
        if part.contains(|c: char| c.is_ascii_digit()) {
            let number = key.get(end + 1..)?.split('-').next().filter(|part| is_story_number(part));
            return number.map(|number| format!("{}-{number}", &key[..end]));
        }
        end += 1;
    }
    None
}

/// What follows `epic` and a `-` in `key`.
fn after_part<'a>(key: &'a str, epic: &str) -> Option<&'a str> {
    let head = key.get(..epic.len())?;
    let rest = key.get(epic.len()..)?;
    if epic.is_empty() || !head.eq_ignore_ascii_case(epic) {
        return None;
    }
    rest.strip_prefix('-')
}

/// `3`, `4a`, `12`, `s1`: a number, perhaps with one letter or a dotted part.
fn is_story_number(part: &str) -> bool {
    let part = part.strip_prefix(['s', 'S']).unwrap_or(part);
    let digits = part.bytes().take_while(u8::is_ascii_digit).count();
    let rest = &part[digits..];
    digits > 0
        && (rest.is_empty()
            || (rest.len() == 1 && rest.bytes().all(|byte| byte.is_ascii_alphabetic()))
            || rest.strip_prefix('.').is_some_and(|tail| {
                !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit())
            }))
}

/// Which epic a story belongs to, by its key alone: the longest epic id that is a prefix of it at
/// a `-` or its end.
pub fn epic_of<'a>(key: &str, epic_keys: impl Iterator<Item = &'a str>) -> Option<&'a str> {
    epic_keys
        .filter(|epic_key| {
            let epic = epic_id(epic_key);
            key.eq_ignore_ascii_case(epic) || after_part(key, epic).is_some()
        })
        .max_by_key(|epic_key| epic_key.len())
}

/// An epic as log rows name it: `epic-2b` is `2b`.
pub fn normalise_epic(epic: &str) -> String {
    epic_id(epic.trim()).to_owned()
}

/// A command without its prefix `sprint-` and without its attempt, and the attempt:
/// `code-review-2`, `code-review #2` and `sprint-code-review-2` are the second `code-review`.
pub fn command_base(command: &str) -> (String, Option<u32>) {
    let name = command.trim();
    let name = name.strip_prefix("sprint-").unwrap_or(name);
    let split = name.rsplit_once([' ', '-']).and_then(|(base, tail)| {
        let digits = tail.strip_prefix('#').unwrap_or(tail);
        let attempt = digits.parse().ok().filter(|_| digits.bytes().all(|b| b.is_ascii_digit()))?;
        Some((base.trim_end().to_owned(), attempt))
    });
    match split {
        Some((base, attempt)) if !base.is_empty() => (base, Some(attempt)),
        _ => (name.to_owned(), None),
    }
}

/// Whether a file may be named after this key: no separators, no leading dot, no control
/// characters, not too long.
pub fn is_safe_file_stem(key: &str) -> bool {
    !key.is_empty()
        && key.len() <= 200
        && !key.starts_with('.')
        && !key.contains(|c: char| c == '/' || c == '\\' || c.is_control())
}

/// The order in which stories are taken: by number, letter and group, story number, so that 2-10
/// comes after 2-9 and 2a after 2; keys without a number last.
pub fn sort_key(key: &str) -> SortKey {
    let mut parts = key.split('-');
    let first = parts.next().unwrap_or_default();
    let Some(start) = first.find(|c: char| c.is_ascii_digit()) else {
        return SortKey { numbered: 1, epic: Numbered::default(), story: Numbered::default() };
    };
    let mut epic = numbered(&first[start..]);
    epic.2.insert_str(0, &first[..start]);
    let mut story = Numbered::default();
    for part in parts {
        if part.starts_with(|c: char| c.is_ascii_digit()) {
            story = numbered(part);
            break;
        }
        epic.2.push('-');
        epic.2.push_str(part);
    }
    SortKey { numbered: 0, epic, story }
}

/// See [`sort_key`].
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct SortKey {
    numbered: u8,
    epic: Numbered,
    story: Numbered,
}

/// A number, a number behind its dot, and what else: `7.10` comes after `7.6`, `2a` after `2`.
type Numbered = (u64, u64, String);

fn numbered(text: &str) -> Numbered {
    let (whole, rest) = leading_number(text);
    match rest.strip_prefix('.').map(leading_number) {
        Some((part, tail)) => (whole, part, tail.to_owned()),
        None => (whole, 0, rest.to_owned()),
    }
}

fn leading_number(text: &str) -> (u64, &str) {
    let digits = text.bytes().take_while(u8::is_ascii_digit).count();
    (text[..digits].parse().unwrap_or(u64::MAX), &text[digits..])
}

/// What a row's story id stands for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Resolved {
    /// Exactly one key of the status file.
    Key {
        /// The long key.
        key: String,
        /// Its epic without prefix.
        epic_id: Option<String>,
    },
    /// Several keys share that id.
    Ambiguous(Vec<String>),
    /// No key has it.
    Unknown,
}

/// The stories of a status file, to be found by long key or by short id.
#[derive(Debug, Clone, Default)]
pub struct KeyIndex {
    stories: Vec<(String, Option<String>)>,
    by_key: HashMap<String, usize>,
    by_id: HashMap<String, Vec<usize>>,
}

impl KeyIndex {
    /// Of a reading's entries.
    pub fn new(entries: &[Entry]) -> Self {
        let mut index = Self::default();
        for entry in entries.iter().filter(|entry| entry.kind == EntryKind::Story) {
            let place = index.stories.len();
            let epic = entry.epic_key.as_deref().map(|key| epic_id(key).to_owned());
            index.by_key.insert(entry.key.to_ascii_lowercase(), place);
            if let Some(id) = short_id(&entry.key, entry.epic_key.as_deref()) {
                index.by_id.entry(id.to_ascii_lowercase()).or_default().push(place);
            }
            index.stories.push((entry.key.clone(), epic));
        }
        index
    }

    /// Finds a row's story. Ids are compared part by part: `1-1` is not `1-10`. Where several
    /// keys share an id, the row's epic may decide.
    pub fn resolve(&self, row_id: &str, row_epic: &str) -> Resolved {
        let id = row_id.trim().to_ascii_lowercase();
        if let Some(place) = self.by_key.get(&id) {
            return self.key(*place);
        }
        // A slug may have been renamed since the row was written: its number stays.
        let known = self.by_id.get(&id).or_else(|| {
            let epic = format!("epic-{}", normalise_epic(row_epic));
            self.by_id.get(&short_id(&id, Some(&epic))?.to_ascii_lowercase())
        });
        match known.map(Vec::as_slice) {
            None | Some([]) => Resolved::Unknown,
            Some([place]) => self.key(*place),
            Some(places) => {
                let epic = normalise_epic(row_epic);
                let mut same = places.iter().filter(|place| {
                    let known = self.stories[**place].1.as_deref();
                    known.is_some_and(|known| known.eq_ignore_ascii_case(&epic))
                });
                match (same.next(), same.next()) {
                    (Some(place), None) => self.key(*place),
                    _ => Resolved::Ambiguous(
                        places.iter().map(|place| self.stories[*place].0.clone()).collect(),
                    ),
                }
            }
        }
    }

    fn key(&self, place: usize) -> Resolved {
        let (key, epic_id) = self.stories[place].clone();
        Resolved::Key { key, epic_id }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn story(key: &str, epic: &str) -> Entry {
        Entry {
            key: key.to_owned(),
            kind: EntryKind::Story,
            status: "backlog".to_owned(),
            epic_key: Some(epic.to_owned()),
            title: None,
            line: 1,
        }
    }

    #[test]
    fn short_ids() {
        for (key, epic, id) in [
            ("2a-1-session-list", Some("epic-2a"), Some("2a-1")),
            ("5-sr-3-core-loop", Some("epic-5-sr"), Some("5-sr-3")),
            ("5-sr-3-core-loop", None, None),
            ("2-4a-split", Some("epic-2"), Some("2-4a")),
            ("7.6-1-dots", Some("epic-7.6"), Some("7.6-1")),
            ("p4-1-phase", None, Some("p4-1")),
            ("TD-18-20-fix", Some("epic-TD-18"), Some("TD-18-20")),
            ("TD-18-20-fix", None, Some("TD-18-20")),
            ("e1-s1-login", Some("epic-1"), Some("e1-s1")),
            ("2-1-3d-printing", Some("epic-2"), Some("2-1")),
            ("login-2-factor", None, None),
            ("", None, None),
            ("1-10", None, Some("1-10")),
            ("bare-slug", None, None),
            ("笔记-1", None, None),
        ] {
            assert_eq!(short_id(key, epic).as_deref(), id, "{key}");
        }
    }

    #[test]
    fn rows_find_their_story() {
        let index = KeyIndex::new(&[
            story("1-1-a", "epic-1"),
            story("1-10-b", "epic-1"),
            story("2-1-c", "epic-2"),
            story("2-1-d", "epic-3"),
            story("2-1-e", "epic-3"),
        ]);
        let key = |key: &str, epic: &str| Resolved::Key {
            key: key.to_owned(),
            epic_id: Some(epic.to_owned()),
        };
        assert_eq!(index.resolve("1-1", "1"), key("1-1-a", "1"));
        assert_eq!(index.resolve("1-10", "epic-1"), key("1-10-b", "1"));
        assert_eq!(index.resolve("1-10-B", "9"), key("1-10-b", "1"));
        assert_eq!(index.resolve("1-10-old-name", "1"), key("1-10-b", "1"));
        assert_eq!(index.resolve("2-1", "2"), key("2-1-c", "2"));
        assert!(matches!(index.resolve("2-1", "3"), Resolved::Ambiguous(keys) if keys.len() == 3));
        assert_eq!(index.resolve("9-9", "9"), Resolved::Unknown);
    }

    #[test]
    fn commands_carry_their_attempt() {
        for (command, base, attempt) in [
            ("code-review-2", "code-review", Some(2)),
            ("sprint-code-review-12", "code-review", Some(12)),
            ("code-review #3", "code-review", Some(3)),
            ("code-review  #3", "code-review", Some(3)),
            ("dev-story", "dev-story", None),
            (" sprint-commit\u{85}", "commit", None),
            ("7", "7", None),
            ("-7", "-7", None),
            ("sprint-", "", None),
            ("dev-4294967295", "dev", Some(u32::MAX)),
            ("dev-4294967296", "dev-4294967296", None),
            ("dev-##1", "dev-##1", None),
            ("dev-１", "dev-１", None),
        ] {
            assert_eq!(command_base(command), (base.to_owned(), attempt), "{command}");
        }
    }

    #[test]
    fn stories_sort_by_number() {
        let mut keys = vec![
            "slug", "2-10-x", "2a-1-x", "2-9-x", "7.10-1-x", "10-1-x", "2-9a-x", "5-sr-3-x",
            "7.6-1-x", "5-2-x",
        ];
        keys.sort_by_key(|key| sort_key(key));
        assert_eq!(
            keys,
            [
                "2-9-x", "2-9a-x", "2-10-x", "2a-1-x", "5-2-x", "5-sr-3-x", "7.6-1-x", "7.10-1-x",
                "10-1-x", "slug"
            ]
        );
    }

    #[test]
    fn the_longest_epic_wins() {
        let epics = ["epic-5", "epic-5-sr", "Epic-50"];
        assert_eq!(epic_of("5-sr-3-core-loop", epics.into_iter()), Some("epic-5-sr"));
        assert_eq!(epic_of("5-1-x", epics.into_iter()), Some("epic-5"));
        assert_eq!(epic_of("50-1-x", epics.into_iter()), Some("Epic-50"));
        assert_eq!(epic_of("6-1-x", epics.into_iter()), None);
    }
}
