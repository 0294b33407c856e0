//! A row of the log as an event, whoever reported it.

use super::csv::{LogRow, RowKind};
use crate::domain::event::{NewEvent, Source};
use crate::domain::key::{KeyIndex, Resolved};
use crate::domain::payload::{BatchStart, CommandEnd, CommandProgress, CommandStart, Payload};

/// The event, and the keys that the row's story id fits when it fits several: then the id stays as
/// it is.
pub fn event_of(row: LogRow, source: Source, keys: &KeyIndex) -> (NewEvent, Option<Vec<String>>) {
    let LogRow { timestamp_ms, epic, story, command, task, status, message, .. } = row;
    if let RowKind::BatchStart { size } = row.kind {
        let payload = Payload::BatchStart(BatchStart {
            batch_id: 0,
            max_cycles: None,
            batch_mode: "observed".to_owned(),
            origin: "observed".to_owned(),
            started_at: timestamp_ms,
            size,
        });
        return (NewEvent::new(timestamp_ms, source, payload), None);
    }
    let (story_key, epic_id, ambiguous) = match keys.resolve(&story, &epic) {
        Resolved::Key { key, epic_id } => (key, epic_id.unwrap_or(epic), None),
        Resolved::Ambiguous(keys) => (story.clone(), epic, Some(keys)),
        Resolved::Unknown => (story.clone(), epic, None),
    };
    let (story_id, task_id, story_ids) = (story, task, row.story_ids);
    let payload = match row.kind {
        RowKind::Start => Payload::CommandStart(CommandStart {
            story_key,
            story_id,
            epic_id,
            command,
            task_id,
            message,
            story_ids,
        }),
        RowKind::Progress => Payload::CommandProgress(CommandProgress {
            story_key,
            story_id,
            epic_id,
            command,
            task_id,
            message,
            story_ids,
        }),
        _ => Payload::CommandEnd(CommandEnd {
            story_key,
            story_id,
            epic_id,
            command,
            task_id,
            status,
            message,
            // The older shape says how long it took; else attribution counts.
            duration_ms: row.duration_s.map(|seconds| (seconds * 1000.0) as i64),
            metrics: row.metrics,
            story_ids,
        }),
    };
    (NewEvent::new(timestamp_ms, source, payload), ambiguous)
}
