//! The context of a job: which files its agent is given, gathered within bounds.
//!
//! Everything here reads files and may block: call it off the reactor.

use std::collections::HashSet;
use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use super::injection;
use super::story_files::{StoryKey, known_files};
use crate::domain::workflow::Job;
use crate::parse::story::FileKind;
use crate::project::layout::Layout;

pub use super::story_files::{has_tech_spec, story_files};

/// The project context that all agents of a batch share, from the project folder.
pub const PROJECT_CONTEXT: &str = "_bmad-output/planning-artifacts/sprint-project-context.md";

/// So much of `git status` is handed on; a tree with a hundred thousand new files is told as such.
const MOST_GIT_STATUS: usize = 32 * 1024;

/// So many of the largest files are named when there is too much.
const NAMED: usize = 3;

/// What to gather.
#[derive(Debug, Clone, Copy)]
pub struct Request<'a> {
    /// For whom.
    pub job: &'a Job,
    /// Where the files lie.
    pub layout: &'a Layout,
    /// All stories of the sprint with their epics' keys: a short id that fits several is not
    /// guessed.
    pub stories: &'a [StoryKey],
    /// The project context: [`PROJECT_CONTEXT`], under which name it is handed over, or what will
    /// be copied there when a batch begins.
    pub project_context: &'a Path,
    /// The output of `git status`, where it was taken.
    pub git_status: Option<&'a str>,
    /// Files for every agent, from the project folder.
    pub extra_files: &'a [String],
    /// More than this is worth a warning.
    pub warning_bytes: u64,
    /// More than this is refused.
    pub error_bytes: u64,
}

/// What was gathered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Context {
    /// The injection.
    pub text: String,
    /// Its size.
    pub size_bytes: u64,
    /// The files in it, as people name them, in order.
    pub files: Vec<String>,
    /// That it is large, for `injection:warning`.
    pub warning: Option<String>,
    /// That nothing was found for a command that is to be given something: `injection:empty`.
    pub empty: bool,
    /// Files that should be in it and could not be read, each with the reason.
    pub unreadable: Vec<String>,
}

/// Why there is no context.
#[derive(Debug, thiserror::Error)]
pub enum ContextError {
    /// More than an agent is to be given.
    #[error(
        "the context has {} KiB, more than injection_error_kb allows ({} KiB); the largest: {}",
        size.div_ceil(1024), limit / 1024, named(largest)
    )]
    TooLarge {
        /// How much there would be.
        size: u64,
        /// How much may be.
        limit: u64,
        /// The largest files with their sizes, largest first.
        largest: Vec<(String, u64)>,
    },
}

fn named(files: &[(String, u64)]) -> String {
    let each = files.iter().map(|(name, size)| format!("{name} ({} KiB)", size.div_ceil(1024)));
    each.collect::<Vec<_>>().join(", ")
}

/// Gathers the job's files: project context, stories, discovery, tech specs, extra files, each
/// group sorted, none twice. Reads no more than the limit.
pub fn gather(request: &Request) -> Result<Context, ContextError> {
    let layout = request.layout;
    let mut gathered = Gathered::default();
    let groups = request.job.command.groups();
    let context = request.project_context;
    if groups.project_context && fs::symlink_metadata(context).is_ok() {
        gathered.read(layout, context, PROJECT_CONTEXT.to_owned(), request.error_bytes);
    }
    for path in paths(request) {
        gathered.read(layout, &path, layout.display_name(&path), request.error_bytes);
    }
    let status = request.git_status.filter(|_| groups.git_status).map(bounded_status);
    let text = injection::render(&gathered.files, status.as_deref());
    let size_bytes = gathered.left_out + text.len() as u64;
    if size_bytes > request.error_bytes {
        gathered.sizes.sort_by(|one, other| other.1.cmp(&one.1).then_with(|| one.0.cmp(&other.0)));
        gathered.sizes.truncate(NAMED);
        return Err(ContextError::TooLarge {
            size: size_bytes,
            limit: request.error_bytes,
            largest: gathered.sizes,
        });
    }
    let wanted = groups.project_context || groups.story || groups.git_status;
    Ok(Context {
        warning: (size_bytes > request.warning_bytes).then(|| {
            format!(
                "the context has {} KiB, more than injection_warning_kb ({} KiB)",
                size_bytes.div_ceil(1024),
                request.warning_bytes / 1024
            )
        }),
        empty: wanted && gathered.files.is_empty() && status.is_none(),
        files: gathered.files.into_iter().map(|(name, _)| name).collect(),
        unreadable: gathered.unreadable,
        size_bytes,
        text,
    })
}

