//! Rows of the CSV log as events.

use std::sync::{Arc, PoisonError, RwLock};

use crate::domain::event::Source;
use crate::domain::issue::{Issue, Severity};
use crate::domain::key::KeyIndex;
use crate::parse::csv::{CsvContext, LogRow, RowOutcome, parse_row};
use crate::parse::row_event::event_of;

use super::lines::Line;
use super::report::{AMBIGUOUS, Item};
use super::tail::Rows;

/// The stories of the last good reading of the status file, for all readers of rows.
#[derive(Debug, Clone, Default)]
pub(crate) struct Keys {
    index: Arc<RwLock<Arc<KeyIndex>>>,
}

impl Keys {
    pub(crate) fn set(&self, index: KeyIndex) {
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(index);
    }

    fn index(&self) -> Arc<KeyIndex> {
        Arc::clone(&self.index.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The reader of a CSV log.
#[derive(Debug, Clone)]
pub(crate) struct CsvRows {
    keys: Keys,
    context: CsvContext,
}

impl CsvRows {
    pub(crate) fn new(keys: Keys) -> Self {
        Self { keys, context: CsvContext::default() }
    }

    /// What a row says, and what is remarkable about it.
    fn row(&self, row: LogRow, number: u64, out: &mut Vec<Item>) {
        let story = row.story.clone();
        let (event, ambiguous_keys) = event_of(row, Source::Csv, &self.keys.index());
        if let Some(keys) = ambiguous_keys {
            out.push(Item::Issue(ambiguous(&story, &keys, number)));
        }
        out.push(Item::Event(event));
    }
}

impl Rows for CsvRows {
    fn take(&mut self, line: &Line<'_>, number: u64, now_ms: i64, out: Option<&mut Vec<Item>>) {
        if line.overlong {
            if let Some(out) = out {
                out.push(Item::Issue(overlong(line, number)));
            }
            return;
        }
        // A line that was read before was believed or not by the clock of then; its event stands.
        self.context.now_ms = now_ms;
        match (parse_row(line.bytes, number, &mut self.context), out) {
            (RowOutcome::Row(row, remark), Some(out)) => {
                self.row(*row, number, out);
                out.extend(remark.map(Item::Issue));
            }
            (RowOutcome::Bad(issue), Some(out)) => out.push(Item::Issue(issue)),
            _ => {}
        }
    }
}

/// A line that no memory is given to.
pub(crate) fn overlong(line: &Line<'_>, number: u64) -> Issue {
    Issue {
        severity: Severity::Error,
        code: "overlong-line".to_owned(),
        line: Some(number),
        column: Some(1),
        message: format!("a line of {} bytes is too long to be a row", line.raw_len),
        hint: Some("a row is at most 4 MiB long".to_owned()),
    }
}

fn ambiguous(story: &str, keys: &[String], number: u64) -> Issue {
    let some = keys.iter().take(3).map(String::as_str).collect::<Vec<_>>().join(", ");
    Issue {
        severity: Severity::Warning,
        code: AMBIGUOUS.to_owned(),
        line: Some(number),
        column: None,
        message: format!(
            "{story} fits {} stories ({some}): its rows stay with {story}",
            keys.len()
        ),
        hint: Some("write the long key in the log's story column".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::payload::Payload;
    use crate::domain::reading::{Entry, EntryKind};

    fn read(keys: &[(&str, &str)], lines: &[&str]) -> Vec<Item> {
        let entry = |(key, epic): &(&str, &str)| Entry {
            key: (*key).to_owned(),
            kind: EntryKind::Story,
            status: "done".to_owned(),
            epic_key: Some((*epic).to_owned()),
            title: None,
            line: 1,
        };
        let shared = Keys::default();
        let mut rows = CsvRows::new(shared.clone());
        shared.set(KeyIndex::new(&keys.iter().map(entry).collect::<Vec<_>>()));
        let mut out = Vec::new();
        for (number, line) in (1..).zip(lines) {
            let bytes = line.as_bytes();
            let line = Line { bytes, raw_len: bytes.len() as u64 + 1, hash: 0, overlong: false };
            rows.take(&line, number, 2_000_000_000_000, Some(&mut out));
        }
        out
    }

    #[test]
    fn rows_become_commands_of_their_long_key() {
        let out = read(
            &[("2a-1-list", "epic-2a"), ("2a-10-other", "epic-2a")],
            &[
                "1706112000,epic-2a,2a-1,create-story,setup,start,\"go\"",
                "1706112001,2a,2a-1,create-story,setup,progress,\"on\"",
                "1706112009,2a,2a-1,create-story,setup,end,\"done (files:2)\"",
                "1706112010,batch-start,2,batch-init,start",
                "1706112011,9,9-9,dev-story,setup,start,",
            ],
        );
        let events: Vec<_> = out
            .iter()
            .map(|item| match item {
                Item::Event(event) => event,
                Item::Issue(issue) => panic!("{issue:?}"),
            })
            .collect();
        assert_eq!(events.len(), 5);
        assert_eq!(events[0].timestamp_ms, 1_706_112_000_000);
        let Payload::CommandStart(start) = &events[0].payload else { panic!() };
        assert_eq!((start.story_key.as_str(), start.story_id.as_str()), ("2a-1-list", "2a-1"));
        assert_eq!(start.epic_id, "2a");
        let Payload::CommandEnd(end) = &events[2].payload else { panic!() };
        assert_eq!(end.metrics["files"], 2);
        let Payload::BatchStart(batch) = &events[3].payload else { panic!() };
        assert_eq!((batch.batch_id, batch.size), (0, Some(2)));
        let Payload::CommandStart(start) = &events[4].payload else { panic!() };
        assert_eq!(start.story_key, "9-9");
    }

    #[test]
    fn a_short_id_that_fits_several_keys_stays_and_is_told() {
        let out = read(
            &[("1-1-a", "epic-x"), ("1-1-b", "epic-y")],
            &["1706112000,1,1-1,dev-story,setup,start,"],
        );
        assert!(matches!(&out[0], Item::Issue(issue) if issue.code == "ambiguous-story"));
        let Item::Event(event) = &out[1] else { panic!() };
        let Payload::CommandStart(start) = &event.payload else { panic!() };
        assert_eq!(start.story_key, "1-1");
    }

    #[test]
    fn a_bad_row_is_told_and_the_next_one_read() {
        let out = read(&[], &["nonsense", "1706112000,1,1-1,dev-story,setup,start,"]);
        assert!(matches!(&out[0], Item::Issue(issue) if issue.line == Some(1)));
        assert!(matches!(&out[1], Item::Event(_)));
    }
}
