//! Whole lines out of bytes.

/// A line longer than this is not a row of anybody's log; it is skipped up to its end.
pub const MAX_LINE: usize = 4 * 1024 * 1024;

/// The first whole line of `bytes` without its LF, and how many bytes it took with it.
pub fn next_line(bytes: &[u8]) -> Option<(&[u8], usize)> {
    memchr::memchr(b'\n', bytes).map(|end| (&bytes[..end], end + 1))
}
