//! Lines of orchestrator.md as events; rows of the CSV log in it as their own.

use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{Activity, Payload};
use crate::parse::markdown::{MarkdownLog, MdLine};

use super::csv_log::{CsvRows, Keys, overlong};
use super::lines::Line;
use super::report::Item;
use super::tail::Rows;

/// The reader of an orchestrator.md.
#[derive(Debug, Clone)]
pub(crate) struct MdRows {
    log: MarkdownLog,
    csv: CsvRows,
}

impl MdRows {
    pub(crate) fn new(keys: Keys) -> Self {
        Self { log: MarkdownLog::default(), csv: CsvRows::new(keys) }
    }
}

impl Rows for MdRows {
    fn take(&mut self, line: &Line<'_>, number: u64, now_ms: i64, out: Option<&mut Vec<Item>>) {
        if line.overlong {
            if let Some(out) = out {
                out.push(Item::Issue(overlong(line, number)));
            }
            return;
        }
        match (self.log.line(number, line.bytes), out) {
            (MdLine::Csv, out) => self.csv.take(line, number, now_ms, out),
            (MdLine::Entry(entry), Some(out)) => {
                let body = Activity {
                    story_key: entry.story_key,
                    kind: entry.kind.as_str().to_owned(),
                    step: entry.step,
                    command: entry.command,
                    result: entry.result,
                    duration: entry.duration,
                    line: entry.line,
                    text: entry.text,
                };
                out.push(Item::Event(NewEvent::new(
                    now_ms,
                    Source::Md,
                    Payload::ActivityEntry(body),
                )));
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stories_steps_and_rows_are_told_apart_and_the_story_is_learnt() {
        const NOW: i64 = 2_000_000_000_000;
        let mut rows = MdRows::new(Keys::default());
        let mut out = Vec::new();
        let text = "## Story: 1-1-a\n| 1 | create-story | done | ~3m |\n\
                    1706112000,1,1-1,dev-story,setup,start,\nfree words";
        for (number, text) in (1..).zip(text.lines()) {
            let bytes = text.as_bytes();
            let line = Line { bytes, raw_len: bytes.len() as u64 + 1, hash: 0, overlong: false };
            // The heading was read before a restart.
            rows.take(&line, number, NOW, (number > 1).then_some(&mut out));
        }
        let [Item::Event(step), Item::Event(row), Item::Event(note)] = out.as_slice() else {
            panic!("{out:?}")
        };
        let Payload::ActivityEntry(step) = &step.payload else { panic!() };
        assert_eq!((step.kind.as_str(), step.story_key.as_deref()), ("step", Some("1-1-a")));
        assert_eq!(row.source, Source::Csv);
        assert_eq!((note.source, note.timestamp_ms), (Source::Md, NOW));
    }
}
