//! Answers kept as bytes until the log goes on: a page that many look at is made once.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use bytes::Bytes;

use crate::domain::event::EventId;
use crate::hub::Hub;

/// Answers of one route at once. A page asks for one or two; who asks for more has them made.
const ANSWERS: usize = 8;

/// Larger answers are made anew: they are few, and memory is dearer.
const BYTES: usize = 128 * 1024;

/// How far the log is: what was read from it is true until this changes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Version {
    head: EventId,
    first: EventId,
}

impl Version {
    /// Now. To be taken before the log is read: what is read may be newer, never older.
    pub(super) fn of(hub: &Hub) -> Self {
        Self { head: hub.head(), first: hub.first_available() }
    }
}

/// One route's answers by what was asked.
#[derive(Debug)]
pub(super) struct Kept<K>(Mutex<VecDeque<(K, Version, Bytes)>>);

impl<K> Default for Kept<K> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<K: PartialEq> Kept<K> {
    /// The answer, if it was made at this version.
    pub(super) fn get(&self, asked: &K, version: Version) -> Option<Bytes> {
        let answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let found = answers.iter().find(|(it, made, _)| it == asked && *made == version);
        found.map(|(_, _, bytes)| bytes.clone())
    }

    /// Keeps an answer in the place of the oldest.
    pub(super) fn put(&self, asked: K, version: Version, bytes: &Bytes) {
        if bytes.len() > BYTES {
            return;
        }
        let mut answers = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        answers.retain(|(it, made, _)| *it != asked && *made == version);
        answers.truncate(ANSWERS - 1);
        answers.push_front((asked, version, bytes.clone()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_good_until_the_log_goes_on() {
        let kept = Kept::default();
        let (old, new) = (Version { head: 5, first: 1 }, Version { head: 6, first: 1 });
        let purged = Version { head: 5, first: 2 };
        kept.put(20, old, &Bytes::from_static(b"a"));
        assert_eq!(kept.get(&20, old).as_deref(), Some(&b"a"[..]));
        assert_eq!(
            (kept.get(&21, old), kept.get(&20, new), kept.get(&20, purged)),
            Default::default()
        );
        kept.put(20, new, &Bytes::from_static(b"b"));
        assert_eq!((kept.get(&20, old), kept.get(&20, new).as_deref()), (None, Some(&b"b"[..])));
    }

    #[test]
    fn few_are_kept_and_none_that_is_large() {
        let kept = Kept::default();
        let version = Version { head: 5, first: 1 };
        for asked in 0..100 {
            kept.put(asked, version, &Bytes::from_static(b"a"));
        }
        assert_eq!((0..100).filter(|it| kept.get(it, version).is_some()).count(), ANSWERS);
        kept.put(100, version, &Bytes::from(vec![b'a'; BYTES + 1]));
        assert!(kept.get(&100, version).is_none());
    }
}
