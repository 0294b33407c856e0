//! The lines of the providers' streams, brought to one set of notices.

use std::borrow::Cow;

use serde_json::Value;

use crate::domain::workflow::Usage;

use super::RunResult;
use super::plain::line_of;

/// One thing that a line says.
pub(super) enum Notice<'a> {
    /// The agent has begun, with this model.
    Model(&'a str),
    /// Its own words; a piece goes on where the last piece ended.
    Text { text: &'a str, piece: bool },
    /// What only the live log shows: tools called, a sub-agent's words.
    Aside(String),
    /// What a tool answered.
    Output(Cow<'a, str>),
    /// An error that need not be the end.
    Trouble(Cow<'a, str>),
    /// The provider takes no more requests, until then (unix time).
    Refused(Option<i64>),
    /// It does again.
    Allowed,
    /// The end.
    End { result: RunResult, usage: Usage },
}

/// More denied calls than this are not named.
const MAX_DENIED: usize = 20;

/// What a line says; `None` when its shape is not known.
pub(super) fn read(line: &Value) -> Option<Vec<Notice<'_>>> {
    let kind = text(line, "type")?;
    if let Some((group, step)) = kind.split_once('.') {
        return codex(line, group, step);
    }
    match kind {
        "system" => Some(system(line)),
        "init" => Some(text(line, "model").map(Notice::Model).into_iter().collect()),
        "assistant" => content(line).map(|blocks| assistant(line, blocks)),
        "user" => Some(user(line)),
        "message" => message(line),
        "tool_use" => Some(vec![Notice::Aside(tool_call(line))]),
        // A call that failed has an error in its answer's place.
        "tool_result" => Some(vec![Notice::Output(output(line).unwrap_or_default())]),
        "error" => Some(vec![Notice::Trouble(error_text(line)?)]),
        "rate_limit_event" => Some(rate_limit(line)),
        // What claude streams besides, when it is told to.
        "stream_event" | "control_request" | "control_response" | "keep_alive" => Some(Vec::new()),
        "result" => Some(vec![end(line)]),
        _ => None,
    }
}

fn system(line: &Value) -> Vec<Notice<'_>> {
    match text(line, "subtype") {
        Some("init") => vec![Notice::Model(text(line, "model").unwrap_or("its own model"))],
        // A request is tried again: no end, but the last word if the process ends on it.
        Some("api_retry" | "api_error") => {
            error_text(line).map(Notice::Trouble).into_iter().collect()
        }
        _ => Vec::new(),
    }
}

fn assistant<'a>(line: &'a Value, blocks: &'a [Value]) -> Vec<Notice<'a>> {
    let sub_agent = line.get("parent_tool_use_id").is_some_and(|parent| !parent.is_null());
    // The program itself speaks in the agent's place when the provider has failed.
    let failed = line.get("error").is_some_and(|error| !error.is_null());
    let mut notices = Vec::new();
    for block in blocks {
        match text(block, "type") {
            Some("text") => {
                let Some(said) = text(block, "text") else { continue };
                if sub_agent {
                    notices.push(Notice::Aside(said.chars().take(400).collect()));
                } else {
                    notices.push(Notice::Text { text: said, piece: false });
                    if failed {
                        notices.push(Notice::Trouble(said.into()));
                    }
                }
            }
            Some("tool_use") => notices.push(Notice::Aside(tool_call(block))),
            _ => {}
        }
    }
    notices
}

fn user(line: &Value) -> Vec<Notice<'_>> {
    let blocks = content(line).unwrap_or_default();
    let results = blocks.iter().filter(|block| text(block, "type") == Some("tool_result"));
    // An answer without text is one as well.
    results.map(|block| Notice::Output(output(block).unwrap_or_default())).collect()
}

/// Gemini's: in pieces, of either side.
fn message(line: &Value) -> Option<Vec<Notice<'_>>> {
    let said = text(line, "content")?;
    if text(line, "role")? != "assistant" {
        return Some(Vec::new());
    }
    let piece = line.get("delta").and_then(Value::as_bool).unwrap_or(false);
    Some(vec![Notice::Text { text: said, piece }])
}

fn codex<'a>(line: &'a Value, group: &str, step: &str) -> Option<Vec<Notice<'a>>> {
    match (group, step) {
        ("thread" | "turn", "started") => Some(Vec::new()),
        ("turn", "completed") => Some(vec![end(line)]),
        ("turn", "failed") => {
            let result = RunResult {
                is_error: true,
                subtype: "turn.failed".to_owned(),
                text: error_text(line).unwrap_or_default().into_owned(),
                denied: Vec::new(),
            };
            Some(vec![Notice::End { result, usage: usage_of(line) }])
        }
        // Only whole items count, so that no output is read twice.
        ("item", "started" | "updated") => Some(match line.get("item") {
            Some(item) if step == "started" && item_type(item) == Some("command_execution") => {
                vec![Notice::Aside(tool_call(item))]
            }
            _ => Vec::new(),
        }),
        ("item", "completed") => item(line.get("item")?),
        _ => None,
    }
}

fn item_type(item: &Value) -> Option<&str> {
    text(item, "type").or_else(|| text(item, "item_type"))
}

