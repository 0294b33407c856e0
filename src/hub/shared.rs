//! What the writer shows and everybody reads: the head, the state, the ring.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Instant;

use bytes::Bytes;
use tokio::sync::watch;

use super::entry::Entry;
use super::figures::Figures;
use super::ring::Ring;
use crate::domain::event::EventId;
use crate::domain::state::State;
use crate::store::{Log, Record, StoreError};

/// A commit of so many events is shown as a whole: to copy the state once costs less than to fold
/// them all a second time. And when nobody listens they are not encoded for the ring: who comes
/// later reads them from the database.
const MANY: usize = 256;

/// The snapshot as JSON, and what it is a snapshot of.
#[derive(Debug, Clone)]
pub struct SnapshotJson {
    /// The last event folded in.
    pub last_event_id: EventId,
    /// The running batch.
    pub batch_id: Option<i64>,
    /// The JSON object.
    pub json: Bytes,
}

/// Written by the log's thread after each commit; its locks are held for moments only.
#[derive(Debug)]
pub(super) struct Shared {
    epoch: String,
    head: watch::Sender<EventId>,
    first: AtomicU64,
    state: Mutex<State>,
    ring: RwLock<Ring>,
    snapshot: Mutex<Option<SnapshotJson>>,
    trouble: Mutex<Option<String>>,
    pub(super) figures: Figures,
}

impl Shared {
    pub(super) fn new(log: &Log, state: State) -> Result<Self, StoreError> {
        Ok(Self {
            epoch: log.epoch().to_owned(),
            head: watch::Sender::new(log.head()),
            first: AtomicU64::new(log.first_available()?),
            state: Mutex::new(state),
            ring: RwLock::new(Ring::new(log.head())),
            snapshot: Mutex::new(None),
            trouble: Mutex::new(None),
            figures: Figures::default(),
        })
    }

    pub(super) fn epoch(&self) -> &str {
        &self.epoch
    }

    pub(super) fn head(&self) -> EventId {
        *self.head.borrow()
    }

    pub(super) fn watch_head(&self) -> watch::Receiver<EventId> {
        self.head.subscribe()
    }

    pub(super) fn first_available(&self) -> EventId {
        self.first.load(Ordering::Acquire)
    }

    /// Everything before `first` has been purged.
    pub(super) fn forget(&self, first: EventId) {
        self.first.fetch_max(first, Ordering::AcqRel);
    }

    pub(super) fn state(&self) -> State {
        lock(&self.state).clone()
    }

    pub(super) fn snapshot_json(&self) -> SnapshotJson {
        let state = self.state();
        let mut cached = lock(&self.snapshot);
        match &*cached {
            // A cached one may be newer than the state taken above; never hand out an older one.
            Some(known) if known.last_event_id >= state.last_event_id => known.clone(),
            _ => {
                // The snapshot's keys are texts and its values plain: encoding cannot fail.
                let json = serde_json::to_vec(&state.snapshot(&self.epoch)).unwrap_or_default();
                let fresh = SnapshotJson {
                    last_event_id: state.last_event_id,
                    batch_id: state.batch.as_ref().map(|batch| batch.id),
                    json: Bytes::from(json),
                };
                *cached = Some(fresh.clone());
                fresh
            }
        }
    }

    pub(super) fn trouble(&self) -> Option<String> {
        lock(&self.trouble).clone()
    }

    pub(super) fn set_trouble(&self, trouble: Option<String>) {
        *lock(&self.trouble) = trouble;
    }

    /// Shows what has been committed, and `ahead`, the state behind it: fold, ring, head, in this
    /// order, then the readers wake.
    pub(super) fn show(&self, records: &[Record], ahead: &State) {
        let Some(last) = records.last() else { return };
        let many = records.len() >= MANY;
        let entries = (!many || self.head.receiver_count() > 0).then(|| {
            let shown_at = Some(Instant::now());
            let encoded =
                |record| Arc::new(Entry { shown_at, ..Entry::of_record(&self.epoch, record) });
            records.iter().map(encoded).collect::<Vec<_>>()
        });
        if many {
            *lock(&self.state) = ahead.clone();
        } else {
            let mut state = lock(&self.state);
            for record in records {
                state.apply(&record.event);
            }
        }
        {
            let mut ring = self.ring.write().unwrap_or_else(PoisonError::into_inner);
            match entries {
                Some(entries) => entries.into_iter().for_each(|entry| ring.push(entry)),
                None => *ring = Ring::new(last.event.id),
            }
        }
        self.head.send_replace(last.event.id);
    }

    pub(super) fn recent(&self, after: EventId, max_bytes: usize) -> Option<Vec<Arc<Entry>>> {
        self.ring.read().unwrap_or_else(PoisonError::into_inner).after(after, max_bytes)
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
