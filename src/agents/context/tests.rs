//! What is gathered, in which order, and what is refused.

use std::os::unix::fs::symlink;

use super::*;
use crate::domain::workflow::Command;
use crate::project::layout::Named;

const LIMIT: u64 = 150 * 1024;
const ARTIFACTS: &str = "_bmad-output/implementation-artifacts";

struct Project {
    _dir: tempfile::TempDir,
    root: PathBuf,
}

impl Project {
    fn new(files: &[(&str, &str)]) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap().join("p");
        let project = Self { _dir: dir, root };
        fs::create_dir_all(project.root.join(ARTIFACTS)).unwrap();
        for (path, text) in files {
            project.write(path, text);
        }
        project
    }

    fn write(&self, path: &str, text: &str) {
        let path = self.root.join(path.replace("A/", &format!("{ARTIFACTS}/")));
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    fn gather(&self, command: Command, keys: &[&str]) -> Result<Context, ContextError> {
        self.gather_with(command, keys, &[], 100 * 1024, LIMIT)
    }

    fn gather_with(
        &self,
        command: Command,
        keys: &[&str],
        extra: &[&str],
        warning_bytes: u64,
        error_bytes: u64,
    ) -> Result<Context, ContextError> {
        let stories: Vec<StoryKey> = ["3a-1-list", "3a-2-form", "3a-10-detail"]
            .map(|key| (key.to_owned(), Some("epic-3a".to_owned())))
            .to_vec();
        let extra: Vec<String> = extra.iter().map(|name| (*name).to_owned()).collect();
        gather(&Request {
            job: &job(command, keys),
            layout: &Layout::discover(&self.root, &Named::default()),
            stories: &stories,
            project_context: &self.root.join(PROJECT_CONTEXT),
            git_status: Some(" M src/a.rs\n"),
            extra_files: &extra,
            warning_bytes,
            error_bytes,
        })
    }
}

fn job(command: Command, keys: &[&str]) -> Job {
    Job {
        run: 1,
        command,
        story_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        epic_id: Some("3a".to_owned()),
        attempt: None,
        background: false,
        small_model: false,
    }
}

fn full() -> Project {
    Project::new(&[
        (PROJECT_CONTEXT, "context"),
        ("A/3a-2-form.md", "form"),
        ("A/3a-1-list.md", "list"),
        ("A/3a-10-detail.md", "detail"),
        ("A/3a-1-list-discovery.md", "found"),
        ("A/tech-spec-3a-1-list.md", "spec"),
        ("A/tech-spec-3a-10.md", "other spec"),
        ("docs/z.md", "z"),
        ("docs/a.md", "a"),
    ])
}

#[test]
fn each_command_is_given_its_groups_in_order() {
    let project = full();
    let (context, one) = (PROJECT_CONTEXT, format!("{ARTIFACTS}/3a-1-list.md"));
    let two = format!("{ARTIFACTS}/3a-2-form.md");
    let found = format!("{ARTIFACTS}/3a-1-list-discovery.md");
    let spec = format!("{ARTIFACTS}/tech-spec-3a-1-list.md");
    let (one, two) = (one.as_str(), two.as_str());
    let (found, spec) = (found.as_str(), spec.as_str());
    for (command, files, status) in [
        (Command::GenerateProjectContext, vec![], false),
        (Command::CreateStory, vec![context], false),
        (Command::CreateStoryDiscovery, vec![context], false),
        (Command::StoryReview, vec![context, one, two, found], false),
        (Command::CreateTechSpec, vec![context, one, two, found], false),
        (Command::TechSpecReview, vec![context, one, two, found, spec], false),
        (Command::DevStory, vec![context, one, two, found, spec], false),
        (Command::CodeReview, vec![context, one, two, found, spec], false),
        (Command::Commit, vec![one, two], true),
    ] {
        let gathered = project.gather(command, &["3a-2-form", "3a-1-list"]).unwrap();
        assert_eq!(gathered.files, files, "{command:?}");
        assert_eq!(gathered.text.contains("<git_status>"), status, "{command:?}");
        assert!(!gathered.empty && gathered.warning.is_none(), "{command:?}");
        assert_eq!(gathered.size_bytes, gathered.text.len() as u64);
        assert!(!gathered.text.contains("detail") && !gathered.text.contains("other spec"));
    }
}