fn item(item: &Value) -> Option<Vec<Notice<'_>>> {
    Some(match item_type(item)? {
        "agent_message" | "assistant_message" => {
            vec![Notice::Text { text: text(item, "text")?, piece: false }]
        }
        "command_execution" => {
            vec![Notice::Output(text(item, "aggregated_output").unwrap_or_default().into())]
        }
        "mcp_tool_call" => {
            let result = item.get("result").filter(|result| !result.is_null());
            vec![Notice::Output(result.and_then(output).unwrap_or_default())]
        }
        "file_change" => vec![Notice::Output("".into())],
        "error" => vec![Notice::Trouble(error_text(item)?)],
        _ => Vec::new(),
    })
}

fn rate_limit(line: &Value) -> Vec<Notice<'_>> {
    let Some(info) = line.get("rate_limit_info") else { return Vec::new() };
    let pays_more = info.get("isUsingOverage").and_then(Value::as_bool).unwrap_or(false);
    match text(info, "status") {
        Some("rejected") if !pays_more => {
            vec![Notice::Refused(info.get("resetsAt").and_then(Value::as_i64))]
        }
        Some(_) => vec![Notice::Allowed],
        None => Vec::new(),
    }
}

/// The end, as claude (`subtype`), gemini (`status`) and codex (`turn.completed`) tell it.
fn end(line: &Value) -> Notice<'_> {
    let status = text(line, "status");
    let word = text(line, "subtype").or(status).or(text(line, "type")).unwrap_or_default();
    let is_error = line
        .get("is_error")
        .and_then(Value::as_bool)
        .unwrap_or_else(|| word.starts_with("error") || status.is_some_and(|s| s != "success"));
    let said = text(line, "result").filter(|said| !said.trim().is_empty());
    let errors = if is_error { error_text(line) } else { None };
    let denied = line.get("permission_denials").and_then(Value::as_array);
    let mut names: Vec<String> = Vec::new();
    for call in denied.into_iter().flatten().map(denied_call) {
        if names.len() < MAX_DENIED && !names.contains(&call) {
            names.push(call);
        }
    }
    let result = RunResult {
        is_error,
        subtype: word.to_owned(),
        text: said.map(Cow::Borrowed).or(errors).unwrap_or_default().into_owned(),
        denied: names,
    };
    Notice::End { result, usage: usage_of(line) }
}

fn usage_of(line: &Value) -> Usage {
    let Some(told) = line.get("usage").or_else(|| line.get("stats")) else {
        return Usage { cost_usd: cost(line), ..Usage::default() };
    };
    let number = |name: &str| told.get(name).and_then(Value::as_i64).filter(|n| *n >= 0);
    // Claude counts what the cache holds apart, the others do not.
    let cached = ["cache_creation_input_tokens", "cache_read_input_tokens"];
    let input = number("input_tokens")
        .map(|fresh| cached.into_iter().filter_map(number).fold(fresh, i64::saturating_add));
    Usage { input_tokens: input, output_tokens: number("output_tokens"), cost_usd: cost(line) }
}

fn cost(line: &Value) -> Option<f64> {
    line.get("total_cost_usd").and_then(Value::as_f64).filter(|cost| *cost >= 0.0)
}

/// The first of the places where an error's text has been seen.
fn error_text(line: &Value) -> Option<Cow<'_, str>> {
    let error = line.get("error");
    let inner = error.and_then(|error| text(error, "message").or_else(|| error.as_str()));
    if let Some(message) = text(line, "message").or(inner) {
        return Some(message.into());
    }
    let errors = line.get("errors").and_then(Value::as_array)?;
    let texts: Vec<&str> = errors
        .iter()
        .filter_map(|error| error.as_str().or_else(|| text(error, "message")))
        .collect();
    (!texts.is_empty()).then(|| texts.join("\n").into())
}

/// What a tool answered: a string, or a list of texts.
fn output(block: &Value) -> Option<Cow<'_, str>> {
    match block.get("content").or_else(|| block.get("output"))? {
        Value::String(output) => Some(output.into()),
        Value::Array(parts) => {
            let texts: Vec<&str> = parts
                .iter()
                .filter_map(|part| text(part, "text").or_else(|| part.as_str()))
                .collect();
            Some(texts.join("\n").into())
        }
        _ => Some("".into()),
    }
}

fn content(line: &Value) -> Option<&[Value]> {
    line.get("message")?.get("content")?.as_array().map(Vec::as_slice)
}

/// `Bash: npm test`.
fn tool_call(call: &Value) -> String {
    let name = text(call, "name").or_else(|| text(call, "tool_name"));
    let input = call.get("input").or_else(|| call.get("parameters")).unwrap_or(call);
    match (name, gist(input)) {
        (Some(name), Some(gist)) => format!("{name}: {gist}"),
        (name, gist) => name.map(str::to_owned).or(gist).unwrap_or_default(),
    }
}

/// `Bash(npm test)`.
fn denied_call(call: &Value) -> String {
    let name = text(call, "tool_name").unwrap_or("a tool");
    let name: String = name.chars().take(100).collect();
    match call.get("tool_input").and_then(gist) {
        Some(gist) => format!("{name}({gist})"),
        None => name,
    }
}

/// What tells best what a call is about.
fn gist(input: &Value) -> Option<String> {
    const TELLING: [&str; 7] =
        ["command", "file_path", "path", "pattern", "query", "url", "description"];
    TELLING.iter().find_map(|name| line_of(text(input, name)?, 100))
}

fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}
