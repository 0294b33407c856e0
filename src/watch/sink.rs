//! Where the sources' events go: the hub, or a recording one in their tests.

use std::cell::Cell;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use crate::domain::state::State;
use crate::hub::{Hub, Publication, PublishError, Seen};

/// A commit under way; called, it waits for its end.
pub(crate) type Commit = Box<dyn FnOnce() -> Result<(), PublishError>>;

/// The door as the sources need it.
pub(crate) trait Sink {
    /// Hands a publication in. At most one may be under way for one file: a later one that
    /// succeeds behind an earlier one that fails would leave a hole.
    fn submit(&self, publication: Publication) -> Commit;

    /// What was kept under keys that begin with `prefix`, in order of the keys.
    fn kept(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, PublishError>;

    /// The folded state.
    fn state(&self) -> State;

    /// Hands in and waits.
    fn publish(&self, publication: Publication) -> Result<(), PublishError> {
        self.submit(publication)()
    }
}

/// The hub, until the watcher is told to end.
#[derive(Debug, Clone)]
pub(crate) struct HubSink {
    pub(crate) hub: Hub,
    pub(crate) stop: Arc<AtomicBool>,
    /// When the look at the files began.
    pub(crate) looked_at: Rc<Cell<Instant>>,
}

impl Sink for HubSink {
    fn submit(&self, publication: Publication) -> Commit {
        if self.stop.load(Ordering::Relaxed) {
            return Box::new(|| Err(PublishError::Closed));
        }
        let pending = self.hub.submit(publication.seen(Seen::InFiles(self.looked_at.get())));
        Box::new(move || pending.wait().map(|_| ()))
    }

    fn kept(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, PublishError> {
        self.hub.queries().kept(prefix).map_err(|error| PublishError::Store(error.to_string()))
    }

    fn state(&self) -> State {
        self.hub.state()
    }
}
