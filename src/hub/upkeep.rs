//! What the log's thread does beside appending: purging by age, keeping the database small, and
//! finding out whether it can be written again. All in small steps, between two publications.

use std::time::{Duration, Instant};

use super::writer::Writer;
use crate::store::StoreError;

/// Events purged in one step: a publication hardly waits behind it.
const PURGE_EVENTS: u32 = 256;
/// Between two looks for something to purge.
const LEAST: Duration = Duration::from_secs(1);
const MOST: Duration = Duration::from_secs(600);
/// Between two steps while events keep coming: the appends are to have most of the time.
const BREATH: Duration = Duration::from_millis(50);
/// Between two tries to shorten the write-ahead log while somebody reads from it.
const WAL_AGAIN: Duration = Duration::from_secs(2);
/// And what it may grow by meanwhile, in bytes.
const WAL_GROWN: u64 = 4 * 1024 * 1024;
/// Between two tries to write while the log cannot be written.
const PROBE: Duration = Duration::from_millis(500);

/// When what is due.
#[derive(Debug)]
pub(super) struct Upkeep {
    /// Events older than this go; `None` keeps all.
    keep_ms: Option<i64>,
    /// The next look for something to purge.
    purge_at: Instant,
    /// There is something left to purge or to give back.
    purging: bool,
    shrinking: bool,
    /// The write-ahead log could not be made short: somebody reads. Then it is tried again by itself.
    wal_long: bool,
    /// The next step under load, and the next look at the write-ahead log.
    step_at: Instant,
    wal_at: Instant,
    /// Or at once when that is as long as this.
    wal_from: u64,
    probe_at: Instant,
}

impl Upkeep {
    pub(super) fn new() -> Self {
        let now = Instant::now();
        Self {
            keep_ms: None,
            purge_at: now,
            purging: false,
            // An earlier purge may have been cut short.
            shrinking: true,
            wal_long: false,
            step_at: now,
            wal_at: now,
            wal_from: 0,
            probe_at: now,
        }
    }

    /// Events older than this go from now on.
    pub(super) fn keep_for(&mut self, keep_ms: Option<i64>) {
        self.keep_ms = keep_ms;
        self.purge_at = Instant::now();
    }

    /// A look costs little, and nobody counts on the second: a twentieth of the time kept.
    fn pause(&self) -> Duration {
        let twentieth = u64::try_from(self.keep_ms.unwrap_or_default() / 20).unwrap_or(0);
        Duration::from_millis(twentieth).clamp(LEAST, MOST)
    }
}

impl Writer {
    /// How long the thread may sleep when nobody asks anything.
    pub(super) fn idle_for(&self) -> Duration {
        let now = Instant::now();
        let until = |at: Instant| at.saturating_duration_since(now);
        // Then nothing else is done, however long it has been due.
        if self.trouble.is_there() {
            return until(self.upkeep.probe_at);
        }
        let purge = self.upkeep.keep_ms.map_or(MOST, |_| until(self.upkeep.purge_at));
        if self.upkeep.wal_long { purge.min(until(self.upkeep.wal_at)) } else { purge }
    }

    /// One step between two publications. Most times there is nothing to do.
    pub(super) fn upkeep_under_load(&mut self) {
        self.bound_wal(false);
        if Instant::now() >= self.upkeep.step_at {
            self.upkeep_step();
            self.upkeep.step_at = Instant::now() + BREATH;
        }
    }

    /// One step. Returns whether there is more to do at once.
    pub(super) fn upkeep_step(&mut self) -> bool {
        let now = Instant::now();
        if self.trouble.is_there() {
            if now >= self.upkeep.probe_at {
                self.probe(now);
                self.upkeep.probe_at = now + PROBE;
            }
            return false;
        }
        if now >= self.upkeep.purge_at && self.upkeep.keep_ms.is_some() {
            self.upkeep.purging = true;
            self.upkeep.purge_at = now + self.upkeep.pause();
            self.store_pace();
        }
        let more = if self.upkeep.purging {
            self.purge_step()
        } else if self.upkeep.shrinking {
            self.log.shrink_some().map(|more| self.upkeep.shrinking = more)
        } else {
            return false;
        };
        if let Err(error) = more {
            self.has_failed(&error);
            return false;
        }
        self.upkeep.purging || self.upkeep.shrinking
    }

    fn purge_step(&mut self) -> Result<(), StoreError> {
        let Some(keep_ms) = self.upkeep.keep_ms else {
            self.upkeep.purging = false;
            return Ok(());
        };
        let now_ms = (self.clock)();
        let before_ms = self.pace.now(now_ms, Instant::now()).saturating_sub(keep_ms);
        let shared = &self.shared;
        let announce = |first| shared.forget(first);
        if let Some(purged) = self.log.purge_some(before_ms, now_ms, PURGE_EVENTS, announce)? {
            self.shared.forget(purged.first_available);
            self.purged += purged.events;
        } else {
            self.upkeep.purging = false;
            if self.purged > 0 {
                tracing::info!(events = self.purged, "old events were purged");
                self.purged = 0;
                self.upkeep.shrinking = true;
            }
        }
        Ok(())
    }

    /// Keeps how far the log's time has come, so that a clock that jumps while this program does not
    /// run is seen as well.
    pub(super) fn store_pace(&mut self) {
        self.pace.now((self.clock)(), Instant::now());
        if let Err(error) = self.log.keep_reached(self.pace.reached_ms()) {
            self.has_failed(&error);
        }
    }

    /// With nothing else to do.
    pub(super) fn rest(&mut self) {
        if !self.trouble.is_there() {
            self.bound_wal(true);
        }
    }

    fn bound_wal(&mut self, idle: bool) {
        let upkeep = &mut self.upkeep;
        if Instant::now() < upkeep.wal_at && self.log.wal_bytes() < upkeep.wal_from {
            return;
        }
        match self.log.bound_wal(idle) {
            // Somebody reads for long, and all writers wait while it is tried: not each time.
            Ok(true) => {
                upkeep.wal_long = true;
                upkeep.wal_at = Instant::now() + WAL_AGAIN;
                upkeep.wal_from = self.log.wal_bytes() + WAL_GROWN;
            }
            Ok(false) => {
                // Short enough for a busy moment may still be long for a quiet one.
                upkeep.wal_long &= !idle;
                upkeep.wal_from = 0;
            }
            Err(error) => self.has_failed(&error),
        }
    }

    fn probe(&mut self, now: Instant) {
        if !self.trouble.is_calm(now) {
            return;
        }
        match self.log.probe() {
            Ok(()) => self.has_written(),
            Err(error) => self.has_failed(&error),
        }
    }

    pub(super) fn has_failed(&mut self, error: &StoreError) {
        let plain = self.trouble.failed(error, Instant::now());
        self.shared.set_trouble(Some(plain));
    }

    pub(super) fn has_written(&mut self) {
        if self.trouble.is_there() && self.trouble.written(Instant::now()) {
            self.shared.set_trouble(None);
        }
    }
}

#[cfg(test)]
mod tests;
