//! Writing one status: one value on one line changes, every other byte stays.

use super::read::read_status;
use super::scan::{Pair, scan};
use crate::domain::reading::ReadingState;

/// Why a status was not written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteError {
    /// The file as it is cannot be changed safely.
    #[error("the status file cannot be changed: {0}")]
    Unreadable(String),
    /// The key is not in the map.
    #[error("the status file has no key {0}")]
    NoSuchKey(String),
    /// The key's value is not a word on its own line.
    #[error("the status of {0} is not a plain word on one line")]
    NotPlain(String),
    /// The new word cannot stand on one line.
    #[error("a status must be one line of text")]
    BadStatus,
}

/// The file with `key`'s status changed. Of repeated keys the last, which counts, is changed.
pub fn write_status(bytes: &[u8], key: &str, status: &str) -> Result<Vec<u8>, WriteError> {
    if status.trim().is_empty() || status.chars().any(char::is_control) {
        return Err(WriteError::BadStatus);
    }
    let before = read_status(bytes);
    if before.state != ReadingState::Ok {
        let why = before.issues.first().map(|issue| issue.message.clone()).unwrap_or_default();
        return Err(WriteError::Unreadable(why));
    }
    let text = std::str::from_utf8(bytes)
        .map_err(|_| WriteError::Unreadable("it is not UTF-8".to_owned()))?;
    let scan = scan(text);
    let pair = scan
        .pairs
        .iter()
        .rev()
        .find(|pair| pair.key == key)
        .ok_or_else(|| WriteError::NoSuchKey(key.to_owned()))?;
    let target = status_of(pair).ok_or_else(|| WriteError::NotPlain(key.to_owned()))?;
    let word = plain_or_quoted(status);
    let gap = if target.span.is_empty() { " " } else { "" };
    let mut out = Vec::with_capacity(bytes.len() + word.len() + 1);
    out.extend_from_slice(&bytes[..target.span.start]);
    out.extend_from_slice(gap.as_bytes());
    out.extend_from_slice(word.as_bytes());
    out.extend_from_slice(&bytes[target.span.end..]);
    let after = read_status(&out);
    let written = after.entries.iter().find(|entry| entry.key == key);
    let right = after.state == ReadingState::Ok
        && after.entries.len() == before.entries.len()
        && written.is_some_and(|entry| entry.status == status.trim());
    // The proof is in the reading: what cannot be read back as meant is not written.
    if right { Ok(out) } else { Err(WriteError::NotPlain(key.to_owned())) }
}

/// The line that holds the status: the key's own, or `status:` below it.
fn status_of(pair: &Pair) -> Option<&Pair> {
    if pair.children.is_empty() {
        let plain = !pair.value.starts_with(['{', '[', '&', '*', '!', '|', '>']);
        return plain.then_some(pair);
    }
    pair.children.iter().find(|child| child.key == "status")
}

/// The word as YAML: in quotes where it would not be read as this text.
fn plain_or_quoted(status: &str) -> String {
    let status = status.trim();
    let plain = status
        .chars()
        .all(|c| c.is_alphanumeric() || matches!(c, '-' | '_' | '.' | ' ' | '(' | ')' | '/'))
        && status.chars().next().is_some_and(char::is_alphabetic)
        && !matches!(
            status.to_ascii_lowercase().as_str(),
            "y" | "n" | "yes" | "no" | "on" | "off" | "true" | "false" | "null"
        );
    if plain {
        status.to_owned()
    } else {
        format!("\"{}\"", status.replace('\\', "\\\\").replace('"', "\\\""))
    }
}
