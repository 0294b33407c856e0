//! Whether the server that works on a project is heard.
//!
//! What this server folds by itself is always as true as its files. A hub shows what others have sent:
//! when one of them falls silent, nothing that it said last may go on being said.

use std::sync::Arc;

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
pub struct Reach(Arc<watch::Sender<Option<Reached>>>);

impl Default for Reach {
    fn default() -> Self {
        Self(Arc::new(watch::Sender::new(None)))
    }
}

impl Reach {
    /// Of a project on another machine, of which this is known.
    pub fn afar(known: Reached) -> Self {
        Self(Arc::new(watch::Sender::new(Some(known))))
    }

    /// What is known now; none for a project of this server's own.
    pub fn get(&self) -> Option<Reached> {
        self.0.borrow().clone()
    }

    /// Learns something; who waits wakes only where it is something else.
    pub fn set(&self, known: Reached) {
        self.0.send_if_modified(|now| {
            let known = Some(known);
            let changed = *now != known;
            *now = known;
            changed
        });
    }

    /// For who waits for a change.
    pub fn watch(&self) -> watch::Receiver<Option<Reached>> {
        self.0.subscribe()
    }
}
