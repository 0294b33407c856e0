//! Collects the dead children that came to us as orphans, and no others.

use std::collections::BTreeSet;
use std::io;
use std::process::{Child, Command};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, WaitId, WaitIdOptions, getpgrp, waitid};
use tokio::signal::unix::{SignalKind, signal};
use tokio::task::JoinHandle;

use super::descriptors;
use super::table::{self, Row, Table};

/// Leaders that are not collected yet: those are their agents' business. Held while one is
/// started, so that a leader that ends at once is never taken for an orphan.
static LEADERS: Mutex<BTreeSet<u32>> = Mutex::new(BTreeSet::new());

/// Every orphan that comes to us is an agent's.
static ALL_OURS: AtomicBool = AtomicBool::new(false);

/// Deaths come in flocks; one look serves them all.
const GATHER: Duration = Duration::from_millis(20);

/// Starts a leader. From the first one on, orphans come to us.
pub(super) fn start_leader(command: &mut Command) -> io::Result<Child> {
    let mut leaders = leaders();
    #[cfg(target_os = "linux")]
    {
        static ONCE: std::sync::Once = std::sync::Once::new();
        ONCE.call_once(|| {
            let reaps = rustix::process::child_subreaper().map_or(true, |already| already.is_some());
            let alone = are_all_ours(std::process::id(), reaps, &table::read());
            if let Err(error) =
                rustix::process::set_child_subreaper(Some(rustix::process::getpid()))
            {
                tracing::warn!(%error, "what agents leave behind goes to the system's first process");
            } else {
                ALL_OURS.store(alone, Ordering::Relaxed);
            }
        });
    }
    let child = descriptors::start(|| command.spawn(), |child| Some(child.id()))?;
    leaders.insert(child.id());
    Ok(child)
}

/// Whether orphans that come to us from now on can be nobody's but our agents'. With children of our
/// own (`daemon & exec sprint-runner`, a browser that was opened), as a container's first process,
/// and where orphans came to us before, none can be told from somebody else's.
#[cfg_attr(not(target_os = "linux"), allow(dead_code))]
fn are_all_ours(own: u32, reaps: bool, table: &Table) -> bool {
    own != 1 && !reaps && !table.values().any(|row| row.parent == own)
}

/// Collects a leader that has ended. No orphan can be taken for it in between.
pub(super) fn collect_leader(pid: u32) {
    let mut leaders = leaders();
    collect(pid);
    leaders.remove(&pid);
}

/// Collects the orphans among the dead of this table.
pub(super) fn sweep(table: &Table) {
    let group = own_group();
    let orphan = |row: &Row| row.dead && is_adopted(row, group);
    for row in table.values().filter(|row| orphan(row)) {
        let leaders = leaders();
        let pid = row.identity.pid;
        // Asked again under the lock: the number may have become a leader's meanwhile.
        if !leaders.contains(&pid) && table::row(pid).is_some_and(|now| orphan(&now)) {
            collect(pid);
        }
    }
}

/// Whether this is a living orphan that an agent left behind, whatever became of its environment:
/// a child of ours that we did not start. Of which agent cannot be told.
pub(super) fn is_left_behind(row: &Row) -> bool {
    let ours = ALL_OURS.load(Ordering::Relaxed) && !row.dead && is_adopted(row, own_group());
    ours && !leaders().contains(&row.identity.pid)
}

/// A child of ours in another group than our own: nothing but agents and what they leave is that.
fn is_adopted(row: &Row, own_group: u32) -> bool {
    row.parent == std::process::id() && row.group != own_group
}

fn own_group() -> u32 {
    getpgrp().as_raw_pid() as u32
}

/// Sees to it that somebody collects orphans whenever a child of ours dies.
pub(super) fn listen() -> io::Result<()> {
    static TASK: Mutex<Option<JoinHandle<()>>> = Mutex::new(None);
    let mut task = TASK.lock().unwrap_or_else(PoisonError::into_inner);
    // It ends with its runtime; the next agent's runtime takes over.
    if task.as_ref().is_none_or(JoinHandle::is_finished) {
        let mut deaths = signal(SignalKind::child())?;
        *task = Some(tokio::spawn(async move {
            loop {
                // The first time too: who listened before may have gone without a look.
                if anybody_dead() {
                    let sweeping = tokio::task::spawn_blocking(|| sweep(&table::read()));
                    if sweeping.await.is_err() {
                        break;
                    }
                }
                if deaths.recv().await.is_none() {
                    break;
                }
                tokio::time::sleep(GATHER).await;
            }
        }));
    }
    Ok(())
}

/// Whether any child of ours waits to be collected; takes nobody's exit code away.
fn anybody_dead() -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    matches!(waitid(WaitId::All, look), Ok(Some(_)))
}

fn collect(pid: u32) {
    let Some(pid) = i32::try_from(pid).ok().and_then(Pid::from_raw) else { return };
    // Where it is gone already there is nothing to do.
    let _ = waitid(WaitId::Pid(pid), WaitIdOptions::EXITED | WaitIdOptions::NOHANG);
}

fn leaders() -> MutexGuard<'static, BTreeSet<u32>> {
    LEADERS.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::super::Identity;
    use super::*;

    fn row(pid: u32, parent: u32, group: u32, dead: bool) -> (u32, Row) {
        let identity = Identity { pid, start: 1 };
        (pid, Row { identity, parent, group, dead, ticks: 0, rss_pages: 0 })
    }

    #[test]
    fn b26_orphans_are_ours_only_where_nobody_elses_can_come() {
        let own = 40;
        let strangers = [row(7, 1, 7, false), row(8, 7, 7, false), row(own, 8, own, false)];
        assert!(are_all_ours(own, false, &Table::from(strangers.clone())));
        assert!(!are_all_ours(own, true, &Table::from(strangers.clone())), "a subreaper already");
        assert!(!are_all_ours(1, false, &Table::from([row(1, 0, 1, false)])), "the first process");
        for child in [row(50, own, 50, false), row(50, own, own, false), row(50, own, own, true)] {
            let mut table = Table::from(strangers.clone());
            table.extend([child.clone()]);
            assert!(!are_all_ours(own, false, &table), "a child that was there: {child:?}");
        }
    }
}
