//! Ending a family of processes: told, waited for, killed, and looked for until none is left.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::Duration;

use rustix::process::Signal;
use tokio::time::Instant;

use super::{Identity, Receipt, signals};

/// How many looks may still find somebody who was killed: some five seconds. Where this program gets
/// its turn so late that they take longer, those that are to go get theirs as late. One that the
/// kernel holds fast (a dead network disk) takes no signal at all; it is reported as left.
const KILLED_LOOKS: u32 = 55;

/// A look that finds nobody proves nothing while somebody forks; the second one does.
const EMPTY_LOOKS: u32 = 2;

/// How often an unsettled look is repeated before it is taken for what it shows.
const UNSETTLED_LOOKS: u32 = 20;

/// What one look at a family showed.
#[derive(Debug, Default)]
pub(super) struct Look {
    /// The living.
    pub(super) members: Vec<Member>,
    /// Dead ones are still there to be collected.
    pub(super) dead: bool,
    /// The group has somebody whom no look catches: one that forks and ends over and over.
    pub(super) slipping: bool,
}

/// A living member.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    pub(super) identity: Identity,
    /// Has left the agent's group.
    pub(super) escaped: bool,
}

/// Who is to be ended.
pub(super) trait Family: Send + Sync + 'static {
    /// Looks who lives.
    fn look(&self) -> Look;
    /// Sends a signal to all that have not escaped at one stroke, `proven` being whether a look just
    /// now found one of them. Whether that was possible.
    fn signal_group(&self, signal: Signal, proven: bool) -> bool;
    /// Whether this process, which has not been replaced by another, is still a member.
    fn still(&self, identity: Identity) -> bool;
}

/// Ends them.
pub(super) async fn end(family: Arc<impl Family>, grace: Duration) -> Receipt {
    let mut tally = Tally::default();
    let now = Instant::now();
    // Whoever waits for ever has a year.
    let deadline = now + grace.min(Duration::from_secs(365 * 24 * 3600));
    let (mut empty, mut in_vain) = (0, 0);
    let mut pause = Duration::from_millis(2);
    let mut killing = false;
    let left = loop {
        if !killing && Instant::now() >= deadline {
            killing = true;
            pause = Duration::from_millis(2);
        }
        let looking = Arc::clone(&family);
        // Reading the table takes milliseconds: not on the threads that serve others.
        let round = tokio::task::spawn_blocking(move || {
            let look = tally.round(&*looking, killing);
            (tally, look)
        });
        let Ok((back, look)) = round.await else {
            // The runtime is going down, and with it whoever asked.
            return Receipt { left: 1, ..Receipt::default() };
        };
        tally = back;
        let alive = look.members.len();
        let unsettled = look.dead || look.slipping;
        if alive == 0 {
            empty += 1;
            if empty >= EMPTY_LOOKS && (!unsettled || empty >= UNSETTLED_LOOKS) {
                break usize::from(look.slipping);
            }
        } else {
            empty = 0;
            in_vain += u32::from(killing);
            if in_vain > KILLED_LOOKS {
                break alive;
            }
        }
        if alive > 0 || unsettled {
            let wait = if killing { pause } else { pause.min(deadline - Instant::now()) };
            tokio::time::sleep(wait).await;
            pause = (pause * 2).min(Duration::from_millis(100));
        }
    };
    tally.receipt(left)
}

#[derive(Default)]
struct Tally {
    seen: HashSet<Identity>,
    escaped: HashSet<Identity>,
    told: HashSet<Identity>,
    killed: HashSet<Identity>,
    group_told: bool,
    /// A look of this ending proved the group to be theirs.
    group_proven: bool,
}

impl Tally {
    /// One look, and the signals that are due.
    fn round(&mut self, family: &impl Family, killing: bool) -> Look {
        let look = family.look();
        let members = &look.members;
        self.seen.extend(members.iter().map(|one| one.identity));
        self.escaped.extend(members.iter().filter(|one| one.escaped).map(|one| one.identity));
        let proven = members.iter().any(|one| !one.escaped);
        self.group_proven |= proven;
        if members.is_empty() {
            // Nobody is seen; whoever slips from look to look is reached by number, or not at all.
            let slipped = killing && look.slipping && self.group_proven;
            family.signal_group(Signal::KILL, slipped);
            return look;
        }
        let group = if killing {
            self.killed.extend(members.iter().map(|one| one.identity));
            family.signal_group(Signal::KILL, proven)
        } else if self.group_told {
            false
        } else {
            // Once: a second TERM makes some programs give up tidying.
            self.group_told = true;
            let told = family.signal_group(Signal::TERM, proven);
            // A stopped process takes the signal only when it goes on.
            told && family.signal_group(Signal::CONT, proven)
        };
        for member in members {
            let identity = member.identity;
            let reached = group && !member.escaped;
            if killing {
                if !reached {
                    signals::send(identity, Signal::KILL, || family.still(identity));
                }
            } else if self.told.insert(identity) && !reached {
                signals::send(identity, Signal::TERM, || family.still(identity));
                signals::send(identity, Signal::CONT, || family.still(identity));
            }
        }
        look
    }

    fn receipt(&self, left: usize) -> Receipt {
        let count = |set: &HashSet<Identity>| u32::try_from(set.len()).unwrap_or(u32::MAX);
        Receipt {
            processes: count(&self.seen),
            killed: count(&self.killed),
            left: u32::try_from(left).unwrap_or(u32::MAX),
            escaped: count(&self.escaped),
        }
    }
}
