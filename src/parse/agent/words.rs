//! What an agent has said, the last of it when it is much.

/// So much is kept, counted from the end.
pub(super) const MAX: usize = 1024 * 1024;
/// So much more may gather before the beginning is thrown away, which costs a move of the rest.
pub(super) const SLACK: usize = 256 * 1024;
/// Stands where the beginning was.
const CUT_NOTE: &str = "[earlier text left out]\n";

/// A text that grows, within bounds.
#[derive(Debug, Clone, Default)]
pub(super) struct Words {
    text: String,
}

impl Words {
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Adds more, on a line of its own unless it goes on with the last one.
    pub(super) fn add(&mut self, text: &str, goes_on: bool) {
        if !goes_on && !self.text.is_empty() && !self.text.ends_with('\n') {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.forget();
    }

    /// Adds a whole line.
    pub(super) fn add_line(&mut self, line: &str) {
        self.text.push_str(line);
        self.text.push('\n');
        self.forget();
    }

    /// Lets the beginning go when there is too much.
    fn forget(&mut self) {
        if self.text.len() <= MAX + SLACK {
            return;
        }
        let mut from = self.text.len() - MAX;
        while !self.text.is_char_boundary(from) {
            from += 1;
        }
        // At a line's beginning, so that no half line is taken for a mark.
        let near = &self.text.as_bytes()[from..from + SLACK];
        from += memchr::memchr(b'\n', near).map_or(0, |at| at + 1);
        self.text.replace_range(..from, CUT_NOTE);
    }
}
