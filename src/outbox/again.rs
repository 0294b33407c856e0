//! What a reader of the stream that misses something asks for.

use serde::Deserialize;

use crate::domain::event::EventId;

/// A longer message is no question.
const LARGEST: usize = 1024;

/// Something is missing in the stream.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
pub(super) struct Ask {
    /// Of this log.
    pub(super) epoch: String,
    /// Behind this event.
    pub(super) after: EventId,
    /// The place in the stream where that showed.
    pub(super) seen: u64,
}

impl Ask {
    /// Trusts nothing of it.
    pub(super) fn read(text: &[u8]) -> Option<Self> {
        if text.len() > LARGEST {
            return None;
        }
        serde_json::from_slice(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_question_is_none() {
        let text = br#"{"epoch":"0badcafe","after":3,"seen":9,"from":"a newer hub"}"#;
        let ask = Ask { epoch: "0badcafe".to_owned(), after: 3, seen: 9 };
        assert_eq!(Ask::read(text), Some(ask));
        for bad in ["", "{}", r#"{"epoch":"x","after":-1,"seen":0}"#, &" ".repeat(2000)] {
            assert_eq!(Ask::read(bad.as_bytes()), None, "{bad}");
        }
    }
}
