//! From the log and the agents' silence to the desk.

use std::sync::Arc;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::Running;
use crate::config::notifications::Rule;
use crate::domain::payload::Payload;
use crate::hub::Entry;
use crate::notifications::notifier::now_ms;
use crate::notifications::occasion::{Seen, concerns, holds, occasion};

/// Events without anything to tell that may be read a second time after a crash.
const FAR: u64 = 20_000;

impl Running {
    pub(super) async fn read(&mut self, entries: &[Arc<Entry>]) {
        let mut taken = false;
        for entry in entries {
            if concerns(&entry.kind) {
                taken |= self.take(entry);
            }
            self.desk.read_up_to(entry.id);
        }
        if taken {
            self.store().await;
        }
    }

    fn take(&mut self, entry: &Entry) -> bool {
        #[derive(Deserialize)]
        struct Wire<'a> {
            timestamp: i64,
            batch_id: Option<i64>,
            #[serde(borrow)]
            payload: &'a RawValue,
        }
        let Ok(wire) = serde_json::from_str::<Wire<'_>>(&entry.json) else { return false };
        let payload = Payload::from_json(&entry.kind, wire.payload.get());
        let seen = Seen {
            id: entry.id,
            timestamp_ms: wire.timestamp,
            batch_id: wire.batch_id,
            payload: &payload,
            json: &entry.json,
        };
        let state = self.parts.hub.state();
        let Some(occasion) = occasion(&seen, &state, self.parts.idle_ms) else { return false };
        self.desk.take(&occasion, &self.parts.targets, now_ms())
    }

    pub(super) async fn look_for_silence(&mut self) {
        let state = self.parts.hub.state();
        if state.agents.is_empty() && state.active.is_empty() {
            return;
        }
        let (agents, now_ms) = (self.parts.orchestrator.silences(), now_ms());
        let mut taken = false;
        for target in self.parts.targets.iter().filter(|it| it.on.contains(&Rule::AgentSilent)) {
            let idle_ms = self.parts.idle_ms;
            for silent in self.silences.look(target, &agents, &state, idle_ms, now_ms) {
                if self.desk.take_for(&silent, target, now_ms) {
                    self.silences.tell(target, &silent);
                    taken = true;
                }
            }
        }
        if taken {
            self.store().await;
        }
    }

    pub(super) async fn ripen(&mut self) {
        let state = self.parts.hub.state();
        let project = state.sprint.project.clone();
        let project = project.filter(|name| !name.trim().is_empty());
        let project = project.unwrap_or_else(|| self.parts.folder.clone());
        let (targets, now_ms) = (&self.parts.targets, now_ms());
        let holds = |occasion: &_| holds(occasion, &state);
        let far = self.desk.position() > self.stored_at + FAR;
        if self.desk.ripen(targets, now_ms, &project, &holds) || self.dirty || far {
            self.store().await;
        }
    }
}
