//! A provider's usage limit: whether a text is its message, and when it ends.

use super::Limit;
use super::plain::line_of;

mod time;

pub(super) use time::ahead;

/// A longer line is somebody's prose.
const MAX_SENTENCE: usize = 400;
const MAX_MESSAGE: usize = 300;

/// What stands before the message, in lower case.
const PREFIXES: [&str; 8] =
    ["api error:", "codex error:", "error:", "error", "stream error:", "429", "[", "warning:"];

/// How the messages begin, in lower case.
const BEGINNINGS: [&str; 10] = [
    "the usage limit has been reached",
    "you're out of extra usage",
    "you are out of extra usage",
    "you have exhausted your",
    "you exceeded your current quota",
    "rate limit reached for",
    "this request would exceed your account's rate limit",
    "resource has been exhausted",
    "resource exhausted",
    "quota exceeded for",
];

/// Words of providers' error objects, which no prose begins or ends by chance.
const CODES: [&str; 4] =
    ["usage_limit_reached", "resource_exhausted", "rate_limit_error", "insufficient_quota"];

/// What may stand before `limit reached`.
const KINDS: [&str; 16] = [
    "claude", "ai", "usage", "weekly", "daily", "monthly", "session", "opus", "sonnet", "haiku",
    "model", "api", "rate", "your", "the", "message",
];

/// The limit that an error tells of, in any of its lines.
pub(super) fn of_error(text: &str, now_ms: Option<i64>) -> Option<Limit> {
    let is_met = |line: &&str| {
        let lower = lowered(line);
        // An attempt that will be repeated is no end.
        !lower.contains("retrying")
            && (is_sentence(&lower) || CODES.iter().any(|code| lower.contains(code)))
    };
    let line = text.lines().find(is_met)?;
    // Error objects are printed over many lines; the time may stand on another one.
    let resets_at_ms = time::of(line, now_ms).or_else(|| time::of(text, now_ms));
    Some(Limit { resets_at_ms, message: line_of(line, MAX_MESSAGE)? })
}

/// The limit, when a text is its message and nothing else.
pub(super) fn whole(text: &str, now_ms: Option<i64>) -> Option<Limit> {
    let text = text.trim();
    if text.contains('\n') || !is_sentence(&lowered(text)) {
        return None;
    }
    let resets_at_ms = time::of(text, now_ms);
    Some(Limit { resets_at_ms, message: line_of(text, MAX_MESSAGE)? })
}

/// Lower case, with the apostrophe of a keyboard.
fn lowered(text: &str) -> String {
    text.trim().to_lowercase().replace('’', "'")
}

/// Whether a line begins as the messages do.
fn is_sentence(line: &str) -> bool {
    if line.len() > MAX_SENTENCE {
        return false;
    }
    let mut line = line.trim_start_matches(|c: char| !c.is_alphanumeric() && c != '[');
    while let Some(rest) = PREFIXES.iter().find_map(|prefix| line.strip_prefix(prefix)) {
        line = rest.trim_start_matches(|c: char| c.is_whitespace() || matches!(c, ':' | '"'));
    }
    BEGINNINGS.iter().any(|beginning| line.starts_with(beginning))
        || is_kind_of_limit(line)
        || has_hit(line)
}

/// `5-hour limit reached`, `claude ai usage limit reached|…`.
fn is_kind_of_limit(line: &str) -> bool {
    let Some((before, _)) = line.split_once("limit reached") else { return false };
    let mut words = before.split_whitespace();
    words.all(|word| KINDS.contains(&word) || word.ends_with("-hour"))
}

/// `you've hit your session limit · …`.
fn has_hit(line: &str) -> bool {
    let begins =
        ["you've hit your", "you have hit your", "you've reached your", "you have reached your"];
    let Some(rest) = begins.iter().find_map(|begin| line.strip_prefix(begin)) else {
        return false;
    };
    rest.split_whitespace().take(5).any(|word| word.trim_matches(['.', ',', '!']) == "limit")
}
