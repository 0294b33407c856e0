//! The process that was started itself: whether it has ended, how, and when it may be collected.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use rustix::io::Errno;
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process_group, test_kill_process_group, waitid,
};
use tokio::signal::unix::Signal as Deaths;
use tokio::sync::watch;

use super::look;
use super::table::{self, Row, Table};
use super::{Cookie, Exit, Identity, reaper};

/// Shared by the agent's reader, its stoppers and the task that waits for its end.
#[derive(Debug)]
pub(super) struct Leader {
    pub(super) identity: Identity,
    cookie: Cookie,
    state: Mutex<State>,
    /// Those that earlier looks proved to be the agent's own.
    known: Mutex<HashSet<Identity>>,
    pub(super) ended: watch::Sender<Option<Exit>>,
}

#[derive(Debug, Default)]
struct State {
    exit: Option<Exit>,
    /// Its number is free for others.
    collected: bool,
    /// How many want the number kept.
    pins: u32,
}

/// What one look at an agent showed.
#[derive(Debug, Default)]
pub(super) struct Seen {
    /// Its living members.
    pub(super) alive: Vec<Row>,
    /// Some that are dead are still there.
    pub(super) dead: bool,
    /// There is somebody whom the look did not catch.
    pub(super) slipping: bool,
}

impl Leader {
    pub(super) fn new(identity: Identity, cookie: Cookie) -> Arc<Self> {
        Arc::new(Self {
            identity,
            cookie,
            state: Mutex::default(),
            known: Mutex::default(),
            ended: watch::Sender::new(None),
        })
    }

    /// Waits for the end and collects the leader.
    pub(super) async fn attend(self: Arc<Self>, mut deaths: Deaths) {
        while self.peek().is_none() {
            if deaths.recv().await.is_none() {
                return;
            }
        }
        // While its number is still its own, everything in its group is beyond doubt: what of it
        // lives on is remembered.
        let done = tokio::task::spawn_blocking(move || {
            self.look();
            self.collect();
        });
        // It fails only where the runtime goes, and the program with it.
        let _ = done.await;
    }

    /// How it ended, if it has; leaves it uncollected.
    pub(super) fn peek(&self) -> Option<Exit> {
        let mut state = self.state();
        if state.exit.is_none() {
            let options = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
            let exit = match self.pid().map(|pid| waitid(WaitId::Pid(pid), options)) {
                Some(Ok(Some(status))) => {
                    Exit { code: status.exit_status(), signal: status.terminating_signal() }
                }
                // Somebody else took it: the number is not ours any more.
                Some(Err(Errno::CHILD)) | None => {
                    state.collected = true;
                    Exit::default()
                }
                Some(Ok(None) | Err(_)) => return None,
            };
            state.exit = Some(exit);
            self.ended.send_replace(Some(exit));
        }
        state.exit
    }

    /// Collects it, if it has ended and nobody wants its number kept.
    pub(super) fn collect(&self) {
        let ended = self.peek().is_some();
        let mut state = self.state();
        if ended && !state.collected && state.pins == 0 {
            state.collected = true;
            reaper::collect_leader(self.identity.pid);
        }
    }

    /// Keeps its number from being given to another as long as the pin lives.
    pub(super) fn pin(self: &Arc<Self>) -> Pin {
        self.state().pins += 1;
        Pin(Arc::clone(self))
    }

    /// Looks who belongs to the agent. Takes some milliseconds.
    pub(super) fn look(&self) -> Seen {
        let table = table::read();
        reaper::sweep(&table);
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let members = look::members(&table, self.identity, &known, std::process::id(), |row| {
            self.cookie.is_in(&table::environment(row.identity.pid))
        });
        let dead = members.iter().any(|row| row.dead && row.identity != self.identity);
        let alive: Vec<Row> = members.into_iter().filter(|row| !row.dead).cloned().collect();
        let found: HashSet<Identity> = alive.iter().map(|row| row.identity).collect();
        // Another look may be newer than this one: only what is gone for certain is forgotten.
        known.retain(|one| {
            found.contains(one) || table::row(one.pid).is_some_and(|row| row.identity == *one)
        });
        known.extend(found);
        drop(known);
        let slipping = self.slipping(&table);
        #[cfg(not(target_os = "linux"))]
        let alive = self.without_a_table(alive);
        Seen { alive, dead, slipping }
    }

    /// Whether the group has somebody, yet nobody that stays: one that forks and ends over and over
    /// is elsewhere whenever its row or its environment is read. While the number is pinned the
    /// dead leader itself keeps the group, so this cannot be told, and need not be: the group can be
    /// killed by its number.
    fn slipping(&self, table: &Table) -> bool {
        let stays = |row: &Row| {
            row.group == self.identity.pid
                && table::row(row.identity.pid).is_some_and(|now| now.identity == row.identity)
        };
        let collected = self.state().collected;
        cfg!(target_os = "linux") && collected && self.group_exists() && !table.values().any(stays)
    }

    /// Sends a signal to all of the group at one stroke, which no fork escapes, if the group is
    /// ours beyond doubt: the number is still the leader's, or `proven` by a look just now.
    pub(super) fn signal_group(&self, signal: Signal, proven: bool) -> bool {
        // Held meanwhile, so that nobody collects the leader between question and signal.
        let state = self.state();
        let Some(pid) = self.pid() else { return false };
        (!state.collected || proven) && kill_process_group(pid, signal).is_ok()
    }

    fn group_exists(&self) -> bool {
        self.pid().is_some_and(|pid| test_kill_process_group(pid).is_ok())
    }

    /// As after an exit long ago: the number is anybody's.
    #[cfg(test)]
    pub(super) fn forget_for_test(&self) {
        let mut state = self.state();
        state.exit = Some(Exit::default());
        state.collected = true;
    }

    fn pid(&self) -> Option<Pid> {
        // 1 would be every process there is, where a group is meant.
        i32::try_from(self.identity.pid).ok().filter(|pid| *pid > 1).and_then(Pid::from_raw)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(not(target_os = "linux"))]
    fn without_a_table(&self, mut alive: Vec<Row>) -> Vec<Row> {
        self.collect();
        if self.peek().is_none() || self.group_exists() {
            alive.push(Row {
                identity: self.identity,
                parent: std::process::id(),
                group: self.identity.pid,
                dead: false,
                ticks: 0,
                rss_pages: 0,
            });
        }
        alive
    }
}

/// The leader's number, kept.
#[derive(Debug)]
pub(super) struct Pin(Arc<Leader>);

impl Drop for Pin {
    fn drop(&mut self) {
        self.0.state().pins -= 1;
        self.0.collect();
    }
}
