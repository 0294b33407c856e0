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

use std::sync::Arc;

use schemars::JsonSchema;
use serde::Serialize;

use self::summary::Summary;
use self::sums::Sums;
use super::stream::Streams;

pub use project::{Inside, Project};
pub(super) use reasons::reasons;

/// All of them, in the order in which they were named.
#[derive(Debug, Default)]
pub struct Projects(Vec<Arc<Project>>);

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
        Self(all.into_iter().map(Arc::new).collect())
    }

    /// The one with these streams. A log's name would not do: who copies a project copies it.
    pub(super) fn of(&self, streams: &Arc<Streams>) -> Option<&Arc<Project>> {
        self.0.iter().find(|one| one.streams().is_some_and(|known| Arc::ptr_eq(known, streams)))
    }

    /// All of them.
    pub(super) fn all(&self) -> &[Arc<Project>] {
        &self.0
    }

    /// What each is up to at this time.
    pub(super) async fn told(&self, now_ms: i64) -> Told {
        let mut projects = Vec::with_capacity(self.0.len());
        // The looks run beside one another; the words follow in their order.
        let looks: Vec<_> = self.0.iter().map(|one| one.look()).collect();
        futures_util::future::join_all(looks).await;
        for project in &self.0 {
            projects.push(project.summary(now_ms));
        }
        Told { sums: Sums::of(&projects), projects }
    }
}
