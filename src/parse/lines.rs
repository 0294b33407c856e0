//! Whole lines out of a growing file, blind to how it was cut into chunks.

/// A line longer than this is not a row of anybody's log; it is skipped up to its end.
pub const MAX_LINE: usize = 4 * 1024 * 1024;

/// The first whole line of `bytes` without its LF, and how many bytes it took with it.
pub fn next_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    memchr::memchr(b'\n', bytes).map(|end| (&bytes[..end], end + 1))
}

/// The line without the CR of a CRLF.
pub fn without_cr(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// A line, or the mark that one was too long to keep.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Line<'a> {
    /// Without its LF; a CR before it is still there.
    Whole(&'a [u8]),
    /// Longer than [`MAX_LINE`]: this many bytes, LF not counted.
    Overlong(u64),
}

/// Collects lines from chunks. Holds at most [`MAX_LINE`] bytes.
#[derive(Debug, Default, Clone)]
pub struct LineSplitter {
    pending: Vec<u8>,
    skipped: u64,
}

impl LineSplitter {
    /// Takes a chunk and hands every line that it completes to `each`.
    pub fn feed(&mut self, mut chunk: &[u8], mut each: impl FnMut(Line<'_>)) {
        while let Some((head, taken)) = next_line(chunk) {
            if self.skipped > 0 || self.pending.len() + head.len() > MAX_LINE {
                each(Line::Overlong(self.skipped + (self.pending.len() + head.len()) as u64));
                self.pending.clear();
                self.skipped = 0;
            } else if self.pending.is_empty() {
                each(Line::Whole(head));
            } else {
                self.pending.extend_from_slice(head);
                each(Line::Whole(&self.pending));
                self.pending.clear();
            }
            chunk = &chunk[taken..];
        }
        if self.skipped > 0 || self.pending.len() + chunk.len() > MAX_LINE {
            self.skipped += (self.pending.len() + chunk.len()) as u64;
            self.pending = Vec::new();
        } else {
            self.pending.extend_from_slice(chunk);
        }
    }

    /// How many bytes of an unfinished line have been fed.
    pub fn unfinished(&self) -> u64 {
        self.skipped + self.pending.len() as u64
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn split(chunks: &[&[u8]]) -> (Vec<Vec<u8>>, u64) {
        let mut splitter = LineSplitter::default();
        let mut lines = Vec::new();
        for chunk in chunks {
            splitter.feed(chunk, |line| match line {
                Line::Whole(line) => lines.push(line.to_vec()),
                Line::Overlong(length) => lines.push(format!("<{length}>").into_bytes()),
            });
        }
        (lines, splitter.unfinished())
    }

    #[test]
    fn overlong_lines_are_skipped_and_the_next_one_read() {
        let long = vec![b'x'; MAX_LINE + 1];
        let whole = [b"a\n".as_slice(), &long, b"\nb\nc"].concat();
        let expected = (vec![b"a".to_vec(), b"<4194305>".to_vec(), b"b".to_vec()], 1);
        assert_eq!(split(&[&whole]), expected);
        let chunks: Vec<&[u8]> = whole.chunks(1 << 20).collect();
        assert_eq!(split(&chunks), expected);
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(bytes in prop::collection::vec(prop_oneof![Just(b'\n'), Just(b'\r'), any::<u8>()], 0..300), cuts in prop::collection::vec(0_usize..300, 0..12)) {
            let mut cuts: Vec<usize> = cuts.into_iter().map(|cut| cut.min(bytes.len())).collect();
            cuts.extend([0, bytes.len()]);
            cuts.sort_unstable();
            let chunks: Vec<&[u8]> = cuts.windows(2).map(|pair| &bytes[pair[0]..pair[1]]).collect();
            prop_assert_eq!(split(&chunks), split(&[&bytes]));
        }
    }
}
