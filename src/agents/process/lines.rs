//! Bytes of a pipe to lines, within bounded memory however long a line is.

use memchr::memchr;

/// What is kept of a line, in bytes.
pub const MAX_LINE: usize = 1024 * 1024;

/// An emptied buffer larger than this is given back: one long line is not paid for for ever.
const KEEP: usize = 256 * 1024;

/// Where a line came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stream {
    /// Standard output.
    Stdout,
    /// Standard error.
    Stderr,
}

/// One line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// Where it came from.
    pub stream: Stream,
    /// Its bytes without the newline, at most [`MAX_LINE`].
    pub bytes: Vec<u8>,
    /// How many it really had.
    pub full_len: u64,
}

/// Takes bytes as they come and gives whole lines.
#[derive(Debug)]
pub struct Splitter {
    /// What is kept of a line.
    max: usize,
    buffer: Vec<u8>,
    /// Where the next line begins.
    start: usize,
    /// Up to where no newline is known to be.
    scanned: usize,
    /// Bytes of the unfinished line that were let go.
    dropped: u64,
    /// No more bytes come: what is there is the last line.
    ended: bool,
}

impl Splitter {
    /// Keeps `max` bytes of a line.
    pub fn new(max: usize) -> Self {
        Self { max, buffer: Vec::new(), start: 0, scanned: 0, dropped: 0, ended: false }
    }

    /// The next whole line; its bytes and its real length.
    pub fn take(&mut self) -> Option<(Vec<u8>, u64)> {
        if let Some(at) = memchr(b'\n', &self.buffer[self.scanned..]) {
            let end = self.scanned + at;
            let line = self.cut(end);
            self.start = end + 1;
            self.scanned = self.start;
            return Some(line);
        }
        self.scanned = self.buffer.len();
        if self.ended && (self.start < self.buffer.len() || self.dropped > 0) {
            let line = self.cut(self.buffer.len());
            self.start = self.buffer.len();
            return Some(line);
        }
        None
    }

    /// More bytes. To be called when [`Self::take`] gave none, or the buffer would grow.
    pub fn feed(&mut self, bytes: &[u8]) {
        self.tidy();
        if self.dropped == 0 {
            self.buffer.extend_from_slice(bytes);
            let newline = memchr(b'\n', &self.buffer[self.scanned..]);
            if newline.is_none() && self.buffer.len() > self.max {
                self.dropped = (self.buffer.len() - self.max) as u64;
                self.buffer.truncate(self.max);
                self.scanned = self.max;
            }
            return;
        }
        let rest = memchr(b'\n', bytes).unwrap_or(bytes.len());
        self.dropped = self.dropped.saturating_add(rest as u64);
        self.buffer.extend_from_slice(&bytes[rest..]);
    }

    /// No more bytes come.
    pub fn end(&mut self) {
        self.ended = true;
    }

    fn cut(&mut self, end: usize) -> (Vec<u8>, u64) {
        let line = &self.buffer[self.start..end];
        let full_len = (line.len() as u64).saturating_add(std::mem::take(&mut self.dropped));
        (line[..line.len().min(self.max)].to_vec(), full_len)
    }

    fn tidy(&mut self) {
        if self.start == 0 {
            return;
        }
        self.buffer.drain(..self.start);
        self.scanned -= self.start;
        self.start = 0;
        if self.buffer.len() <= KEEP && self.buffer.capacity() > KEEP {
            self.buffer.shrink_to(KEEP);
        }
    }

    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.buffer.capacity()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn however_the_bytes_are_cut_the_lines_are_the_same(
            lines in prop::collection::vec("[a-c\u{0}\r]{0,12}", 0..20),
            last_is_whole in any::<bool>(),
            steps in prop::collection::vec(1_usize..30, 1..50),
        ) {
            let max = 5;
            let mut bytes = lines.join("\n").into_bytes();
            if last_is_whole && !lines.is_empty() {
                bytes.push(b'\n');
            }
            let mut expected: Vec<(Vec<u8>, u64)> = bytes
                .split(|&byte| byte == b'\n')
                .map(|line| (line[..line.len().min(max)].to_vec(), line.len() as u64))
                .collect();
            expected.pop_if(|last| last.1 == 0);

            let mut splitter = Splitter::new(max);
            let mut found = Vec::new();
            let mut rest = &bytes[..];
            for step in steps.into_iter().cycle() {
                found.extend(std::iter::from_fn(|| splitter.take()));
                if rest.is_empty() {
                    break;
                }
                let (now, later) = rest.split_at(step.min(rest.len()));
                splitter.feed(now);
                prop_assert!(splitter.buffer.len() <= max + 2 * 30);
                rest = later;
            }
            splitter.end();
            found.extend(std::iter::from_fn(|| splitter.take()));
            prop_assert_eq!(found, expected);
        }
    }
}
