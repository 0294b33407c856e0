//! The numbers that a message ends with: `Story file written (files:2, lines:85)`.

use serde_json::{Map, Number, Value};

/// The suffix's numbers by name; empty when there is none, or when it says anything else.
pub(super) fn of_message(message: &str) -> Map<String, Value> {
    read(message).unwrap_or_default()
}

fn read(message: &str) -> Option<Map<String, Value>> {
    let inner = message.trim_end().strip_suffix(')')?;
    let inner = &inner[inner.rfind('(')? + 1..];
    inner
        .split(',')
        .map(|pair| {
            let (name, value) = pair.split_once(':')?;
            let (name, value) = (name.trim(), value.trim());
            let plain = !name.is_empty()
                && name.chars().all(|c| c.is_alphanumeric() || matches!(c, '_' | '-' | ' '));
            let value = value
                .parse::<i64>()
                .map(Number::from)
                .ok()
                .or_else(|| value.parse().ok().and_then(Number::from_f64))?;
            plain.then(|| (name.to_owned(), Value::Number(value)))
        })
        .collect()
}
