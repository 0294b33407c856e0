//! The projects of one server, and what each is up to in few words: what `/api/projects` and the
//! health of the whole are made of.
//!
//! - Every word is made from the folded state when it is asked for. Nothing is remembered that could
//!   go on saying *running*: what was counted is kept for one event id, and what depends on the time
//!   is judged anew.
//! - A project that could not be started is listed with the reason, and has nothing else to tell.

mod count;
mod folder;
mod project;
mod reasons;
mod summary;
mod sums;
#[cfg(test)]
mod tests;
mod word;

use std::sync::{Arc, PoisonError, RwLock};

use schemars::JsonSchema;
use serde::Serialize;

use self::summary::Summary;
use self::sums::Sums;
use super::stream::Streams;

pub use project::{Inside, Project};
pub(super) use reasons::reasons;

/// All of them, in the order in which they were named; those of a team, which come and go, in the
/// order of their names. Its lock is held for a look, never while anything is waited for.
#[derive(Debug, Default)]
pub struct Projects(RwLock<Vec<Arc<Project>>>);

/// All projects of a server.
#[derive(Debug, Serialize, JsonSchema)]
#[schemars(rename = "Projects")]
pub(super) struct Told {
    /// In the order in which they were named.
    projects: Vec<Summary>,
    /// All of them together.
    sums: Sums,
}

impl Projects {
    /// These, the first first.
    pub fn new(all: Vec<Project>) -> Self {
        Self(RwLock::new(all.into_iter().map(Arc::new).collect()))
    }

    /// Takes one in, in the place of the one of its name, where there is one.
    pub fn put(&self, project: Project) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match all.binary_search_by(|one| one.name().cmp(&project.name())) {
            Ok(at) => all[at] = Arc::new(project),
            Err(at) => all.insert(at, Arc::new(project)),
        }
    }

    /// There is no such project any more.
    pub fn remove(&self, name: &str) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        all.retain(|one| one.name() != Some(name));
    }

    /// The one with these streams. A log's name would not do: who copies a project copies it.
    pub(super) fn of(&self, streams: &Arc<Streams>) -> Option<Arc<Project>> {
        let all = self.0.read().unwrap_or_else(PoisonError::into_inner);
        let found =
            all.iter().find(|one| one.streams().is_some_and(|known| Arc::ptr_eq(known, streams)));
        found.cloned()
    }

    /// All of them.
    pub(super) fn all(&self) -> Vec<Arc<Project>> {
        self.0.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// What each is up to at this time.
    pub(super) async fn told(&self, now_ms: i64) -> Told {
        let all = self.all();
        let mut projects = Vec::with_capacity(all.len());
        // The looks run beside one another; the words follow in their order.
        let looks: Vec<_> = all.iter().map(|one| one.look()).collect();
        futures_util::future::join_all(looks).await;
        for project in &all {
            projects.push(project.summary(now_ms));
        }
        Told { sums: Sums::of(&projects), projects }
    }
}
