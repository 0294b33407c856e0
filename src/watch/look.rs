//! Waiting for a look at the files that began after one asked for it.

use std::sync::mpsc::SyncSender;
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

#[derive(Debug, Default)]
pub(super) struct Looks {
    counts: Mutex<Counts>,
    told: Condvar,
}

#[derive(Debug, Default)]
struct Counts {
    begun: u64,
    /// The last that ended well.
    ended: u64,
    /// Somebody waits for the next one.
    asked: bool,
}

impl Looks {
    /// A look begins; returns its number, from 1, and whether somebody asked for it.
    pub(super) fn begin(&self) -> (u64, bool) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.begun += 1;
        (counts.begun, std::mem::take(&mut counts.asked))
    }

    /// All that look number `look` found is committed.
    pub(super) fn end(&self, look: u64) {
        self.counts.lock().unwrap_or_else(PoisonError::into_inner).ended = look;
        self.told.notify_all();
    }

    /// Asks for the next look; returns its number.
    fn ask(&self) -> u64 {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        counts.asked = true;
        counts.begun + 1
    }

    /// Waits until a look of this number or a later one has ended well.
    pub(super) fn wait(&self, look: u64, limit: Duration) -> bool {
        let counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let waited = self.told.wait_timeout_while(counts, limit, |counts| counts.ended < look);
        waited.unwrap_or_else(PoisonError::into_inner).0.ended >= look
    }
}

/// Has the files looked at right now; cheap to clone.
#[derive(Debug, Clone)]
pub struct Looker {
    wake: SyncSender<()>,
    looks: Arc<Looks>,
}

impl Looker {
    pub(super) const fn new(wake: SyncSender<()>, looks: Arc<Looks>) -> Self {
        Self { wake, looks }
    }

    /// Blocks until everything that lies in the files now is committed; false when that took longer
    /// than `limit`, or when the watcher has ended.
    pub fn look(&self, limit: Duration) -> bool {
        let look = self.looks.ask();
        // A full channel wakes it as well.
        let _ = self.wake.try_send(());
        self.looks.wait(look, limit)
    }
}
