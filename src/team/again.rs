//! Asking a publisher to send again what has not come.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use serde::Serialize;

use crate::domain::event::EventId;

/// Between two asks for the same, at first and at most. It takes a while to be answered, and who does
/// not answer is not there.
const PAUSE: Duration = Duration::from_secs(2);
const LONGEST: Duration = Duration::from_secs(60);

/// What is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct Ask {
    /// The publisher's log.
    pub(super) epoch: String,
    /// What is behind this event.
    pub(super) after: EventId,
    /// Where in the stream that was seen: another one is another wish.
    pub(super) seen: u64,
}

#[derive(Debug)]
struct Open {
    ask: Ask,
    due: Instant,
    pause: Duration,
}

/// The holes of all projects that are open now.
#[derive(Debug, Default)]
pub(super) struct Asks(HashMap<String, Open>);

impl Asks {
    /// Something is missing.
    pub(super) fn missing(&mut self, project: &str, ask: Ask, now: Instant) {
        match self.0.get_mut(project) {
            Some(open) if (&open.ask.epoch, open.ask.after) == (&ask.epoch, ask.after) => {
                open.ask.seen = ask.seen;
            }
            _ => {
                let open = Open { ask, due: now, pause: PAUSE };
                self.0.insert(project.to_owned(), open);
            }
        }
    }

    /// It came.
    pub(super) fn came(&mut self, project: &str) {
        if !self.0.is_empty() {
            self.0.remove(project);
        }
    }

    /// All is to be found out anew.
    pub(super) fn forget(&mut self) {
        self.0.clear();
    }

    /// How many projects lack something.
    pub(super) fn open(&self) -> usize {
        self.0.len()
    }

    /// Whether this project is known to lack something.
    pub(super) fn is_open(&self, project: &str) -> bool {
        self.0.contains_key(project)
    }

    /// What is to be asked now.
    pub(super) fn due(&mut self, now: Instant) -> Vec<(String, Ask)> {
        let mut due = Vec::new();
        for (project, open) in &mut self.0 {
            if open.due <= now {
                open.due = now + open.pause;
                open.pause = (open.pause * 2).min(LONGEST);
                due.push((project.clone(), open.ask.clone()));
            }
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_asked_ever_more_rarely() {
        let ask = |after, seen| Ask { epoch: "e".to_owned(), after, seen };
        let mut asks = Asks::default();
        let mut now = Instant::now();
        asks.missing("a", ask(1, 5), now);
        asks.missing("a", ask(1, 6), now);
        assert_eq!(asks.due(now), [("a".to_owned(), ask(1, 6))]);
        let mut count = 0;
        for second in 1..=600_u64 {
            now += Duration::from_secs(1);
            asks.missing("a", ask(1, 6 + second), now);
            count += asks.due(now).len();
        }
        assert!((10..20).contains(&count), "{count}");
        asks.missing("a", ask(3, 900), now);
        assert_eq!(asks.due(now).len(), 1, "it got on: that is another one");
        asks.came("a");
        assert_eq!((asks.open(), asks.due(now + LONGEST).len()), (0, 0));
    }
}
