//! How a batch ends: once, with its reason, after everything that still runs.

use super::batch::{Batch, Ending, Fate, Phase, WorkState};
use super::input::Effect;
use crate::domain::payload::{BatchEnd, ErrorEvent, Payload};

impl Batch {
    /// The batch ends. What runs of the main line, or with a status other than `completed` runs at
    /// all, is ended first; a background chain may end by itself.
    pub(super) fn end(&mut self, status: &'static str, reason: &str) {
        if matches!(self.phase, Phase::Ending | Phase::Ended) {
            return;
        }
        self.phase = Phase::Ending;
        self.ending = Some(Ending { status, reason: reason.to_owned() });
        let uncommitted = self.cycle.with_fate(Fate::Done);
        if !uncommitted.is_empty() && !self.cycle.committed {
            let message = format!("{} done, but not committed", uncommitted.join(", "));
            self.warn("uncommitted", &message);
        }
        if status != "completed" {
            self.end_children();
        }
    }

    /// Something failed that the batch cannot go on from.
    pub(super) fn fail(&mut self, kind: &str, message: &str) {
        if matches!(self.phase, Phase::Ending | Phase::Ended) {
            return;
        }
        let keys: Vec<&str> =
            self.cycle.stories.iter().map(|work| work.story.story_key.as_str()).collect();
        let context = serde_json::json!({
            "batch_id": self.id(),
            "cycle_number": self.cycle_number,
            "story_keys": keys,
        });
        self.tell(Payload::Error(ErrorEvent {
            kind: kind.to_owned(),
            message: message.to_owned(),
            context,
        }));
        self.end("error", &format!("{kind}: {message}"));
    }

    /// Somebody wants it to end now; also when it ends already, and still waits for something.
    pub(super) fn end_at_once(&mut self, reason: &str) {
        if self.phase != Phase::Ending {
            self.end("stopped", reason);
            return;
        }
        if let Some(ending) = &mut self.ending
            && ending.status == "completed"
        {
            reason.clone_into(&mut ending.reason);
            ending.status = "stopped";
        }
        self.end_children();
    }

    fn end_children(&mut self) {
        self.drop_waiting();
        let running = self.works.iter().any(|work| work.state == WorkState::Running);
        if running || self.rules.whole {
            self.out.push(Effect::EndChildren);
        }
    }

    /// Nothing runs any more.
    pub(super) fn conclude(&mut self) {
        self.phase = Phase::Ended;
        let Some(Ending { status, reason }) = self.ending.take() else { return };
        self.tell(Payload::BatchEnd(BatchEnd {
            batch_id: self.id(),
            cycles_completed: i64::from(self.cycles_completed),
            status: status.to_owned(),
            reason,
            duration_ms: self.now_ms - self.started_at_ms,
        }));
        self.out.push(Effect::Finish);
    }
}
