//! How far a file was read, and what stood there: enough to know that it still does.

use std::fs::File;
use std::io;

use xxhash_rust::xxh3::Xxh3;

use crate::watch::lines::{Line, read_at};

/// Up to this many bytes all that was read is compared each time the file grows; beyond, its
/// beginning and its end.
const SMALL: u64 = 256 * 1024;
/// How much is compared at the beginning and before the offset of a large file.
const SAMPLE: usize = 4096;

/// The offset behind the last line read, and a digest of all before it.
#[derive(Clone)]
pub(crate) struct Mark {
    offset: u64,
    digest: Xxh3,
    head: Vec<u8>,
    /// Ends with the last [`SAMPLE`] bytes before the offset.
    tail: Vec<u8>,
}

impl std::fmt::Debug for Mark {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Mark").field("offset", &self.offset).finish_non_exhaustive()
    }
}

impl Mark {
    /// The beginning of any file.
    pub(crate) fn start() -> Self {
        Self { offset: 0, digest: Xxh3::new(), head: Vec::new(), tail: Vec::new() }
    }

    /// Where the next line begins.
    pub(crate) const fn offset(&self) -> u64 {
        self.offset
    }

    /// All before the offset, in 16 hex digits.
    pub(crate) fn digest(&self) -> String {
        format!("{:016x}", self.digest.digest())
    }

    /// Goes on behind a line.
    pub(crate) fn advance(&mut self, file: &File, line: &Line<'_>) -> io::Result<()> {
        if line.overlong {
            // Its bytes have passed. Should they change before they are read again here, the
            // digest differs from the file and the lines are compared one by one.
            return self.feed_from(file, line.raw_len);
        }
        self.feed(line.bytes);
        self.feed(b"\n");
        Ok(())
    }

    fn feed_from(&mut self, file: &File, len: u64) -> io::Result<()> {
        let end = self.offset + len;
        each_chunk(file, self.offset, end, |chunk| self.feed(chunk))?;
        // Shorter now: the offset still is where the line ended.
        self.offset = end;
        Ok(())
    }

    fn feed(&mut self, bytes: &[u8]) {
        self.offset += bytes.len() as u64;
        self.digest.update(bytes);
        if self.head.len() < SAMPLE {
            self.head.extend_from_slice(&bytes[..bytes.len().min(SAMPLE - self.head.len())]);
        }
        self.tail.extend_from_slice(&bytes[bytes.len().saturating_sub(SAMPLE)..]);
        // Trimmed now and then, not at every line.
        if self.tail.len() > 4 * SAMPLE {
            self.tail.drain(..self.tail.len() - SAMPLE);
        }
    }

    /// Whether the file still holds what was read, by as much as is cheap at every growth.
    pub(crate) fn holds(&self, file: &File) -> io::Result<bool> {
        if self.offset <= SMALL { self.holds_wholly(file) } else { self.samples_hold(file) }
    }

    /// Whether the beginning and the end of what was read still stand there.
    fn samples_hold(&self, file: &File) -> io::Result<bool> {
        let tail = &self.tail[self.tail.len().saturating_sub(SAMPLE)..];
        Ok(stands(file, 0, &self.head)? && stands(file, self.offset - tail.len() as u64, tail)?)
    }

    /// Whether every byte of what was read still stands there.
    pub(crate) fn holds_wholly(&self, file: &File) -> io::Result<bool> {
        Ok(digest_of(file, self.offset)? == Some(self.digest()))
    }
}

/// The digest of a file's first `len` bytes; `None` when it has less.
pub(crate) fn digest_of(file: &File, len: u64) -> io::Result<Option<String>> {
    let mut digest = Xxh3::new();
    let read = each_chunk(file, 0, len, |chunk| digest.update(chunk))?;
    Ok((read == len).then(|| format!("{:016x}", digest.digest())))
}

fn stands(file: &File, offset: u64, expected: &[u8]) -> io::Result<bool> {
    let mut same = true;
    let mut rest = expected;
    let end = offset + expected.len() as u64;
    let read = each_chunk(file, offset, end, |chunk| {
        let (now, later) = rest.split_at(chunk.len());
        same &= now == chunk;
        rest = later;
    })?;
    Ok(same && read == expected.len() as u64)
}

/// Gives the bytes between two offsets in chunks; returns how many there were.
fn each_chunk(file: &File, from: u64, to: u64, mut take: impl FnMut(&[u8])) -> io::Result<u64> {
    let size = usize::try_from(to - from).unwrap_or(usize::MAX).min(256 * 1024);
    let mut buf = vec![0; size];
    let mut at = from;
    while at < to {
        let want = usize::try_from(to - at).unwrap_or(usize::MAX).min(size);
        let read = read_at(file, &mut buf[..want], at)?;
        if read == 0 {
            break;
        }
        take(&buf[..read]);
        at += read as u64;
    }
    Ok(at - from)
}
