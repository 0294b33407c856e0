//! The log to take away: as lines, as a table, or as one page that replays it.
//!
//! ```text
//!  store ─► lines: one wire event a line
//!        ├► table: one event a row of CSV
//!        └► replay: shell (the page in one file) around an archive (base, events, answers)
//! ```
//!
//! All write page by page and hold no connection meanwhile: a reader may be slow. All calls block.

mod lines;
mod replay;
mod table;

use crate::page::modules::Fault;
use crate::store::StoreError;

pub use lines::lines;
pub use replay::{Replay, Wish};
pub use table::table;

/// Payload bytes read at once.
const PAGE_BYTES: usize = 256 * 1024;

/// Why there is no export, or only a part of one.
#[derive(Debug, thiserror::Error)]
pub enum ExportError {
    /// A batch that never was.
    #[error("there is no batch {0}")]
    NoBatch(i64),
    /// The page cannot be put into one file.
    #[error("the page cannot be one file: {0}")]
    Page(#[from] Fault),
    /// The purge was faster than the reader.
    #[error("events were purged while they were exported; export once more")]
    Overtaken,
    /// The database said no.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// Whoever reads said no, or went.
    #[error(transparent)]
    Write(#[from] std::io::Error),
}

/// A plain value as JSON.
fn json<T: serde::Serialize>(value: &T) -> Result<String, ExportError> {
    serde_json::to_string(value).map_err(|error| ExportError::Write(error.into()))
}

/// The project's name as a part of a file's name: letters, digits and `-`, whatever it holds.
pub fn file_stem(project: Option<&str>, batch_id: Option<i64>) -> String {
    let mut stem = String::new();
    for c in project.unwrap_or_default().chars().take(64) {
        if c.is_ascii_alphanumeric() {
            stem.push(c.to_ascii_lowercase());
        } else if !stem.is_empty() && !stem.ends_with('-') {
            stem.push('-');
        }
    }
    let stem = stem.trim_end_matches('-');
    let stem = if stem.is_empty() { "sprint".to_owned() } else { format!("{stem}-sprint") };
    match batch_id {
        Some(id) => format!("{stem}-batch-{id}"),
        None => stem,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::event::{Event, Source};
    use crate::domain::payload::{BatchWarning, Payload};
    use crate::store::{Log, Queries, Record};

    /// A log of old events, as long as each is to be, that can be purged.
    pub(super) struct Old {
        log: Log,
        pub(super) queries: Queries,
        _place: tempfile::TempDir,
    }

    impl Old {
        pub(super) fn new(count: u64, bytes: usize) -> Self {
            let place = tempfile::tempdir().unwrap();
            let (mut log, queries) = Log::open(&place.path().join("test.db")).unwrap();
            let record = |id| {
                let message = "x".repeat(bytes);
                let payload =
                    Payload::BatchWarning(BatchWarning { message, ..BatchWarning::default() });
                let payload_json = serde_json::value::to_raw_value(&payload).unwrap();
                let source = Source::Orchestrator;
                let event = Event { id, timestamp_ms: 1000, source, batch_id: None, payload };
                Record { event, payload_json }
            };
            log.append(&(1..=count).map(record).collect::<Vec<_>>(), &[]).unwrap();
            let state = log.load_state().unwrap();
            log.save_state(&state).unwrap();
            while log.index_some(1000).unwrap() {}
            Self { log, queries, _place: place }
        }

        pub(super) fn purge(&mut self, count: u32) {
            let purged = self.log.purge_some(i64::MAX, i64::MAX, count, |_| {}).unwrap().unwrap();
            assert_eq!(purged.events, u64::from(count));
        }
    }

    #[test]
    fn file_names_hold_nothing_but_safe_characters() {
        for (project, batch, expected) in [
            (Some("Lantern"), None, "lantern-sprint"),
            (Some("../a b\"; x=\r\n.html"), Some(7), "a-b-x-html-sprint-batch-7"),
            (Some("日本"), None, "sprint"),
            (None, Some(1), "sprint-batch-1"),
        ] {
            assert_eq!(file_stem(project, batch), expected);
        }
    }
}
