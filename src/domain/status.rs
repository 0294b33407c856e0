//! Status words: the file's own word, and the class that stands behind it.

/// temporary
pub enum CommandOutcome {
    Completed,
    Failed,
}
/// temporary
pub fn command_outcome(word: &str) -> CommandOutcome {
    match word {
        "failed" | "error" | "blocked" => CommandOutcome::Failed,
        _ => CommandOutcome::Completed,
    }
}
