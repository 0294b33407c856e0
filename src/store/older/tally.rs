//! What came of taking an older database over.

use std::fmt;
use std::path::PathBuf;

/// Numbers and causes listed by name; more are counted.
const LISTED: usize = 20;

/// How far it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Progress {
    /// Rows looked at.
    pub done: u64,
    /// All of them.
    pub all: u64,
}

/// What became of the rows of one table.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Count {
    /// New here.
    pub taken: u64,
    /// There already, and as they were.
    pub known: u64,
    /// There already, and changed since.
    pub changed: u64,
}

/// Some of many, and how many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Listed {
    first: Vec<String>,
    count: u64,
}

impl Listed {
    pub(super) fn add(&mut self, one: impl fmt::Display) {
        if self.first.len() < LISTED {
            self.first.push(one.to_string());
        }
        self.count += 1;
    }

    /// How many there are.
    pub const fn count(&self) -> u64 {
        self.count
    }
}

impl fmt::Display for Listed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(out, "{}", self.first.join(", "))?;
        match self.count - self.first.len() as u64 {
            0 => Ok(()),
            more => write!(out, " and {more} more"),
        }
    }
}

/// What became of all rows.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Tally {
    /// Rows of `batches`.
    pub batches: Count,
    /// Rows of `stories`.
    pub stories: Count,
    /// Rows of `commands`.
    pub commands: Count,
    /// Rows of `background_tasks`.
    pub tasks: Count,
    /// Rows of `events`.
    pub events: Count,
    /// Batches that have another number here.
    pub renumbered: Listed,
    /// Batches that were left running, by their number here: they are lost.
    pub left_running: Listed,
    /// Rows of `events` whose payload could not be read: they show what stands in their columns.
    pub payloads: Listed,
    /// Rows of which a time could not be read: they have that of the row before.
    pub times: Listed,
    /// Rows of `events` with bytes that are no text.
    pub texts: Listed,
    /// Batches that rows speak of and that have no row: they got one.
    pub made_up: Listed,
    /// Rows that could not be taken.
    pub left_out: Listed,
}

impl Tally {
    /// Whether there was anything new.
    pub fn is_nothing_new(&self) -> bool {
        [self.batches, self.stories, self.commands, self.tasks, self.events]
            .iter()
            .all(|count| count.taken == 0 && count.changed == 0)
    }

    /// The whole story, in plain lines.
    pub fn lines(&self) -> Vec<String> {
        let sum = |what: fn(&Count) -> u64| {
            [
                (&self.batches, "batch", "batches"),
                (&self.stories, "story", "stories"),
                (&self.commands, "command", "commands"),
                (&self.tasks, "background task", "background tasks"),
                (&self.events, "event", "events"),
            ]
            .map(|(count, one, many)| match what(count) {
                1 => format!("1 {one}"),
                n => format!("{n} {many}"),
            })
            .join(", ")
        };
        let mut lines = vec![
            format!("taken:         {}", sum(|count| count.taken)),
            format!("there already: {}", sum(|count| count.known + count.changed)),
        ];
        if [self.batches, self.stories, self.commands, self.tasks].iter().any(|one| one.changed > 0)
        {
            lines.push(format!("changed since: {}", sum(|count| count.changed)));
        }
        let listed = [
            ("renumbered:    batch ", &self.renumbered, ""),
            ("left running:  batch ", &self.left_running, " (shown as lost)"),
            ("made up:       batch ", &self.made_up, " (rows speak of it, it has none)"),
            ("not readable:  payload of event ", &self.payloads, " (shown by its columns)"),
            ("not readable:  time of ", &self.times, " (that of the row before is shown)"),
            ("not readable:  bytes in event ", &self.texts, " (shown as \u{fffd})"),
            ("left out:      ", &self.left_out, ""),
        ];
        for (title, list, remark) in listed {
            if list.count() > 0 {
                lines.push(format!("{title}{list}{remark}"));
            }
        }
        lines
    }
}

/// A database of the older server that was made into one of ours.
#[derive(Debug, Clone)]
pub struct Adopted {
    /// Where the copy of what it was lies.
    pub aside: PathBuf,
    /// What became of its rows.
    pub tally: Tally,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut_and_counted() {
        let mut list = Listed::default();
        (1..=23).for_each(|n| list.add(n));
        assert!(list.to_string().ends_with("19, 20 and 3 more"), "{list}");
        let mut tally = Tally::default();
        tally.events.taken = 1;
        tally.payloads.add(17);
        let lines = tally.lines();
        assert_eq!(lines.len(), 3, "{lines:?}");
        assert!(lines[0].ends_with("0 background tasks, 1 event"), "{lines:?}");
        assert_eq!(lines[2], "not readable:  payload of event 17 (shown by its columns)");
        assert!(!tally.is_nothing_new());
    }
}
