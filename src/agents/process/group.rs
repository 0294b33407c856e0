//! A handle on an agent and all that descends from it, to stop and to measure.

use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;

use super::end::{self, Family, Look, Member};
use super::leader::Leader;
use super::{Identity, Receipt, Usage};

/// An agent's processes, whoever reads its output.
#[derive(Debug, Clone)]
pub struct Group {
    pub(super) leader: Arc<Leader>,
}

impl Group {
    /// Ends them all: they are told (TERM, and CONT for those that are stopped), given `grace`, and
    /// killed until two looks in a row find none. May be called again, at the same time, and after
    /// the exit, for what was left behind.
    pub async fn stop(&self, grace: Duration) -> Receipt {
        // Until all is done the number stays the leader's, so that the group stays ours.
        let pin = cfg!(target_os = "linux").then(|| self.leader.pin());
        let receipt = end::end(Arc::new(self.clone()), grace).await;
        drop(pin);
        receipt
    }

    /// Who still lives besides the leader: what a normal exit reports.
    pub async fn leftovers(&self) -> Vec<Identity> {
        let leader = Arc::clone(&self.leader);
        let look = tokio::task::spawn_blocking(move || {
            let others = leader.look().alive.into_iter().map(|row| row.identity);
            others.filter(|one| *one != leader.identity).collect()
        });
        look.await.unwrap_or_default()
    }

    /// What they use just now.
    pub async fn usage(&self) -> Usage {
        let leader = Arc::clone(&self.leader);
        tokio::task::spawn_blocking(move || {
            let per_second = rustix::param::clock_ticks_per_second().max(1);
            let page = rustix::param::page_size() as u64;
            let mut usage = Usage::default();
            let mut ticks = 0_u64;
            for row in leader.look().alive {
                usage.processes = usage.processes.saturating_add(1);
                ticks = ticks.saturating_add(row.ticks);
                usage.rss_bytes =
                    usage.rss_bytes.saturating_add(row.rss_pages.saturating_mul(page));
            }
            usage.cpu_ms = ticks.saturating_mul(1000) / per_second;
            usage
        })
        .await
        .unwrap_or_default()
    }
}

impl Family for Group {
    fn look(&self) -> Look {
        let seen = self.leader.look();
        let group = self.leader.identity.pid;
        let member =
            |row: super::table::Row| Member { identity: row.identity, escaped: row.group != group };
        Look {
            members: seen.alive.into_iter().map(member).collect(),
            dead: seen.dead,
            slipping: seen.slipping,
        }
    }

    fn signal_group(&self, signal: Signal, proven: bool) -> bool {
        self.leader.signal_group(signal, proven)
    }

    fn still(&self, _: Identity) -> bool {
        // Once an agent's own, a process stays that, whatever it did to its environment.
        true
    }
}
