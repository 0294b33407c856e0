//! Events as the bytes of one write, made once for all streams that need the same ones.
//!
//! At a burst a thousand streams wake for the same run of events. The first one joins them, the
//! others share its bytes: one copy in memory instead of a thousand, and no work.

use std::sync::{Arc, Mutex, PoisonError};

use bytes::{BufMut, Bytes, BytesMut};

use crate::domain::event::EventId;
use crate::hub::Entry;

/// How an event stands on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Form {
    /// As SSE block.
    Sse,
    /// As unmasked WebSocket text frame.
    Ws,
}

/// The chunks made last.
#[derive(Debug, Default)]
pub(super) struct Chunks {
    sse: Mutex<Option<Chunk>>,
    ws: Mutex<Option<Chunk>>,
}

#[derive(Debug, Clone)]
struct Chunk {
    first: EventId,
    last: EventId,
    bytes: Bytes,
}

impl Chunks {
    /// The bytes of an unfiltered run of events. Runs with equal ends are equal: a reader gets
    /// all there is between its cursor and the last.
    pub(super) fn run(&self, form: Form, entries: &[Arc<Entry>]) -> Bytes {
        let (Some(first), Some(last)) = (entries.first(), entries.last()) else {
            return Bytes::new();
        };
        if form == Form::Sse && entries.len() == 1 {
            return first.frame.clone();
        }
        let slot = match form {
            Form::Sse => &self.sse,
            Form::Ws => &self.ws,
        };
        let mut slot = slot.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(chunk) = &*slot
            && chunk.first == first.id
            && chunk.last == last.id
        {
            return chunk.bytes.clone();
        }
        let bytes = join(form, entries.iter().map(|entry| &**entry));
        *slot = Some(Chunk { first: first.id, last: last.id, bytes: bytes.clone() });
        bytes
    }
}

/// The bytes of some events, for one stream alone.
pub(super) fn join<'a>(form: Form, entries: impl Iterator<Item = &'a Entry> + Clone) -> Bytes {
    let size = entries.clone().map(|entry| entry.frame.len() + 10).sum();
    let mut bytes = BytesMut::with_capacity(size);
    for entry in entries {
        match form {
            Form::Sse => bytes.put_slice(&entry.frame),
            Form::Ws => put_text_frame(&mut bytes, entry.json.as_bytes()),
        }
    }
    bytes.freeze()
}

/// One text frame, whole and unmasked, as servers send them (RFC 6455, 5.2).
pub(super) fn put_text_frame(bytes: &mut BytesMut, text: &[u8]) {
    const FINAL_TEXT: u8 = 0x81;
    bytes.put_u8(FINAL_TEXT);
    match text.len() {
        length @ 0..=125 => bytes.put_u8(length as u8),
        length @ 126..=0xffff => {
            bytes.put_u8(126);
            bytes.put_u16(length as u16);
        }
        length => {
            bytes.put_u8(127);
            bytes.put_u64(length as u64);
        }
    }
    bytes.put_slice(text);
}

#[cfg(test)]
mod tests {
    use std::io::Cursor;
    use std::sync::Arc;

    use bytes::{Bytes, BytesMut};
    use tokio_tungstenite::tungstenite::protocol::{Role, WebSocket};

    use super::{Chunks, Form, join, put_text_frame};
    use crate::hub::Entry;

    fn entry(id: u64) -> Arc<Entry> {
        let json = format!("{{\"id\":{id}}}");
        Arc::new(Entry {
            id,
            kind: "error".into(),
            batch_id: None,
            story_key: "".into(),
            story_id: "".into(),
            frame: Bytes::from(format!("id: e:{id}\ndata: {json}\n\n")),
            json: json.into(),
            shown_at: None,
        })
    }

    #[test]
    fn frames_of_every_length_are_read_by_another_implementation() {
        for length in [0, 1, 125, 126, 127, 65_535, 65_536, 1 << 20] {
            let text = "x".repeat(length);
            let mut bytes = BytesMut::new();
            put_text_frame(&mut bytes, text.as_bytes());
            let mut socket =
                WebSocket::from_raw_socket(Cursor::new(bytes.to_vec()), Role::Client, None);
            assert_eq!(socket.read().expect("a frame").into_text().expect("text").as_str(), text);
        }
    }

    #[test]
    fn equal_runs_share_their_bytes_and_others_do_not() {
        let chunks = Chunks::default();
        let entries: Vec<_> = (1..=5).map(entry).collect();
        for form in [Form::Sse, Form::Ws] {
            let one = chunks.run(form, &entries);
            assert_eq!(one.as_ptr(), chunks.run(form, &entries).as_ptr());
            assert_eq!(one, join(form, entries.iter().map(|entry| &**entry)));
            assert_eq!(
                chunks.run(form, &entries[1..]),
                join(form, entries[1..].iter().map(|entry| &**entry))
            );
        }
        assert_eq!(chunks.run(Form::Sse, &entries[..1]), entries[0].frame);
        assert!(chunks.run(Form::Ws, &[]).is_empty());
    }
}
