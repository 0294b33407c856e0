//! One project of the team: its log, and what waits to be appended to it.

use std::path::PathBuf;

use super::cache::{self, Found, Stored};
use super::lineage::Lineage;
use super::rule::Place;
use crate::domain::attribution::Rules;
use crate::http::Reach;
use crate::hub::{Hub, Pending, Publication};
use crate::store::{Log, Queries, Record, StoreError};

/// A project of the team.
#[derive(Debug)]
pub(super) struct Project {
    pub(super) hub: Hub,
    pub(super) reach: Reach,
    /// Where it stands, behind all that waits.
    pub(super) place: Place,
    /// Something of it is committed.
    pub(super) is_shown: bool,
    path: PathBuf,
    waiting: Vec<Record>,
    /// The one in whose place this one stands, until something is committed.
    former: Option<Box<Self>>,
}

impl Project {
    /// Starts on a new log. Blocks.
    pub(super) fn begin(
        (path, log, queries): (PathBuf, Log, Queries),
        place: Place,
        reach: Reach,
    ) -> Result<Self, StoreError> {
        let hub = Hub::start(log, queries, Rules::default())?;
        let waiting = Vec::new();
        Ok(Self { hub, reach, place, is_shown: false, path, waiting, former: None })
    }

    /// Starts on a log that was found. Blocks.
    pub(super) fn take_up(found: Found, reach: Reach) -> Result<Self, StoreError> {
        let Found { path, log, queries, stored, .. } = found;
        let begun = Self::begin((path, log, queries), stored.place, reach)?;
        Ok(Self { is_shown: true, ..begun })
    }

    /// This one is to stand in the place of another.
    pub(super) fn instead_of(&mut self, former: Self) {
        self.former = Some(Box::new(former));
    }

    /// What is to be appended with the next commit.
    pub(super) fn wait(&mut self, record: Record) {
        self.waiting.push(record);
    }

    /// Hands in what waits, and says how much that is.
    pub(super) fn commit(&mut self, lineage: &Lineage, turn: u64) -> Option<(Pending, usize)> {
        if self.waiting.is_empty() {
            return None;
        }
        let stored = Stored { lineage: lineage.clone(), turn, place: self.place.clone() };
        let records = std::mem::take(&mut self.waiting);
        let count = records.len();
        Some((self.hub.submit(Publication::given(records).keeping(stored.keep())), count))
    }

    /// The one before this one, which is not needed any more.
    pub(super) fn committed(&mut self) -> Option<Self> {
        self.is_shown = true;
        self.former.take().map(|former| *former)
    }

    /// Goes back to what is committed: what was not, will be read again. Gives the project as it is
    /// then, and what is to be removed. Blocks.
    pub(super) fn back(mut self) -> (Option<Self>, Option<Self>) {
        if let Ok(Some(stored)) = Stored::read(self.hub.queries()) {
            self.waiting.clear();
            self.place = stored.place;
            return (Some(self), None);
        }
        // It cannot be read just now: better anew than wrong.
        let former = self.former.take().map(|former| *former);
        (former, Some(self))
    }

    /// Ends it, and removes what it was made of. Blocks.
    pub(super) fn remove(self) {
        if let Some(former) = self.former {
            former.remove();
        }
        self.hub.shutdown();
        cache::remove(&self.path);
    }

    /// Ends it. Blocks.
    pub(super) fn end(self) {
        if let Some(former) = self.former {
            former.remove();
        }
        self.hub.shutdown();
    }
}
