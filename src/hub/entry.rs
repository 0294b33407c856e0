//! An event as it goes over the wire, encoded once for all readers.

use bytes::Bytes;
use tokio_tungstenite::tungstenite::Utf8Bytes;

use crate::domain::event::EventId;

/// One event, encoded. Clones share the bytes.
#[derive(Debug, Clone)]
pub struct Entry {
    /// Its place in the order.
    pub id: EventId,
    /// The type's name.
    pub kind: std::sync::Arc<str>,
    /// The batch it belongs to.
    pub batch_id: Option<i64>,
    /// The story it speaks of (long key), or empty.
    pub story_key: std::sync::Arc<str>,
    /// The short id beside it, or empty.
    pub story_id: std::sync::Arc<str>,
    /// The whole SSE block: `id: <epoch>:<id>\ndata: <json>\n\n`.
    pub frame: Bytes,
    /// The JSON object alone (a part of `frame`).
    pub json: Utf8Bytes,
}
