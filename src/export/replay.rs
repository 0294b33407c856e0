//! The page that replays: the page in one file, and in it the archive it reads instead of asking a
//! server.

use std::io::Write;

use serde_json::{Value, json};

use crate::domain::event::EventId;
use crate::page;
use crate::page::single::{Shell, shell};
use crate::store::Queries;
use crate::store::rows::{Stretch, Whose};

use super::{ExportError, PAGE_BYTES, json};

/// Raised when the archive's shape changes.
const FORMAT: u32 = 1;

/// Events in one page: a browser takes them in within seconds.
const EVENTS: u64 = 50_000;

/// Batches in one page: the most that `/api/batches` gives.
const BATCHES: u32 = 100;

/// Which part of the log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Wish {
    /// Everything between this batch's first event and its last.
    pub batch_id: Option<i64>,
    /// Only what came after this event.
    pub after: EventId,
}

/// A page about to be written.
#[derive(Debug)]
pub struct Replay {
    shell: Shell,
    /// The archive up to its events, and what follows them.
    start: String,
    end: String,
    first: EventId,
    last: EventId,
    left_out: u64,
}

impl Replay {
    /// Looks all up that a page needs beside its events. `settings`: the answer of `/api/settings`.
    pub fn prepare(
        queries: &Queries,
        wish: Wish,
        settings: &Value,
        exported_at_ms: i64,
    ) -> Result<Self, ExportError> {
        Self::prepare_within(queries, wish, settings, exported_at_ms, EVENTS)
    }

    fn prepare_within(
        queries: &Queries,
        Wish { batch_id, after }: Wish,
        settings: &Value,
        exported_at_ms: i64,
        limit: u64,
    ) -> Result<Self, ExportError> {
        let head = queries.head()?;
        let (after, last) = match batch_id {
            None => (after, head),
            Some(id) => {
                queries.batch(id)?.ok_or(ExportError::NoBatch(id))?;
                // Without an event there is nothing behind the head either.
                let (first, last) = queries.ends_of_batch(id)?.unwrap_or((head + 1, head));
                (after.max(first.saturating_sub(1)), last)
            }
        };
        let found = queries.newest_within(after, last, limit)?;
        let (first, left_out) = found.unwrap_or((last + 1, 0));
        let epoch = queries.epoch()?;
        let base = queries.state_at(first - 1)?;
        let project = queries.state_at(head)?.sprint.project.clone();
        let (batches, total) = queries.batches(BATCHES, 0)?;
        let whose = batch_id.map_or(Whose::All, Whose::Batch);
        let timeline = queries.timeline(whose, Stretch::default())?;
        let answers = json!({
            "api/batches": { "batches": batches, "total": total },
            "api/timeline": timeline,
            "api/settings": settings,
        });
        let title = match project {
            Some(project) => format!("{project} – Sprint Runner"),
            None => "Sprint Runner".to_owned(),
        };
        let head = json!({
            "format": FORMAT,
            "exported_at": exported_at_ms,
            "version": env!("CARGO_PKG_VERSION"),
            "epoch": epoch,
            "first": first,
            "last": last,
            "left_out": left_out,
        });
        let head = head.to_string();
        let base = json(&base.snapshot(&epoch))?;
        Ok(Self {
            shell: shell(&page::files(), &title)?,
            start: escape(&format!("{},\"base\":{base},\"events\":[", head.trim_end_matches('}'))),
            end: escape(&format!("],\"answers\":{answers}}}")),
            first,
            last,
            left_out,
        })
    }

    /// How many older events the page leaves out.
    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    /// The id of the first event in the page.
    pub const fn first(&self) -> EventId {
        self.first
    }

    /// What the page may do, as a `Content-Security-Policy`.
    pub fn policy(&self) -> &str {
        &self.shell.policy
    }

    /// Writes the page.
    pub fn write(&self, queries: &Queries, out: &mut dyn Write) -> Result<(), ExportError> {
        out.write_all(self.shell.before.as_bytes())?;
        out.write_all(self.start.as_bytes())?;
        let mut after = self.first - 1;
        let mut between = "\n";
        while after < self.last {
            let events = queries.events_after(after, PAGE_BYTES)?;
            // The base was taken at the first event: what follows must be whole.
            if queries.base_id()? > after {
                return Err(ExportError::Overtaken);
            }
            let Some(newest) = events.last() else { break };
            after = newest.id;
            for event in events.iter().filter(|event| event.id <= self.last) {
                out.write_all(between.as_bytes())?;
                out.write_all(escape(&json(&event.wire())?).as_bytes())?;
                between = ",\n";
            }
        }
        out.write_all(self.end.as_bytes())?;
        out.write_all(self.shell.after.as_bytes())?;
        out.flush()?;
        Ok(())
    }
}

/// JSON that can stand in a script element, whatever its texts hold: no `<` can end the element or
/// open a comment, no separator can end a line. All three occur in texts only, where an escape
/// means the same.
fn escape(json: &str) -> String {
    json.replace('<', "\\u003c").replace('\u{2028}', "\\u2028").replace('\u{2029}', "\\u2029")
}

#[cfg(test)]
mod tests {
    use super::super::tests::Old;
    use super::*;

    /// Purges when so many bytes were written.
    struct Slow<'a> {
        old: &'a mut Old,
        until: usize,
        written: usize,
    }

    impl Write for Slow<'_> {
        fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
            let before = self.written;
            self.written += bytes.len();
            if before < self.until && self.written >= self.until {
                self.old.purge(390);
            }
            Ok(bytes.len())
        }

        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn b38_a_purge_that_overtakes_a_page_ends_it() {
        let whole = {
            let mut old = Old::new(400, 2000);
            let queries = old.queries.clone();
            let page = Replay::prepare(&queries, Wish::default(), &json!({}), 0).unwrap();
            let mut out = Slow { old: &mut old, until: usize::MAX, written: 0 };
            page.write(&queries, &mut out).unwrap();
            out.written
        };
        // Before the first event, and among them: 800 kB of the page are events.
        for until in [1, whole - 600_000] {
            let mut old = Old::new(400, 2000);
            let queries = old.queries.clone();
            let page = Replay::prepare(&queries, Wish::default(), &json!({}), 0).unwrap();
            let mut out = Slow { old: &mut old, until, written: 0 };
            let result = page.write(&queries, &mut out);
            assert!(matches!(result, Err(ExportError::Overtaken)), "{result:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn escaped_json_says_the_same_and_closes_nothing(
            text in "(<|/|script|!--|>|]]|\\PC|\u{2028}|\u{2029}|\\\\|\"){0,40}"
        ) {
            let json = serde_json::to_string(&text).unwrap();
            let escaped = escape(&json);
            let free = !escaped.contains(['<', '\u{2028}', '\u{2029}']);
            proptest::prop_assert!(free);
            proptest::prop_assert_eq!(serde_json::from_str::<String>(&escaped).unwrap(), text);
        }
    }
}
