//! New lines to events: batch by batch, each committed with the position behind it.

use std::fs::File;
use std::io;

use super::mark::Mark;
use crate::domain::event::Source;
use crate::domain::issue::Issue;
use crate::hub::PublishError;
use crate::watch::lines::{Line, Lines};
use crate::watch::memory::Memory;
use crate::watch::report::{self, Item};
use crate::watch::sink::{Commit, Sink};

/// Items in one publication at most.
const ITEMS: usize = 2_000;
/// Bytes of the file behind one publication at most.
const BYTES: u64 = 1 << 20;
/// Lines behind one publication at most: many may say nothing.
const LINES: u64 = 16_384;
/// Bad lines that are told one by one in a pass; the rest in one sum.
const TOLD: usize = 20;

/// Reads the lines of one kind of log. Holds what a line's meaning depends on (the time of the row
/// before it, the section it stands in).
pub(crate) trait Rows: Clone {
    /// Takes the line with this number; says what it found in `out`, or, without one, only learns:
    /// the line was read before.
    fn take(&mut self, line: &Line<'_>, number: u64, now_ms: i64, out: Option<&mut Vec<Item>>);
}

/// A place in a file.
#[derive(Debug, Clone)]
pub(crate) struct Cursor<R> {
    /// Lines before it.
    pub(crate) lines: u64,
    pub(crate) mark: Mark,
    pub(crate) rows: R,
}

impl<R: Rows> Cursor<R> {
    pub(crate) fn start(rows: R) -> Self {
        Self { lines: 0, mark: Mark::start(), rows }
    }

    /// Goes on behind a line.
    pub(crate) fn advance(
        &mut self,
        file: &File,
        line: &Line<'_>,
        now_ms: i64,
        out: Option<&mut Vec<Item>>,
    ) -> io::Result<()> {
        self.lines += 1;
        self.rows.take(line, self.lines, now_ms, out);
        self.mark.advance(file, line)
    }
}

/// Why a scan ended early. Nothing has moved but what was committed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Trouble {
    #[error(transparent)]
    Publish(#[from] PublishError),
    #[error(transparent)]
    Read(#[from] io::Error),
}

/// One scan of one file, for what is told about it.
#[derive(Debug, Default)]
pub(crate) struct Pass {
    /// Lines read and committed.
    pub(crate) lines: u64,
    told: usize,
    more: u64,
    unsaid: Vec<Issue>,
}

impl Pass {
    /// Leaves out the issues beyond the bound.
    fn bound(&mut self, items: &mut Vec<Item>) {
        items.retain_mut(|item| {
            let Item::Issue(issue) = item else { return true };
            self.told += 1;
            if self.told <= TOLD {
                return true;
            }
            self.more += 1;
            if self.unsaid.len() == 100 {
                self.unsaid.remove(0);
            }
            self.unsaid.push(issue.clone());
            false
        });
    }

    /// Tells the sum of what was left out.
    pub(crate) fn sum_up(
        self,
        sink: &dyn Sink,
        name: &str,
        source: Source,
        now_ms: i64,
    ) -> Result<(), PublishError> {
        if self.more == 0 {
            return Ok(());
        }
        sink.publish(report::summary(name.to_owned(), source, self.more, self.unsaid, now_ms))
    }
}

/// What a pump needs to know about where it works.
pub(crate) struct Site<'a> {
    pub(crate) sink: &'a dyn Sink,
    pub(crate) file: &'a File,
    pub(crate) name: &'a str,
    pub(crate) source: Source,
    pub(crate) now_ms: i64,
}

/// What moves with the lines: the place, and for a path's file the memory of its lines.
#[derive(Debug, Clone)]
pub(crate) struct Work<R> {
    pub(crate) cursor: Cursor<R>,
    pub(crate) memory: Option<Memory>,
}

/// What the first publication of a pump is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Opening {
    /// New lines only: none, nothing to publish.
    WithLines,
    /// The position has changed: to be kept also without a line.
    Position,
    /// The file began anew, and how.
    Reset(String),
}

impl Opening {
    fn reset(self) -> Option<String> {
        match self {
            Self::Reset(how) => Some(how),
            Self::WithLines | Self::Position => None,
        }
    }
}

/// What is kept with a publication.
pub(crate) type Keep = Vec<(String, Option<Vec<u8>>)>;

/// Reads and publishes all whole lines behind the cursor. While one batch is committed the next one
/// is read. `done` gets every state of the work as soon as it is committed.
pub(crate) fn pump<R: Rows>(
    site: &Site<'_>,
    mut work: Work<R>,
    mut opening: Opening,
    pass: &mut Pass,
    keep: &dyn Fn(&mut Work<R>) -> Keep,
    done: &mut dyn FnMut(Work<R>),
) -> Result<(), Trouble> {
    let mut lines = Lines::new(site.file, work.cursor.mark.offset(), work.cursor.lines + 1);
    let mut under_way: Option<(Commit, Work<R>, u64)> = None;
    loop {
        let mut items = Vec::new();
        let batch = fill(site, &mut lines, &mut work, &mut items);
        if let Some((commit, reached, count)) = under_way.take() {
            commit()?;
            pass.lines += count;
            done(reached);
        }
        let (count, ended) = batch?;
        if count == 0 && opening == Opening::WithLines {
            return Ok(());
        }
        pass.bound(&mut items);
        let reset = std::mem::replace(&mut opening, Opening::WithLines).reset();
        let kept = keep(&mut work);
        let publication =
            report::found(site.name.to_owned(), site.source, reset, items, site.now_ms);
        let commit = site.sink.submit(publication.keeping(kept));
        if ended {
            commit()?;
            pass.lines += count;
            done(work);
            return Ok(());
        }
        under_way = Some((commit, work.clone(), count));
    }
}

/// One batch: how many lines, and whether there are no more.
fn fill<R: Rows>(
    site: &Site<'_>,
    lines: &mut Lines<'_>,
    work: &mut Work<R>,
    items: &mut Vec<Item>,
) -> io::Result<(u64, bool)> {
    let (mut count, mut bytes) = (0, 0);
    while items.len() < ITEMS && bytes < BYTES && count < LINES {
        let Some(line) = lines.next_line()? else { return Ok((count, true)) };
        work.cursor.advance(site.file, &line, site.now_ms, Some(&mut *items))?;
        if let Some(memory) = &mut work.memory {
            memory.push(line.hash);
        }
        bytes += line.raw_len;
        count += 1;
    }
    Ok((count, false))
}
