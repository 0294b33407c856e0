//! The streams' part of [`crate::http::doors`].

use bytes::Bytes;

use super::chunk::{Form, join};
use super::filter::Filter;
use super::glob;
use super::message::Said;
use super::resume::{Cursor, Log, Start};
use crate::hub::Entry;

/// How a stream begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StreamStart {
    /// With the state as it is.
    Init,
    /// With the word that the cursor is not of this log, then the state.
    Reset,
    /// With what follows this event.
    Resume(u64),
    /// With the word that events are missing, then from this one.
    Gap(u64),
}

impl From<Start> for StreamStart {
    fn from(start: Start) -> Self {
        match start {
            Start::Init => Self::Init,
            Start::Reset => Self::Reset,
            Start::Resume(id) => Self::Resume(id),
            Start::Gap { first_available } => Self::Gap(first_available),
        }
    }
}

pub(in crate::http) fn start(texts: &[&[u8]], epoch: &str, first: u64, head: u64) -> StreamStart {
    let log = Log { epoch, head, first_available: first };
    Cursor::from_texts(texts.iter().copied()).start(log).into()
}

pub(in crate::http) fn start_of_message(
    text: &str,
    epoch: &str,
    first: u64,
    head: u64,
) -> Option<StreamStart> {
    let log = Log { epoch, head, first_available: first };
    match Said::from_text(text) {
        Said::Resume(cursor) => Some(cursor.start(log).into()),
        Said::Ping | Said::Other => None,
    }
}

pub(in crate::http) fn passes(query: &str, entry: &Entry) -> Result<bool, String> {
    let filter = Filter::from_query(query).map_err(|error| error.to_string())?;
    Ok(filter.is_none_or(|filter| filter.passes(entry)))
}

pub(in crate::http) fn matches(pattern: &str, text: &str) -> bool {
    glob::matches(pattern, text)
}

pub(in crate::http) fn joined(websocket: bool, entries: &[Entry]) -> Bytes {
    join(if websocket { Form::Ws } else { Form::Sse }, entries.iter())
}
