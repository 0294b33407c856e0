//! What is refused before the YAML library sees it, by linear scans: it takes 35 s for 100,000
//! nested brackets.

use crate::domain::issue::{Issue, Severity};

use super::MAX_BYTES;

const MAX_DEPTH: usize = 64;
const MAX_ALIASES: usize = 64;
/// What all aliases together may unfold to, if each named the whole file.
const MAX_UNFOLDED: usize = 8 * 1024 * 1024;
const MAX_DIRECTIVES: usize = 16;

/// The text of a file that may be parsed, without its byte order mark; or why it is refused.
pub(super) fn check(bytes: &[u8]) -> Result<&str, Issue> {
    if bytes.len() > MAX_BYTES {
        return Err(refused("too-large", None, "the file is larger than 1 MiB", "split it"));
    }
    if bytes.starts_with(&[0xFF, 0xFE]) || bytes.starts_with(&[0xFE, 0xFF]) {
        let place = Some((1, 1));
        return Err(refused("utf-16", place, "the file is UTF-16, not UTF-8", "save it as UTF-8"));
    }
    if let Some(at) = memchr::memchr(0, bytes) {
        let place = Some(place_of(bytes, at));
        return Err(refused("nul", place, "the file holds a NUL byte", "remove it"));
    }
    let text = match std::str::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) => {
            let place = Some(place_of(bytes, error.valid_up_to()));
            return Err(refused("not-utf-8", place, "the file is not UTF-8", "save it as UTF-8"));
        }
    };
    let text = text.strip_prefix('\u{FEFF}').unwrap_or(text);
    let mut depth = Depth::default();
    let mut aliases = 0;
    let mut directives = 0;
    let mut content = false;
    for (line_no, line) in (1..).zip(text.lines()) {
        if (line == "---" || line.starts_with("--- ")) && content {
            return Err(refused(
                "several-documents",
                Some((line_no, 1)),
                "the file holds several YAML documents",
                "keep one and remove the line `---`",
            ));
        }
        let line = without_comment(line);
        content |= !line.trim().is_empty() && !line.starts_with("---") && !line.starts_with('%');
        if let Some(column) = depth.line(line) {
            let place = Some((line_no, column));
            return Err(refused(
                "too-deep",
                place,
                "the file is nested deeper than 64",
                "flatten it",
            ));
        }
        aliases += alias_count(line);
        directives += usize::from(line.starts_with('%'));
        if directives > MAX_DIRECTIVES {
            let place = Some((line_no, 1));
            let message = "the file has more than 16 YAML directives";
            return Err(refused(
                "directives",
                place,
                message,
                "remove the lines that begin with %",
            ));
        }
        if aliases > MAX_ALIASES || aliases * text.len() > MAX_UNFOLDED {
            let place = Some((line_no, 1));
            return Err(refused(
                "aliases",
                place,
                "the file uses too many YAML aliases",
                "write the values out",
            ));
        }
    }
    Ok(text)
}

pub(super) fn refused(code: &str, place: Option<(u64, u64)>, message: &str, hint: &str) -> Issue {
    Issue {
        severity: Severity::Error,
        code: code.to_owned(),
        line: place.map(|(line, _)| line),
        column: place.map(|(_, column)| column),
        message: message.to_owned(),
        hint: Some(hint.to_owned()),
    }
}

/// Line and column (in characters) of a byte, from 1.
fn place_of(bytes: &[u8], at: usize) -> (u64, u64) {
    let before = &bytes[..at];
    let line = memchr::memchr_iter(b'\n', before).count() as u64 + 1;
    let start = memchr::memrchr(b'\n', before).map_or(0, |end| end + 1);
    let column = String::from_utf8_lossy(&before[start..]).chars().count() as u64 + 1;
    (line, column)
}

/// The line up to a ` #`. A `#` inside quotes cuts too early, which only makes the counts smaller
/// where there is text.
fn without_comment(line: &str) -> &str {
    if line.trim_start().starts_with('#') {
        return "";
    }
    line.find(" #").map_or(line, |end| &line[..end])
}

/// How deep the text is nested. Quotes are not understood: brackets in texts are balanced or few.
#[derive(Default)]
struct Depth {
    flow: usize,
    indents: Vec<usize>,
}

impl Depth {
    /// Takes a line; answers the column where it becomes too deep.
    fn line(&mut self, line: &str) -> Option<u64> {
        if line.trim().is_empty() {
            return None;
        }
        let indent = line.len() - line.trim_start_matches(' ').len();
        if self.flow == 0 {
            while self.indents.last().is_some_and(|known| *known >= indent) {
                self.indents.pop();
            }
            self.indents.push(indent);
        }
        let mut markers = 0;
        let mut rest = &line[indent..];
        while let Some(after) = rest.strip_prefix("- ").or_else(|| rest.strip_prefix("? ")) {
            markers += 1;
            rest = after.trim_start_matches(' ');
        }
        if self.indents.len() + markers > MAX_DEPTH {
            return Some(indent as u64 + 1);
        }
        for (column, c) in (1..).zip(line.chars()) {
            match c {
                '[' | '{' => self.flow += 1,
                ']' | '}' => self.flow = self.flow.saturating_sub(1),
                _ => {}
            }
            if self.flow > MAX_DEPTH {
                return Some(column);
            }
        }
        None
    }
}

/// `*name` where a value may stand.
fn alias_count(line: &str) -> usize {
    let bytes = line.as_bytes();
    memchr::memchr_iter(b'*', bytes)
        .filter(|at| {
            let before = at.checked_sub(1).map_or(b' ', |before| bytes[before]);
            let after = bytes.get(at + 1).copied().unwrap_or(b' ');
            matches!(before, b' ' | b'[' | b',' | b':' | b'{') && after.is_ascii_alphanumeric()
        })
        .count()
}
