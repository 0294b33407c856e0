//! One target in force, with the defaults of what the file leaves out.

use std::time::Duration;

use toml::Spanned;

use super::table::NotificationTable;
use super::words::{BATCH_ENDS, Kind, Rule};

/// One target in force. Its secrets are still to be looked up.
#[derive(Debug, Clone, PartialEq)]
pub struct NotificationConfig {
    /// What it is called here.
    pub name: String,
    /// Whose language it speaks.
    pub to: Kind,
    /// What the file says, with defaults put in below.
    pub table: NotificationTable,
    /// What to tell.
    pub on: Vec<Rule>,
    /// Which ends of batches to tell.
    pub batches: Vec<String>,
    /// How long the same of the same story is told once.
    pub cool_down: Duration,
    /// How long something gathers, and has to last, before it is told.
    pub settle: Duration,
    /// What is older than this when it is noticed is not told.
    pub max_age: Duration,
    /// How long it is tried.
    pub give_up: Duration,
    /// When an agent counts as silent.
    pub silent: Duration,
}

/// All targets in force.
pub(in crate::config) fn resolved(
    tables: Vec<Spanned<NotificationTable>>,
) -> Vec<NotificationConfig> {
    let mut targets: Vec<NotificationConfig> = Vec::with_capacity(tables.len());
    for table in tables {
        let table = table.into_inner();
        // A table without it is refused where it is read.
        let to = table.to.unwrap_or(Kind::Webhook);
        let minutes = |minutes: u64| Duration::from_secs(minutes * 60);
        targets.push(NotificationConfig {
            name: table.name.clone().unwrap_or_else(|| to.word().to_owned()),
            to,
            on: table.on.clone().unwrap_or_else(|| Rule::ALL.to_vec()),
            batches: table
                .batches
                .clone()
                .unwrap_or_else(|| BATCH_ENDS.iter().map(|word| (*word).to_owned()).collect()),
            cool_down: table.cool_down.unwrap_or(minutes(30)),
            settle: table.settle.unwrap_or(Duration::from_secs(5)),
            max_age: table.max_age.unwrap_or(minutes(12 * 60)),
            give_up: table.give_up.unwrap_or(minutes(24 * 60)),
            silent: table.silent.unwrap_or(minutes(10)),
            table,
        });
    }
    targets
}
