//! The lines of a file that were read so far, as hashes: what a rewritten file is compared with.
//!
//! They are kept beside the log in blocks of [`BLOCK`] hashes, each under a key of its own, so that
//! one more line writes one small block and a million lines take 8 MB. Only the last, unfinished
//! block stays in memory.

use super::sink::Sink;
use crate::hub::PublishError;

/// Hashes in one block.
const BLOCK: u64 = 64;
/// Digits of a block's number in its key.
const DIGITS: usize = 10;
/// Blocks are loaded by hundreds: all that share a key but for its last digits.
const SHARED: usize = DIGITS - 2;

type Keep = Vec<(String, Option<Vec<u8>>)>;

/// The hashes, but for the blocks that are already full.
#[derive(Debug, Clone, Default)]
pub(crate) struct Memory {
    len: u64,
    /// The hashes of the last block, while it is not full.
    last: Vec<u64>,
    /// Blocks filled since the last [`Self::take_changes`].
    filled: Vec<(u64, Vec<u8>)>,
    /// Blocks that lie in the store.
    stored: u64,
    changed: bool,
}

impl Memory {
    /// How many lines.
    pub(crate) const fn len(&self) -> u64 {
        self.len
    }

    /// The memory of `len` lines as the store holds it.
    pub(crate) fn load(sink: &dyn Sink, prefix: &str, len: u64) -> Result<Self, PublishError> {
        let mut memory = Self { len, stored: len.div_ceil(BLOCK), ..Self::default() };
        if !len.is_multiple_of(BLOCK) {
            let block = sink.kept(&key(prefix, len / BLOCK))?.pop().map(|(_, bytes)| bytes);
            memory.last = hashes(&block.unwrap_or_default());
            memory.last.truncate((len % BLOCK) as usize);
        }
        Ok(memory)
    }

    /// One more line.
    pub(crate) fn push(&mut self, hash: u64) {
        self.last.push(hash);
        self.len += 1;
        self.changed = true;
        if self.last.len() as u64 == BLOCK {
            let block = std::mem::take(&mut self.last);
            self.filled.push((self.len / BLOCK - 1, bytes(&block)));
        }
    }

    /// Forgets all lines from `len` on, where the walk through the file has come to.
    pub(crate) fn cut(&mut self, len: u64, walked: Walked) {
        self.len = len;
        self.last = walked.block;
        if self.last.len() as u64 == BLOCK {
            self.last.clear();
        }
        self.filled.clear();
        self.changed = true;
    }

    /// What to keep so that the store holds this memory.
    pub(crate) fn take_changes(&mut self, prefix: &str) -> Keep {
        if !self.changed {
            return Vec::new();
        }
        self.changed = false;
        let mut keep: Keep = std::mem::take(&mut self.filled)
            .into_iter()
            .map(|(block, bytes)| (key(prefix, block), Some(bytes)))
            .collect();
        if !self.last.is_empty() {
            keep.push((key(prefix, self.len / BLOCK), Some(bytes(&self.last))));
        }
        let needed = self.len.div_ceil(BLOCK);
        keep.extend((needed..self.stored).map(|block| (key(prefix, block), None)));
        self.stored = needed;
        keep
    }
}

/// Gives the stored hashes one after the other, a hundred blocks in memory at a time.
pub(crate) struct Recall<'a> {
    sink: &'a dyn Sink,
    prefix: &'a str,
    len: u64,
    next: u64,
    /// The loaded hashes, from the line `from` on.
    loaded: Vec<u64>,
    from: u64,
}

impl<'a> Recall<'a> {
    /// The first `len` lines kept under `prefix`.
    pub(crate) const fn new(sink: &'a dyn Sink, prefix: &'a str, len: u64) -> Self {
        Self { sink, prefix, len, next: 0, loaded: Vec::new(), from: 0 }
    }

    /// The next line's hash; `None` behind the last. Blocks damaged from outside end it early: what
    /// cannot be compared counts as different.
    pub(crate) fn next_hash(&mut self) -> Result<Option<u64>, PublishError> {
        if self.next >= self.len {
            return Ok(None);
        }
        if self.next >= self.from + self.loaded.len() as u64 {
            let block = key(self.prefix, self.next / BLOCK);
            self.from = self.next - self.next % (BLOCK * 100);
            self.loaded.clear();
            for (_, bytes) in self.sink.kept(&block[..self.prefix.len() + SHARED])? {
                self.loaded.extend(hashes(&bytes));
            }
        }
        let hash = self.loaded.get((self.next - self.from) as usize).copied();
        self.next += 1;
        Ok(hash)
    }
}

/// The hashes of the block that the walk through a file stands in: what [`Memory::cut`] needs.
#[derive(Debug, Default)]
pub(crate) struct Walked {
    block: Vec<u64>,
}

impl Walked {
    /// One more line.
    pub(crate) fn push(&mut self, hash: u64) {
        if self.block.len() as u64 == BLOCK {
            self.block.clear();
        }
        self.block.push(hash);
    }
}

fn key(prefix: &str, block: u64) -> String {
    format!("{prefix}{block:0DIGITS$}")
}

fn bytes(hashes: &[u64]) -> Vec<u8> {
    hashes.iter().flat_map(|hash| hash.to_le_bytes()).collect()
}

fn hashes(bytes: &[u8]) -> Vec<u64> {
    bytes.as_chunks::<8>().0.iter().map(|chunk| u64::from_le_bytes(*chunk)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::watch::tail::tests::FakeSink;

    fn recalled(sink: &FakeSink, len: u64) -> Vec<u64> {
        let mut recall = Recall::new(sink, "p/", len);
        std::iter::from_fn(|| recall.next_hash().unwrap()).collect()
    }

    #[test]
    fn what_was_pushed_is_recalled_over_restarts_and_cuts() {
        let sink = FakeSink::default();
        let mut memory = Memory::default();
        let mut expected: Vec<u64> = Vec::new();
        for (push, cut) in [(1, 1), (63, 64), (64, 100), (7000, 6400), (1, 0), (130, 65), (200, 64)]
        {
            for _ in 0..push {
                let hash = expected.len() as u64 * 7 + push;
                memory.push(hash);
                expected.push(hash);
            }
            sink.keep(memory.take_changes("p/"));
            assert_eq!(recalled(&sink, memory.len()), expected);
            let cut = cut.min(expected.len());
            let mut walked = Walked::default();
            expected[..cut].iter().for_each(|hash| walked.push(*hash));
            expected.truncate(cut);
            memory.cut(cut as u64, walked);
            sink.keep(memory.take_changes("p/"));
            assert_eq!(recalled(&sink, memory.len()), expected);
            assert_eq!(sink.kept("p/").unwrap().len() as u64, memory.len().div_ceil(BLOCK));
            memory = Memory::load(&sink, "p/", memory.len()).unwrap();
        }
    }
}
