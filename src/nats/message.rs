//! An event on its way through the stream: the JSON that the server's own streams carry, and beside
//! it, as headers, where it stands in its log.

use async_nats::HeaderMap;
use serde::Deserialize;
use serde_json::value::RawValue;

use super::subject;
use crate::domain::event::{Event, EventId, Source};
use crate::domain::payload::Payload;

const EPOCH: &str = "Sprint-Epoch";
const PREVIOUS: &str = "Sprint-Previous";
const MESSAGE_ID: &str = "Nats-Msg-Id";

/// A larger message is no event.
pub const LARGEST: usize = 1 << 20;

/// Levels of a payload.
const DEEPEST: usize = 100;

/// SQLite's integers end here.
const HIGHEST_ID: EventId = i64::MAX.cast_unsigned();

/// Where an event stands in its publisher's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Origin {
    /// The log's name: 8 hex digits.
    pub epoch: String,
    /// Its id there.
    pub id: EventId,
    /// The id of the event before it; 0 when none before it is to be had.
    pub previous: EventId,
}

impl Origin {
    /// The headers of its message. `again`: for who sends it a second time on purpose, a number by
    /// which the stream does not take it for a repeat.
    pub fn headers(&self, project: &str, again: Option<u64>) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(MESSAGE_ID, self.message_id(project, again));
        headers.insert(EPOCH, self.epoch.as_str());
        headers.insert(PREVIOUS, self.previous.to_string());
        headers
    }

    /// What the stream knows repeats by.
    pub fn message_id(&self, project: &str, again: Option<u64>) -> String {
        let Self { epoch, id, .. } = self;
        match again {
            Some(again) => format!("{project}:{epoch}:{id}:{again}"),
            None => format!("{project}:{epoch}:{id}"),
        }
    }
}

/// What came.
#[derive(Debug)]
pub struct Arrived {
    /// Whose it is.
    pub project: String,
    /// Where it stands in its log.
    pub origin: Origin,
    /// The event; its id is still the publisher's.
    pub event: Event,
    /// Its payload as it was sent.
    pub payload: Box<RawValue>,
}

/// Why a message is no event of this team; nothing that a publisher wrote stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Another team's, or a name that is none.
    #[error("its subject is none of this team's")]
    Subject,
    /// A header is missing or wrong.
    #[error("its headers do not say where it stands in its log")]
    Headers,
    /// Larger than any event.
    #[error("it is larger than 1 MiB")]
    Large,
    /// Not what the streams carry.
    #[error("its text is no event")]
    Text,
    /// It contradicts itself.
    #[error("its text, subject and headers do not agree")]
    Disagree,
}

#[derive(Deserialize)]
struct Told<'a> {
    id: EventId,
    #[serde(rename = "type", borrow)]
    kind: std::borrow::Cow<'a, str>,
    timestamp: i64,
    batch_id: Option<i64>,
    #[serde(borrow)]
    source: std::borrow::Cow<'a, str>,
    payload: Box<RawValue>,
}

/// Reads a message of this team's stream; trusts nothing of it.
pub fn read(
    team: &str,
    subject: &str,
    headers: Option<&HeaderMap>,
    text: &[u8],
) -> Result<Arrived, Unfit> {
    let (project, token) = subject::parts(team, subject).ok_or(Unfit::Subject)?;
    if text.len() > LARGEST {
        return Err(Unfit::Large);
    }
    let header =
        |name: &str| headers.and_then(|all| all.get(name)).map(async_nats::HeaderValue::as_str);
    let epoch = header(EPOCH).filter(|it| is_epoch(it)).ok_or(Unfit::Headers)?;
    let previous = header(PREVIOUS).and_then(|it| it.parse().ok()).ok_or(Unfit::Headers)?;
    let told: Told<'_> = serde_json::from_slice(text).map_err(|_| Unfit::Text)?;
    if !(1..=HIGHEST_ID).contains(&told.id) {
        return Err(Unfit::Text);
    }
    if subject::token(&told.kind) != token || previous >= told.id {
        return Err(Unfit::Disagree);
    }
    // Known sources only: another one would be given on as something it is not.
    let source = Source::from_word(&told.source);
    if source.as_str() != told.source {
        return Err(Unfit::Text);
    }
    if !told.payload.get().starts_with('{') || !is_shallow(told.payload.get()) {
        return Err(Unfit::Text);
    }
    // Within one line: that is how the streams and the exports carry it.
    if told.payload.get().contains('\n') {
        return Err(Unfit::Text);
    }
    let event = Event {
        id: told.id,
        timestamp_ms: told.timestamp,
        source,
        batch_id: told.batch_id,
        payload: Payload::from_json(&told.kind, told.payload.get()),
    };
    let origin = Origin { epoch: epoch.to_owned(), id: told.id, previous };
    Ok(Arrived { project: project.to_owned(), origin, event, payload: told.payload })
}

/// Whether it is nested no deeper than every reader of JSON can follow, with what is around it in an
/// answer: most give up at 128, and one event would make a whole page of them unreadable.
fn is_shallow(json: &str) -> bool {
    let (mut depth, mut quoted, mut escaped) = (0_usize, false, false);
    json.bytes().all(|byte| {
        match byte {
            _ if escaped => escaped = false,
            b'\\' if quoted => escaped = true,
            b'"' => quoted = !quoted,
            b'{' | b'[' if !quoted => depth += 1,
            b'}' | b']' if !quoted => depth = depth.saturating_sub(1),
            _ => {}
        }
        depth <= DEEPEST
    })
}

fn is_epoch(text: &str) -> bool {
    text.len() == 8 && text.bytes().all(|c| c.is_ascii_digit() || (b'a'..=b'f').contains(&c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_payload_is_no_deeper_than_readers_can_follow() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(is_shallow(&nested(DEEPEST)) && !is_shallow(&nested(DEEPEST + 1)));
        let quoted = format!("{{\"a\":\"{}\\\"{}\"}}", "[".repeat(200), "{".repeat(200));
        assert!(is_shallow(&quoted), "in texts they are letters");
        assert!(!is_shallow(&format!("{{\"a\":\"\\\\\",\"b\":{}}}", nested(101))));
    }
}
