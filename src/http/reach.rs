//! Whether the server that works on a project is heard.
//!
//! What this server folds by itself is always as true as its files. A hub shows what others have sent:
//! when one of them falls silent, nothing that it said last may go on being said.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::watch;

/// What is known of the server that works on a project.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Reached {
    /// Its machine's name; none before it was heard.
    pub host: Option<String>,
    /// Since when it has not been heard, in milliseconds since the epoch; none while it is.
    pub unreachable_since: Option<i64>,
    /// Whether it lets itself be controlled.
    pub control: bool,
}

/// Shared by whoever listens for that server and all who show its project.
#[derive(Debug, Clone)]
pub struct Reach {
    known: Arc<watch::Sender<Option<Reached>>>,
    /// What others have sent is still being read.
    catching_up: Arc<AtomicBool>,
}

impl Default for Reach {
    fn default() -> Self {
        Self { known: Arc::new(watch::Sender::new(None)), catching_up: Arc::default() }
    }
}

impl Reach {
    /// Of a project on another machine, of which this is known.
    pub fn afar(known: Reached) -> Self {
        Self { known: Arc::new(watch::Sender::new(Some(known))), ..Self::default() }
    }

    /// The same, with what tells whether all that others have sent was read once.
    #[must_use]
    pub fn reading(self, catching_up: Arc<AtomicBool>) -> Self {
        Self { catching_up, ..self }
    }

    /// Whether the log may lack much that other hubs have.
    pub fn is_catching_up(&self) -> bool {
        self.catching_up.load(Ordering::Relaxed)
    }

    /// What is known now; none for a project of this server's own.
    pub fn get(&self) -> Option<Reached> {
        self.known.borrow().clone()
    }

    /// Learns something; who waits wakes only where it is something else.
    pub fn set(&self, known: Reached) {
        self.known.send_if_modified(|now| {
            let known = Some(known);
            let changed = *now != known;
            *now = known;
            changed
        });
    }

    /// For who waits for a change.
    pub fn watch(&self) -> watch::Receiver<Option<Reached>> {
        self.known.subscribe()
    }
}
