//! The board: what was last read in the files, put up by the watcher, read by the API.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use crate::domain::issue::FileIssue;
use crate::domain::reading::{Reading, ReadingState};

use super::layout::Layout;

/// The status file as last read.
#[derive(Debug, Clone, Default)]
pub struct SprintBoard {
    /// What the newest reading said; `None` while the file is missing.
    pub newest: Option<ReadingState>,
    /// The last good reading; a recovered one only while no good one is known.
    pub shown: Option<Arc<Reading>>,
    /// True when `shown` is not what the file holds now.
    pub stale: bool,
    /// The newest reading's issues.
    pub issues: Vec<FileIssue>,
    /// Rises with every change: for caches and `ETag`s.
    pub revision: u64,
}

/// Shared between the watcher, who writes, and everybody else.
#[derive(Debug)]
pub struct Board {
    inner: RwLock<Inner>,
    status_gate: Mutex<()>,
}

#[derive(Debug)]
struct Inner {
    layout: Arc<Layout>,
    sprint: Arc<SprintBoard>,
}

impl Board {
    /// A board with nothing read yet.
    pub fn new(layout: Layout) -> Self {
        let inner = RwLock::new(Inner { layout: Arc::new(layout), sprint: Arc::default() });
        Self { inner, status_gate: Mutex::new(()) }
    }

    /// Held from reading the status file to publishing what was read, and from writing it to
    /// publishing what was written: so that a change of ours is told once, as ours, and an older
    /// reading never undoes it. May be held for a disk's time: never wait for it on the reactor.
    pub fn status_gate(&self) -> MutexGuard<'_, ()> {
        self.status_gate.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Where the files lie now.
    pub fn layout(&self) -> Arc<Layout> {
        Arc::clone(&self.read().layout)
    }

    /// The status file as last read.
    pub fn sprint(&self) -> Arc<SprintBoard> {
        Arc::clone(&self.read().sprint)
    }

    /// The watcher found the files elsewhere.
    pub fn set_layout(&self, layout: Layout) {
        self.write().layout = Arc::new(layout);
    }

    /// The watcher read the status file; the revision is counted here.
    pub fn set_sprint(&self, mut sprint: SprintBoard) {
        let mut inner = self.write();
        sprint.revision = inner.sprint.revision + 1;
        inner.sprint = Arc::new(sprint);
    }

    fn read(&self) -> std::sync::RwLockReadGuard<'_, Inner> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> std::sync::RwLockWriteGuard<'_, Inner> {
        self.inner.write().unwrap_or_else(PoisonError::into_inner)
    }
}
