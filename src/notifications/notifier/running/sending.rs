//! From the desk to the targets, and what comes back.

use std::sync::Arc;

use tokio::task::JoinError;

use super::Running;
use crate::config::notifications::NotificationConfig;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{ErrorEvent, Payload};
use crate::hub::Publication;
use crate::notifications::bodies::outgoing;
use crate::notifications::desk::{Delivery, Fate, Try};
use crate::notifications::message::Message;
use crate::notifications::notifier::now_ms;
use crate::notifications::occasion::OWN_ERROR;
use crate::notifications::post::Answer;

/// Finished tries: whose, of which delivery, how it went.
pub(super) type Done = (usize, String, Answer);

impl Running {
    /// One try for each target whose first delivery is due.
    pub(super) fn send_due(&mut self) {
        let now_ms = now_ms();
        for (at, target) in self.resolved.iter().enumerate() {
            let Some(target) = target else { continue };
            let name = &target.config.name;
            if self.busy.contains(name) {
                continue;
            }
            let Some(delivery) = self.desk.next_for(name, now_ms) else { continue };
            let message = Message::of(delivery, self.parts.public_url.as_deref(), &self.zone);
            let request = outgoing(target, delivery, &message, now_ms, false);
            let (id, target, post) =
                (delivery.id.clone(), Arc::clone(target), Arc::clone(&self.post));
            self.busy.insert(name.clone());
            self.sends.spawn(async move { (at, id, post.send(&target, request).await) });
        }
    }

    pub(super) async fn tried(&mut self, done: Result<Done, JoinError>) {
        let Ok((at, id, answer)) = done else {
            // Whose it was is not known any more: nobody else has one under way then.
            tracing::error!("a notification's sender has failed");
            self.busy.clear();
            return;
        };
        let target = self.parts.targets[at].clone();
        self.busy.remove(&target.name);
        let now_ms = now_ms();
        let fate = self.desk.tried(&target, &id, &answer.how, now_ms, chance());
        match fate {
            Some(Fate::Arrived) => {
                tracing::debug!(target_name = target.name, id, "a notification has arrived");
                self.outcomes.change(&target.name, |state| {
                    (state.error, state.failing_since) = (None, None);
                });
            }
            Some(Fate::Waits) => self.failed(&target, &answer.words, now_ms),
            Some(Fate::GivenUp(delivery)) => {
                self.failed(&target, &answer.words, now_ms);
                self.give_up(&target, &delivery, &answer);
            }
            None => {}
        }
        self.dirty = true;
        self.store().await;
    }

    fn failed(&self, target: &NotificationConfig, words: &str, now_ms: i64) {
        let mut first = false;
        self.outcomes.change(&target.name, |state| {
            first = state.error.is_none();
            state.error = Some(words.to_owned());
            state.failing_since = state.failing_since.or(Some(now_ms));
        });
        if first {
            tracing::warn!("a notification to {} did not arrive: {words}", target.name);
        }
    }

    /// The page shows it: an event of the log.
    fn give_up(&self, target: &NotificationConfig, delivery: &Delivery, answer: &Answer) {
        let why = match answer.how {
            Try::Refused => "was refused",
            _ => "was given up",
        };
        let message = format!(
            "a notification ({}) to {} {why}: {}",
            delivery.rule.word(),
            target.name,
            answer.words
        );
        tracing::warn!("{message}");
        let event = Payload::Error(ErrorEvent {
            kind: OWN_ERROR.to_owned(),
            message,
            context: serde_json::json!({
                "target": target.name,
                "to": target.to.word(),
                "rule": delivery.rule.word(),
                "tries": delivery.failures,
            }),
        });
        let event = NewEvent::new(now_ms(), Source::Server, event);
        // Whether or not anybody waits, it is appended.
        drop(self.parts.hub.submit(Publication::events(vec![event])));
    }

    pub(super) fn tell_outcomes(&self) {
        for target in &self.parts.targets {
            let (waiting, dropped, sent_ms) = self.desk.told_of(&target.name);
            self.outcomes.change(&target.name, |state| {
                (state.waiting, state.dropped, state.last_sent_at) = (waiting, dropped, sent_ms);
            });
        }
    }
}

/// 0 to 1.
fn chance() -> f64 {
    let mut bytes = [0; 2];
    // Without it everybody waits for the same time.
    let _ = rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty());
    f64::from(u16::from_le_bytes(bytes)) / f64::from(u16::MAX)
}
