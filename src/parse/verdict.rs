//! What a review or create-story decided, read from the marks that its agent was told to print.
//!
//! A mark counts when it stands on a line of its own (bold, a list's dash and `Verdict:` before it
//! do no harm) or in brackets at a line's end. In a sentence it is talk about the mark, and so it
//! is behind `>`, which quotes somebody else.

mod findings;
#[cfg(test)]
mod tests;

use crate::domain::workflow::{Severity, TechSpecDecision, Verdict};

/// Before a mark in brackets these words make it talk about the mark.
const TALK: [&str; 9] =
    ["print", "prints", "output", "say", "says", "write", "emit", "respond", "reply"];
/// Before `[ZERO ISSUES]` these as well: to miss it costs a review, to believe it wrongly a bug.
const DOUBT: [&str; 15] = [
    "return", "end", "if", "when", "unless", "until", "or", "either", "not", "no", "never",
    "without", "isn't", "cannot", "once",
];
/// What may stand before a mark and a colon.
const LABELS: [&str; 12] = [
    "verdict",
    "result",
    "results",
    "outcome",
    "status",
    "conclusion",
    "final",
    "overall",
    "review",
    "code",
    "story",
    "summary",
];

/// A mark on a review.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Mark {
    /// `ZERO ISSUES`, or a highest severity of none.
    Zero,
    /// A highest severity that is known.
    Severity(Severity),
    /// A highest severity that is not.
    Unknown,
}

/// The last verdict in the text; none when there is none or it cannot be read.
///
/// Of two that contradict each other with nothing between them the worse one counts.
pub fn verdict(text: &str) -> Option<Verdict> {
    // Where the last block of marks and the one before it lie; marks with words between them are
    // two reviews.
    let mut last: Option<Mark> = None;
    let mut previous_end = 0;
    let mut block_end = 0;
    let mut in_block = false;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        at += line.len();
        if let Some(mark) = review_mark(line) {
            if in_block {
                last = last.map(|last| worse(last, mark));
            } else {
                previous_end = block_end;
                last = Some(mark);
            }
            in_block = true;
            block_end = at;
        } else if !line.trim().is_empty() && flag(line).is_none() {
            in_block = false;
        }
    }
    match last? {
        Mark::Zero => Some(Verdict::ZeroIssues),
        Mark::Severity(severity) => {
            let findings = findings::normalised(&text[previous_end..]);
            Some(Verdict::Issues { severity, findings })
        }
        Mark::Unknown => None,
    }
}

/// Whether a review of stories or tech specs found something critical.
pub fn is_critical(text: &str) -> bool {
    let flagged = text.lines().filter_map(flag).next_back().unwrap_or(false);
    let critical =
        |verdict| matches!(verdict, Verdict::Issues { severity: Severity::Critical, .. });
    flagged || verdict(text).is_some_and(critical)
}

/// What was decided on tech specs, in order.
pub fn tech_spec_decisions(text: &str) -> Vec<TechSpecDecision> {
    text.lines().filter_map(decision).collect()
}

/// The more careful reading of two marks in one block. An unknown word leaves nothing to go by,
/// unless something bad is said beside it.
fn worse(one: Mark, other: Mark) -> Mark {
    let rank = |mark| match mark {
        Mark::Zero => 0,
        Mark::Unknown => 1,
        Mark::Severity(severity) => 2 + severity as u8,
    };
    if rank(other) > rank(one) { other } else { one }
}

/// The mark on a review that a line bears.
fn review_mark(line: &str) -> Option<Mark> {
    let (before, mark) = marked(line, |mark| {
        let mark = mark.to_ascii_uppercase();
        let words = mark.split_whitespace();
        if words.clone().eq(["ZERO", "ISSUES"]) || words.eq(["ZERO", "ISSUES", "FOUND"]) {
            return Some(Mark::Zero);
        }
        let rest = mark.strip_prefix("HIGHEST")?.trim_start().strip_prefix("SEVERITY")?;
        Some(match value(rest)? {
            "CRITICAL" => Mark::Severity(Severity::Critical),
            "HIGH" => Mark::Severity(Severity::High),
            "MEDIUM" => Mark::Severity(Severity::Medium),
            "LOW" => Mark::Severity(Severity::Low),
            "NONE" | "ZERO" => Mark::Zero,
            _ => Mark::Unknown,
        })
    })?;
    (mark != Mark::Zero || !talks(before, &DOUBT)).then_some(mark)
}

