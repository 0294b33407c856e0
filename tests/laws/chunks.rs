//! Bytes in chunks: the same lines, however they were cut.

use sprint_runner::agents::process::Splitter;
use sprint_runner::parse::lines::next_line;

/// The first byte says how much of a line is kept, the second how many cuts follow; each cut is a
/// length of its own.
pub(crate) fn law(data: &[u8]) {
    let [max, cuts, rest @ ..] = data else { return };
    let (cuts, bytes) = rest.split_at(usize::from(*cuts).min(rest.len()));
    let max = usize::from(*max) + 1;
    let whole = read(max, [bytes].into_iter());
    assert_eq!(read(max, chunks(bytes, cuts).into_iter()), whole);
    assert_eq!(read(max, bytes.chunks(1)), whole);

    let mut expected: Vec<(Vec<u8>, u64)> = bytes
        .split(|byte| *byte == b'\n')
        .map(|line| (line[..line.len().min(max)].to_vec(), line.len() as u64))
        .collect();
    expected.pop_if(|last| last.1 == 0);
    assert_eq!(whole, expected);

    let mut left = bytes;
    while let Some((line, taken)) = next_line(left) {
        assert_eq!((line.contains(&b'\n'), left[taken - 1]), (false, b'\n'));
        assert_eq!(line.len() + 1, taken);
        left = &left[taken..];
    }
    assert!(!left.contains(&b'\n'));
}

fn chunks<'a>(mut bytes: &'a [u8], cuts: &[u8]) -> Vec<&'a [u8]> {
    let mut chunks = Vec::new();
    for cut in cuts {
        let (chunk, rest) = bytes.split_at(usize::from(*cut).min(bytes.len()));
        chunks.push(chunk);
        bytes = rest;
    }
    chunks.push(bytes);
    chunks
}

fn read<'a>(max: usize, chunks: impl Iterator<Item = &'a [u8]>) -> Vec<(Vec<u8>, u64)> {
    let mut splitter = Splitter::new(max);
    let mut lines = Vec::new();
    for chunk in chunks {
        splitter.feed(chunk);
        lines.extend(std::iter::from_fn(|| splitter.take()));
    }
    splitter.end();
    lines.extend(std::iter::from_fn(|| splitter.take()));
    assert_eq!(splitter.take(), None);
    lines
}
