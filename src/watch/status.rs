//! sprint-status.yaml: whole good readings become events, everything else keeps the last good one.
//!
//! Writers replace the file by rename, or write in place: the latter are caught half-way. So a
//! reading is believed at once only when nothing speaks against it:
//!
//! - it does not end with a newline, though the last good one did: told as invalid, believed after
//!   [`CUT_MS`] without change;
//! - keys are gone: believed after [`GONE_MS`] without change;
//! - it changed while it was read: read again;
//! - it is not good, or the file is missing: told when it still is after [`SETTLE_MS`].

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use xxhash_rust::xxh3::xxh3_64;

use super::csv_log::Keys;
use super::file::{self, Look, Stamp};
use super::lines::read_at;
use super::sink::Sink;
use super::status_report::{good, told_differently, troubled};
use super::tail::Now;
use crate::domain::diff;
use crate::domain::issue::{FileIssue, Issue, Severity};
use crate::domain::key::KeyIndex;
use crate::domain::reading::{Reading, ReadingState};
use crate::hub::{Publication, PublishError};
use crate::parse::yaml::{MAX_BYTES, read_status};
use crate::project::board::{Board, SprintBoard};

/// How long a file that ends in the middle of a line must stand still to be believed.
const CUT_MS: u64 = 10_000;
/// How long a file that lacks keys must stand still to be believed.
const GONE_MS: u64 = 1_000;
/// How long a file must be bad or missing to be told about.
const SETTLE_MS: u64 = 250;
/// When to read again what changed while it was read.
const TORN_MS: u64 = 20;
/// The last good text is kept under this key.
const GOOD_KEY: &str = "status/good";

/// What lies at the path now.
#[derive(Debug, Clone)]
enum Content {
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
    fn same(&self, other: &Self) -> bool {
        match (self, other) {
            (Self::Missing, Self::Missing) => true,
            (Self::Unreadable(a), Self::Unreadable(b)) => a == b,
            (Self::Text { hash: a, .. }, Self::Text { hash: b, .. }) => a == b,
            _ => false,
        }
    }
}

/// The content as last seen, and what became of it.
#[derive(Debug)]
struct Seen {
    content: Content,
    stamp: Option<Stamp>,
    since: u64,
    /// Told, or found to need no telling.
    settled: bool,
    /// Told that the rest is waited for.
    waiting: bool,
}

/// A whole good reading and its text.
#[derive(Debug)]
struct Good {
    bytes: Arc<Vec<u8>>,
    reading: Arc<Reading>,
}

/// The status file's source.
#[derive(Debug)]
pub(crate) struct StatusSource {
    path: PathBuf,
    name: String,
    keys: Keys,
    loaded: bool,
    good: Option<Good>,
    seen: Option<Seen>,
}

