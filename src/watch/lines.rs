//! Whole lines of a file from an offset on, in bounded memory.

use std::fs::File;
use std::io::{self, BufRead};
use std::os::unix::fs::FileExt;

use xxhash_rust::xxh3::{Xxh3, xxh3_64};

pub(crate) use crate::parse::lines::MAX_LINE;

/// How much is read at once.
const CHUNK: usize = 256 * 1024;
/// How much of the beginning of an overlong line is given out.
const HEAD_OF_LONG: usize = 4096;

/// One whole line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Line<'a> {
    /// Without its LF; of an overlong line, the beginning.
    pub(crate) bytes: &'a [u8],
    /// How many bytes it takes in the file, LF included.
    pub(crate) raw_len: u64,
    /// What it is compared by.
    pub(crate) hash: u64,
    /// Whether it is longer than [`MAX_LINE`].
    pub(crate) overlong: bool,
}

/// What a line is compared by: its bytes without a CR at the end (an editor that changes line ends
/// writes no new rows), and without a byte order mark at the beginning of the file.
pub(crate) fn hash_of(bytes: &[u8], number: u64) -> u64 {
    let bytes = bytes.strip_suffix(b"\r").unwrap_or(bytes);
    let bytes =
        if number == 1 { bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes) } else { bytes };
    xxh3_64(bytes)
}

/// Reads whole lines one after the other; what follows the last LF is not given out.
#[derive(Debug)]
pub(crate) struct Lines<'f> {
    file: &'f File,
    /// The number of the next line, from 1.
    number: u64,
    /// Where the next read begins.
    offset: u64,
    buf: Vec<u8>,
    /// The part of `buf` not yet given out.
    start: usize,
    end: usize,
}

impl<'f> Lines<'f> {
    /// From `offset`, where line `number` begins.
    pub(crate) const fn new(file: &'f File, offset: u64, number: u64) -> Self {
        Self { file, number, offset, buf: Vec::new(), start: 0, end: 0 }
    }

    /// The next whole line; `None` when the rest has no LF.
    pub(crate) fn next_line(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut searched = 0;
        loop {
            let part = &self.buf[self.start + searched..self.end];
            if let Some(at) = find_lf(part) {
                let from = self.start;
                let to = self.start + searched + at;
                self.start = to + 1;
                let number = self.number;
                self.number += 1;
                let bytes = &self.buf[from..to];
                return Ok(Some(Line {
                    bytes,
                    raw_len: (to + 1 - from) as u64,
                    hash: hash_of(bytes, number),
                    overlong: false,
                }));
            }
            searched = self.end - self.start;
            if searched > MAX_LINE {
                return self.overlong();
            }
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    /// A line that does not fit: hashed on the way, its beginning kept.
    fn overlong(&mut self) -> io::Result<Option<Line<'_>>> {
        let mut hash = Xxh3::new();
        let mut raw_len = 0;
        let mut head = self.buf[self.start..self.start + HEAD_OF_LONG].to_vec();
        loop {
            let part = &self.buf[self.start..self.end];
            if let Some(at) = find_lf(part) {
                hash.update(&part[..at]);
                raw_len += at as u64 + 1;
                let rest = self.start + at + 1;
                // The head takes the place of what was given out, in front of the rest.
                let left = self.end - rest;
                head.extend_from_slice(&self.buf[rest..self.end]);
                self.buf = head;
                self.start = HEAD_OF_LONG;
                self.end = HEAD_OF_LONG + left;
                self.number += 1;
                let bytes = &self.buf[..HEAD_OF_LONG];
                return Ok(Some(Line { bytes, raw_len, hash: hash.digest(), overlong: true }));
            }
            hash.update(part);
            raw_len += part.len() as u64;
            self.start = self.end;
            if self.fill()? == 0 {
                return Ok(None);
            }
        }
    }

    fn fill(&mut self) -> io::Result<usize> {
        self.buf.copy_within(self.start..self.end, 0);
        self.end -= self.start;
        self.start = 0;
        if self.buf.len() < self.end + CHUNK {
            self.buf.resize(self.end + CHUNK, 0);
        }
        let read = read_at(self.file, &mut self.buf[self.end..], self.offset)?;
        self.offset += read as u64;
        self.end += read;
        Ok(read)
    }
}

/// The place of the first LF, by the standard library's fast search.
fn find_lf(mut bytes: &[u8]) -> Option<usize> {
    let all = bytes;
    let skipped = bytes.skip_until(b'\n').ok()?;
    (skipped > 0 && all[skipped - 1] == b'\n').then(|| skipped - 1)
}

/// Reads once, whatever signals come between.
pub(crate) fn read_at(file: &File, buf: &mut [u8], offset: u64) -> io::Result<usize> {
    loop {
        match file.read_at(buf, offset) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            other => return other,
        }
    }
}

