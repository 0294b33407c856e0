//! Filters of a stream: `types` (or `type`), `batch_id`, `story`. All must match; a comma is an or.

use crate::http::limits::{PATTERN_BYTES, PATTERNS};
use crate::hub::Entry;

use super::glob;

/// What a client wants to see. Connection messages pass every filter.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Filter {
    kinds: Vec<String>,
    stories: Vec<String>,
    batch_ids: Vec<i64>,
}

/// Why a filter cannot be read: a sentence for people.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(super) enum FilterError {
    #[error("the filter {0} has an empty part")]
    Empty(&'static str),
    #[error("the filter {0} is too long")]
    TooLong(&'static str),
    #[error("the filter {0} holds a character that no name has")]
    Character(&'static str),
    #[error("the filter batch_id takes whole numbers from 1")]
    Number,
}

impl Filter {
    /// Reads the query; `None` when it filters nothing. Names we don't know are not ours to judge.
    pub(super) fn from_query(query: &str) -> Result<Option<Self>, FilterError> {
        let mut filter = Self::default();
        for (name, value) in form_urlencoded::parse(query.as_bytes()) {
            match &*name {
                "types" | "type" => read("types", &value, is_kind, &mut filter.kinds)?,
                "story" => read("story", &value, is_story, &mut filter.stories)?,
                "batch_id" => {
                    let mut texts = Vec::new();
                    read("batch_id", &value, |c| c.is_ascii_digit(), &mut texts)?;
                    for text in texts {
                        let id = text.parse().ok().filter(|id| *id >= 1);
                        filter.batch_ids.push(id.ok_or(FilterError::Number)?);
                    }
                }
                _ => {}
            }
        }
        Ok((filter != Self::default()).then_some(filter))
    }

    /// True when an event is wanted.
    pub(super) fn passes(&self, entry: &Entry) -> bool {
        self.batch_passes(entry.batch_id)
            && self.kind_passes(&entry.kind)
            && self.story_passes(&entry.story_key, &entry.story_id)
    }

    fn batch_passes(&self, batch_id: Option<i64>) -> bool {
        self.batch_ids.is_empty() || batch_id.is_some_and(|id| self.batch_ids.contains(&id))
    }

    fn kind_passes(&self, kind: &str) -> bool {
        self.kinds.is_empty() || self.kinds.iter().any(|pattern| glob::matches(pattern, kind))
    }

    /// A row for several stories names their short ids with commas between.
    fn story_passes(&self, key: &str, ids: &str) -> bool {
        self.stories.is_empty()
            || self.stories.iter().any(|story| story == key || ids.split(',').any(|id| id == story))
    }
}

/// Takes the parts of one parameter; an empty parameter filters nothing.
fn read(
    name: &'static str,
    value: &str,
    allowed: impl Fn(char) -> bool,
    into: &mut Vec<String>,
) -> Result<(), FilterError> {
    if value.is_empty() {
        return Ok(());
    }
    for part in value.split(',').map(str::trim) {
        if part.is_empty() {
            return Err(FilterError::Empty(name));
        }
        if part.len() > PATTERN_BYTES || into.len() >= PATTERNS {
            return Err(FilterError::TooLong(name));
        }
        if !part.chars().all(&allowed) {
            return Err(if name == "batch_id" {
                FilterError::Number
            } else {
                FilterError::Character(name)
            });
        }
        into.push(part.to_owned());
    }
    Ok(())
}

fn is_kind(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, ':' | '*' | '_' | '-' | '.')
}

/// Keys are other people's words; U+FFFD is what broken percent-encoding becomes.
fn is_story(c: char) -> bool {
    !c.is_control() && c != '\u{fffd}'
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::{Filter, FilterError};
    use crate::hub::Entry;

    fn entry(kind: &str, batch_id: Option<i64>, key: &str, id: &str) -> Entry {
        Entry {
            id: 1,
            kind: kind.into(),
            batch_id,
            story_key: key.into(),
            story_id: id.into(),
            frame: bytes::Bytes::new(),
            json: "".into(),
            shown_at: None,
        }
    }

    #[test]
    fn all_must_match_and_a_comma_is_an_or() {
        let start = entry("command:start", Some(7), "2a-1-session-list", "2a-1");
        let both = entry("command:end", Some(8), "3a-1,3a-2", "3a-1,3a-2");
        let settings = entry("settings:changed", None, "", "");
        for (query, expected) in [
            ("types=command:*", [true, true, false]),
            ("type=command:*", [true, true, false]),
            ("types=command%3Astart", [true, false, false]),
            ("types=command:start,settings:*", [true, false, true]),
            ("types=command:start&types=settings:*", [true, false, true]),
            ("types=command:start&type=settings:*", [true, false, true]),
            ("types=*", [true, true, true]),
            ("types=*:start", [true, false, false]),
            ("types=nothing", [false, false, false]),
            ("batch_id=7", [true, false, false]),
            ("batch_id=7,8", [true, true, false]),
            ("story=2a-1", [true, false, false]),
            ("story=2a-1-session-list", [true, false, false]),
            ("story=2a", [false, false, false]),
            ("story=3a-2", [false, true, false]),
            ("story=2a-1,3a-1", [true, true, false]),
            ("types=command:*&batch_id=8", [false, true, false]),
            ("types=command:start&batch_id=8", [false, false, false]),
            (
                "types=command:*&batch_id=7&story=2a-1&last_event_id=x&other=%ff",
                [true, false, false],
            ),
        ] {
            let filter = Filter::from_query(query).expect(query).expect(query);
            let passed = [&start, &both, &settings].map(|entry| filter.passes(entry));
            assert_eq!(passed, expected, "{query}");
        }
    }

    #[test]
    fn nothing_asked_is_no_filter() {
        for query in ["", "types=", "types=&story=&batch_id=", "last_event_id=7", "unknown=1"] {
            assert_eq!(Filter::from_query(query), Ok(None), "{query}");
        }
    }

    #[test]
    fn malformed_filters_are_told() {
        let long = format!("types={}", "a".repeat(300));
        let many = format!("types={}", vec!["a"; 65].join(","));
        for (query, error) in [
            ("types=a,,b", FilterError::Empty("types")),
            ("types=,", FilterError::Empty("types")),
            ("story=%20", FilterError::Empty("story")),
            ("types=a%00", FilterError::Character("types")),
            ("types=a%20b", FilterError::Character("types")),
            ("types=%ff", FilterError::Character("types")),
            ("types=[a]", FilterError::Character("types")),
            ("story=%ff", FilterError::Character("story")),
            ("story=a%0ab", FilterError::Character("story")),
            ("batch_id=x", FilterError::Number),
            ("batch_id=0", FilterError::Number),
            ("batch_id=-1", FilterError::Number),
            ("batch_id=1.5", FilterError::Number),
            ("batch_id=9223372036854775808", FilterError::Number),
            ("batch_id=7,", FilterError::Empty("batch_id")),
            (&long, FilterError::TooLong("types")),
            (&many, FilterError::TooLong("types")),
        ] {
            assert_eq!(Filter::from_query(query), Err(error), "{query}");
        }
    }

    proptest! {
        #[test]
        fn no_query_breaks_it(query in "\\PC{0,80}") {
            let _ = Filter::from_query(&query);
        }
    }
}
