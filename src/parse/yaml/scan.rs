//! The lines of the `development_status` map: keys, values and their places, without the library.

use std::ops::Range;

/// One `key: value` line of the map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Pair {
    /// The key without quotes.
    pub(super) key: String,
    /// The value without quotes and comment; empty when it is on the following lines.
    pub(super) value: String,
    /// Where the value stands in the text, quotes included; where it would stand when empty.
    pub(super) span: Range<usize>,
    /// From 1.
    pub(super) line: u64,
    /// Deeper lines below it: the same, one level down.
    pub(super) children: Vec<Pair>,
    /// The title in a comment directly above: `# Epic 2a: Session list`.
    pub(super) comment: Option<String>,
}

/// The map as its lines show it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Scan {
    /// The line of `development_status:`, from 1.
    pub(super) line: Option<u64>,
    pub(super) pairs: Vec<Pair>,
    /// Lines within the map that are neither pair nor comment.
    pub(super) unreadable: Vec<u64>,
    /// The line at which the map was left while more entries may have followed.
    pub(super) stopped_at: Option<u64>,
}

/// Reads the map's lines. Total: any text gives a scan.
pub(super) fn scan(text: &str) -> Scan {
    let mut out = Scan::default();
    let mut indent = None;
    let mut above: Option<String> = None;
    let mut offset = 0;
    for (line_no, raw) in (1..).zip(text.split_inclusive('\n')) {
        let start = offset;
        offset += raw.len();
        let line = raw.trim_end_matches(['\n', '\r']);
        if out.line.is_none() {
            let key = line.strip_prefix('\u{FEFF}').unwrap_or(line);
            if let Some(pair) = pair_of(key, start + line.len() - key.len(), line_no)
                && pair.key == "development_status"
            {
                out.line = Some(line_no);
                // A value on the same line, such as `{}`, leaves nothing for the lines below.
                indent = (!pair.value.is_empty()).then_some(0);
            }
            continue;
        }
        let content = line.trim_start();
        if content.is_empty() {
            above = None;
            continue;
        }
        if let Some(comment) = content.strip_prefix('#') {
            above = Some(comment.trim_start_matches('#').trim().to_owned());
            continue;
        }
        let own = line.len() - line.trim_start_matches(' ').len();
        let level = *indent.get_or_insert(own);
        if own == 0 {
            // Conflict markers and code fences are accidents inside the map, not its end.
            let accident = ["<<<<<<<", "=======", ">>>>>>>", "|||||||", "```"]
                .iter()
                .any(|marker| content.starts_with(marker));
            if accident && level > 0 {
                out.unreadable.push(line_no);
                continue;
            }
            out.stopped_at = (level > 0).then_some(line_no);
            break;
        }
        let pair = pair_of(content, start + line.len() - content.len(), line_no);
        match pair {
            Some(mut pair) if own == level => {
                pair.comment = above.take();
                out.pairs.push(pair);
            }
            // One blank too many behind a plain entry: broken YAML, but plainly meant as an entry.
            Some(pair)
                if own == level + 1
                    && out
                        .pairs
                        .last()
                        .is_some_and(|last| !last.value.is_empty() && last.children.is_empty()) =>
            {
                out.pairs.push(pair);
            }
            Some(pair) if own > level => match out.pairs.last_mut() {
                Some(parent) if parent.value.is_empty() || !parent.children.is_empty() => {
                    parent.children.push(pair);
                }
                _ => out.unreadable.push(line_no),
            },
            _ if own > level && out.pairs.last().is_some_and(|pair| !pair.children.is_empty()) => {}
            _ => out.unreadable.push(line_no),
        }
        above = None;
    }
    out
}

/// `key: value # comment` at the beginning of `text`, which lies at `offset`.
fn pair_of(text: &str, offset: usize, line: u64) -> Option<Pair> {
    let (key, key_len) = match text.chars().next()? {
        quote @ ('"' | '\'') => quoted(text, quote)?,
        '-' if text.starts_with("- ") => return None,
        '#' | '[' | '{' | '&' | '*' | '!' | '|' | '>' | '%' | '@' | '`' => return None,
        _ => {
            let end = text
                .match_indices(':')
                .map(|(at, _)| at)
                .find(|at| text[at + 1..].is_empty() || text[at + 1..].starts_with([' ', '\t']))?;
            (text[..end].trim_end().to_owned(), end)
        }
    };
    let after = text[key_len..].trim_start();
    let after = after.strip_prefix(':')?;
    if !after.is_empty() && !after.starts_with([' ', '\t']) {
        return None;
    }
    let value_text = after.trim_start();
    let start = text.len() - value_text.len();
    let (value, length) = match value_text.chars().next() {
        None | Some('#') => (String::new(), 0),
        Some(quote @ ('"' | '\'')) => match quoted(value_text, quote) {
            Some((value, length)) if rest_is_comment(&value_text[length..]) => (value, length),
            _ => return None,
        },
        Some(_) => {
            let end = comment_start(value_text).unwrap_or(value_text.len());
            let value = value_text[..end].trim_end();
            (value.to_owned(), value.len())
        }
    };
    let at = if length == 0 {
        offset + key_len + text[key_len..].find(':')? + 1
    } else {
        offset + start
    };
    Some(Pair {
        key,
        value: value.trim().to_owned(),
        span: at..at + length,
        line,
        children: Vec::new(),
        comment: None,
    })
}

fn rest_is_comment(rest: &str) -> bool {
    let rest = rest.trim_start();
    rest.is_empty() || rest.starts_with('#')
}

fn comment_start(text: &str) -> Option<usize> {
    text.match_indices('#')
        .map(|(at, _)| at)
        .find(|at| *at == 0 || text[..*at].ends_with([' ', '\t']))
}

/// A quoted text at the beginning of `text`, and its length with quotes.
fn quoted(text: &str, quote: char) -> Option<(String, usize)> {
    let mut out = String::new();
    let mut chars = text.char_indices().skip(1).peekable();
    while let Some((at, c)) = chars.next() {
        match c {
            '\\' if quote == '"' => match chars.next()?.1 {
                'n' => out.push('\n'),
                't' => out.push('\t'),
                other => out.push(other),
            },
            _ if c == quote => {
                if quote == '\'' && chars.peek().is_some_and(|(_, next)| *next == quote) {
                    chars.next();
                    out.push(quote);
                } else {
                    return Some((out, at + 1));
                }
            }
            _ => out.push(c),
        }
    }
    None
}
