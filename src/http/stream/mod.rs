//! The live streams: one cursor over the log, as Server-Sent Events ([`sse`]) or WebSocket ([`ws`]).
//!
//! ```text
//!  cursor text ─► resume ─► opening (init, reset, gap) ─┐
//!  query ─► filter ──────► reader (Subscription, chunks) ┴─► takeover ─► sse: blocks   ws: frames
//! ```
//!
//! - Both carry the same messages in the same order; `message` and `chunk` know both forms.
//! - Per stream: a cursor, a timer, a filter. No queue: a slow reader's cursor lags, nothing else.
//! - What many streams need at once (the bytes of a burst, `init`) is made once and shared.
//! - The cursor moves only with what was handed to the socket's buffer; a cut stream resumes by id.
//!
//! The routes are taken before warp sees the request: a warp filter cannot reach the connection,
//! which a stream takes over ([`takeover`]).

mod chunk;
mod clients;
pub(super) mod doors;
mod filter;
mod glob;
mod init;
mod message;
mod opening;
mod outlet;
mod owner;
mod reader;
mod resume;
mod shared;
pub(super) mod sse;
pub(super) mod takeover;
#[cfg(test)]
mod tests;
pub(super) mod upgrade;
mod ws;

/// The messages' types, for the documents.
pub(super) mod shapes {
    pub(in crate::http) use super::init::Init;
    pub(in crate::http) use super::message::{ClientMessage, Connection};
}

pub(super) use shared::Open;
pub use shared::{Counts, Phase, Streams};

use http::HeaderMap;
use warp::reply::Response;

use self::filter::Filter;
use self::resume::Cursor;
use super::error::{Code, error_reply};

/// What a client asks of a stream.
#[derive(Debug)]
pub(super) struct Asked {
    cursor: Cursor,
    filter: Option<Filter>,
}

impl Asked {
    /// Reads header and query. Only a filter can be wrong, and only before the stream begins.
    pub(super) fn read(headers: &HeaderMap, query: Option<&str>) -> Result<Self, Box<Response>> {
        let query = query.unwrap_or_default();
        let filter = Filter::from_query(query)
            .map_err(|error| error_reply(Code::BadRequest, error.to_string()))?;
        let in_header: Vec<&[u8]> =
            headers.get_all("last-event-id").iter().map(http::HeaderValue::as_bytes).collect();
        let cursor = if in_header.is_empty() {
            let pairs = form_urlencoded::parse(query.as_bytes());
            let texts: Vec<_> =
                pairs.filter(|(name, _)| name == "last_event_id").map(|(_, value)| value).collect();
            Cursor::from_texts(texts.iter().map(|text| text.as_bytes()))
        } else {
            Cursor::from_texts(in_header)
        };
        Ok(Self { cursor, filter })
    }
}
