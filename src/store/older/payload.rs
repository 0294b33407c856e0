//! The payload of an older event: its own, completed by what stands in the row's columns; where it
//! has none, or one that cannot be read, those columns alone.

use serde_json::{Map, Value, json};

use super::values::time_of;
use crate::domain::key;

/// A payload longer than this is not taken apart: no event of any version comes near it.
const LONGEST: usize = 4 * 1024 * 1024;

/// What could not be read is kept beside what stands in the columns, up to this.
const KEPT: usize = 64 * 1024;

/// Keys of payloads that hold times.
const TIMES: &[&str] = &["started_at", "ended_at", "timestamp"];

/// An older event's row; empty texts where it says nothing.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub(super) struct Told<'a> {
    pub kind: &'a str,
    pub epic_id: &'a str,
    pub story_key: &'a str,
    pub command: &'a str,
    pub task_id: &'a str,
    pub status: &'a str,
    pub message: Option<&'a str>,
    pub payload: &'a str,
    /// The batch's number there and here.
    pub batch: Option<(i64, i64)>,
}

/// The event's batch as its row says it, for the events that begin and end one.
#[derive(Debug, Default)]
#[allow(missing_docs)]
pub(super) struct BatchTold {
    pub started_at: i64,
    pub ended_at: Option<i64>,
    pub max_cycles: Option<i64>,
    pub cycles_completed: i64,
    pub status: String,
    pub reason: Option<String>,
}

/// The payload as JSON on one line, and whether the row's own could be read.
pub(super) fn payload(
    told: &Told<'_>,
    batch: impl FnOnce(i64) -> Option<BatchTold>,
) -> (String, bool) {
    let own = own(told.payload);
    let readable = own.is_ok();
    let (mut map, kept) = match own {
        Ok(Some(map)) => (map, None),
        Ok(None) => (rebuilt(told, batch), None),
        Err(text) => (rebuilt(told, batch), Some(text)),
    };
    complete(&mut map, told);
    if let Some(kept) = kept {
        map.insert("unreadable_payload".to_owned(), kept.into());
    }
    // Written without a blank behind the colon: that is how the log knows history.
    map.insert("imported".to_owned(), true.into());
    (Value::Object(map).to_string(), readable)
}

/// The row's own payload; `None` where it has none. An error is what stands there instead.
fn own(text: &str) -> Result<Option<Map<String, Value>>, String> {
    if text.trim().is_empty() {
        return Ok(None);
    }
    let read = if text.len() <= LONGEST { serde_json::from_str(text).ok() } else { None };
    match read {
        Some(Value::Object(map)) => Ok(Some(map)),
        Some(Value::Null) => Ok(None),
        _ => {
            let mut end = KEPT.min(text.len());
            while !text.is_char_boundary(end) {
                end -= 1;
            }
            Err(text[..end].to_owned())
        }
    }
}

fn rebuilt(told: &Told<'_>, batch: impl FnOnce(i64) -> Option<BatchTold>) -> Map<String, Value> {
    let here = told.batch.map(|(_, here)| here);
    let made = match told.kind {
        "command:start" | "command:progress" | "command:end" => json!({
            "story_key": told.story_key,
            "story_id": key::short_id(told.story_key, Some(told.epic_id)).unwrap_or_default(),
            "epic_id": told.epic_id,
            "command": told.command,
            "task_id": told.task_id,
            "message": told.message,
        }),
        "batch:warning" => json!({
            "batch_id": here,
            "message": told.message.unwrap_or_default(),
            "warning_type": "unknown",
        }),
        "batch:start" | "batch:end" => {
            let row = here.and_then(batch).unwrap_or_default();
            if told.kind == "batch:start" {
                json!({
                    "batch_id": here,
                    "max_cycles": row.max_cycles,
                    "batch_mode": if row.max_cycles.is_some() { "fixed" } else { "all" },
                    "origin": "managed",
                    "started_at": row.started_at,
                })
            } else {
                let ended_at = row.ended_at.unwrap_or(row.started_at);
                json!({
                    "batch_id": here,
                    "cycles_completed": row.cycles_completed,
                    "status": row.status,
                    "reason": row.reason.unwrap_or_default(),
                    "duration_ms": (ended_at - row.started_at).max(0),
                })
            }
        }
        _ => json!({}),
    };
    let mut map = match made {
        Value::Object(map) => map,
        _ => Map::new(),
    };
    if told.kind == "command:end" {
        map.insert("status".to_owned(), told.status.into());
        map.insert("duration_ms".to_owned(), Value::Null);
        map.insert("metrics".to_owned(), json!({}));
    }
    map
}

