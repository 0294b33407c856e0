//! Reads a server-sent event stream: bytes in any chunks to blocks.

/// One block of the stream.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Block {
    /// What its `data:` lines say, joined by newlines; `None` for a heartbeat.
    pub(crate) data: Option<String>,
    /// The `id:` it set, if any.
    pub(crate) id: Option<String>,
    /// The time to wait before reconnecting, if it set one, in milliseconds.
    pub(crate) retry_ms: Option<u64>,
}

/// The decoder: holds at most one unfinished block.
#[derive(Debug, Default)]
pub(crate) struct Decoder {
    pending: Vec<u8>,
    scanned: usize,
    block: Block,
}

impl Decoder {
    /// Takes a chunk, gives the blocks that it finishes.
    pub(crate) fn push(&mut self, chunk: &[u8]) -> Vec<Block> {
        let mut blocks = Vec::new();
        self.pending.extend_from_slice(chunk);
        let mut start = 0;
        while let Some(length) = self.pending[self.scanned..].iter().position(|byte| *byte == b'\n')
        {
            let end = self.scanned + length;
            let text = String::from_utf8_lossy(&self.pending[start..end]).into_owned();
            if let Some(block) = self.line(text.strip_suffix('\r').unwrap_or(&text)) {
                blocks.push(block);
            }
            start = end + 1;
            self.scanned = start;
        }
        self.pending.drain(..start);
        self.scanned = self.pending.len();
        blocks
    }

    /// How much is held back.
    pub(crate) fn held(&self) -> usize {
        self.pending.len() + self.block.data.as_ref().map_or(0, String::len)
    }

    fn line(&mut self, line: &str) -> Option<Block> {
        if line.is_empty() {
            let block = std::mem::take(&mut self.block);
            return (block != Block::default()).then_some(block);
        }
        let (field, value) = line.split_once(':').unwrap_or((line, ""));
        let value = value.strip_prefix(' ').unwrap_or(value);
        match field {
            "data" => match &mut self.block.data {
                Some(data) => {
                    data.push('\n');
                    data.push_str(value);
                }
                none => *none = Some(value.to_owned()),
            },
            "id" if !value.contains('\0') => self.block.id = Some(value.to_owned()),
            "retry" => self.block.retry_ms = value.parse().ok(),
            _ => {}
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const STREAM: &str = ": hello\n\nretry: 2500\nid: ab:1\ndata: {\"a\":\"ü\"}\n\nid: ab:2\n\ndata: x\r\ndata: y\r\n\r\n";

    #[test]
    fn blocks_are_read_with_id_data_and_retry() {
        let blocks = Decoder::default().push(STREAM.as_bytes());
        assert_eq!(blocks.len(), 3);
        assert_eq!(blocks[0].data.as_deref(), Some("{\"a\":\"ü\"}"));
        assert_eq!(blocks[0].retry_ms, Some(2500));
        assert_eq!((blocks[1].data.as_deref(), blocks[1].id.as_deref()), (None, Some("ab:2")));
        assert_eq!(blocks[2].data.as_deref(), Some("x\ny"));
    }

    proptest! {
        #[test]
        fn chunks_do_not_matter(cuts in proptest::collection::vec(1_usize..7, 0..60)) {
            let whole = Decoder::default().push(STREAM.as_bytes());
            let mut decoder = Decoder::default();
            let mut rest = STREAM.as_bytes();
            let mut blocks = Vec::new();
            for cut in cuts {
                let (head, tail) = rest.split_at(cut.min(rest.len()));
                blocks.extend(decoder.push(head));
                rest = tail;
            }
            blocks.extend(decoder.push(rest));
            prop_assert_eq!(blocks, whole);
        }
    }
}
