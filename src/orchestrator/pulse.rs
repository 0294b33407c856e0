//! When an agent last printed anything.

use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use super::parts::now_ms;

/// Shared by who hears an agent, who watches over it, and who tells of it.
#[derive(Debug)]
pub(super) struct Pulse {
    begun: Instant,
    /// Milliseconds from `begun`. A clock that stands still while the machine sleeps: nobody is
    /// silent in his sleep.
    last: AtomicU64,
    /// Milliseconds since the epoch; 0 before the first beat.
    last_wall_ms: AtomicI64,
    /// Nobody listens just now.
    deaf: AtomicBool,
}

impl Pulse {
    pub(super) fn begin() -> Self {
        Self {
            begun: Instant::now(),
            last: AtomicU64::new(0),
            last_wall_ms: AtomicI64::new(0),
            deaf: AtomicBool::new(false),
        }
    }

    /// Something was printed.
    pub(super) fn beat(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
        self.last_wall_ms.store(now_ms(), Ordering::Relaxed);
    }

    /// Nobody listens for a while, as the log cannot be written: what is printed meanwhile waits in
    /// a pipe, and it is not the agent that is silent.
    pub(super) fn deaf(&self) {
        self.deaf.store(true, Ordering::Relaxed);
    }

    /// Somebody listens again; silence is counted from now on.
    pub(super) fn listening(&self) {
        let since = u64::try_from(self.begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        self.last.store(since, Ordering::Relaxed);
        self.deaf.store(false, Ordering::Relaxed);
    }

    /// For how long nothing was printed.
    pub(super) fn silence(&self) -> Duration {
        if self.deaf.load(Ordering::Relaxed) {
            return Duration::ZERO;
        }
        let last = Duration::from_millis(self.last.load(Ordering::Relaxed));
        self.begun.elapsed().saturating_sub(last)
    }

    /// When something was printed last, in milliseconds since the epoch.
    pub(super) fn last_ms(&self) -> Option<i64> {
        Some(self.last_wall_ms.load(Ordering::Relaxed)).filter(|last| *last > 0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b36_nobody_is_silent_while_nobody_listens() {
        let minute = Duration::from_secs(60);
        let begun = Instant::now().checked_sub(minute).unwrap();
        let pulse = Pulse { begun, ..Pulse::begin() };
        assert!(pulse.silence() >= minute);
        pulse.deaf();
        assert_eq!(pulse.silence(), Duration::ZERO);
        pulse.listening();
        assert!(pulse.silence() < minute, "counted from now on");
        let pulse = Pulse { begun, ..pulse };
        pulse.beat();
        assert!(pulse.silence() < minute);
    }
}
