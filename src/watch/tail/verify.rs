//! Comparing a whole file with the memory, and taking up again what was kept before a restart.

use std::fs::{self, File};
use std::path::Path;

use super::mark::digest_of;
use super::position::Position;
use super::pump::{Cursor, Pass, Rows, Trouble, Work};
use super::rotated::{self, Rotated};
use super::{Held, Known, LINGER_MS, Now, Tail, lines_prefix, position_key, read_on};
use crate::hub::Publication;
use crate::watch::file::{self, FileId};
use crate::watch::lines::Lines;
use crate::watch::memory::{Memory, Recall, Walked};
use crate::watch::sink::Sink;

/// Entries of a folder that are looked at to find a renamed file.
const MAX_ENTRIES: usize = 10_000;

impl<R: Rows> Tail<R> {
    /// Compares the held file with the memory from its first line on, and goes on behind.
    pub(super) fn verify(
        &mut self,
        sink: &dyn Sink,
        now: Now,
        pass: &mut Pass,
    ) -> Result<(), Trouble> {
        let Some(known) = &mut self.known else { return Ok(()) };
        let Some(held) = &mut known.held else { return Ok(()) };
        let prefix = lines_prefix(&self.name);
        let all = known.memory.len();
        let mut cursor = Cursor::start(self.fresh.clone());
        let mut recall = Recall::new(sink, &prefix, all);
        let mut lines = Lines::new(&held.file, 0, 1);
        let mut walked = Walked::default();
        let mut differs = false;
        while cursor.lines < all {
            let Some(line) = lines.next_line()? else { break };
            if recall.next_hash()? != Some(line.hash) {
                differs = true;
                break;
            }
            walked.push(line.hash);
            cursor.advance(&held.file, &line, now.wall_ms, None)?;
        }
        // Something that the file held when it was last read is gone.
        let reset = cursor.lines < known.saved.matched;
        let shorter = !differs && cursor.lines < all;
        let position = Position::new(held.id, held.folder, &cursor.mark, cursor.lines, all);
        let name = self.name.clone();
        if shorter {
            let reset =
                reset.then(|| "the file became shorter; what was read before stays".to_owned());
            if reset.is_some() || position != known.saved {
                let mut keep = known.also_keep.clone();
                keep.push((position_key(&name), Some(position.to_bytes())));
                let (source, now_ms) = (self.source, now.wall_ms);
                let publication = if reset.is_some() {
                    crate::watch::report::found(name, source, reset, Vec::new(), now_ms)
                } else {
                    Publication::events(Vec::new())
                };
                sink.publish(publication.keeping(keep))?;
                known.saved = position;
                known.also_keep.clear();
            }
            held.no_lf_before = cursor.mark.offset();
            held.cursor = Some(cursor);
            return Ok(());
        }
        let mut memory = known.memory.clone();
        let mut opening = None;
        if differs {
            memory.cut(cursor.lines, walked);
            opening = Some(reset.then(|| {
                let line = cursor.lines + 1;
                format!("the file was written anew; from line {line} on it is read as new")
            }));
        } else if all > 0 && position != known.saved {
            opening = Some(None);
        }
        held.no_lf_before = cursor.mark.offset();
        if !differs {
            held.cursor = Some(cursor.clone());
        }
        let work = Work { cursor, memory: Some(memory) };
        read_on(known, work, opening, sink, &name, self.source, now.wall_ms, pass)
    }

    /// What was kept before a restart: the position, and the files that were renamed away.
    pub(super) fn load(
        &self,
        sink: &dyn Sink,
        allowed: &dyn Fn(&Path) -> bool,
        now: Now,
    ) -> Result<Known<R>, Trouble> {
        let kept = sink.kept(&position_key(&self.name))?.pop();
        let saved = kept.and_then(|(_, bytes)| Position::from_bytes(&bytes)).unwrap_or_default();
        let memory = Memory::load(sink, &lines_prefix(&self.name), saved.lines)?;
        let mut known =
            Known { memory, held: None, rotated: Vec::new(), also_keep: Vec::new(), saved };
        let here = FileId::at(&self.path);
        let find = |position: &Position| {
            let file = find(&self.path, position, allowed)?;
            self.resume(file, position, now).map(|(file, cursor)| (file, cursor))
        };
        let saved = &known.saved;
        if here != Some(saved.id)
            && saved.matched == saved.lines
            && let Some((file, cursor)) = find(saved)
        {
            // Read as if it had been held open all the time.
            known.held = Some(Held {
                file,
                id: saved.id,
                folder: saved.folder,
                stamp: None,
                no_lf_before: cursor.mark.offset(),
                cursor: Some(cursor),
                lost_until: Some(now.mono_ms + LINGER_MS),
            });
        }
        for (key, bytes) in sink.kept(&rotated::prefix(&self.name))? {
            let position = Position::from_bytes(&bytes)
                .filter(|position| position.id != known.saved.id && Some(position.id) != here);
            match position
                .as_ref()
                .and_then(|position| find(position).map(|found| (position, found)))
            {
                Some((position, (file, cursor))) => known.rotated.push(Rotated::new(
                    file,
                    position.id,
                    position.folder,
                    cursor,
                    now,
                )),
                None => known.also_keep.push((key, None)),
            }
        }
        Ok(known)
    }

    /// A cursor behind what was read of a file, if that still stands there.
    fn resume(&self, file: File, position: &Position, now: Now) -> Option<(File, Cursor<R>)> {
        if digest_of(&file, position.offset).ok()?.as_ref() != Some(&position.digest) {
            return None;
        }
        let mut cursor = Cursor::start(self.fresh.clone());
        let mut lines = Lines::new(&file, 0, 1);
        while cursor.mark.offset() < position.offset {
            let line = lines.next_line().ok()??;
            cursor.advance(&file, &line, now.wall_ms, None).ok()?;
        }
        drop(lines);
        (cursor.mark.offset() == position.offset).then_some((file, cursor))
    }
}

/// The file of a position, under whatever name it lies in the folder now.
fn find(path: &Path, position: &Position, allowed: &dyn Fn(&Path) -> bool) -> Option<File> {
    let folder = path.parent()?;
    if position.offset == 0 || FileId::at(folder) != Some(position.folder) {
        return None;
    }
    fs::read_dir(folder).ok()?.take(MAX_ENTRIES).flatten().find_map(|entry| {
        let metadata = entry.metadata().ok()?;
        if !metadata.is_file() || FileId::of(&metadata) != position.id {
            return None;
        }
        let (file, stamp) = file::open(&entry.path(), allowed).ok()?;
        (stamp.id == position.id).then_some(file)
    })
}
