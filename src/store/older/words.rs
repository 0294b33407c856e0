//! The older server's words as ours: statuses of batches, stories, commands and tasks, and the type
//! of an event that says none.

use crate::domain::status::{CommandOutcome, StatusClass, canonical, command_outcome};

/// Why a batch that was left running is lost.
pub(super) const LEFT_RUNNING: &str = "left running in the older database";

/// A batch's status and, where it is not the older word itself, why. Nothing of an older database
/// runs: whoever ran it is not the one who reads it.
pub(super) fn batch_status(word: &str) -> (&'static str, Option<String>) {
    match canonical(word).as_str() {
        "done" => ("completed", None),
        "stopped" => ("stopped", None),
        "error" => ("error", None),
        "lost" => ("lost", None),
        "cancelled" | "canceled" | "aborted" => ("stopped", Some(said(word))),
        "failed" => ("error", Some(said(word))),
        "running" | "" => ("lost", Some(LEFT_RUNNING.to_owned())),
        _ => ("lost", Some(said(word))),
    }
}

fn said(word: &str) -> String {
    format!("{} in the older database", word.trim())
}

/// A story's status; its own word is kept beside it.
pub(super) fn story_status(word: &str) -> &'static str {
    match word.trim().to_ascii_lowercase().as_str() {
        "pending" => return "pending",
        "failed" | "error" => return "failed",
        "blocked" => return "blocked",
        "skipped" => return "skipped",
        _ => {}
    }
    match StatusClass::of(word) {
        StatusClass::Other => "in-progress",
        class => class.as_str(),
    }
}

/// A command's status.
pub(super) fn command_status(word: &str) -> &'static str {
    match word.trim().to_ascii_lowercase().as_str() {
        "running" | "start" | "started" | "lost" | "" => "lost",
        word => match command_outcome(word) {
            CommandOutcome::Completed => "completed",
            CommandOutcome::Failed => "failed",
        },
    }
}

/// A background task's status: the older word, unless it says that it still runs.
pub(super) fn task_status(word: &str) -> &str {
    match word.trim() {
        "running" | "" => "lost",
        word => word,
    }
}

/// A batch's bound; `None` = unlimited.
pub(super) fn max_cycles(number: Option<i64>) -> Option<i64> {
    number.filter(|number| (1..999).contains(number))
}

/// An event's type: its own, or what its status says.
pub(super) fn event_type<'a>(own: &'a str, status: &str) -> &'a str {
    if !own.trim().is_empty() {
        return own.trim();
    }
    match status.trim().to_ascii_lowercase().as_str() {
        "start" => "command:start",
        "end" | "complete" | "done" => "command:end",
        _ => "command:progress",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_become_ours_and_nothing_runs() {
        for (word, status) in [
            ("completed", "completed"),
            ("running", "lost"),
            ("", "lost"),
            ("stopped", "stopped"),
            ("failed", "error"),
            ("paused", "lost"),
        ] {
            assert_eq!(batch_status(word).0, status, "{word}");
        }
        assert_eq!(batch_status("paused").1.as_deref(), Some("paused in the older database"));
        for (word, status) in [
            ("completed", "done"),
            ("pending", "pending"),
            ("in_progress", "in-progress"),
            ("error", "failed"),
            ("on-hold", "in-progress"),
            ("", "in-progress"),
        ] {
            assert_eq!(story_status(word), status, "{word}");
        }
        assert_eq!(command_status("running"), "lost");
        assert_eq!(command_status("Failed"), "failed");
        assert_eq!(command_status("success"), "completed");
        assert_eq!((task_status("running"), task_status("completed")), ("lost", "completed"));
        assert_eq!(
            [0, 1, 998, 999, -1].map(|n| max_cycles(Some(n))),
            [None, Some(1), Some(998), None, None]
        );
    }

    #[test]
    fn an_event_without_a_type_gets_one_by_its_status() {
        for (own, status, kind) in [
            ("", "start", "command:start"),
            ("", "end", "command:end"),
            ("", "Complete", "command:end"),
            ("", "done", "command:end"),
            ("", "failed", "command:progress"),
            ("story:status", "start", "story:status"),
            ("their:own", "", "their:own"),
        ] {
            assert_eq!(event_type(own, status), kind, "{own} {status}");
        }
    }
}
