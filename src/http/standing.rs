//! What a hub's reading of its team's stream has come to: written by who reads, told by the health of
//! the whole and its figures.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

/// Shared by the reader and all who tell.
#[derive(Debug, Default)]
pub struct Standing {
    /// Events that were applied since the start.
    pub applied: AtomicU64,
    /// Messages that were there already.
    pub repeats: AtomicU64,
    /// Messages that are no events of this team, or of a log that was given up.
    pub unfit: AtomicU64,
    /// Messages behind a hole.
    pub held_back: AtomicU64,
    /// Projects that lack something just now.
    pub holes: AtomicU64,
    /// How often something was asked for again.
    pub asked: AtomicU64,
    /// Messages of the stream that are not read yet.
    pub behind: AtomicU64,
    /// How often all was thrown away and read anew.
    pub rebuilt: AtomicU64,
    /// The stream has not been read to its end since the start, or since all was thrown away.
    pub catching_up: Arc<AtomicBool>,
    trouble: Mutex<Option<Arc<str>>>,
}

impl Standing {
    /// Why nothing comes just now; none when all is well.
    pub fn trouble(&self) -> Option<Arc<str>> {
        self.trouble.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Something is the matter, or nothing. Returns whether that is news.
    pub fn set_trouble(&self, what: Option<&str>) -> bool {
        let mut known = self.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        let is_news = known.as_deref() != what;
        if is_news {
            *known = what.map(Into::into);
        }
        is_news
    }

    /// What ails it, a sentence each.
    pub(super) fn reasons(&self) -> Vec<String> {
        let mut reasons: Vec<String> =
            self.trouble().into_iter().map(|it| it.as_ref().to_owned()).collect();
        let behind = self.behind.load(Ordering::Relaxed);
        if self.catching_up.load(Ordering::Relaxed) && reasons.is_empty() {
            reasons.push(format!("the team's stream is still being read: {behind} messages to go"));
        }
        let holes = self.holes.load(Ordering::Relaxed);
        if holes > 0 {
            reasons.push(format!(
                "{holes} projects lack events that the stream does not hold; their servers are \
                 asked to send them again"
            ));
        }
        reasons
    }
}
