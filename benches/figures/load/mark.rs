//! The mark in an event's message: when it was sent. Whoever finds it knows how long it was under way.

use std::time::{SystemTime, UNIX_EPOCH};

const MARK: &[u8] = b"sent:";
/// Nanoseconds since 1970, for the next 260 years.
const DIGITS: usize = 19;

/// Now, in nanoseconds since 1970.
pub(crate) fn now_ns() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0, |since| since.as_nanos() as u64)
}

/// The mark for a moment.
pub(crate) fn mark(ns: u64) -> String {
    format!("sent:{ns:019};")
}

/// Finds marks in one connection's text, however it was cut.
#[derive(Default)]
pub(crate) struct Marks {
    /// The end of the text before, where a mark may have begun.
    begun: Vec<u8>,
}

impl Marks {
    pub(crate) fn read(&mut self, text: &[u8], mut found: impl FnMut(u64)) {
        if self.begun.is_empty() {
            let rest = find(text, &mut found);
            self.begun.extend_from_slice(rest);
        } else {
            let mut whole = std::mem::take(&mut self.begun);
            whole.extend_from_slice(text);
            self.begun = find(&whole, &mut found).to_vec();
        }
    }
}

/// Tells every mark; what is left over may be the beginning of one more.
fn find<'a>(text: &'a [u8], found: &mut impl FnMut(u64)) -> &'a [u8] {
    let mut end = 0;
    for at in memchr::memmem::find_iter(text, MARK) {
        let Some(digits) = text.get(at + MARK.len()..=at + MARK.len() + DIGITS) else {
            return &text[at..];
        };
        let (digits, last) = digits.split_at(DIGITS);
        if last == b";" && digits.iter().all(u8::is_ascii_digit) {
            found(digits.iter().fold(0, |sum, digit| sum * 10 + u64::from(digit - b'0')));
            end = at + MARK.len() + DIGITS;
        }
    }
    let text = &text[end..];
    let part = (1..MARK.len()).rev().find(|length| text.ends_with(&MARK[..*length]));
    &text[text.len() - part.unwrap_or(0)..]
}
