//! What a server answers.

use bytes::Bytes;
use serde::{Deserialize, Serialize};

use super::{LARGEST_REPLY, LONGEST_WORD, Unfit, VERSION, clean, joined, parted};

/// What a body may be. A hub gives nothing else on: a page that somebody made up would be its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Kind {
    /// An answer of the API.
    Json,
    /// A log.
    Text,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reply {
    /// As over HTTP.
    pub status: u16,
    /// What the body is.
    pub kind: Kind,
    /// Of which file it is a part.
    pub etag: Option<String>,
    /// How long that file is.
    pub length: Option<u64>,
    /// For a change that is asked for the first time: what it must bring to be carried out. Nothing
    /// has happened yet.
    pub ticket: Option<String>,
    /// As the server's routes gave it.
    pub body: Bytes,
}

#[derive(Serialize, Deserialize)]
struct Head {
    v: u32,
    status: u16,
    kind: Kind,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    etag: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    length: Option<u64>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    ticket: Option<String>,
}

impl Reply {
    /// One with a body of JSON.
    pub const fn json(status: u16, body: Bytes) -> Self {
        Self { status, kind: Kind::Json, etag: None, length: None, ticket: None, body }
    }

    /// A refusal as the API gives it.
    pub fn error(status: u16, code: &str, message: &str) -> Self {
        let body = serde_json::json!({ "error": message, "code": code }).to_string();
        Self::json(status, body.into())
    }

    /// The message.
    pub fn write(&self) -> Bytes {
        let Self { status, kind, etag, length, ticket, body } = self.clone();
        joined(&Head { v: VERSION, status, kind, etag, length, ticket }, &body)
    }

    /// Reads a message; trusts nothing of it.
    pub fn read(text: &Bytes) -> Result<Self, Unfit> {
        let (head, body) = parted(text, LARGEST_REPLY)?;
        let head: Head = serde_json::from_slice(head).map_err(|_| Unfit::Text)?;
        let Head { status, kind, etag, length, ticket, .. } = head;
        // What is between two of a connection's own answers is nothing that a route gives.
        if !(200..600).contains(&status) {
            return Err(Unfit::Text);
        }
        let plain = |text: &&str| text.len() <= LONGEST_WORD && clean(text) == **text;
        if ![etag.as_deref(), ticket.as_deref()].iter().flatten().all(plain) {
            return Err(Unfit::Text);
        }
        Ok(Self { status, kind, etag, length, ticket, body })
    }
}
