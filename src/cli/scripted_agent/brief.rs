//! What a prompt asks for: its header, and the names of the files.

use xxhash_rust::xxh3::xxh3_64;

use crate::domain::key;
use crate::domain::workflow::Command;

/// The header stands in the first lines; the job below may hold such lines too.
const HEADER_LINES: usize = 8;

/// The job.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Brief {
    pub(super) command: Command,
    pub(super) stories: Vec<Story>,
    pub(super) epic_id: Option<String>,
    pub(super) attempt: Option<u32>,
}

/// One story of it.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Story {
    pub(super) key: String,
    pub(super) id: String,
    pub(super) file: Option<String>,
    pub(super) discovery: Option<String>,
    pub(super) tech_spec: Option<String>,
}

impl Brief {
    /// Reads a prompt; `None` when it names no command.
    pub(super) fn read(prompt: &str) -> Option<Self> {
        let command = Command::from_name(prompt.lines().next()?.trim())?;
        let header = |name: &str| {
            let lines = prompt.lines().take(HEADER_LINES).take_while(|line| !line.is_empty());
            lines
                .filter_map(|line| line.strip_prefix(name))
                .map(|value| value.trim().to_owned())
                .next()
        };
        let epic_id = header("Epic ID:");
        let keys = header("Story keys:").or_else(|| header("Story key:")).unwrap_or_default();
        let keys = keys.split(',').map(str::trim).filter(|key| !key.is_empty());
        let epic_key = epic_id.as_ref().map(|id| format!("epic-{id}"));
        let stories = keys.map(|key| story(prompt, key, epic_key.as_deref())).collect();
        let attempt = header("Review attempt:").and_then(|attempt| attempt.parse().ok());
        Some(Self { command, stories, epic_id, attempt })
    }

    /// What its rows speak of: stories, or the context.
    pub(super) fn subjects(&self) -> Vec<String> {
        if self.stories.is_empty() {
            return vec!["context".to_owned()];
        }
        self.stories.iter().map(|story| story.id.clone()).collect()
    }

    pub(super) fn story(&self, subject: &str) -> Option<&Story> {
        self.stories.iter().find(|story| story.id == subject)
    }

    pub(super) fn epic_of(&self, subject: &str) -> String {
        self.epic_id.clone().unwrap_or_else(|| subject.to_owned())
    }

    pub(super) fn row_command(&self) -> String {
        match self.attempt {
            Some(attempt) => format!("{}-{attempt}", self.command.row_name()),
            None => self.command.row_name().to_owned(),
        }
    }

    /// A number that looks like chance and is always the same for this job and question.
    pub(super) fn dice(&self, question: &str) -> u64 {
        let keys: Vec<&str> = self.stories.iter().map(|story| story.key.as_str()).collect();
        xxh3_64(format!("{}/{}/{question}", self.row_command(), keys.join(",")).as_bytes())
    }

    pub(super) fn session(&self) -> String {
        format!("{:016x}", self.dice("session"))
    }
}

fn story(prompt: &str, key: &str, epic_key: Option<&str>) -> Story {
    let id = key::short_id(key, epic_key).unwrap_or_else(|| key.to_owned());
    let head = format!("- Story {key}: ");
    let mut lines = prompt.lines().skip_while(|line| !line.starts_with(&head));
    let mut named = |before: &str| {
        let rest = lines.next()?.strip_prefix(before)?;
        rest.strip_prefix('`')?.strip_suffix('`').map(str::to_owned)
    };
    Story {
        file: named(&head),
        discovery: named("  - discovery: "),
        tech_spec: named("  - tech spec: "),
        key: key.to_owned(),
        id,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::agents::instructions::Instructions;
    use crate::agents::prompt::{Project, prompt};
    use crate::domain::workflow::Job;
    use crate::project::layout::{Layout, Named};

    #[test]
    fn a_real_prompt_is_understood() {
        let dir = tempfile::tempdir().unwrap();
        let layout = Layout::discover(dir.path(), &Named::default());
        let epic = Some("epic-2a".to_owned());
        let stories = [("2a-1-list".to_owned(), epic.clone()), ("2a-2-map".to_owned(), epic)];
        for command in Command::ALL {
            let job = Job {
                run: 1,
                command,
                story_keys: stories.iter().map(|(key, _)| key.clone()).collect(),
                epic_id: Some("2a".to_owned()),
                attempt: command.is_review().then_some(2),
                background: false,
                small_model: false,
            };
            let project = Project { layout: &layout, stories: &stories, context_file: None };
            let text = prompt(&job, &Instructions::built_in(command), &project);
            let brief = Brief::read(&text).unwrap();
            assert_eq!(brief.command, command);
            assert_eq!(brief.row_command(), job.row_command());
            assert_eq!(brief.subjects(), ["2a-1", "2a-2"]);
            let second = &brief.stories[1];
            assert!(second.file.as_ref().unwrap().ends_with("2a-2-map.md"), "{second:?}");
            assert!(second.discovery.as_ref().unwrap().ends_with("2a-2-map-discovery.md"));
            assert!(second.tech_spec.as_ref().unwrap().ends_with("tech-spec-2a-2-map.md"));
        }
    }

    #[test]
    fn nonsense_is_no_job() {
        for text in ["", "hello", "sprint-nonsense\nStory key: a"] {
            assert_eq!(Brief::read(text), None);
        }
    }
}
