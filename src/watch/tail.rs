//! One log at one path: every whole line becomes events exactly once, whatever happens to the file.
//!
//! **What counts is content, not how it was written.** The memory of a path is the list of the lines
//! read so far (as hashes, kept in the transaction of their events). A file at that path, however it
//! came there, is compared with it line by line:
//!
//! - equal lines from the first on say nothing again;
//! - the first different line cuts the memory; it and all after it are new (`source:state` *reset*);
//! - a file that ends before the memory does is a *reset* without rows. The memory stays: should
//!   the same lines come back, they are not doubled.
//!
//! While one file merely grows, the bytes before the offset are checked cheaply ([`mark`]); at any
//! doubt the whole file is compared. A file that was renamed away is read on until it has been
//! silent for [`LINGER_MS`] ([`rotated`]), unless its folder was moved or replaced.
//!
//! Every scan works on a copy of what it knows; only a commit makes it the truth. After a failed one
//! the next scan begins where the last commit ended.

pub(crate) mod mark;
pub(crate) mod position;
pub(crate) mod pump;
mod rotated;
#[cfg(test)]
pub(crate) mod tests;
mod verify;

use std::fs::File;
use std::path::{Path, PathBuf};

use crate::domain::event::Source;
use crate::watch::file::{self, FileId, Look, Stamp};
use crate::watch::lines::has_lf;
use crate::watch::memory::Memory;
use crate::watch::report::{self, Health};
use crate::watch::sink::Sink;

use position::Position;
use pump::{Cursor, Keep, Pass, Site, Trouble, Work, pump};
use rotated::Rotated;

pub(crate) use pump::Rows;

/// A renamed file is read until it has not grown for this long.
pub(crate) const LINGER_MS: u64 = 10_000;
/// A missing file is told about when it has been missing for this long: some writers delete and
/// make it anew.
pub(crate) const MISSING_MS: u64 = 250;

/// How far behind the offset every poll looks for an LF.
const NEAR: u64 = 1 << 20;

/// The two clocks of a scan.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Now {
    /// Milliseconds since the epoch.
    pub(crate) wall_ms: i64,
    /// Milliseconds since some moment, never going back.
    pub(crate) mono_ms: u64,
}

/// What a scan came to.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Scanned {
    /// Lines read.
    pub(crate) lines: u64,
    /// Whether the file is there.
    pub(crate) present: bool,
    /// Look again within this time, whatever the poll: something is about to be told.
    pub(crate) again_ms: Option<u64>,
}

/// The file that is read at the path.
#[derive(Debug)]
struct Held<R> {
    file: File,
    id: FileId,
    folder: FileId,
    /// When all of it had been read; `None` before that.
    stamp: Option<Stamp>,
    /// Where its whole lines end; `None` until it was compared with the memory.
    cursor: Option<Cursor<R>>,
    /// Known to hold no LF between the cursor and here.
    no_lf_before: u64,
    /// The path leads elsewhere since; given up when this has passed.
    lost_until: Option<u64>,
}

/// What is known after the kept position was loaded.
#[derive(Debug)]
struct Known<R> {
    memory: Memory,
    /// The position as kept.
    saved: Position,
    held: Option<Held<R>>,
    rotated: Vec<Rotated<R>>,
    /// To be kept with the next position.
    also_keep: Keep,
}

/// One log at one path.
#[derive(Debug)]
pub(crate) struct Tail<R> {
    path: PathBuf,
    /// For people, and in the keys of what is kept.
    name: String,
    source: Source,
    /// A reader at the beginning of a file.
    fresh: R,
    known: Option<Known<R>>,
    missing_since: Option<u64>,
    /// What was last told, so that the state is not asked at each scan.
    told: Option<Health>,
}

