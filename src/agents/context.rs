//! The context of a job: which files its agent is given, gathered within bounds.
//!
//! Everything here reads files and may block: call it off the reactor.

#[cfg(test)]
mod tests;

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
