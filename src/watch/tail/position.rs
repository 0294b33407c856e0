//! What is kept of a tail beside the log, in the same transaction as the events read.

use serde::{Deserialize, Serialize};

use super::mark::Mark;
use crate::watch::file::FileId;

/// How far one file was read.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Position {
    /// Which file; all zero when it is of no interest any more.
    pub(crate) id: FileId,
    /// The folder it was opened in: a folder moved away takes its files with it.
    pub(crate) folder: FileId,
    /// The offset behind the last line read.
    pub(crate) offset: u64,
    /// The digest of all before the offset.
    pub(crate) digest: String,
    /// How many lines the file has, as far as they are equal to those read before.
    pub(crate) matched: u64,
    /// How many lines are remembered; more than `matched` while the file is a shorter one.
    pub(crate) lines: u64,
}

impl Position {
    /// A file read up to a mark.
    pub(crate) fn new(id: FileId, folder: FileId, mark: &Mark, matched: u64, lines: u64) -> Self {
        Self { id, folder, offset: mark.offset(), digest: mark.digest(), matched, lines }
    }

    pub(crate) fn to_bytes(&self) -> Vec<u8> {
        // Numbers and a text: nothing that could fail.
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// Reads it back; what cannot be read counts as nothing kept.
    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}
