//! Why a run failed, as far as its output tells.

use super::plain::line_of;
use super::{AgentStream, MAX_SAID};

/// What programs say when nobody has logged in, in lower case.
const NOT_LOGGED_IN: [&str; 14] = [
    "please run /login",
    "not logged in",
    "invalid api key",
    "missing api key",
    "api key not valid",
    "invalid authentication credentials",
    "authentication_error",
    "oauth token has expired",
    "oauth token revoked",
    "please set an auth method",
    "missing bearer",
    "401 unauthorized",
    "login required",
    "not authenticated",
];

/// What parsers of arguments say to an option that they do not know.
const UNKNOWN_OPTION: [&str; 6] = [
    "unknown option",
    "unknown argument",
    "unexpected argument",
    "unrecognized option",
    "unrecognized argument",
    "unrecognised option",
];

/// One sentence, or none when there is nothing to complain of.
pub(super) fn of(stream: &AgentStream) -> Option<String> {
    if let Some(result) = &stream.result {
        if !result.denied.is_empty() {
            return Some(format!("permissions denied: {}", result.denied.join(", ")));
        }
        if !result.is_error {
            return None;
        }
        if let Some(line) = first_with(&result.text, &NOT_LOGGED_IN) {
            return Some(format!("not logged in: {line}"));
        }
        let said = line_of(&result.text, MAX_SAID).or_else(|| stream.trouble.clone());
        return Some(match said {
            Some(said) => format!("the agent ended with an error: {said}"),
            None => format!("the agent ended with an error: {}", result.subtype),
        });
    }
    let stderr = stream.stderr.text();
    let chatter = stream.chatter.text();
    let trouble = stream.trouble.as_deref().unwrap_or_default();
    for voice in [stderr.as_str(), trouble, &chatter] {
        if let Some(line) = first_with(voice, &UNKNOWN_OPTION) {
            return Some(format!("the agent does not know an option: {line}"));
        }
        if let Some(line) = first_with(voice, &NOT_LOGGED_IN) {
            return Some(format!("not logged in: {line}"));
        }
    }
    stream.trouble.clone().or_else(|| last_line(&stderr)).or_else(|| last_line(&chatter))
}

/// The first line that holds one of the words.
fn first_with(text: &str, words: &[&str]) -> Option<String> {
    let line = text.lines().find(|line| {
        let line = line.to_lowercase();
        words.iter().any(|word| line.contains(word))
    })?;
    line_of(line, MAX_SAID)
}

fn last_line(text: &str) -> Option<String> {
    text.lines().rev().find_map(|line| line_of(line, MAX_SAID))
}
