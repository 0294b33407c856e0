//! The flags of who speaks to NATS.

use crate::config::nats::{NatsTable, Servers, parse_name};

/// Where the team's events are.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub(crate) struct NatsArgs {
    #[arg(long, value_name = "URL", value_parser = Servers::parse, help = "Share the sprint over \
        NATS JetStream, such as nats://127.0.0.1:4222 (with a password better given as \
        SPRINT_RUNNER_NATS: arguments are visible)")]
    pub(crate) nats: Option<Servers>,
    /// The team whose sprints these are [default: default]
    #[arg(long, value_name = "NAME", value_parser = parse_name)]
    pub(crate) team: Option<String>,
}

impl NatsArgs {
    pub(crate) fn table(&self) -> NatsTable {
        NatsTable { url: self.nats.clone(), team: self.team.clone(), ..NatsTable::default() }
    }
}