/// Whether there is an LF between two offsets; reads no further than the first.
pub(crate) fn has_lf(file: &File, mut from: u64, to: u64) -> io::Result<bool> {
    let mut buf = vec![0; CHUNK.min(usize::try_from(to.saturating_sub(from)).unwrap_or(CHUNK))];
    while from < to {
        let want = usize::try_from(to - from).unwrap_or(CHUNK).min(buf.len());
        let read = read_at(file, &mut buf[..want], from)?;
        if read == 0 {
            return Ok(false);
        }
        if find_lf(&buf[..read]).is_some() {
            return Ok(true);
        }
        from += read as u64;
    }
    Ok(false)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn file(bytes: &[u8]) -> File {
        let file = tempfile::tempfile().unwrap();
        file.write_all_at(bytes, 0).unwrap();
        file
    }

    fn all(bytes: &[u8]) -> Vec<(Vec<u8>, u64, bool)> {
        let file = file(bytes);
        let mut lines = Lines::new(&file, 0, 1);
        let mut out = Vec::new();
        while let Some(line) = lines.next_line().unwrap() {
            out.push((line.bytes.to_vec(), line.raw_len, line.overlong));
        }
        out
    }

    proptest! {
        #[test]
        fn lines_are_what_stands_before_each_lf(
            parts in proptest::collection::vec("[a,\r\0]{0,30}", 0..200),
            rest in "[a,]{0,5}",
        ) {
            let mut bytes = Vec::new();
            for part in &parts {
                bytes.extend_from_slice(part.as_bytes());
                bytes.push(b'\n');
            }
            bytes.extend_from_slice(rest.as_bytes());
            let read: Vec<_> = all(&bytes).into_iter().map(|line| line.0).collect();
            let expected: Vec<_> = parts.into_iter().map(String::into_bytes).collect();
            prop_assert_eq!(read, expected);
        }
    }

    #[test]
    fn an_overlong_line_is_told_and_the_next_one_is_whole() {
        let mut bytes = b"first\n".to_vec();
        bytes.extend(std::iter::repeat_n(b'x', 5 * MAX_LINE));
        bytes.extend_from_slice(b"\nnext\n\nlast");
        let lines = all(&bytes);
        assert_eq!(lines[0], (b"first".to_vec(), 6, false));
        assert_eq!((lines[1].1, lines[1].2), (5 * MAX_LINE as u64 + 1, true));
        assert_eq!(lines[2], (b"next".to_vec(), 5, false));
        assert_eq!(lines[3], (Vec::new(), 1, false));
        assert_eq!(lines.len(), 4);
        assert_eq!(all(&vec![b'x'; 3 * MAX_LINE]), []);
    }

    #[test]
    fn line_ends_and_byte_order_mark_do_not_make_another_line() {
        assert_eq!(hash_of(b"a\r", 7), hash_of(b"a", 7));
        assert_eq!(hash_of(b"\xEF\xBB\xBFa", 1), hash_of(b"a", 1));
        assert_ne!(hash_of(b"\xEF\xBB\xBFa", 2), hash_of(b"a", 2));
    }

    #[test]
    fn an_lf_is_found_within_its_bounds() {
        let file = file(b"abc\ndef");
        assert!(has_lf(&file, 0, 4).unwrap());
        assert!(!has_lf(&file, 0, 3).unwrap());
        assert!(!has_lf(&file, 4, 100).unwrap());
    }
}
