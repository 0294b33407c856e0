//! Step 0: the project context, made or refreshed and copied for the batch.

use super::batch::{Batch, Phase};
use super::command::Command;
use super::input::{ContextAge, Effect};
use super::runs::Settled;
use crate::domain::payload::Payload;

impl Batch {
    /// What follows from the context's age.
    pub(super) fn context(&mut self) {
        match self.context_age.take() {
            Some(ContextAge::Missing) => {
                self.tell_context(Payload::ContextCreate, "starting", None, None);
                // Its end leads on, whatever it is: the copy tells what is missing.
                self.run(Command::GenerateProjectContext, Vec::new(), None);
            }
            Some(ContextAge::Stale) => {
                let task = format!("context-refresh-{}", self.id());
                self.tell_context(Payload::ContextRefresh, "starting", None, Some(&task));
                self.refresh_context(task);
                self.copy_context();
            }
            Some(ContextAge::Fresh) => {
                self.tell_context(Payload::ContextFresh, "fresh", None, None);
                self.copy_context();
            }
            None => self.copy_context(),
        }
    }

    fn copy_context(&mut self) {
        self.phase = Phase::CopyingContext;
        self.ask(Effect::CopyContext);
    }

    /// The context that the batch waited for.
    pub(super) fn context_settled(&mut self, settled: Settled) {
        match settled {
            Settled::Done(_) => self.tell_context(Payload::ContextCreate, "complete", None, None),
            Settled::GivenUp(cause) => {
                let message = cause.message();
                self.tell_context(Payload::ContextError, "failed", Some(message), None);
                let message = format!("the project context could not be made: {message}");
                self.warn("context_unavailable", &message);
            }
            Settled::Stopped => {
                let message = "making the project context was stopped";
                self.tell_context(Payload::ContextError, "stopped", Some(message), None);
                self.warn("context_unavailable", message);
            }
        }
    }

    pub(super) fn context_copied(&mut self, result: Result<(), String>) {
        if self.phase != Phase::CopyingContext {
            return;
        }
        match result {
            Ok(()) => self.tell_context(Payload::ContextCopied, "copied", None, None),
            Err(message) => {
                self.tell_context(Payload::ContextCopyFailed, "failed", Some(&message), None);
                let message = format!("agents work without project context: {message}");
                self.warn("context_unavailable", &message);
            }
        }
    }
}
