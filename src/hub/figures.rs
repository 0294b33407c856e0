//! What the log's thread counts, for `/metrics`. It alone writes here; anybody reads.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use crate::domain::payload::Payload;
use crate::metrics::Histogram;
use crate::store::Record;

/// The warning that tells that an agent is tried again.
const TRIED_AGAIN: &str = "agent_failed";

/// Whom a publication's events came from, and when they were first seen here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Seen {
    /// In the files, by the look that began then.
    InFiles(Instant),
    /// In what an agent prints, its first row then.
    FromAgent(Instant),
}

/// Figures since the start; all of them only rise.
#[derive(Debug)]
pub struct Figures {
    /// How long commits took, sync included; failed ones do not count.
    pub commits: Histogram,
    /// Commits that failed.
    pub failed: AtomicU64,
    /// From a look at the files to its events being shown.
    pub from_files: Histogram,
    /// From a row that an agent prints to its event being shown.
    pub from_agents: Histogram,
    /// Agents that were tried again.
    pub tried_again: AtomicU64,
    events: Box<[AtomicU64]>,
}

impl Default for Figures {
    fn default() -> Self {
        Self {
            commits: Histogram::default(),
            failed: AtomicU64::new(0),
            from_files: Histogram::default(),
            from_agents: Histogram::default(),
            tried_again: AtomicU64::new(0),
            events: (0..=Payload::KINDS.len()).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

impl Figures {
    /// Events appended, by type; all that is of no known type stands last, as `other`.
    pub fn events(&self) -> Vec<(&'static str, u64)> {
        let words = Payload::KINDS.iter().copied().chain(["other"]);
        words.zip(self.events.iter().map(|count| count.load(Ordering::Relaxed))).collect()
    }

    /// These were committed, which took so long.
    pub(super) fn committed(&self, records: &[Record], took: Duration) {
        self.commits.observe(took);
        for Record { event, .. } in records {
            self.events[event.payload.ordinal()].fetch_add(1, Ordering::Relaxed);
            if let Payload::BatchWarning(warning) = &event.payload
                && warning.warning_type == TRIED_AGAIN
            {
                self.tried_again.fetch_add(1, Ordering::Relaxed);
            }
        }
    }

    /// A publication is shown.
    pub(super) fn shown(&self, seen: Seen) {
        let (histogram, at) = match seen {
            Seen::InFiles(at) => (&self.from_files, at),
            Seen::FromAgent(at) => (&self.from_agents, at),
        };
        histogram.observe(at.elapsed());
    }
}

#[cfg(test)]
mod tests {
    use serde_json::value::RawValue;

    use super::*;
    use crate::domain::event::{Event, Source};

    fn record(kind: &str) -> Record {
        let payload = Payload::from_json(kind, "{}");
        let event =
            Event { id: 1, timestamp_ms: 0, source: Source::Server, batch_id: None, payload };
        Record { event, payload_json: RawValue::from_string("{}".to_owned()).unwrap() }
    }

    #[test]
    fn types_that_nobody_knows_are_one() {
        let figures = Figures::default();
        let records: Vec<_> = (0..100).map(|n| record(&format!("of:mine{n}"))).collect();
        figures.committed(&records, Duration::ZERO);
        let events = figures.events();
        assert_eq!(events.len(), Payload::KINDS.len() + 1);
        assert_eq!(events.last(), Some(&("other", 100)));
        assert!(events[..Payload::KINDS.len()].iter().all(|(_, count)| *count == 0));
    }
}
