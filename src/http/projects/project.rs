//! One project of the server.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use super::count::{Counted, count};
use super::folder::Folder;
use super::reasons::reasons;
use crate::domain::event::EventId;
use crate::domain::state::State;
use crate::http::reach::{Reach, Reached};
use crate::http::stream::Streams;
use crate::hub::Hub;
use crate::notifications::{Outcomes, TargetState};

/// One project of the server.
#[derive(Debug)]
pub struct Project {
    /// `None` when it is the only one, which stands at the root.
    name: Option<String>,
    pub(super) folder: Arc<Folder>,
    inside: Result<Inside, String>,
    counted: Mutex<Option<(EventId, Arc<Counted>)>>,
}

/// What runs: its log, what its streams share, what became of its notifications, whether the server
/// that works on it is heard.
pub type Inside = (Hub, Arc<Streams>, Outcomes, Reach);

impl Project {
    /// One that runs. `name`: none for the only one.
    pub fn running(name: Option<String>, folder: &Path, database: &Path, inside: Inside) -> Self {
        Self::new(name, Folder::new(folder, Some(database)), Ok(inside))
    }

    /// One that another server works on: its folder is on that machine.
    pub fn afar(name: String, inside: Inside) -> Self {
        Self::new(Some(name), Folder::elsewhere(), Ok(inside))
    }

    /// One that could not be started, and why, in a sentence that names no path.
    pub fn down(name: String, folder: &Path, why: String) -> Self {
        Self::new(Some(name), Folder::new(folder, None), Err(why))
    }

    fn new(name: Option<String>, folder: Folder, inside: Result<Inside, String>) -> Self {
        Self { name, folder: Arc::new(folder), inside, counted: Mutex::default() }
    }

    /// Its name; none for the only one.
    pub(in crate::http) fn name(&self) -> Option<&str> {
        self.name.as_deref()
    }

    /// Its log, where it runs.
    pub(in crate::http) fn hub(&self) -> Option<&Hub> {
        self.inside.as_ref().ok().map(|(hub, ..)| hub)
    }

    /// What its streams share, where it runs.
    pub(in crate::http) fn streams(&self) -> Option<&Arc<Streams>> {
        self.inside.as_ref().ok().map(|(_, streams, ..)| streams)
    }

    /// What is known of the server that works on it, where that is another one.
    pub(in crate::http) fn reached(&self) -> Option<Reached> {
        self.inside.as_ref().ok().and_then(|(.., reach)| reach.get())
    }

    /// What became of its notifications.
    pub(in crate::http) fn notified(&self) -> Vec<TargetState> {
        self.inside.as_ref().map(|(_, _, notified, _)| notified.get()).unwrap_or_default()
    }

    /// What ails it just now, a sentence each.
    pub(in crate::http) async fn reasons(&self) -> Vec<String> {
        self.look().await;
        let mut all = self.known_reasons();
        // First: what else is said is only what it said last.
        all.splice(0..0, self.reached().and_then(|known| known.reason()));
        all
    }

    /// Looks at its folder, unless that was done just now.
    pub(super) async fn look(&self) {
        self.folder.look().await;
    }

    /// What ails it as far as it has been seen.
    pub(super) fn known_reasons(&self) -> Vec<String> {
        match &self.inside {
            Err(why) => vec![why.clone()],
            Ok((hub, streams, notified, _)) => {
                let gone = self.folder.looked().gone.filter(|_| self.name.is_some());
                let mut all = reasons(hub, streams, &notified.get());
                all.extend(gone.map(str::to_owned));
                all
            }
        }
    }

    /// What is counted of this state; once an event id.
    pub(super) fn counted(&self, state: &State) -> Arc<Counted> {
        let mut kept = self.counted.lock().unwrap_or_else(PoisonError::into_inner);
        match &*kept {
            Some((id, counted)) if *id == state.last_event_id => Arc::clone(counted),
            _ => {
                let counted = Arc::new(count(state));
                *kept = Some((state.last_event_id, Arc::clone(&counted)));
                counted
            }
        }
    }
}