/// `[CRITICAL-ISSUES-FOUND: YES]`.
fn flag(line: &str) -> Option<bool> {
    let (_, found) = marked(line, |mark| {
        let mark = mark.to_ascii_uppercase();
        match value(mark.strip_prefix("CRITICAL-ISSUES-FOUND")?)? {
            "YES" | "TRUE" => Some(true),
            "NO" | "FALSE" => Some(false),
            _ => None,
        }
    })?;
    Some(found)
}

/// `[TECH-SPEC-DECISION: SKIP]`; a reason may follow.
fn decision(line: &str) -> Option<TechSpecDecision> {
    const NAME: &str = "TECH-SPEC-DECISION";
    let upper = line.to_ascii_uppercase();
    let decided = |rest: &str| match value(rest)? {
        "REQUIRED" => Some(TechSpecDecision::Required),
        "SKIP" => Some(TechSpecDecision::Skip),
        _ => None,
    };
    // One line that names two is a choice, not a decision.
    let (before, rest) = upper.split_once(NAME)?;
    if is_quoted(&upper) || rest.contains(NAME) || talks(before, &TALK) {
        return None;
    }
    let in_brackets = before.ends_with('[') && rest.split_once(']').is_some();
    let inner = if in_brackets { rest.split_once(']')?.0 } else { rest };
    if in_brackets || trimmed(before).is_empty() { decided(inner) } else { None }
}

/// Reads a line's mark, and what stands before it: the mark is the whole of the line, or what
/// stands in brackets at its end.
fn marked<T>(line: &str, read: impl Fn(&str) -> Option<T>) -> Option<(&str, T)> {
    let line = line.trim();
    if is_quoted(line) {
        return None;
    }
    if let Some(found) = read(unlabelled(trimmed(line))) {
        return Some(("", found));
    }
    let is_trim = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`' | '|');
    let (before, inner) = line.trim_end_matches(is_trim).strip_suffix(']')?.rsplit_once('[')?;
    if talks(before, &TALK) { None } else { read(trimmed(inner)).map(|found| (before, found)) }
}

/// A line that repeats somebody else's words.
fn is_quoted(line: &str) -> bool {
    line.trim_start().starts_with('>')
}

/// Without what decorates it. Quotation marks and question marks are no decoration.
fn trimmed(text: &str) -> &str {
    text.trim_matches(|c: char| {
        !c.is_alphanumeric()
            && !matches!(c, '"' | '\'' | '“' | '”' | '‘' | '’' | '„' | '«' | '»' | '?')
    })
}

/// Without `Verdict:` and the like.
fn unlabelled(text: &str) -> &str {
    let Some((label, rest)) = text.split_once(':') else { return text };
    let mut words = label.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty());
    let is_label = |word: &str| LABELS.iter().any(|label| word.eq_ignore_ascii_case(label));
    if words.all(is_label) { trimmed(rest) } else { text }
}

/// The word after `NAME` and its colon; none when it stands for a choice or a place to fill in.
fn value(rest: &str) -> Option<&str> {
    let is_mark = |c: char| c.is_whitespace() || matches!(c, '*' | '_' | '`');
    let rest = rest.trim_start_matches(is_mark);
    let rest = rest.strip_prefix([':', '='])?.trim_start_matches(|c| is_mark(c) || c == '[');
    let end = rest.find(|c: char| !c.is_alphanumeric()).unwrap_or(rest.len());
    let (word, rest) = rest.split_at(end);
    let rest = rest.trim_start_matches(|c| is_mark(c) || c == ']');
    let chosen = rest.starts_with(['|', '/', ',']) || rest.starts_with("OR ");
    (!word.is_empty() && !chosen).then_some(word)
}

/// Whether one of the words stands in the text.
fn talks(text: &str, words: &[&str]) -> bool {
    let apart = |c: char| !c.is_alphanumeric() && !matches!(c, '\'' | '.');
    text.split(apart).any(|found| words.iter().any(|word| found.eq_ignore_ascii_case(word)))
}
