//! Where a stream begins: what a client says it has seen, against what the log holds.
//!
//! Nothing a client sends is an error here. Each input has a defined start, because a browser's
//! `EventSource` never comes back after a 4xx or 5xx.

use serde_json::Value;

use crate::domain::event::EventId;

/// What a client says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Cursor {
    /// Nothing.
    None,
    /// This event, of the log of this name where it gave one.
    Seen {
        /// The log's name.
        epoch: Option<String>,
        /// The event.
        id: EventId,
    },
    /// Something that is no cursor.
    Nonsense,
}

/// How a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Start {
    /// With `init`, then what follows it.
    Init,
    /// With `reset`, then `init`: the client's cursor is not of this log.
    Reset,
    /// With what follows this event.
    Resume(EventId),
    /// With `gap`, then what is still kept.
    Gap {
        /// The oldest event kept, or the next one to come.
        first_available: EventId,
    },
}

/// The log as it is now.
#[derive(Debug, Clone, Copy)]
pub(super) struct Log<'a> {
    /// Its name.
    pub(super) epoch: &'a str,
    /// Its last event.
    pub(super) head: EventId,
    /// Its oldest event; `head + 1` when none is kept.
    pub(super) first_available: EventId,
}

impl Cursor {
    /// From header or query: the same said twice is said once; two different things are nonsense.
    pub(super) fn from_texts<'a>(texts: impl IntoIterator<Item = &'a [u8]>) -> Self {
        let mut cursors = texts.into_iter().map(Self::from_text);
        let Some(first) = cursors.next() else { return Self::None };
        if cursors.all(|other| other == first) { first } else { Self::Nonsense }
    }

    /// `<epoch>:<id>` or `<id>`; empty is nothing.
    pub(super) fn from_text(text: &[u8]) -> Self {
        let Ok(text) = std::str::from_utf8(text) else { return Self::Nonsense };
        let text = text.trim_ascii();
        if text.is_empty() {
            return Self::None;
        }
        let (epoch, id) = match text.rsplit_once(':') {
            Some((epoch, id)) => (Some(epoch.to_owned()), id),
            None => (None, text),
        };
        // Rust would also read `+5`.
        if id.is_empty() || !id.bytes().all(|byte| byte.is_ascii_digit()) {
            return Self::Nonsense;
        }
        id.parse().map_or(Self::Nonsense, |id| Self::Seen { epoch, id })
    }

    /// From a WebSocket's `resume` message: text as above, or a number.
    pub(super) fn from_json(value: Option<&Value>) -> Self {
        match value {
            None | Some(Value::Null) => Self::None,
            Some(Value::String(text)) => Self::from_text(text.as_bytes()),
            Some(value) => {
                value.as_u64().map_or(Self::Nonsense, |id| Self::Seen { epoch: None, id })
            }
        }
    }

    /// The start that this cursor means.
    pub(super) fn start(&self, log: Log<'_>) -> Start {
        match self {
            Self::None => Start::Init,
            Self::Nonsense => Start::Reset,
            Self::Seen { epoch: Some(epoch), .. } if epoch != log.epoch => Start::Reset,
            Self::Seen { id, .. } if *id > log.head => Start::Reset,
            Self::Seen { id, .. } if id.saturating_add(1) < log.first_available => {
                Start::Gap { first_available: log.first_available }
            }
            Self::Seen { id, .. } => Start::Resume(*id),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::{Cursor, Log, Start};

    const LOG: Log<'_> = Log { epoch: "0a1b2c3d", head: 100, first_available: 11 };

    fn start(texts: &[&[u8]]) -> Start {
        Cursor::from_texts(texts.iter().copied()).start(LOG)
    }

    #[test]
    fn every_cursor_has_a_defined_start() {
        for (texts, expected) in [
            (vec![], Start::Init),
            (vec![&b""[..]], Start::Init),
            (vec![b"  "], Start::Init),
            (vec![b"50"], Start::Resume(50)),
            (vec![b" 50 "], Start::Resume(50)),
            (vec![b"0a1b2c3d:50"], Start::Resume(50)),
            (vec![b"50", b"50"], Start::Resume(50)),
            (vec![b"50", b"51"], Start::Reset),
            (vec![b"", b"50"], Start::Reset),
            (vec![b"100"], Start::Resume(100)),
            (vec![b"101"], Start::Reset),
            (vec![b"0a1b2c3d:101"], Start::Reset),
            (vec![b"ffffffff:50"], Start::Reset),
            (vec![b":50"], Start::Reset),
            (vec![b"0a1b2c3d:"], Start::Reset),
            (vec![b"0a1b2c3d:0a1b2c3d:50"], Start::Reset),
            (vec![b"abc"], Start::Reset),
            (vec![b"-1"], Start::Reset),
            (vec![b"+1"], Start::Reset),
            (vec![b"1.5"], Start::Reset),
            (vec![b"0x10"], Start::Reset),
            (vec![b"18446744073709551615"], Start::Reset),
            (vec![b"18446744073709551616"], Start::Reset),
            (vec![b"50\0"], Start::Reset),
            (vec![b"\0"], Start::Reset),
            (vec![b"50\xff"], Start::Reset),
            (vec!["٥٠".as_bytes()], Start::Reset),
            (vec![b"10"], Start::Resume(10)),
            (vec![b"9"], Start::Gap { first_available: 11 }),
            (vec![b"0"], Start::Gap { first_available: 11 }),
            (vec![b"0a1b2c3d:0"], Start::Gap { first_available: 11 }),
        ] {
            assert_eq!(start(&texts), expected, "{texts:?}");
        }
    }

    #[test]
    fn an_empty_log_and_one_whose_events_are_all_deleted() {
        let empty = Log { epoch: "0a1b2c3d", head: 0, first_available: 1 };
        assert_eq!(Cursor::from_text(b"0").start(empty), Start::Resume(0));
        assert_eq!(Cursor::from_text(b"1").start(empty), Start::Reset);
        let purged = Log { epoch: "0a1b2c3d", head: 10, first_available: 11 };
        assert_eq!(Cursor::from_text(b"10").start(purged), Start::Resume(10));
        assert_eq!(Cursor::from_text(b"9").start(purged), Start::Gap { first_available: 11 });
    }

    #[test]
    fn a_resume_message_takes_text_and_numbers() {
        for (value, expected) in [
            (json!(50), Start::Resume(50)),
            (json!("50"), Start::Resume(50)),
            (json!("0a1b2c3d:50"), Start::Resume(50)),
            (json!(null), Start::Init),
            (json!(""), Start::Init),
            (json!(-1), Start::Reset),
            (json!(1.5), Start::Reset),
            (json!(1e30), Start::Reset),
            (json!(true), Start::Reset),
            (json!([50]), Start::Reset),
            (json!({"id": 50}), Start::Reset),
        ] {
            assert_eq!(Cursor::from_json(Some(&value)).start(LOG), expected, "{value}");
        }
        assert_eq!(Cursor::from_json(None).start(LOG), Start::Init);
    }

    proptest! {
        #[test]
        fn what_a_client_sends_never_breaks_it(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            match start(&[&bytes]) {
                Start::Resume(id) => prop_assert!((10..=100).contains(&id)),
                Start::Gap { first_available } => prop_assert_eq!(first_available, 11),
                Start::Init | Start::Reset => {}
            }
        }

        #[test]
        fn what_we_sent_is_understood(id in 10..=100u64) {
            prop_assert_eq!(start(&[format!("0a1b2c3d:{id}").as_bytes()]), Start::Resume(id));
        }
    }
}
