//! What lies at the status file's path: read whole within bounds, never blocked.

use std::fs::File;
use std::path::Path;
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::file::{self, Look, Stamp};
use super::lines::read_at;
use crate::domain::issue::{Issue, Severity};
use crate::domain::reading::{Reading, ReadingState};
use crate::parse::yaml::{MAX_BYTES, read_status};

/// What lies at the path now.
#[derive(Debug, Clone)]
pub(super) enum Content {
    Missing,
    Unreadable(String),
    /// A file, read; `torn`: it changed meanwhile.
    Text {
        hash: u64,
        bytes: Arc<Vec<u8>>,
        reading: Arc<Reading>,
        torn: bool,
        mtime_ms: i64,
    },
}

impl Content {
    /// Whether nothing has changed between two looks.
    pub(super) fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing, Self::Missing) => true,
            (Self::Unreadable(a), Self::Unreadable(b)) => a == b,
            (Self::Text { hash: a, .. }, Self::Text { hash: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// What lies at a path; a file is read whole, unless it is too large.
pub(super) fn read(path: &Path, allowed: &dyn Fn(&Path) -> bool) -> (Content, Option<Stamp>) {
    let (file, stamp) = match file::open(path, allowed) {
        Ok(opened) => opened,
        Err(Look::Unreadable(reason)) => return (Content::Unreadable(reason), None),
        Err(_) => return (Content::Missing, None),
    };
    if stamp.len > MAX_BYTES as u64 {
        return (too_large(stamp), Some(stamp));
    }
    let bytes = match read_whole(&file) {
        Ok(bytes) => bytes,
        Err(error) => return (Content::Unreadable(file::reason(&error, path)), None),
    };
    if bytes.len() > MAX_BYTES {
        return (too_large(stamp), Some(stamp));
    }
    let after = file.metadata().ok().map(|metadata| Stamp::of(&metadata));
    let torn = after != Some(stamp);
    let content = Content::Text {
        hash: xxh3_64(&bytes),
        reading: Arc::new(read_status(&bytes)),
        bytes: Arc::new(bytes),
        torn,
        mtime_ms: stamp.mtime_ms(),
    };
    (content, Some(stamp))
}

/// At most one byte more than is allowed.
fn read_whole(file: &File) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let mut chunk = vec![0; 64 * 1024];
    while bytes.len() <= MAX_BYTES {
        let want = chunk.len().min(MAX_BYTES + 1 - bytes.len());
        let read = read_at(file, &mut chunk[..want], bytes.len() as u64)?;
        if read == 0 {
            break;
        }
        bytes.extend_from_slice(&chunk[..read]);
    }
    Ok(bytes)
}

fn too_large(stamp: Stamp) -> Content {
    let reason = format!("the file has {} bytes; more than {MAX_BYTES} are not read", stamp.len);
    Content::Text {
        hash: xxh3_64(reason.as_bytes()),
        bytes: Arc::default(),
        reading: Arc::new(refused(reason)),
        torn: false,
        mtime_ms: stamp.mtime_ms(),
    }
}

/// A reading of a file that was not read.
pub(super) fn refused(message: String) -> Reading {
    let issue = Issue {
        severity: Severity::Error,
        code: "refused".to_owned(),
        line: None,
        column: None,
        message,
        hint: None,
    };
    unread(ReadingState::Refused, vec![issue])
}

/// A good reading that is not believed yet.
pub(super) fn cut(bytes: &[u8], reading: &Reading) -> Reading {
    let line = memchr::memchr_iter(b'\n', bytes).count() as u64 + 1;
    let rest = bytes.rsplit(|byte| *byte == b'\n').next().unwrap_or_default();
    let column = String::from_utf8_lossy(rest).chars().count() as u64 + 1;
    let mut issues = vec![Issue {
        severity: Severity::Error,
        code: "cut-off".to_owned(),
        line: Some(line),
        column: Some(column),
        message: "the file ends in the middle of a line; waiting for the rest".to_owned(),
        hint: Some("end the last line with a newline".to_owned()),
    }];
    issues.extend(reading.issues.iter().cloned());
    unread(ReadingState::Invalid, issues)
}

fn unread(state: ReadingState, issues: Vec<Issue>) -> Reading {
    Reading {
        state,
        document: serde_json::Map::new(),
        entries: Vec::new(),
        duplicates: 0,
        mapping_values: 0,
        issues,
    }
}