/// All files of the job behind the project context, in order, perhaps with doubles.
fn paths(request: &Request) -> Vec<PathBuf> {
    let (layout, groups) = (request.layout, request.job.command.groups());
    let mut paths = Vec::new();
    let epic_of_job = request.job.epic_id.as_ref().map(|id| format!("epic-{id}"));
    let mut of_stories = Vec::new();
    for key in &request.job.story_keys {
        let known = request.stories.iter().find(|(known, _)| known == key);
        let epic = known.map_or(epic_of_job.as_deref(), |(_, epic)| epic.as_deref());
        of_stories.extend(known_files(layout, key, epic, request.stories));
    }
    for (given, kind) in [
        (groups.story, FileKind::Story),
        (groups.discovery, FileKind::Discovery),
        (groups.tech_spec, FileKind::TechSpec),
    ] {
        let of_kind = of_stories.iter().filter(|(_, known)| given && *known == kind);
        let mut group: Vec<_> = of_kind.map(|(path, _)| path.clone()).collect();
        group.sort();
        paths.append(&mut group);
    }
    let mut extra: Vec<_> = request.extra_files.iter().map(|name| layout.root.join(name)).collect();
    extra.sort();
    paths.append(&mut extra);
    paths
}

#[derive(Default)]
struct Gathered {
    /// Names and contents.
    files: Vec<(String, String)>,
    /// Names and sizes, also of what was not read any more.
    sizes: Vec<(String, u64)>,
    unreadable: Vec<String>,
    /// The real places of what is in it already.
    seen: HashSet<PathBuf>,
    /// Bytes in `files`.
    held: u64,
    /// Bytes not read any more.
    left_out: u64,
}

impl Gathered {
    fn read(&mut self, layout: &Layout, path: &Path, name: String, limit: u64) {
        let place = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
        if !self.seen.insert(place) {
            return;
        }
        match open(layout, path) {
            Err(reason) => self.unreadable.push(format!("{name}: {reason}")),
            Ok(file) => {
                let size = file.metadata().map_or(0, |metadata| metadata.len());
                let most = limit.saturating_sub(self.held);
                let mut bytes = Vec::new();
                if let Err(error) = file.take(most.saturating_add(1)).read_to_end(&mut bytes) {
                    self.unreadable.push(format!("{name}: {error}"));
                    return;
                }
                let read = bytes.len() as u64;
                self.held += read;
                self.left_out += size.saturating_sub(read);
                self.sizes.push((name.clone(), size.max(read)));
                let text = String::from_utf8_lossy(&bytes);
                let text = text.strip_prefix('\u{feff}').unwrap_or(&text).to_owned();
                self.files.push((name, text));
            }
        }
    }
}

/// Opens a file of the project: a regular one, that does not lead outside. Never blocks.
fn open(layout: &Layout, path: &Path) -> Result<File, String> {
    if fs::symlink_metadata(path).is_err() {
        return Err("not found".to_owned());
    }
    if !layout.allows(path) {
        return Err("leads out of the project".to_owned());
    }
    // A FIFO would hold the thread until somebody writes to it.
    let flags = rustix::fs::OFlags::NONBLOCK.bits().cast_signed();
    let opened = File::options().read(true).custom_flags(flags).open(path);
    let file = opened.map_err(|error| error.to_string())?;
    match file.metadata() {
        Ok(metadata) if metadata.is_file() => Ok(file),
        Ok(_) => Err("not a regular file".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

fn bounded_status(status: &str) -> String {
    if status.len() <= MOST_GIT_STATUS {
        return status.trim_end().to_owned();
    }
    let mut end = MOST_GIT_STATUS;
    while !status.is_char_boundary(end) {
        end -= 1;
    }
    let whole = status[..end].rfind('\n').unwrap_or(end);
    let more = status[whole..].lines().filter(|line| !line.trim().is_empty()).count();
    format!("{}\n… and {more} more lines: run `git status` for all", &status[..whole])
}

#[cfg(test)]
mod tests {
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
        let extra =
            ["docs/z.md", "docs/a.md", "./docs/a.md", PROJECT_CONTEXT, "docs/none.md", "x/"];
        let gathered = project
            .gather_with(Command::CreateStory, &["3a-1-list"], &extra, LIMIT, LIMIT)
            .unwrap();
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
        let gathered = project
            .gather_with(Command::StoryReview, &["3a-1-list"], &extra, LIMIT, LIMIT)
            .unwrap();
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
}
