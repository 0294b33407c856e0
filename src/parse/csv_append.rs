//! A row of the CSV log from JSON: what `sprint-runner log` appends.

use serde_json::Value;

use super::csv::{CsvContext, RowOutcome, parse_row};
use crate::domain::issue::shown;

/// The keys a row takes from the JSON, and whether they must be there.
const COLUMNS: [(&str, bool); 6] = [
    ("epic_id", true),
    ("story_id", true),
    ("command", true),
    ("task_id", true),
    ("status", true),
    ("message", false),
];

/// Why no row was made: one sentence that names the key.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct RowError(String);

/// The row for `{"epic_id","story_id","command","task_id","status","message"?}`, without its line
/// feed. `metrics` (an object of numbers) become the message's suffix, `attempt` the command's.
/// `now_s` is the row's time in seconds.
pub fn format_row(json: &Value, now_s: i64) -> Result<String, RowError> {
    let Value::Object(object) = json else {
        return Err(RowError("a row is a JSON object".to_owned()));
    };
    for key in object.keys() {
        let known = COLUMNS.iter().any(|(name, _)| name == key);
        if !known && !matches!(key.as_str(), "metrics" | "attempt") {
            return Err(RowError(format!(
                "unknown key \"{}\"; a row takes epic_id, story_id, command, task_id, status, message, metrics, attempt",
                shown(key, 80)
            )));
        }
    }
    let mut row = now_s.to_string();
    for (name, required) in COLUMNS {
        let mut value = text_of(object.get(name), name, required)?;
        // A number in that column is how readers tell the older shape, with its duration there.
        if name == "status"
            && value.trim().bytes().all(|byte| byte.is_ascii_digit() || byte == b'.')
        {
            return Err(RowError("\"status\" must be a word such as start or end".to_owned()));
        }
        if name == "command"
            && let Some(attempt) = attempt_of(object.get("attempt"))?
        {
            value = format!("{value}-{attempt}");
        }
        row.push(',');
        if name == "message" {
            let value = value + &metrics_of(object.get("metrics"))?;
            row.push_str(&quoted(value.trim_start()));
        } else if value.contains([',', '"']) {
            row.push_str(&quoted(&value));
        } else {
            row.push_str(&value);
        }
    }
    if reads_back(&row, object) {
        Ok(row)
    } else {
        let message = "readers of the log would take this row for another one; \
                       give a command such as dev-story and a status such as start";
        Err(RowError(message.to_owned()))
    }
}

/// Whether readers find command and status where they were put: a command that looks like a
/// story's id is one more story to them.
fn reads_back(row: &str, object: &serde_json::Map<String, Value>) -> bool {
    let RowOutcome::Row(read, _) = parse_row(row.as_bytes(), 1, &mut CsvContext::default()) else {
        return false;
    };
    let is = |read: &str, name: &str, required: bool| {
        text_of(object.get(name), name, required).is_ok_and(|given| read.starts_with(given.trim()))
    };
    is(&read.command, "command", true) && is(&read.status, "status", true)
}

fn text_of(value: Option<&Value>, name: &str, required: bool) -> Result<String, RowError> {
    let text = match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Number(number)) => number.to_string(),
        None | Some(Value::Null) if !required => String::new(),
        None | Some(Value::Null) => return Err(RowError(format!("\"{name}\" is missing"))),
        Some(_) => return Err(RowError(format!("\"{name}\" must be a text"))),
    };
    let text = text.replace("\r\n", "\\n").replace(['\n', '\r'], "\\n").replace('\0', "");
    if required && text.trim().is_empty() {
        return Err(RowError(format!("\"{name}\" is empty")));
    }
    Ok(text)
}

fn attempt_of(value: Option<&Value>) -> Result<Option<u64>, RowError> {
    match value {
        None | Some(Value::Null) => Ok(None),
        Some(value) => match value.as_u64().filter(|attempt| *attempt > 0) {
            Some(attempt) => Ok(Some(attempt)),
            None => Err(RowError("\"attempt\" must be a whole number from 1".to_owned())),
        },
    }
}

fn metrics_of(value: Option<&Value>) -> Result<String, RowError> {
    let object = match value {
        None | Some(Value::Null) => return Ok(String::new()),
        Some(Value::Object(object)) => object,
        Some(_) => return Err(RowError("\"metrics\" must be an object of numbers".to_owned())),
    };
    let mut pairs = Vec::with_capacity(object.len());
    for (name, value) in object {
        let plain =
            !name.is_empty() && name.chars().all(|c| c.is_alphanumeric() || c == '_' || c == '-');
        if !plain || !value.is_number() {
            let name = shown(name, 80);
            return Err(RowError(format!("the metric \"{name}\" must be a word with a number")));
        }
        pairs.push(format!("{name}:{value}"));
    }
    Ok(if pairs.is_empty() { String::new() } else { format!(" ({})", pairs.join(", ")) })
}

fn quoted(text: &str) -> String {
    format!("\"{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    #[test]
    fn rows_as_the_older_script_wrote_them() {
        let row = format_row(
            &json!({"epic_id": "2a", "story_id": "2a-1", "command": "dev-story", "task_id": "setup", "status": "start", "message": "Begin, \"now\"\nsoon"}),
            1_769_210_397,
        );
        assert_eq!(
            row.unwrap(),
            r#"1769210397,2a,2a-1,dev-story,setup,start,"Begin, ""now""\nsoon""#
        );
        let row = format_row(
            &json!({"epic_id": 4, "story_id": "4-1,4-2", "command": "code-review", "task_id": "fix", "status": "end", "metrics": {"files": 2, "lines": 85}, "attempt": 3}),
            7,
        );
        assert_eq!(row.unwrap(), r#"7,4,"4-1,4-2",code-review-3,fix,end,"(files:2, lines:85)""#);
    }

    #[test]
    fn errors_name_the_key() {
        for (json, word) in [
            (json!([]), "object"),
            (json!({"epic_id": "1"}), "story_id"),
            (
                json!({"epic_id": "1", "story_id": "1-1", "command": "", "task_id": "a", "status": "end"}),
                "command",
            ),
            (
                json!({"epic_id": "1", "story_id": true, "command": "c", "task_id": "a", "status": "end"}),
                "story_id",
            ),
            (
                json!({"epic_id": "1", "story_id": "1-1", "command": "c", "task_id": "a", "status": 3}),
                "status",
            ),
            (json!({"epik": "1"}), "epik"),
            (
                json!({"epic_id": "1", "story_id": "1-1", "command": "c", "task_id": "a", "status": "end", "attempt": 0}),
                "attempt",
            ),
        ] {
            let error = format_row(&json, 1).unwrap_err().to_string();
            assert!(error.contains(word), "{error}");
        }
    }

    proptest! {
        #[test]
        fn what_is_logged_is_read_back(message in "\\PC{0,40}", story in "[0-9]-[0-9]", newline: bool) {
            prop_assume!(!message.contains("\\n"));
            let message = if newline { format!("a{message}\nb") } else { format!("a{message}b") };
            let json = json!({"epic_id": "1", "story_id": story, "command": "dev", "task_id": "t", "status": "progress", "message": message});
            let line = format_row(&json, 1_769_210_397).unwrap();
            prop_assert!(!line.contains('\n'));
            let RowOutcome::Row(row, None) = parse_row(line.as_bytes(), 2, &mut CsvContext::default()) else {
                return Err(TestCaseError::fail(line));
            };
            prop_assert_eq!(row.message.as_deref(), Some(message.as_str()));
            prop_assert_eq!(row.story, story);
        }
    }
}
