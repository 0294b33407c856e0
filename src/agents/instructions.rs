//! What a command's job is: the project's own text where it keeps one, else ours.

use std::borrow::Cow;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use crate::config::workflow::WorkflowConfig;
use crate::domain::workflow::Command;
use crate::project::layout::Layout;

/// The file's name in the command's folder.
const FILE_NAME: &str = "instructions.xml";

/// No text for an agent is longer.
const LARGEST: u64 = 256 * 1024;

/// The job of one command.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instructions {
    /// What the agent is told.
    pub text: Cow<'static, str>,
    /// The project's file, as people name it; none when the text is built in.
    pub file: Option<String>,
    /// Why the project's file was not taken although it is there.
    pub warning: Option<String>,
}

impl Instructions {
    /// The text that stands for a command wherever the project has none of its own.
    pub fn built_in(command: Command) -> Self {
        let text = match command {
            Command::GenerateProjectContext => {
                include_str!("instructions/generate-project-context.md")
            }
            Command::CreateStory => include_str!("instructions/sprint-create-story.md"),
            Command::CreateStoryDiscovery => {
                include_str!("instructions/sprint-create-story-discovery.md")
            }
            Command::StoryReview => include_str!("instructions/sprint-story-review.md"),
            Command::CreateTechSpec => include_str!("instructions/sprint-create-tech-spec.md"),
            Command::TechSpecReview => include_str!("instructions/sprint-tech-spec-review.md"),
            Command::DevStory => include_str!("instructions/sprint-dev-story.md"),
            Command::CodeReview => include_str!("instructions/sprint-code-review.md"),
            Command::Commit => include_str!("instructions/sprint-commit.md"),
        };
        Self { text: Cow::Borrowed(text), file: None, warning: None }
    }

    /// The project's own text from `<commands_dir>/<command>/instructions.xml`, else the built-in
    /// one. Reads a file and may block. A file that leads out of the project is taken only when
    /// the folder was configured, and then only from below that folder.
    pub fn load(command: Command, layout: &Layout, workflow: &WorkflowConfig) -> Self {
        let folder = layout.root.join(&workflow.commands_dir);
        let path = folder.join(command.name()).join(FILE_NAME);
        if fs::symlink_metadata(&path).is_err() {
            return Self::built_in(command);
        }
        let configured = workflow.commands_dir.is_absolute();
        let allowed = layout.allows(&path) || configured && lies_below(&path, &folder);
        let name = layout.display_name(&path);
        let read = if allowed { read(&path) } else { Err("leads out of the project".to_owned()) };
        match read {
            Ok(text) => Self { text: Cow::Owned(text), file: Some(name), warning: None },
            Err(reason) => Self {
                warning: Some(format!("{name}: {reason}; the built-in text is taken")),
                ..Self::built_in(command)
            },
        }
    }
}

fn lies_below(path: &Path, folder: &Path) -> bool {
    match (fs::canonicalize(path), fs::canonicalize(folder)) {
        (Ok(path), Ok(folder)) => path.starts_with(folder),
        _ => false,
    }
}

fn read(path: &Path) -> Result<String, String> {
    // A FIFO would hold the thread until somebody writes to it.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = File::options().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| error.to_string())?;
    if !file.metadata().is_ok_and(|metadata| metadata.is_file()) {
        return Err("not a regular file".to_owned());
    }
    let mut bytes = Vec::new();
    file.take(LARGEST + 1).read_to_end(&mut bytes).map_err(|error| error.to_string())?;
    if bytes.len() as u64 > LARGEST {
        return Err("more than 256 KiB".to_owned());
    }
    let text = String::from_utf8(bytes).map_err(|_| "not UTF-8".to_owned())?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(&text).replace('\0', "");
    if text.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(text)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;
    use crate::config::workflow::WorkflowTable;
    use crate::project::layout::Named;

    struct Stage {
        dir: tempfile::TempDir,
        layout: Layout,
        workflow: WorkflowConfig,
    }

    impl Stage {
        fn new() -> Self {
            let dir = tempfile::tempdir().unwrap();
            let root = dir.path().join("p");
            fs::create_dir(&root).unwrap();
            let layout = Layout::discover(&root, &Named::default());
            Self { dir, layout, workflow: WorkflowConfig::from(WorkflowTable::default()) }
        }

        fn write(&self, folder: &Path, content: &[u8]) {
            let folder = self.layout.root.join(folder).join("sprint-commit");
            fs::create_dir_all(&folder).unwrap();
            fs::write(folder.join(FILE_NAME), content).unwrap();
        }

        fn load(&self) -> Instructions {
            Instructions::load(Command::Commit, &self.layout, &self.workflow)
        }
    }

    #[test]
    fn the_projects_own_text_wins() {
        let stage = Stage::new();
        assert_eq!(stage.load(), Instructions::built_in(Command::Commit));
        let folder = stage.workflow.commands_dir.clone();
        stage.write(&folder, b"\xef\xbb\xbf<own/>");
        let own = stage.load();
        assert_eq!((own.text.as_ref(), own.warning), ("<own/>", None));
        assert!(own.file.unwrap().ends_with("sprint-commit/instructions.xml"));
        let other = Instructions::load(Command::DevStory, &stage.layout, &stage.workflow);
        assert_eq!(other, Instructions::built_in(Command::DevStory));
    }

    #[test]
    fn what_cannot_be_taken_is_told_and_replaced() {
        let stage = Stage::new();
        let folder = stage.workflow.commands_dir.clone();
        for (content, reason) in [
            (&vec![b'x'; 256 * 1024 + 1][..], "more than 256 KiB"),
            (b"\xff", "not UTF-8"),
            (b" \n", "is empty"),
        ] {
            stage.write(&folder, content);
            let loaded = stage.load();
            assert_eq!(loaded.text, Instructions::built_in(Command::Commit).text);
            assert!(loaded.warning.unwrap().contains(reason));
        }
        stage.write(&folder, &vec![b'x'; 256 * 1024]);
        assert_eq!(stage.load().text.len(), 256 * 1024);
    }

    #[test]
    fn outside_only_where_configured() {
        let mut stage = Stage::new();
        let outside = stage.dir.path().join("outside");
        stage.write(&outside, b"outside");
        let folder = stage.layout.root.join(&stage.workflow.commands_dir);
        fs::create_dir_all(folder.parent().unwrap()).unwrap();
        symlink(&outside, &folder).unwrap();
        assert!(stage.load().warning.unwrap().contains("leads out of the project"));
        stage.workflow.commands_dir.clone_from(&outside);
        assert_eq!(stage.load().text, "outside");
        let file = outside.join("sprint-commit").join(FILE_NAME);
        let secret = stage.dir.path().join("secret");
        fs::rename(&file, &secret).unwrap();
        symlink(&secret, &file).unwrap();
        assert!(stage.load().warning.unwrap().contains("leads out of the project"));
    }
}
