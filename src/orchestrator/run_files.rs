//! The files of a run in the state folder: `agents/<batch>/<run>-<command>.log` and the context.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};

use crate::domain::workflow::Job;

/// Logs of so many batches are kept.
const KEPT_BATCHES: usize = 50;

/// Tells a run apart from all others of this project.
pub(super) fn agent_id(batch_id: i64, run: u32) -> String {
    format!("{batch_id}-{run}")
}

pub(super) fn folder(state_dir: &Path, batch_id: i64) -> PathBuf {
    state_dir.join("agents").join(batch_id.to_string())
}

pub(super) fn log(state_dir: &Path, batch_id: i64, run: u32, command: &str) -> PathBuf {
    folder(state_dir, batch_id).join(format!("{run}-{command}.log"))
}

/// Where what an agent is given lies.
pub(super) fn context(state_dir: &Path, batch_id: i64, job: &Job) -> PathBuf {
    let name = format!("{}-{}.context.md", job.run, job.command.name());
    folder(state_dir, batch_id).join(name)
}

/// Writes what an agent is given, readable by its owner alone.
pub(super) fn write_context(path: &Path, text: &str) -> std::io::Result<()> {
    let folder = path.parent().unwrap_or(Path::new("."));
    make_folder(folder)?;
    let mut file = tempfile::NamedTempFile::new_in(folder)?;
    file.write_all(text.as_bytes())?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// The log of an agent, by its id alone: numbers, so that no path can be made of it.
pub(super) fn find_log(state_dir: &Path, agent_id: &str) -> Option<PathBuf> {
    let (batch, run) = agent_id.split_once('-')?;
    let number = |text: &str| text.parse::<u32>().ok().filter(|n| n.to_string() == text);
    let (batch, run) = (number(batch)?, number(run)?);
    let prefix = format!("{run}-");
    let path =
        fs::read_dir(folder(state_dir, i64::from(batch))).ok()?.flatten().find_map(|entry| {
            let name = entry.file_name();
            let name = name.to_str()?;
            let rest = name.strip_prefix(&prefix)?;
            rest.strip_suffix(".log").map(|_| entry.path())
        })?;
    // A link that an agent has put there, or that came with the project, shows nothing else.
    let inside = state_dir.canonicalize().ok()?.join("agents");
    path.canonicalize().ok().filter(|real| real.starts_with(inside))
}

/// The batches that have a folder.
fn batches(state_dir: &Path) -> Vec<i64> {
    let Ok(entries) = fs::read_dir(state_dir.join("agents")) else { return Vec::new() };
    let batch = |name: &str| name.parse::<u32>().ok().map(i64::from);
    entries.flatten().filter_map(|entry| batch(entry.file_name().to_str()?)).collect()
}

/// The newest batch that has a folder; 0 when none has. A database that was put back from a copy
/// may not know it: its id must not be given a second time, or another batch's logs went on in
/// those that are there.
pub fn newest_batch(state_dir: &Path) -> i64 {
    batches(state_dir).into_iter().max().unwrap_or(0)
}

/// Logs of batches long ago go.
pub(super) fn remove_old(state_dir: &Path, newest: i64) {
    let mut batches = batches(state_dir);
    batches.retain(|batch| *batch < newest);
    batches.sort_unstable_by(|one, other| other.cmp(one));
    for batch in batches.into_iter().skip(KEPT_BATCHES - 1) {
        if let Err(error) = fs::remove_dir_all(folder(state_dir, batch)) {
            tracing::warn!(%error, batch, "cannot remove the logs of an old batch");
        }
    }
}

fn make_folder(folder: &Path) -> std::io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)
}