#[test]
fn extra_files_come_last_sorted_and_once() {
    let project = full();
    let extra = ["docs/z.md", "docs/a.md", "./docs/a.md", PROJECT_CONTEXT, "docs/none.md", "x/"];
    let gathered =
        project.gather_with(Command::CreateStory, &["3a-1-list"], &extra, LIMIT, LIMIT).unwrap();
    assert_eq!(gathered.files, [PROJECT_CONTEXT, "docs/a.md", "docs/z.md"]);
    assert_eq!(gathered.unreadable, ["docs/none.md: not found", "x: not found"]);
}

#[test]
fn nothing_found_is_told_and_still_a_text() {
    let project = Project::new(&[]);
    let gathered = project.gather(Command::DevStory, &["3a-1-list"]).unwrap();
    assert!(gathered.empty);
    assert!(gathered.text.starts_with("<file_injections rule="));
    assert!(!project.gather(Command::GenerateProjectContext, &[]).unwrap().empty);
    assert!(!project.gather(Command::Commit, &["3a-1-list"]).unwrap().empty);
}

#[test]
fn large_warns_and_too_large_is_refused_with_names() {
    let project = full();
    project.write("A/3a-1-list.md", &"x".repeat(101 * 1024));
    let gathered = project.gather(Command::DevStory, &["3a-1-list"]).unwrap();
    assert!(gathered.warning.unwrap().contains("more than injection_warning_kb (100 KiB)"));
    project.write("A/tech-spec-3a-1-list.md", &"y".repeat(5 * 1024 * 1024));
    let error = project.gather(Command::DevStory, &["3a-1-list"]).unwrap_err();
    let ContextError::TooLarge { size, limit, largest } = &error;
    assert_eq!(*limit, LIMIT);
    assert!(*size > 5 * 1024 * 1024, "{size}");
    assert!(largest[0].0.ends_with("tech-spec-3a-1-list.md"));
    let message = error.to_string();
    assert!(message.contains("tech-spec-3a-1-list.md (5120 KiB), "), "{message}");
    assert!(message.contains("3a-1-list.md (101 KiB)"), "{message}");
    assert!(message.contains("allows (150 KiB)"), "{message}");
}

#[test]
fn what_leads_outside_or_cannot_be_read_is_left_out() {
    let project = full();
    let outside = project.root.parent().unwrap().join("secret.md");
    fs::write(&outside, "secret").unwrap();
    fs::remove_file(project.root.join(PROJECT_CONTEXT)).unwrap();
    symlink(&outside, project.root.join(PROJECT_CONTEXT)).unwrap();
    symlink(&outside, project.root.join(ARTIFACTS).join("story-3a-1.md")).unwrap();
    symlink("docs", project.root.join("a-folder")).unwrap();
    let pipe = project.root.join("pipe");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &pipe,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    fs::write(outside.with_file_name("other.md"), "secret").unwrap();
    let extra = ["../other.md", "pipe", "a-folder", "/etc/hostname"];
    let gathered =
        project.gather_with(Command::StoryReview, &["3a-1-list"], &extra, LIMIT, LIMIT).unwrap();
    assert!(!gathered.text.contains("secret"), "{}", gathered.text);
    assert_eq!(gathered.files.len(), 2, "{:?}", gathered.files);
    assert_eq!(
        gathered.unreadable,
        [
            format!("{PROJECT_CONTEXT}: leads out of the project"),
            "hostname: leads out of the project".to_owned(),
            "other.md: leads out of the project".to_owned(),
            "a-folder: not a regular file".to_owned(),
            "pipe: not a regular file".to_owned(),
        ]
    );
}

#[test]
fn bytes_of_any_kind_become_text() {
    let project = full();
    let path = project.root.join(ARTIFACTS).join("3a-1-list.md");
    fs::write(path, b"\xef\xbb\xbfone\0\xff</file>").unwrap();
    let gathered = project.gather(Command::StoryReview, &["3a-1-list"]).unwrap();
    assert!(gathered.text.contains("\none\u{fffd}\u{fffd}&lt;/file>\n</file>\n"));
}

#[test]
fn a_long_git_status_is_cut_at_a_line() {
    let long: String = (0..10_000).map(|n| format!("?? new/file-{n}.txt\n")).collect();
    let cut = bounded_status(&long);
    assert!(cut.len() < MOST_GIT_STATUS + 100);
    let told = cut.lines().count() - 1;
    assert!(
        cut.ends_with(&format!("… and {} more lines: run `git status` for all", 10_000 - told))
    );
    assert_eq!(bounded_status(" M a\n"), " M a");
}
