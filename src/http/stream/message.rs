//! Connection messages: what is said between the events, and what a client may say.

use bytes::{BufMut as _, Bytes, BytesMut};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::domain::event::EventId;
use crate::domain::state::ServerView;
use crate::domain::words;

use super::chunk::{Form, put_text_frame};
use super::resume::Cursor;

/// What the server says between the events.
#[derive(Debug, Serialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(in crate::http) enum Connection<'a> {
    /// The client's cursor is not of this log; `init` follows.
    Reset {
        #[schemars(with = "words::Epoch")]
        epoch: &'a str,
    },
    /// What lies before is not kept any more; the rest follows.
    Gap {
        /// The oldest event that is kept.
        first_available: EventId,
    },
    /// What is known of the server that works on the project, where that is another one: first of all,
    /// and whenever that changes. While it is not heard nothing of the project is known to run.
    Server {
        #[serde(flatten)]
        known: &'a ServerView,
    },
    /// The answer to `ping`.
    Pong,
}

/// What a WebSocket client may say; anything else is ignored.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(tag = "type", rename_all = "lowercase")]
pub(in crate::http) enum ClientMessage {
    /// Wants a `pong`.
    Ping,
    /// Wants to go on behind another event: back or forwards, without a new `init`.
    Resume {
        /// The last event seen, `<epoch>:<id>` or `<id>`; none = from now on, with `init`.
        #[schemars(with = "Option<CursorText>")]
        last_event_id: Option<Value>,
    },
}

/// An event's place as clients write it.
#[derive(JsonSchema)]
#[serde(untagged)]
#[schemars(inline)]
#[allow(dead_code)]
enum CursorText {
    Text(String),
    Number(u64),
}

/// A message that is no event.
#[derive(Debug, Clone)]
pub(super) struct Message {
    /// The JSON object on one line.
    pub(super) json: Bytes,
    /// The event behind which the client is once it has read this.
    pub(super) at: Option<EventId>,
}

impl Message {
    /// The client's cursor was not of this log; `init` follows.
    pub(super) fn reset(epoch: &str) -> Self {
        Self { json: to_json(&Connection::Reset { epoch }), at: None }
    }

    /// What lies before `first_available` is not kept any more; the rest follows.
    pub(super) fn gap(first_available: EventId) -> Self {
        let json = to_json(&Connection::Gap { first_available });
        Self { json, at: Some(first_available.saturating_sub(1)) }
    }

    /// What is known of the server that works on the project. The client's place stays as it is.
    pub(super) fn server(known: &ServerView) -> Self {
        Self { json: to_json(&Connection::Server { known }), at: None }
    }

    /// Its bytes on the wire.
    pub(super) fn framed(&self, form: Form, epoch: &str) -> Bytes {
        let mut bytes = BytesMut::with_capacity(self.json.len() + 48);
        match form {
            Form::Ws => put_text_frame(&mut bytes, &self.json),
            Form::Sse => {
                if let Some(at) = self.at {
                    bytes.put_slice(format!("id: {epoch}:{at}\n").as_bytes());
                }
                bytes.put_slice(b"data: ");
                bytes.put_slice(&self.json);
                bytes.put_slice(b"\n\n");
            }
        }
        bytes.freeze()
    }

    /// The answer to `ping`.
    pub(super) fn pong() -> Self {
        Self { json: to_json(&Connection::Pong), at: None }
    }
}

fn to_json(said: &Connection<'_>) -> Bytes {
    // Texts and numbers: encoding cannot fail.
    serde_json::to_vec(said).unwrap_or_default().into()
}

/// What a WebSocket client says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Said {
    /// Wants a pong.
    Ping,
    /// Wants to go on from elsewhere.
    Resume(Cursor),
    /// Nothing we know; ignored.
    Other,
}

impl Said {
    /// Reads a text message. Never fails.
    pub(super) fn from_text(text: &str) -> Self {
        // Serde would also take `["ping"]`.
        if !text.trim_start().starts_with('{') {
            return Self::Other;
        }
        match serde_json::from_str(text) {
            Ok(ClientMessage::Ping) => Self::Ping,
            Ok(ClientMessage::Resume { last_event_id }) => {
                Self::Resume(Cursor::from_json(last_event_id.as_ref()))
            }
            Err(_) => Self::Other,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{Cursor, Form, Message, Said};

    #[test]
    fn clients_words() {
        let seen = |id| Said::Resume(Cursor::Seen { epoch: None, id });
        for (text, expected) in [
            (r#"{"type":"ping"}"#, Said::Ping),
            (r#"{"type":"ping","x":[1]}"#, Said::Ping),
            (r#"{"type":"resume","last_event_id":5}"#, seen(5)),
            (r#"{"type":"resume","last_event_id":"5"}"#, seen(5)),
            (
                r#"{"type":"resume","last_event_id":99999999999999999999}"#,
                Said::Resume(Cursor::Nonsense),
            ),
            (r#"{"type":"resume"}"#, Said::Resume(Cursor::None)),
            (r#"{"type":"dance"}"#, Said::Other),
            (r#"{"type":5}"#, Said::Other),
            ("ping", Said::Other),
            ("", Said::Other),
            ("[]", Said::Other),
            (r#"["ping"]"#, Said::Other),
            (" {\"type\":\"ping\"}", Said::Ping),
        ] {
            assert_eq!(Said::from_text(text), expected, "{text}");
        }
        assert_eq!(Said::from_text(&"[".repeat(60_000)), Said::Other);
    }

    #[test]
    fn our_words() {
        assert_eq!(&*Message::reset("0a1b2c3d").json, br#"{"type":"reset","epoch":"0a1b2c3d"}"#);
        let gap = Message::gap(11);
        assert_eq!(
            (&*gap.json, gap.at),
            (&br#"{"type":"gap","first_available":11}"#[..], Some(10))
        );
        let block = "id: 0a1b2c3d:10\ndata: {\"type\":\"gap\",\"first_available\":11}\n\n";
        assert_eq!(Message::gap(11).framed(Form::Sse, "0a1b2c3d"), block);
        assert_eq!(Message::pong().framed(Form::Sse, "e"), "data: {\"type\":\"pong\"}\n\n");
        assert_eq!(Message::pong().framed(Form::Ws, "e"), &b"\x81\x0f{\"type\":\"pong\"}"[..]);
    }
}
