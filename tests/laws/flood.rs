//! Much of the same: a beginning, a part repeated a thousandfold, an end. The fuzzer's clock finds
//! what takes more than its share of time, its meter what takes memory.

/// Long enough for a cost that grows with the square to show.
const BYTES: usize = 128 * 1024;

const READERS: [&str; 6] = ["agent", "csv", "filter", "markdown", "story", "yaml"];

/// The first byte chooses a reader; 0xFF bytes part beginning, repeated part and end.
pub(crate) fn law(data: &[u8]) {
    let Some((choice, rest)) = data.split_first() else { return };
    let mut parts = rest.split(|byte| *byte == 0xFF);
    let mut next = || parts.next().unwrap_or_default();
    let (head, part, tail) = (next(), next(), next());
    if part.is_empty() || rest.len() > 1024 {
        return;
    }
    let flood = [head, &part.repeat(BYTES / part.len()), tail].concat();
    super::named(READERS[usize::from(*choice) % READERS.len()])(&flood);
}
