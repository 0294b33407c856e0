//! What the batch tells the log.

use super::batch::Batch;
use super::command::Command;
use super::input::{Effect, MoveReport, StopMode};
use super::job::{Job, Outcome};
use crate::domain::key;
use crate::domain::payload::{
    Background, BatchWarning, Cleanup, CommandEnd, CommandStart, Context, Payload,
};

/// The task that stands for the whole command, as long as its agent runs. Agents tell of the parts;
/// none of theirs has this name.
const WHOLE_COMMAND: &str = "agent";

impl Batch {
    pub(super) fn tell(&mut self, payload: Payload) {
        self.out.push(Effect::Publish(payload));
    }

    pub(super) fn warn(&mut self, warning_type: &str, message: &str) {
        self.warn_with_state(warning_type, message, None, None);
    }

    fn warn_with_state(
        &mut self,
        warning_type: &str,
        message: &str,
        state: Option<&str>,
        parked_until: Option<i64>,
    ) {
        self.tell(Payload::BatchWarning(BatchWarning {
            batch_id: Some(self.id()),
            message: message.to_owned(),
            warning_type: warning_type.to_owned(),
            state: state.map(str::to_owned),
            parked_until,
        }));
    }

    pub(super) fn tell_stopping(&mut self, mode: StopMode) {
        let message = match mode {
            StopMode::Graceful => "stopping: what runs may end, nothing more begins",
            StopMode::Now => "stopping now: every agent is ended",
            StopMode::Shutdown => "the server is stopping: every agent is ended",
        };
        self.warn_with_state("stopping", message, Some("stopping"), None);
    }

    pub(super) fn tell_parked(&mut self, until_ms: i64, message: &str) {
        let message = format!("the provider's usage limit is reached: {message}");
        self.warn_with_state("usage_limit", &message, Some("waiting"), Some(until_ms));
    }

    pub(super) fn tell_resumed(&mut self) {
        let message = "the pause for the usage limit is over";
        self.warn_with_state("usage_limit_over", message, Some("running"), None);
    }

    pub(super) fn tell_retry(&mut self, job: &Job, failures: u32, pause_ms: i64, cause: &str) {
        let seconds = pause_ms as f64 / 1000.0;
        let message = format!(
            "{} failed ({failures} in a row), next try in {seconds} s: {cause}",
            job.row_command()
        );
        self.warn("agent_failed", &message);
    }

    pub(super) fn tell_context(
        &mut self,
        kind: fn(Context) -> Payload,
        status: &str,
        message: Option<&str>,
        task: Option<&str>,
    ) {
        self.tell(kind(Context {
            story_key: "context".to_owned(),
            context_type: "project".to_owned(),
            status: status.to_owned(),
            message: message.map(str::to_owned),
            task_id: task.map(str::to_owned),
        }));
    }

    pub(super) fn tell_background(&mut self, task: &str, job: &Job, result: Result<(), &str>) {
        let context = job.command == Command::GenerateProjectContext;
        if context && result.is_ok() {
            self.tell_context(Payload::ContextComplete, "complete", None, Some(task));
        }
        let kind =
            if result.is_ok() { Payload::BackgroundComplete } else { Payload::BackgroundError };
        self.tell(kind(Background {
            task_id: task.to_owned(),
            task_type: job.command.row_name().to_owned(),
            status: if result.is_ok() { "completed" } else { "failed" }.to_owned(),
            error: result.err().map(str::to_owned),
        }));
    }

    /// The command as a whole, for each of its stories. The project context is no story: its own
    /// events tell of it.
    pub(super) fn tell_start(&mut self, job: &Job) {
        for key in &job.story_keys {
            let (story_id, epic_id) = ids(job, key);
            self.tell(Payload::CommandStart(CommandStart {
                story_key: key.clone(),
                story_id,
                epic_id,
                command: job.row_command(),
                task_id: WHOLE_COMMAND.to_owned(),
                ..CommandStart::default()
            }));
        }
    }

    pub(super) fn tell_end(&mut self, job: &Job, outcome: &Outcome) {
        let (status, message) = match outcome {
            Outcome::Done(_) => ("end", None),
            Outcome::Failed(cause) => ("failed", Some(cause.message().to_owned())),
            Outcome::UsageLimit { message, .. } => ("failed", Some(message.clone())),
            Outcome::Stopped => ("failed", Some("stopped".to_owned())),
        };
        for key in &job.story_keys {
            let (story_id, epic_id) = ids(job, key);
            self.tell(Payload::CommandEnd(CommandEnd {
                story_key: key.clone(),
                story_id,
                epic_id,
                command: job.row_command(),
                task_id: WHOLE_COMMAND.to_owned(),
                status: status.to_owned(),
                message: message.clone(),
                ..CommandEnd::default()
            }));
        }
    }

    pub(super) fn tell_moved(&mut self, report: &MoveReport, story_keys: &[String]) {
        let cleanup = |file_name, files_moved, message| Cleanup {
            file_name,
            files_moved,
            story_keys: story_keys.to_vec(),
            message,
        };
        let mut events = Vec::new();
        for name in &report.moved {
            events.push(Payload::CleanupFileMoved(cleanup(Some(name.clone()), None, None)));
        }
        for (name, why) in &report.failed {
            let body = cleanup(Some(name.clone()), None, Some(why.clone()));
            events.push(Payload::CleanupFileError(body));
        }
        let count = report.moved.len() as i64;
        events.push(Payload::CleanupComplete(cleanup(None, Some(count), None)));
        for event in events {
            self.tell(event);
        }
    }
}

/// A story's short id and epic as rows of the log write them.
fn ids(job: &Job, story_key: &str) -> (String, String) {
    let epic_id = job.epic_id.clone().unwrap_or_default();
    let epic_key = format!("epic-{epic_id}");
    let story_id = key::short_id(story_key, job.epic_id.is_some().then_some(epic_key.as_str()));
    (story_id.unwrap_or_else(|| story_key.to_owned()), epic_id)
}