impl StatusSource {
    pub(crate) const fn new(path: PathBuf, name: String, keys: Keys) -> Self {
        Self { path, name, keys, loaded: false, good: None, seen: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Whether the file was found missing, and that was told.
    pub(crate) fn is_known_missing(&self) -> bool {
        self.seen.as_ref().is_some_and(|seen| seen.settled && matches!(seen.content, Content::Missing))
    }

    /// The status file lies elsewhere now. What was last good stays so.
    pub(crate) fn move_to(&mut self, path: PathBuf, name: String) {
        self.path = path;
        self.name = name;
        self.seen = None;
    }

    /// Looks at the file and publishes what changed. Returns when to look again, where that is
    /// sooner than the poll.
    pub(crate) fn scan(
        &mut self,
        sink: &dyn Sink,
        board: &Board,
        allowed: &dyn Fn(&Path) -> bool,
        now: Now,
    ) -> Result<Option<u64>, PublishError> {
        if !self.loaded {
            self.load(sink)?;
        }
        let first = self.seen.is_none();
        let look = file::look(&self.path);
        if let (Some(seen), Look::File(stamp)) = (&self.seen, &look)
            && seen.settled
            && seen.stamp == Some(*stamp)
            && !stamp.is_fresh(now.wall_ms)
        {
            return Ok(None);
        }
        let (content, stamp) = read(&self.path, allowed);
        match &mut self.seen {
            Some(seen) if seen.content.same(&content) => {
                seen.content = content;
                seen.stamp = stamp;
            }
            seen => {
                let (since, settled, waiting) = (now.mono_ms, false, false);
                *seen = Some(Seen { content, stamp, since, settled, waiting });
            }
        }
        self.settle(sink, board, now, first)
    }

    fn load(&mut self, sink: &dyn Sink) -> Result<(), PublishError> {
        if let Some((_, bytes)) = sink.kept(GOOD_KEY)?.pop() {
            let reading = read_status(&bytes);
            if reading.state == ReadingState::Ok {
                self.keys.set(KeyIndex::new(&reading.entries));
                self.good = Some(Good { bytes: Arc::new(bytes), reading: Arc::new(reading) });
            }
        }
        self.loaded = true;
        Ok(())
    }

    /// Believes, tells or waits.
    fn settle(
        &mut self,
        sink: &dyn Sink,
        board: &Board,
        now: Now,
        first: bool,
    ) -> Result<Option<u64>, PublishError> {
        let Some(seen) = &self.seen else { return Ok(None) };
        if seen.settled {
            return Ok(None);
        }
        let stood = now.mono_ms - seen.since;
        match seen.content.clone() {
            Content::Text { torn: true, .. } if stood < GONE_MS => Ok(Some(TORN_MS)),
            Content::Text { bytes, reading, mtime_ms, .. } if reading.state == ReadingState::Ok => {
                let stood = stood.max(u64::try_from(now.wall_ms - mtime_ms).unwrap_or(0));
                let wait = self.doubt(sink, &bytes, &reading, first);
                if stood >= wait {
                    self.believe(sink, board, bytes, reading, mtime_ms.min(now.wall_ms))?;
                    return Ok(None);
                }
                if wait == CUT_MS && stood >= SETTLE_MS && !seen.waiting {
                    self.tell(sink, board, "invalid", Some(&cut(&bytes, &reading)), now)?;
                    if let Some(seen) = &mut self.seen {
                        seen.waiting = true;
                    }
                }
                Ok(Some((wait - stood).min(SETTLE_MS)))
            }
            content => {
                if !first && stood < SETTLE_MS {
                    return Ok(Some(SETTLE_MS - stood));
                }
                match content {
                    Content::Missing => self.tell(sink, board, "missing", None, now)?,
                    Content::Unreadable(reason) => {
                        self.tell(sink, board, "unreadable", Some(&refused(reason)), now)?;
                    }
                    Content::Text { reading, .. } => {
                        self.tell(sink, board, "invalid", Some(&reading), now)?;
                    }
                }
                if let Some(seen) = &mut self.seen {
                    seen.settled = true;
                }
                Ok(None)
            }
        }
    }

    /// How long a good reading must have stood still to be believed.
    fn doubt(&self, sink: &dyn Sink, bytes: &[u8], reading: &Reading, first: bool) -> u64 {
        let whole = bytes.ends_with(b"\n");
        match &self.good {
            Some(good) if *good.bytes == bytes => 0,
            // Nothing to compare with, and the logs wait for its keys.
            None if first => 0,
            Some(good) if !whole && good.bytes.ends_with(b"\n") => CUT_MS,
            // A file that never ends with a newline: its last word may be half of one.
            _ if !whole => GONE_MS,
            _ if diff::vanished(&sink.state(), reading) > 0 => GONE_MS,
            _ => 0,
        }
    }

    /// A whole good reading: its differences become events.
    fn believe(
        &mut self,
        sink: &dyn Sink,
        board: &Board,
        bytes: Arc<Vec<u8>>,
        reading: Arc<Reading>,
        mtime_ms: i64,
    ) -> Result<(), PublishError> {
        let make = good(self.name.clone(), Arc::clone(&reading), mtime_ms);
        let known = self.good.as_ref().is_some_and(|good| good.bytes == bytes);
        if !known || !make(&sink.state()).is_empty() {
            let keep = vec![(GOOD_KEY.to_owned(), Some(bytes.to_vec()))];
            sink.publish(Publication::from_state(make).keeping(keep))?;
        }
        self.keys.set(KeyIndex::new(&reading.entries));
        let issues = self.issues(Some(&reading));
        self.put_up(board, Some(ReadingState::Ok), Some(Arc::clone(&reading)), false, issues);
        self.good = Some(Good { bytes, reading });
        if let Some(seen) = &mut self.seen {
            seen.settled = true;
        }
        Ok(())
    }

    /// Anything but a whole good reading: told, and the last good one stays.
    fn tell(
        &self,
        sink: &dyn Sink,
        board: &Board,
        word: &'static str,
        reading: Option<&Reading>,
        now: Now,
    ) -> Result<(), PublishError> {
        let body = troubled(self.name.clone(), word, reading);
        let make = told_differently(body, now.wall_ms);
        if !make(&sink.state()).is_empty() {
            sink.publish(Publication::from_state(make))?;
        }
        let recovered = || {
            let reading = reading.filter(|reading| reading.state == ReadingState::Recovered)?;
            Some(Arc::new(reading.clone()))
        };
        let shown = self.good.as_ref().map(|good| Arc::clone(&good.reading)).or_else(recovered);
        let stale = shown.is_some();
        self.put_up(board, reading.map(|it| it.state), shown, stale, self.issues(reading));
        Ok(())
    }

    fn issues(&self, reading: Option<&Reading>) -> Vec<FileIssue> {
        let file_issue =
            |issue: &Issue| FileIssue { file: self.name.clone(), issue: issue.clone() };
        reading.into_iter().flat_map(|it| &it.issues).map(file_issue).collect()
    }

    #[allow(clippy::unused_self)] // a part of telling
    fn put_up(
        &self,
        board: &Board,
        newest: Option<ReadingState>,
        shown: Option<Arc<Reading>>,
        stale: bool,
        issues: Vec<FileIssue>,
    ) {
        board.set_sprint(SprintBoard { newest, shown, stale, issues, revision: 0 });
    }
}

/// What lies at a path; a file is read whole, unless it is too large.
fn read(path: &Path, allowed: &dyn Fn(&Path) -> bool) -> (Content, Option<Stamp>) {
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
fn refused(message: String) -> Reading {
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
fn cut(bytes: &[u8], reading: &Reading) -> Reading {
    let line = bytes.iter().filter(|byte| **byte == b'\n').count() as u64 + 1;
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
