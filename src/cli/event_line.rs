//! An event as one line for people.

use serde::Deserialize;
use serde_json::Value;

use super::clock::{duration, local};
use super::terminal::{Terminal, Tone};

/// What a line shows of an event.
#[derive(Debug, Deserialize)]
struct Shown {
    id: u64,
    #[serde(rename = "type")]
    kind: String,
    timestamp: i64,
    #[serde(default)]
    payload: Value,
}

/// An event as people read it, its texts as they came: whoever shows them makes them safe.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Line {
    /// Milliseconds since the epoch.
    pub(crate) at: i64,
    /// Its place in the log.
    pub(crate) id: u64,
    /// The type's name.
    pub(crate) kind: String,
    /// What the type is painted with.
    pub(crate) tone: Tone,
    /// The story, epic, file or batch it speaks of.
    pub(crate) subject: String,
    /// What happened.
    pub(crate) summary: String,
}

/// Reads an event's JSON; `None` for text that is none.
pub(crate) fn read(json: &str) -> Option<Line> {
    let event: Shown = serde_json::from_str(json).ok()?;
    let what = Payload(&event.payload);
    Some(Line {
        at: event.timestamp,
        id: event.id,
        tone: tone(&event.kind, &what),
        subject: what.subject(),
        summary: what.summary(&event.kind),
        kind: event.kind,
    })
}

/// The event's JSON as a line: time, id, type, story, what happened. Text that is not an event is
/// shown as it is.
pub(crate) fn format(terminal: Terminal, json: &str) -> String {
    let Some(line) = read(json) else {
        return terminal.paint(Tone::Plain, json);
    };
    let head = format!("{} {:>7}", local(line.at), format!("#{}", line.id));
    format!(
        "{} {} {} {}",
        terminal.paint(Tone::Faint, &head),
        terminal.paint(line.tone, &format!("{:<16}", line.kind)),
        terminal.paint(Tone::Strong, &format!("{:<16}", line.subject)),
        terminal.paint(Tone::Plain, &line.summary),
    )
    .trim_end()
    .to_owned()
}

fn tone(kind: &str, what: &Payload<'_>) -> Tone {
    match kind {
        "command:end" if matches!(what.text("status"), Some("failed" | "error" | "blocked")) => {
            Tone::Bad
        }
        "command:end" | "batch:end" => Tone::Good,
        "command:start" | "batch:start" | "cycle:start" | "agent:start" => Tone::Live,
        "story:status" | "epic:status" => Tone::of_class(what.text("status_class").unwrap_or("")),
        "error" | "background:error" | "cleanup:file_error" | "context:error" => Tone::Bad,
        "batch:warning" | "injection:warning" | "source:state" => Tone::Warn,
        _ => Tone::Plain,
    }
}

struct Payload<'a>(&'a Value);

