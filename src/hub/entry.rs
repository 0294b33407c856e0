//! An event as it goes over the wire, encoded once for all readers.

use std::io::Write as _;
use std::time::Instant;

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::domain::event::{Event, EventId, Wire};
use crate::store::rows::EventRow;
use crate::store::{Columns, Record};

/// One event, encoded. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the order.
    pub id: EventId,
    /// The type's name.
    pub kind: Box<str>,
    /// The batch it belongs to.
    pub batch_id: Option<i64>,
    /// The story it speaks of (long key), or empty.
    pub story_key: Box<str>,
    /// The short id beside it, or empty.
    pub story_id: Box<str>,
    /// The whole SSE block: `id: <epoch>:<id>\ndata: <json>\n\n`.
    pub frame: Bytes,
    /// The JSON object alone (a part of `frame`).
    pub json: Utf8Bytes,
    /// When it was shown; none when it was read back from the database.
    pub shown_at: Option<Instant>,
}

impl Entry {
    /// Encodes what was just appended.
    pub(crate) fn of_record(epoch: &str, record: &Record) -> Self {
        let Event { id, timestamp_ms, source, batch_id, payload } = &record.event;
        let columns = Columns::of(payload);
        let wire = Wire {
            id: *id,
            kind: payload.kind(),
            timestamp: *timestamp_ms,
            batch_id: *batch_id,
            source: source.as_str(),
            payload: &record.payload_json,
        };
        Self::of(epoch, &wire, columns.story_key, columns.story_short.unwrap_or_default())
    }

    /// Encodes what was read back from the database.
    pub(crate) fn of_row(epoch: &str, row: &EventRow<'_>) -> Self {
        Self::of(epoch, &row.wire(), row.story_key, row.story_id)
    }

    fn of(epoch: &str, wire: &Wire<'_>, story_key: &str, story_id: &str) -> Self {
        let mut frame = Vec::with_capacity(wire.payload.get().len() + 160);
        // Writing into memory cannot fail, and JSON escapes every CR, LF and NUL inside its texts.
        let _ = write!(frame, "id: {epoch}:{}\ndata: ", wire.id);
        let start = frame.len();
        let _ = serde_json::to_writer(&mut frame, wire);
        let end = frame.len();
        frame.extend_from_slice(b"\n\n");
        let frame = Bytes::from(frame);
        let json = Utf8Bytes::try_from(frame.slice(start..end)).unwrap_or_default();
        Self {
            id: wire.id,
            kind: wire.kind.into(),
            batch_id: wire.batch_id,
            story_key: story_key.into(),
            story_id: story_id.into(),
            frame,
            json,
            shown_at: None,
        }
    }
}
