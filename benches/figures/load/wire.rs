//! Bytes of a connection to the bytes of its messages: chunked bodies, WebSocket frames.

/// How clients listen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Sse,
    Ws,
}

/// Takes the framing off one connection's bytes, however they were cut.
pub(super) enum Wire {
    Plain,
    Chunked(Chunked),
    Frames(Frames),
}

impl Wire {
    pub(super) fn feed(&mut self, bytes: &[u8], text: impl FnMut(&[u8])) {
        match self {
            Self::Plain => {
                let mut text = text;
                text(bytes);
            }
            Self::Chunked(chunked) => chunked.feed(bytes, text),
            Self::Frames(frames) => frames.feed(bytes, text),
        }
    }

    /// Pongs to send.
    pub(super) fn answer(&mut self) -> Option<Vec<u8>> {
        match self {
            Self::Frames(frames) if !frames.answer.is_empty() => {
                Some(std::mem::take(&mut frames.answer))
            }
            _ => None,
        }
    }
}

/// A body in chunks.
#[derive(Default)]
pub(crate) struct Chunked {
    /// Bytes of the chunk that are still to come.
    left: usize,
    /// The size line so far.
    size: usize,
    /// Whether the size line has had a digit, and whether it is past its digits.
    digits: bool,
    past: bool,
}

impl Chunked {
    pub(crate) fn feed(&mut self, mut bytes: &[u8], mut text: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (part, rest) = bytes.split_at(self.left.min(bytes.len()));
                text(part);
                self.left -= part.len();
                bytes = rest;
                continue;
            }
            let byte = bytes[0];
            bytes = &bytes[1..];
            match (byte, (byte as char).to_digit(16)) {
                // The line end behind a chunk's data has no digit before it.
                (b'\n', _) if self.digits => *self = Self { left: self.size, ..Self::default() },
                (_, Some(digit)) if !self.past => {
                    self.size = self.size.saturating_mul(16).saturating_add(digit as usize);
                    self.digits = true;
                }
                _ => self.past = self.digits,
            }
        }
    }
}

/// A server's WebSocket frames.
#[derive(Default)]
pub(super) struct Frames {
    head: Vec<u8>,
    left: usize,
    /// Of a control frame.
    control: Option<(u8, Vec<u8>)>,
    answer: Vec<u8>,
}

const PING: u8 = 9;

impl Frames {
    fn feed(&mut self, mut bytes: &[u8], mut text: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            if self.left > 0 {
                let (part, rest) = bytes.split_at(self.left.min(bytes.len()));
                match &mut self.control {
                    Some((_, payload)) => payload.extend_from_slice(part),
                    None => text(part),
                }
                self.left -= part.len();
                bytes = rest;
            } else {
                self.head.push(bytes[0]);
                bytes = &bytes[1..];
                let Some(length) = length(&self.head) else { continue };
                let kind = self.head[0] & 0x0f;
                self.left = length;
                self.control = (kind >= 8).then(|| (kind, Vec::new()));
                self.head.clear();
            }
            if self.left == 0
                && let Some((PING, payload)) = self.control.take()
            {
                // A client masks; with zeros the payload stays as it is.
                self.answer.extend_from_slice(&[0x8a, 0x80 | payload.len() as u8, 0, 0, 0, 0]);
                self.answer.extend_from_slice(&payload);
            }
        }
    }
}

/// The payload's length, once the whole head is there.
fn length(head: &[u8]) -> Option<usize> {
    let big_endian = |bytes: &[u8]| bytes.iter().fold(0, |sum, byte| sum << 8 | usize::from(*byte));
    match head.get(1)? & 0x7f {
        126 => head.get(2..4).map(big_endian),
        127 => head.get(2..10).map(big_endian),
        short => Some(usize::from(short)),
    }
}
