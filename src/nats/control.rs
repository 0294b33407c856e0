//! What a hub asks of a server, and what it answers: one line of JSON, then the body as it is.
//!
//! ```text
//!  sprint-control.<team>.<project>.<verb>
//!  {"v":1,"method":"POST","path":"/api/orchestrator/start",…,"who":{"hub":…,"client":…}}\n<body>
//!  {"v":1,"status":200,"kind":"json",…}\n<body>
//! ```
//!
//! A change is asked twice: the first time it gets a ticket, which the server forgets within seconds;
//! only with it is it carried out, and only once. So what NATS delivers late, or twice, or to two
//! servers of one name, does nothing.

mod allowed;
mod reply;
#[cfg(test)]
mod tests;

use bytes::Bytes;
use serde::{Deserialize, Serialize};

pub use allowed::{Verb, is_agent_log};
pub use reply::{Kind, Reply};

/// Of both ends.
const VERSION: u32 = 1;

/// The line before the body.
const LARGEST_HEAD: usize = 4 * 1024;

/// The body of a request.
pub const LARGEST_BODY: usize = 64 * 1024;

/// The body of an answer.
pub const LARGEST_REPLY: usize = 512 * 1024;

/// The most that is asked for of a log at once.
pub const PIECE: u64 = 256 * 1024;

/// The most of a name or an address that is kept.
const LONGEST_WORD: usize = 128;

/// Who asks, as the hub says it: a server believes the credentials of the hub, no more.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Who {
    /// The hub's machine.
    pub hub: String,
    /// Where the hub's client is.
    pub client: String,
}

impl Who {
    /// With nothing in it that could break a line.
    fn clean(self) -> Self {
        Self { hub: clean(&self.hub), client: clean(&self.client) }
    }
}

impl std::fmt::Display for Who {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let or = |word: &str, other: &str| if word.is_empty() { other.into() } else { clean(word) };
        write!(f, "{} through the hub {}", or(&self.client, "somebody"), or(&self.hub, "?"))
    }
}

/// A text of somebody else, to be shown in a line; a long one is cut.
pub fn clean(text: &str) -> String {
    let fits = |c: &char| !c.is_control() && !matches!(c, '\u{2028}' | '\u{2029}');
    // What turns the direction of writing would let a line read as another one.
    let turns = |c: &char| matches!(c, '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    text.chars().filter(|c| fits(c) && !turns(c)).take(LONGEST_WORD).collect()
}

/// What a hub asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Request {
    /// `GET`, `PUT` or `POST`.
    pub method: String,
    /// One of a few addresses.
    pub path: String,
    /// The first and the last byte wanted; of a log only.
    pub range: Option<(u64, u64)>,
    /// What the body is.
    pub content_type: Option<String>,
    /// What a change was given when it was asked for the first time.
    pub ticket: Option<String>,
    /// Who asks.
    pub who: Who,
    /// As the client sent it.
    pub body: Bytes,
}

/// Why a message is none that is carried out; nothing that its sender wrote stands in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Unfit {
    /// Larger than anything honest.
    #[error("it is too large")]
    Large,
    /// Not of this form.
    #[error("it cannot be read")]
    Text,
    /// Made by a version with which this one cannot speak.
    #[error("it speaks another version")]
    Version,
    /// Well formed, but nothing that may be asked from afar, or not under this subject.
    #[error("it asks for nothing that may be done from afar")]
    NotAllowed,
}

/// What is known of a request that is not carried out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// Why.
    pub why: Unfit,
    /// Who asked, where that could be read.
    pub who: Who,
    /// What for, where that could be read; to be shown.
    pub what: String,
}

#[derive(Deserialize)]
struct Version {
    v: u32,
}

#[derive(Serialize, Deserialize)]
struct Head {
    v: u32,
    method: String,
    path: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    range: Option<(u64, u64)>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    content_type: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
    #[serde(default)]
    who: Who,
}

impl Request {
    /// What it is about; none for what may not be asked from afar.
    pub fn verb(&self) -> Option<Verb> {
        Verb::of(&self.method, &self.path)
    }

    /// Whether it changes something.
    pub fn is_change(&self) -> bool {
        self.method != "GET"
    }

    /// The message.
    pub fn write(&self) -> Bytes {
        let head = Head {
            v: VERSION,
            method: self.method.clone(),
            path: self.path.clone(),
            range: self.range,
            content_type: self.content_type.clone(),
            ticket: self.ticket.clone(),
            who: self.who.clone().clean(),
        };
        joined(&head, &self.body)
    }

    /// Reads a message that came under the subject of `verb`; trusts nothing of it.
    pub fn read(verb: &str, text: &Bytes) -> Result<Self, Refused> {
        let nobody = |why| Refused { why, who: Who::default(), what: String::new() };
        let (head, body) = parted(text, LARGEST_BODY).map_err(nobody)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| nobody(Unfit::Text))?;
        let Head { method, path, range, content_type, ticket, who, .. } = head;
        let (who, what) = (who.clean(), clean(&format!("{method} {path}")));
        let request = Self { method, path, range, content_type, ticket, who, body };
        match request.judged(verb) {
            Ok(()) => Ok(request),
            Err(why) => Err(Refused { why, who: request.who, what }),
        }
    }

    fn judged(&self, verb: &str) -> Result<(), Unfit> {
        if self.verb().is_none_or(|known| known.as_str() != verb) {
            return Err(Unfit::NotAllowed);
        }
        let in_order = |&(from, to): &(u64, u64)| from <= to && to - from < PIECE;
        let range = self.range.as_ref().is_none_or(in_order);
        // A log is never asked for whole: its end is not known to who asks.
        let ranged = self.range.is_some() == is_agent_log(&self.path);
        let empty = self.is_change() || (self.body.is_empty() && self.content_type.is_none());
        if !(range && ranged && empty) {
            return Err(Unfit::NotAllowed);
        }
        let words = [self.content_type.as_deref(), self.ticket.as_deref()];
        let plain = |text: &&str| text.len() <= LONGEST_WORD && clean(text) == **text;
        if words.iter().flatten().all(plain) { Ok(()) } else { Err(Unfit::Text) }
    }
}

/// A line of JSON, which has no line break in it, and the body.
fn joined(head: &impl Serialize, body: &[u8]) -> Bytes {
    // Texts and numbers: encoding cannot fail.
    let mut text = serde_json::to_vec(head).unwrap_or_default();
    text.push(b'\n');
    text.extend_from_slice(body);
    text.into()
}

/// The line and the body, of a version that is known.
fn parted(text: &Bytes, largest: usize) -> Result<(&[u8], Bytes), Unfit> {
    if text.len() > LARGEST_HEAD + largest {
        return Err(Unfit::Large);
    }
    let begin = &text[..text.len().min(LARGEST_HEAD)];
    let end = memchr::memchr(b'\n', begin).ok_or(Unfit::Text)?;
    let (head, body) = (&text[..end], text.slice(end + 1..));
    let Version { v } = serde_json::from_slice(head).map_err(|_| Unfit::Text)?;
    if v != VERSION {
        return Err(Unfit::Version);
    }
    if body.len() > largest {
        return Err(Unfit::Large);
    }
    Ok((head, body))
}
