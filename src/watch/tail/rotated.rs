//! A file that was renamed away while somebody may still write to it.

use std::fs::File;

use super::position::Position;
use super::pump::{Cursor, Keep, Pass, Rows, Site, Trouble, Work, pump};
use super::{Known, LINGER_MS, Now, Tail};
use crate::domain::event::Source;
use crate::hub::Publication;
use crate::watch::file::{FileId, Stamp};
use crate::watch::sink::Sink;

/// Files read beside the one at the path; the oldest is let go first.
const MAX_ROTATED: usize = 8;

/// A renamed file: only what is appended to it counts.
#[derive(Debug)]
pub(super) struct Rotated<R> {
    file: File,
    pub(super) id: FileId,
    folder: FileId,
    cursor: Cursor<R>,
    len: u64,
    /// When it was last found to hold what was read of it.
    stamp: Option<Stamp>,
    until: u64,
}

impl<R: Rows> Rotated<R> {
    pub(super) fn new(file: File, id: FileId, folder: FileId, cursor: Cursor<R>, now: Now) -> Self {
        let len = cursor.mark.offset();
        Self { file, id, folder, cursor, len, stamp: None, until: now.mono_ms + LINGER_MS }
    }

    /// Its position, to be kept.
    pub(super) fn keep(&self, name: &str) -> (String, Option<Vec<u8>>) {
        kept(name, self.id, self.folder, &self.cursor)
    }

    /// Reads what was appended; false when it is over with it.
    fn read(
        &mut self,
        sink: &dyn Sink,
        name: &str,
        source: Source,
        now: Now,
        pass: &mut Pass,
    ) -> Result<bool, Trouble> {
        let stamp = Stamp::of(&self.file.metadata()?);
        let offset = self.cursor.mark.offset();
        let unchanged = self.stamp == Some(stamp) && !stamp.is_fresh(now.wall_ms);
        if !unchanged && (stamp.len < offset || !self.cursor.mark.holds(&self.file)?) {
            return Ok(false);
        }
        if stamp.len > offset {
            let work = Work { cursor: self.cursor.clone(), memory: None };
            let (id, folder) = (self.id, self.folder);
            let keep = |work: &mut Work<R>| vec![kept(name, id, folder, &work.cursor)];
            let site = Site { sink, file: &self.file, name, source, now_ms: now.wall_ms };
            let cursor = &mut self.cursor;
            pump(&site, work, None, pass, &keep, &mut |work| *cursor = work.cursor)?;
        }
        self.stamp = Some(stamp);
        if stamp.len != self.len {
            self.len = stamp.len;
            self.until = now.mono_ms + LINGER_MS;
        }
        Ok(now.mono_ms < self.until)
    }
}

impl<R: Rows> Tail<R> {
    /// Reads the renamed files; lets go of those that have fallen silent, and of those whose folder
    /// is no longer the one of the path.
    pub(super) fn read_rotated(
        &mut self,
        folder: FileId,
        sink: &dyn Sink,
        now: Now,
        pass: &mut Pass,
    ) -> Result<(), Trouble> {
        let Some(known) = &mut self.known else { return Ok(()) };
        let mut surplus = known.rotated.len().saturating_sub(MAX_ROTATED);
        let mut over: Keep = Vec::new();
        let mut index = 0;
        while let Some(rotated) = known.rotated.get_mut(index) {
            let here = rotated.folder == folder;
            let goes_on = here && step(rotated, sink, &self.name, self.source, now, pass)?;
            if goes_on && surplus == 0 {
                index += 1;
            } else {
                surplus = surplus.saturating_sub(1);
                over.push((key(&self.name, rotated.id), None));
                known.rotated.remove(index);
            }
        }
        if !over.is_empty() {
            let publication = Publication::events(Vec::new()).keeping(over.clone());
            sink.publish(publication).inspect_err(|_| known.also_keep.extend(over))?;
        }
        Ok(())
    }

    /// A renamed file is back at the path: it is no longer read beside it.
    pub(super) fn take_back(known: &mut Known<R>, name: &str, id: FileId) {
        if known.rotated.iter().any(|rotated| rotated.id == id) {
            known.rotated.retain(|rotated| rotated.id != id);
            known.also_keep.push((key(name, id), None));
        }
    }
}

/// A file that cannot be read any more is over as well; only a failed commit is tried again.
fn step<R: Rows>(
    rotated: &mut Rotated<R>,
    sink: &dyn Sink,
    name: &str,
    source: Source,
    now: Now,
    pass: &mut Pass,
) -> Result<bool, Trouble> {
    match rotated.read(sink, name, source, now, pass) {
        Err(Trouble::Read(_)) => Ok(false),
        other => other,
    }
}

/// What the keys of a path's renamed files begin with.
pub(super) fn prefix(name: &str) -> String {
    format!("tail/{name}/rotated/")
}

fn key(name: &str, id: FileId) -> String {
    format!("{}{}-{}", prefix(name), id.dev, id.ino)
}

fn kept<R: Rows>(
    name: &str,
    id: FileId,
    folder: FileId,
    cursor: &Cursor<R>,
) -> (String, Option<Vec<u8>>) {
    let position = Position::new(id, folder, &cursor.mark, cursor.lines, cursor.lines);
    (key(name, id), Some(position.to_bytes()))
}
