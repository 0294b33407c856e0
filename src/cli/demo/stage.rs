//! The demo's project: its files, laid out anew before each act.

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rust_embed::RustEmbed;

/// The sprint that is played: part of the binary in release builds.
#[derive(RustEmbed)]
#[folder = "fixtures/demo/"]
struct Fixture;

/// The name of the scripted agent in the configuration.
pub(super) const AGENT: &str = "scripted";

/// Where the sprint's files lie in the project.
const ARTIFACTS: &str = "_bmad-output/implementation-artifacts";
const ARCHIVE: &str = "_bmad-output/archived-artifacts";
const PLANNING: &str = "_bmad-output/planning-artifacts";

/// How long a scripted agent takes for a task, in seconds.
const PACE: &str = "0.5";

/// What is about to be played.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Act {
    /// A batch of ours, by scripted agents.
    Batch,
    /// The recording.
    Recording,
}

/// The project.
#[derive(Debug)]
pub(super) struct Stage {
    root: PathBuf,
}

impl Stage {
    /// Writes the project as the first act finds it.
    pub(super) fn new(root: &Path) -> anyhow::Result<Self> {
        let stage = Self { root: root.to_owned() };
        std::fs::create_dir_all(stage.artifacts())?;
        std::fs::create_dir_all(root.join(PLANNING))?;
        std::fs::write(
            root.join(PLANNING).join("project-context.md"),
            text("project-context.md")?,
        )?;
        // As much of a repository as `git status` needs: the demo does not need git itself.
        std::fs::create_dir_all(root.join(".git/objects"))?;
        std::fs::create_dir_all(root.join(".git/refs/heads"))?;
        std::fs::write(root.join(".git/HEAD"), "ref: refs/heads/main\n")?;
        std::fs::write(root.join("sprint-runner.toml"), configuration()?)?;
        stage.lay_out(Act::Batch)?;
        Ok(stage)
    }

    /// Puts the stories' files and the status file back to the beginning of an act. The logs stay.
    pub(super) fn lay_out(&self, act: Act) -> anyhow::Result<()> {
        for folder in [self.artifacts(), self.root.join(ARCHIVE)] {
            let Ok(entries) = std::fs::read_dir(folder) else { continue };
            for path in entries.flatten().map(|entry| entry.path()) {
                let is_story = path.extension().is_some_and(|kind| kind == "md")
                    && path.file_name().is_some_and(|name| name != "orchestrator.md");
                if is_story {
                    std::fs::remove_file(path)?;
                }
            }
        }
        for name in Fixture::iter().filter(|name| is_story_file(name)) {
            std::fs::write(self.artifacts().join(&*name), text(&name)?)?;
        }
        let status = match act {
            Act::Batch => text("batch-status.yaml")?,
            Act::Recording => text("sprint-status.yaml")?,
        };
        replace(&self.status_file(), status.as_bytes())
    }

    pub(super) fn artifacts(&self) -> PathBuf {
        self.root.join(ARTIFACTS)
    }

    pub(super) fn status_file(&self) -> PathBuf {
        self.artifacts().join("sprint-status.yaml")
    }
}

fn is_story_file(name: &str) -> bool {
    let is_text = Path::new(name).extension().is_some_and(|kind| kind == "md");
    is_text && !matches!(name, "README.md" | "project-context.md")
}

fn configuration() -> anyhow::Result<String> {
    let program = std::env::current_exe().context("cannot tell where this program is")?;
    let program = program.to_str().context("this program lies at a path that is no text")?;
    // A JSON text is a TOML text as well.
    let program = serde_json::to_string(program)?;
    Ok(format!(
        "# The silence between two plays ends the observed batch.\nobserved_idle_minutes = 0.2\n\n\
         [agents.{AGENT}]\nprogram = {program}\nargs = [\"scripted-agent\", \"--pace\", \"{PACE}\", \
         \"{{context_file}}\"]\noutput = \"stream-json\"\n\n[workflow]\ndefault = \"{AGENT}\"\n"
    ))
}

/// A file of the fixture.
pub(super) fn text(name: &str) -> anyhow::Result<String> {
    let file = Fixture::get(name).with_context(|| format!("the demo's {name} is missing"))?;
    String::from_utf8(file.data.into_owned())
        .with_context(|| format!("the demo's {name} is not text"))
}

/// Replaces a file by a temporary one and a rename: readers see the old or the new one, whole.
pub(super) fn replace(path: &Path, bytes: &[u8]) -> anyhow::Result<()> {
    let temporary = path.with_file_name(".sprint-status-demo.tmp");
    std::fs::write(&temporary, bytes)?;
    std::fs::rename(&temporary, path)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::super::recording::Recording;
    use super::*;
    use crate::config::{Config, Layer};
    use crate::domain::reading::ReadingState;
    use crate::parse::yaml::read_status;

    #[test]
    fn the_fixture_is_whole_and_its_recording_can_be_played() {
        let project = tempfile::tempdir().unwrap();
        let stage = Stage::new(project.path()).unwrap();
        assert!(!stage.artifacts().join("recording.jsonl").exists());
        let recording = Recording::read(&text("recording.jsonl").unwrap()).unwrap();
        assert!(recording.steps.len() > 100);
        assert!(recording.steps.is_sorted_by_key(|step| step.at_ms));
        let mut keys = Vec::new();
        for act in [Act::Batch, Act::Recording] {
            std::fs::write(stage.artifacts().join("left-over.md"), "x").unwrap();
            stage.lay_out(act).unwrap();
            assert!(!stage.artifacts().join("left-over.md").exists());
            let reading = read_status(&std::fs::read(stage.status_file()).unwrap());
            assert_eq!(reading.state, ReadingState::Ok);
            let of_act: Vec<_> = reading.entries.into_iter().map(|entry| entry.key).collect();
            keys.push(of_act);
        }
        assert_eq!(keys[0], keys[1], "one sprint, two beginnings");
    }

    #[test]
    fn its_configuration_names_this_program() {
        let project = tempfile::tempdir().unwrap();
        Stage::new(project.path()).unwrap();
        let config = Config::load(project.path(), Layer::default()).unwrap();
        let agent = config.agents.each().find(|agent| agent.name == AGENT).unwrap();
        assert_eq!(agent.program, std::env::current_exe().unwrap().to_str().unwrap());
        assert!(agent.takes_context_file());
    }
}