/// What the columns say and the payload does not; numbers and times as they are here.
fn complete(map: &mut Map<String, Value>, told: &Told<'_>) {
    // That something begins or goes on is said by its type.
    let says_more = !told.kind.ends_with(":start") && told.kind != "command:progress";
    for (key, text) in [
        ("story_key", told.story_key),
        ("epic_id", told.epic_id),
        ("command", told.command),
        ("task_id", told.task_id),
        ("status", if says_more { told.status } else { "" }),
        ("message", told.message.unwrap_or_default()),
    ] {
        if !text.is_empty() && !map.contains_key(key) {
            map.insert(key.to_owned(), text.into());
        }
    }
    if let (Some((there, here)), Some(own)) = (told.batch, map.get_mut("batch_id"))
        && own.as_i64() == Some(there)
    {
        *own = here.into();
    }
    for key in TIMES {
        if let Some(Value::Number(number)) = map.get_mut(*key)
            && let Some(ms) = number.as_f64().and_then(time_of)
        {
            *number = ms.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payload::Payload;

    fn of(told: &Told<'_>) -> (Value, bool) {
        let (json, readable) = payload(told, |_| None);
        assert!(!json.contains('\n') && json.contains("\"imported\":true"), "{json}");
        assert!(matches!(Payload::from_json(told.kind, &json), Payload::Other(_)), "{json}");
        (serde_json::from_str(&json).unwrap(), readable)
    }

    const COMMAND: Told<'static> = Told {
        kind: "command:end",
        epic_id: "2a",
        story_key: "2a-1-list",
        command: "dev-story",
        task_id: "setup",
        status: "end",
        message: Some("built"),
        payload: "",
        batch: Some((1, 7)),
    };

    #[test]
    fn a_payload_of_its_own_is_kept_and_completed() {
        let text = "{\"command\": \"x\",\n \"batch_id\": 1, \"started_at\": 1706112000, \"own\": [1.5], \
                    \"imported\": false}";
        let (found, readable) = of(&Told { payload: text, ..COMMAND });
        assert!(readable);
        assert_eq!(
            found,
            json!({"command": "x", "batch_id": 7, "started_at": 1_706_112_000_000_i64, "own": [1.5],
                "imported": true, "story_key": "2a-1-list", "epic_id": "2a", "task_id": "setup",
                "status": "end", "message": "built"})
        );
        // Another batch's number is not this one's.
        let (found, _) = of(&Told { payload: "{\"batch_id\":3}", ..COMMAND });
        assert_eq!(found["batch_id"], 3);
    }

    #[test]
    fn without_one_it_is_made_from_the_columns() {
        for text in ["", "  ", "null"] {
            let (found, readable) = of(&Told { payload: text, ..COMMAND });
            assert!(readable, "{text:?}");
            assert_eq!(found["story_id"], "2a-1");
            assert_eq!((&found["status"], &found["message"]), (&json!("end"), &json!("built")));
            assert!(found.get("unreadable_payload").is_none());
        }
        let warning = Told { kind: "batch:warning", message: Some("slow"), ..COMMAND };
        let (found, _) = of(&warning);
        assert_eq!((&found["warning_type"], &found["batch_id"]), (&json!("unknown"), &json!(7)));
        let (json, _) = payload(&Told { kind: "batch:end", ..COMMAND }, |id| {
            assert_eq!(id, 7);
            Some(BatchTold {
                started_at: 1000,
                ended_at: Some(5000),
                cycles_completed: 2,
                status: "completed".to_owned(),
                ..BatchTold::default()
            })
        });
        let found: Value = serde_json::from_str(&json).unwrap();
        assert_eq!((&found["duration_ms"], &found["status"]), (&json!(4000), &json!("completed")));
    }

    #[test]
    fn one_that_cannot_be_read_is_told_and_kept() {
        let deep = "[".repeat(100_000);
        for text in ["{\"a\":", "[1]", "\"text\"", "{\"a\": NaN}", "{\"a\":\"\\ud800\"}", &deep] {
            let (found, readable) = of(&Told { payload: text, ..COMMAND });
            assert!(!readable, "{text}");
            let kept = found["unreadable_payload"].as_str().unwrap();
            assert!(text.starts_with(kept) && !kept.is_empty());
            assert_eq!(found["story_key"], "2a-1-list");
        }
        let long = format!("{{\"a\":\"{}\"}}", "é".repeat(LONGEST / 2));
        let (found, readable) = of(&Told { payload: &long, ..COMMAND });
        assert!(!readable);
        assert!(found["unreadable_payload"].as_str().unwrap().len() <= KEPT);
    }
}
