//! What became of the messages, for whoever asks.

use std::sync::{Arc, Mutex, PoisonError};

use schemars::JsonSchema;
use serde::Serialize;

use crate::config::notifications::NotificationConfig;
use crate::domain::words::NotificationTarget;

/// What became of a target's messages, without secrets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, JsonSchema)]
pub struct TargetState {
    /// What it is called.
    pub name: String,
    /// Whose language it speaks.
    #[schemars(with = "NotificationTarget")]
    pub to: &'static str,
    /// Messages that wait.
    pub waiting: usize,
    /// Messages that had to make room.
    pub dropped: u64,
    /// When one last arrived, in milliseconds since the epoch.
    pub last_sent_at: Option<i64>,
    /// Why the last try failed; none when it did not.
    pub error: Option<String>,
    /// Since when none arrives, in milliseconds since the epoch.
    pub failing_since: Option<i64>,
}

/// What became of all targets' messages; cheap to clone.
#[derive(Debug, Clone, Default)]
pub struct Outcomes {
    states: Arc<Mutex<Vec<TargetState>>>,
}

impl Outcomes {
    /// Of these targets, before anything was sent.
    pub(super) fn of(targets: &[NotificationConfig]) -> Self {
        let states = targets.iter().map(|target| TargetState {
            name: target.name.clone(),
            to: target.to.word(),
            waiting: 0,
            dropped: 0,
            last_sent_at: None,
            error: None,
            failing_since: None,
        });
        Self { states: Arc::new(Mutex::new(states.collect())) }
    }

    /// Every target's, in the order of the file.
    pub fn get(&self) -> Vec<TargetState> {
        self.states.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(super) fn change(&self, name: &str, change: impl FnOnce(&mut TargetState)) {
        let mut states = self.states.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(state) = states.iter_mut().find(|state| state.name == name) {
            change(state);
        }
    }
}
