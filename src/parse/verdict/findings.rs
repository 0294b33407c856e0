//! The findings of a review, brought to a form in which two reviews that found the same are equal.

use super::{decision, flag, review_mark};

/// As much is kept; reviews that long are equal or not well before this.
const MAX_FINDINGS: usize = 64 * 1024;

/// Lower case, without marks, Markdown, blanks, line numbers and counters.
pub(super) fn normalised(review: &str) -> String {
    // What comes before the first finding is the agent on its way: "let me look at …".
    let is_finding = |line: &&str| begins_finding(line.trim_start());
    let first = review.lines().position(|line| is_finding(&line)).unwrap_or(0);
    let mut out = String::new();
    for line in review.lines().skip(first) {
        if review_mark(line).is_some() || flag(line).is_some() || decision(line).is_some() {
            continue;
        }
        let before = out.len();
        if !out.is_empty() {
            out.push('\n');
        }
        let start = out.len();
        for word in words(line) {
            if out.len() > start {
                out.push(' ');
            }
            for c in word.chars().flat_map(char::to_lowercase) {
                if out.len() + c.len_utf8() > MAX_FINDINGS {
                    // The break or blank before a word that found no room.
                    out.truncate(out.trim_end().len());
                    return out;
                }
                out.push(c);
            }
        }
        if out.len() == start {
            out.truncate(before);
        }
    }
    out
}

/// A list's item, a table's row, a heading.
fn begins_finding(line: &str) -> bool {
    let number = line.trim_start_matches(|c: char| c.is_ascii_digit());
    line.starts_with("- ")
        || line.starts_with("* ")
        || line.starts_with("+ ")
        || line.starts_with('|')
        || line.starts_with('#')
        || (number.len() < line.len() && number.starts_with(['.', ')']))
}

/// The words of a line. Plain numbers are lines and counters; `L12` is a line as well.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let is_number = |word: &str| {
        let digits = word.strip_prefix(['L', 'l']).unwrap_or(word);
        digits.bytes().all(|byte| byte.is_ascii_digit())
    };
    let is_line = |word: &str| ["line", "lines"].iter().any(|line| word.eq_ignore_ascii_case(line));
    line.split(|c: char| !c.is_alphanumeric())
        .filter(move |word| !word.is_empty() && !is_number(word) && !is_line(word))
}