impl<R: Rows> Tail<R> {
    /// A tail that has not looked yet.
    pub(crate) fn new(path: PathBuf, name: String, source: Source, fresh: R) -> Self {
        Self { path, name, source, fresh, known: None, missing_since: None, told: None }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Looks at the file and publishes what is new. `expected`: tell also when it was never there.
    pub(crate) fn scan(
        &mut self,
        sink: &dyn Sink,
        allowed: &dyn Fn(&Path) -> bool,
        expected: bool,
        now: Now,
    ) -> Result<Scanned, Trouble> {
        let mut pass = Pass::default();
        let first = self.known.is_none();
        let result = self.read_all(sink, allowed, now, &mut pass);
        let lines = pass.lines;
        pass.sum_up(sink, &self.name, self.source, now.wall_ms)?;
        let health = match result {
            Ok(health) => health,
            Err(Trouble::Read(error)) => {
                // Opened anew at the next scan.
                if let Some(known) = &mut self.known {
                    known.held = None;
                }
                Health::Unreadable(file::reason(&error, &self.path))
            }
            Err(error) => return Err(error),
        };
        let present = health == Health::Ok;
        let again_ms = self.tell(sink, health, expected, first, now)?;
        Ok(Scanned { lines, present, again_ms })
    }

    fn read_all(
        &mut self,
        sink: &dyn Sink,
        allowed: &dyn Fn(&Path) -> bool,
        now: Now,
        pass: &mut Pass,
    ) -> Result<Health, Trouble> {
        if self.known.is_none() {
            self.known = Some(self.load(sink, allowed, now)?);
        }
        let look = file::look(&self.path);
        let folder = self.path.parent().and_then(FileId::at).unwrap_or_default();
        self.leave_what_moved(&look, folder, sink, now, pass)?;
        let health = match look {
            Look::Missing => Health::Missing,
            Look::Unreadable(reason) => Health::Unreadable(reason),
            Look::File(stamp) => self.read_path(stamp, folder, sink, allowed, now, pass)?,
        };
        self.read_rotated(folder, sink, now, pass)?;
        Ok(health)
    }

    /// The path no longer leads to the file we hold: its last rows first, unless its folder went.
    fn leave_what_moved(
        &mut self,
        look: &Look,
        folder: FileId,
        sink: &dyn Sink,
        now: Now,
        pass: &mut Pass,
    ) -> Result<(), Trouble> {
        let Some(known) = &mut self.known else { return Ok(()) };
        let Some(held) = &mut known.held else { return Ok(()) };
        if matches!(look, Look::File(stamp) if stamp.id == held.id) {
            held.folder = folder;
            held.lost_until = None;
            return Ok(());
        }
        if held.folder != folder {
            known.held = None;
            return Ok(());
        }
        let before = held.stamp.map(|stamp| stamp.len);
        let until = *held.lost_until.get_or_insert(now.mono_ms + LINGER_MS);
        let read = self.read_held(sink, now, pass);
        let Some(known) = &mut self.known else { return Ok(()) };
        match read {
            Err(Trouble::Read(_)) => known.held = None,
            other => other?,
        }
        let Some(held) = &mut known.held else { return Ok(()) };
        if before != held.stamp.map(|stamp| stamp.len) {
            held.lost_until = Some(now.mono_ms + LINGER_MS);
        } else if now.mono_ms >= until {
            // Given up, also for the next start.
            known.held = None;
            let saved = Position { id: FileId::default(), ..known.saved.clone() };
            let keep = vec![(position_key(&self.name), Some(saved.to_bytes()))];
            sink.publish(crate::hub::Publication::events(Vec::new()).keeping(keep))?;
            known.saved = saved;
        }
        Ok(())
    }

    /// Reads the file that lies at the path.
    fn read_path(
        &mut self,
        stamp: Stamp,
        folder: FileId,
        sink: &dyn Sink,
        allowed: &dyn Fn(&Path) -> bool,
        now: Now,
        pass: &mut Pass,
    ) -> Result<Health, Trouble> {
        let Some(known) = &mut self.known else { return Ok(Health::Ok) };
        let here = |held: &Held<R>| {
            // With other permissions it may no longer be ours to read.
            held.id == stamp.id && held.stamp.is_none_or(|old| old.mode == stamp.mode)
        };
        if !known.held.as_ref().is_some_and(here) {
            let (file, stamp) = match file::open(&self.path, allowed) {
                Ok(opened) => opened,
                Err(Look::Missing) => return Ok(Health::Missing),
                Err(Look::Unreadable(reason)) => return Ok(Health::Unreadable(reason)),
                // Not given out as an error.
                Err(Look::File(_)) => return Ok(Health::Ok),
            };
            Self::take_back(known, &self.name, stamp.id);
            if let Some(old) = known.held.take()
                && old.id != stamp.id
                && let Some(cursor) = old.cursor
            {
                known.rotated.push(Rotated::new(old.file, old.id, old.folder, cursor, now));
                if let Some(rotated) = known.rotated.last() {
                    known.also_keep.push(rotated.keep(&self.name));
                }
            }
            known.held = Some(Held {
                file,
                id: stamp.id,
                folder,
                stamp: None,
                cursor: None,
                no_lf_before: 0,
                lost_until: None,
            });
        }
        self.read_held(sink, now, pass)?;
        Ok(Health::Ok)
    }

    /// Reads what is new in the held file.
    fn read_held(&mut self, sink: &dyn Sink, now: Now, pass: &mut Pass) -> Result<(), Trouble> {
        let Some(known) = &mut self.known else { return Ok(()) };
        let Some(held) = &mut known.held else { return Ok(()) };
        let stamp = Stamp::of(&held.file.metadata()?);
        let behind = known.saved.matched < known.memory.len();
        let trusted = match (&held.cursor, held.stamp) {
            (None, _) => false,
            (Some(cursor), Some(old)) if old == stamp => {
                let unfinished = stamp.len > cursor.mark.offset();
                if !stamp.is_fresh(now.wall_ms) && !unfinished {
                    return Ok(());
                }
                !behind && cursor.mark.holds(&held.file)?
            }
            (Some(cursor), _) if behind || stamp.len < cursor.mark.offset() => false,
            (Some(cursor), old) if old.is_none_or(|old| stamp.len > old.len) => {
                cursor.mark.holds(&held.file)?
            }
            // Written to without growing.
            (Some(cursor), _) => cursor.mark.holds_wholly(&held.file)?,
        };
        match (trusted, &held.cursor) {
            (true, Some(cursor)) => {
                if has_line(held, cursor.mark.offset(), stamp)? {
                    let work = Work { cursor: cursor.clone(), memory: Some(known.memory.clone()) };
                    let (now_ms, name, source) = (now.wall_ms, &self.name, self.source);
                    read_on(known, work, None, sink, name, source, now_ms, pass)?;
                } else {
                    held.no_lf_before = stamp.len;
                }
            }
            _ => self.verify(sink, now, pass)?,
        }
        if let Some(held) = self.known.as_mut().and_then(|known| known.held.as_mut()) {
            held.stamp = Some(stamp);
        }
        Ok(())
    }

    fn tell(
        &mut self,
        sink: &dyn Sink,
        health: Health,
        expected: bool,
        first: bool,
        now: Now,
    ) -> Result<Option<u64>, Trouble> {
        if health == Health::Missing {
            let since = *self.missing_since.get_or_insert(now.mono_ms);
            if !first && now.mono_ms - since < MISSING_MS {
                return Ok(Some(MISSING_MS));
            }
            let known = || sink.state().sprint.sources.contains_key(&self.name);
            if self.told.is_none() && !expected && !known() {
                return Ok(None);
            }
        } else {
            self.missing_since = None;
        }
        if self.told.as_ref() != Some(&health) {
            report::health(sink, &self.name, self.source, &health, now.wall_ms)?;
            self.told = Some(health);
        }
        Ok(None)
    }
}

/// Publishes the lines behind `work`'s cursor and moves the tail with each commit.
#[allow(clippy::too_many_arguments)] // the parts of a tail that a borrow of all of it would forbid
fn read_on<R: Rows>(
    known: &mut Known<R>,
    work: Work<R>,
    opening: Option<Option<String>>,
    sink: &dyn Sink,
    name: &str,
    source: Source,
    now_ms: i64,
    pass: &mut Pass,
) -> Result<(), Trouble> {
    let Known { memory, saved, held, also_keep, .. } = known;
    let Some(Held { file, id, folder, cursor, no_lf_before, .. }) = held else { return Ok(()) };
    let (id, folder) = (*id, *folder);
    let position = |work: &Work<R>| {
        let lines = work.memory.as_ref().map_or(0, Memory::len);
        Position::new(id, folder, &work.cursor.mark, work.cursor.lines, lines)
    };
    let extra = std::mem::take(also_keep);
    let keep = |work: &mut Work<R>| {
        let mut keep = extra.clone();
        keep.push((position_key(name), Some(position(work).to_bytes())));
        if let Some(memory) = &mut work.memory {
            keep.extend(memory.take_changes(&lines_prefix(name)));
        }
        keep
    };
    let mut committed = false;
    let mut done = |work: Work<R>| {
        *saved = position(&work);
        if let Some(reached) = work.memory {
            *memory = reached;
        }
        *no_lf_before = work.cursor.mark.offset();
        *cursor = Some(work.cursor);
        committed = true;
    };
    let site = Site { sink, file, name, source, now_ms };
    let result = pump(&site, work, opening, pass, &keep, &mut done);
    if !committed {
        *also_keep = extra;
    }
    result
}

/// Whether a whole line may have come behind the offset. What lies near is looked at each
/// time (a mapped file changes without any sign), what lies beyond only once.
fn has_line<R>(held: &Held<R>, offset: u64, stamp: Stamp) -> Result<bool, Trouble> {
    let near = stamp.len.min(offset + NEAR);
    if has_lf(&held.file, offset, near)? {
        return Ok(true);
    }
    Ok(has_lf(&held.file, near.max(held.no_lf_before), stamp.len)?)
}

/// The key of a path's position.
fn position_key(name: &str) -> String {
    format!("tail/{name}/position")
}

/// What the keys of a path's remembered lines begin with.
fn lines_prefix(name: &str) -> String {
    format!("tail/{name}/lines/")
}