impl Payload<'_> {
    fn text(&self, key: &str) -> Option<&str> {
        self.0.get(key)?.as_str().filter(|text| !text.is_empty())
    }

    /// The story, epic, file or batch it speaks of.
    fn subject(&self) -> String {
        for key in ["story_key", "epic_key", "epic_id", "file", "file_name", "agent_id"] {
            if let Some(text) = self.text(key) {
                return text.to_owned();
            }
        }
        match self.0.get("batch_id").and_then(Value::as_i64) {
            Some(id) => format!("batch {id}"),
            None => "-".to_owned(),
        }
    }

    /// A list of keys.
    fn keys(&self, name: &str) -> String {
        let keys = self.0.get(name).and_then(Value::as_array).into_iter().flatten();
        keys.filter_map(Value::as_str).collect::<Vec<_>>().join(", ")
    }

    fn summary(&self, kind: &str) -> String {
        let mut parts = Vec::new();
        match kind {
            "story:status" | "epic:status" => {
                let word = |key| self.text(key).unwrap_or("(none)");
                parts.push(format!("{} → {}", word("old_status"), word("new_status")));
                if self.0.get("retrospective") == Some(&Value::Bool(true)) {
                    parts.push("retrospective".to_owned());
                }
            }
            "source:state" => {
                parts.push(self.text("state").unwrap_or("?").to_owned());
                if let Some(line) = self.0.get("line").and_then(Value::as_u64) {
                    parts.push(format!("line {line}"));
                }
            }
            "batch:start" => {
                parts.extend(self.text("origin").map(str::to_owned));
                for (key, word) in [("max_cycles", "cycles at most"), ("size", "announced")] {
                    let number = self.0.get(key).and_then(Value::as_i64);
                    parts.extend(number.map(|number| format!("{number} {word}")));
                }
            }
            "cycle:start" | "cycle:end" => {
                let number = self.0.get("cycle_number").and_then(Value::as_i64).unwrap_or_default();
                parts.push(format!("cycle {number}"));
                let done = if kind == "cycle:end" { "done: " } else { "" };
                let keys =
                    self.keys(if done.is_empty() { "story_keys" } else { "completed_stories" });
                parts.push(format!(
                    "{done}{}",
                    if keys.is_empty() { "none".to_owned() } else { keys }
                ));
            }
            "cleanup:complete" => {
                let moved = self.0.get("files_moved").and_then(Value::as_i64).unwrap_or_default();
                parts.push(format!("{moved} files moved"));
            }
            "agent:start" => {
                parts.extend(self.text("command").map(str::to_owned));
                parts.push(self.keys("story_keys"));
                parts.extend(self.text("model").map(str::to_owned));
            }
            "agent:end" => {
                let number = |key: &str| self.0.get(key).and_then(Value::as_i64);
                parts.extend(number("exit_code").map(|code| format!("exit code {code}")));
                parts.extend(number("signal").map(|signal| format!("signal {signal}")));
                parts.extend(number("duration_ms").map(duration));
            }
            "activity:entry" => return self.text("text").unwrap_or_default().trim().to_owned(),
            _ => {
                if let Some(command) = self.text("command") {
                    let task = self.text("task_id").map(|task| format!("/{task}"));
                    parts.push(format!("{command}{}", task.unwrap_or_default()));
                }
                parts.extend(self.text("status").map(str::to_owned));
                parts.extend(self.text("reason").map(str::to_owned));
                if let Some(ms) = self.0.get("duration_ms").and_then(Value::as_i64) {
                    parts.push(duration(ms));
                }
            }
        }
        parts.retain(|part| !part.is_empty());
        parts.extend(self.text("message").map(str::to_owned));
        parts.extend(self.text("error").map(str::to_owned));
        if parts.is_empty() && self.0.as_object().is_some_and(|body| !body.is_empty()) {
            parts.push(self.0.to_string());
        }
        parts.join("  ")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(json: &str) -> String {
        let line = format(Terminal::piped(), json);
        // The time depends on where the test runs.
        line.split_once('#').map_or(line.clone(), |(_, rest)| format!("#{rest}"))
    }

    #[test]
    fn each_kind_says_what_happened() {
        let command = r#"{"id":7,"type":"command:end","timestamp":0,"payload":{"story_key":"2a-1-x","command":"dev-story","task_id":"tests","status":"end","message":"ok","duration_ms":61000}}"#;
        assert_eq!(
            shown(command),
            "#7 command:end      2a-1-x           dev-story/tests  end  1 min 1 s  ok"
        );
        let status = r#"{"id":8,"type":"story:status","timestamp":0,"payload":{"story_key":"k","old_status":null,"new_status":"done"}}"#;
        assert_eq!(shown(status), "#8 story:status     k                (none) → done");
    }

    #[test]
    fn a_message_cannot_forge_a_line() {
        let json = r#"{"id":1,"type":"error","timestamp":0,"payload":{"message":"a\n\u001b[2Jb"}}"#;
        assert!(shown(json).ends_with("a\\n\\x1b[2Jb"));
    }

    #[test]
    fn unknown_kinds_and_odd_times_are_shown() {
        let json =
            r#"{"id":1,"type":"new:thing","timestamp":9223372036854775807,"payload":{"a":1}}"#;
        assert!(shown(json).ends_with("{\"a\":1}"));
        assert_eq!(shown("no event"), "no event");
    }
}
