//! Text for people: without terminal escapes, short, and the last of a long stream.

use std::borrow::Cow;

/// Of a stream that nobody reads as long as all goes well, this much is kept.
const MAX_TAIL: usize = 8 * 1024;

/// The end of a stream of bytes.
#[derive(Debug, Clone, Default)]
pub(super) struct Tail {
    bytes: Vec<u8>,
}

impl Tail {
    pub(super) fn push(&mut self, bytes: &[u8]) {
        let bytes = &bytes[bytes.len().saturating_sub(MAX_TAIL)..];
        self.bytes.extend_from_slice(bytes);
        // Twice as much may gather, so that the rest is not moved for every piece.
        if self.bytes.len() > 2 * MAX_TAIL {
            self.bytes.drain(..self.bytes.len() - MAX_TAIL);
        }
    }

    /// As text without escapes.
    pub(super) fn text(&self) -> String {
        let kept = &self.bytes[self.bytes.len().saturating_sub(MAX_TAIL)..];
        plain(&String::from_utf8_lossy(kept)).into_owned()
    }
}

/// Without terminal escapes and control characters, but for line breaks and tabs.
pub(super) fn plain(text: &str) -> Cow<'_, str> {
    if !text.contains(|c: char| c.is_control() && c != '\n' && c != '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\u{1B}' => match chars.next() {
                // Colours and the like: up to a letter.
                Some('[') => {
                    while chars.next_if(|c| matches!(c, ' '..='?')).is_some() {}
                    chars.next_if(|c| matches!(c, '@'..='~'));
                }
                // Titles and links: up to BEL or ESC \.
                Some(']') => {
                    while let Some(c) = chars.next_if(|c| !matches!(c, '\n')) {
                        if c == '\u{7}' || (c == '\u{1B}' && chars.next_if_eq(&'\\').is_some()) {
                            break;
                        }
                    }
                }
                Some('\n') => out.push('\n'),
                _ => {}
            },
            '\n' | '\t' => out.push(c),
            c if c.is_control() => {}
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// The first line that says something, at most `max` characters of it.
pub(super) fn line_of(text: &str, max: usize) -> Option<String> {
    let line = text.split(['\n', '\r']).map(str::trim).find(|line| !line.is_empty())?;
    let line = plain(line);
    let line = line.trim();
    let mut short: String = line.chars().take(max).collect();
    if short.len() < line.len() {
        short.push('…');
    }
    (!short.is_empty()).then_some(short)
}
