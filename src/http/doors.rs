//! Doors for the laws in `tests/laws/` and for `benches/micro.rs`: what reads a client's bytes and
//! what makes a stream's, without a server around it.
//!
//! The guard and the settings are public anyway. Everything here answers in plain types, so that
//! the readers themselves stay the business of their rooms. No part of the program comes this way.

use bytes::Bytes;
use http::HeaderMap;
use http::header::{HeaderValue, RANGE};

use super::api::orchestrator;
use super::reply::{Conditions, Range};
use super::stream::doors;
use crate::hub::Entry;
use crate::orchestrator::BatchSize;
use crate::store::Record;

pub use doors::StreamStart;

/// Where a stream begins for a client that sends these cursors, on a log with this name, these
/// oldest and last events.
pub fn start_of_stream(texts: &[&[u8]], epoch: &str, first: u64, head: u64) -> StreamStart {
    doors::start(texts, epoch, first, head)
}

/// What a WebSocket's text message asks for; none when it does not ask for another start.
pub fn start_of_message(text: &str, epoch: &str, first: u64, head: u64) -> Option<StreamStart> {
    doors::start_of_message(text, epoch, first, head)
}

/// Whether an event passes the filter of a stream's query; the error is the sentence for people.
pub fn passes_filter(query: &str, entry: &Entry) -> Result<bool, String> {
    doors::passes(query, entry)
}

/// Whether an event's type is what a pattern means.
pub fn pattern_matches(pattern: &str, text: &str) -> bool {
    doors::matches(pattern, text)
}

/// The size of batch that a start's body asks for; the error is the answer's status.
pub fn asked_size(body: &[u8]) -> Result<Option<BatchSize>, u16> {
    orchestrator::asked_size(body).map_err(|refusal| refusal.status().as_u16())
}

/// Whether a stop's body wants everything ended now; the error is the answer's status.
pub fn asks_to_stop_now(body: &[u8]) -> Result<bool, u16> {
    orchestrator::asked_mode(body)
        .map(|mode| mode == crate::domain::workflow::StopMode::Now)
        .map_err(|refusal| refusal.status().as_u16())
}

/// The part of a body of `length` bytes that a `Range` header asks for: none for all of it,
/// `Err` for what lies outside.
pub fn asked_range(header: &HeaderValue, length: u64) -> Option<Result<(u64, u64), ()>> {
    let mut headers = HeaderMap::new();
    headers.insert(RANGE, header.clone());
    Some(match Conditions::of(&headers).range("\"\"", length)? {
        Range::Part(from, to) => Ok((from, to)),
        Range::Unsatisfiable => Err(()),
    })
}

/// An event as all streams share it.
pub fn encoded(epoch: &str, record: &Record) -> Entry {
    Entry::of_record(epoch, record)
}

/// The bytes of one write to a stream: WebSocket frames or SSE blocks.
pub fn joined(websocket: bool, entries: &[Entry]) -> Bytes {
    doors::joined(websocket, entries)
}
