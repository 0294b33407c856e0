//! Writes one status into sprint-status.yaml: one value changes, everything else stays, also what
//! others write at the same time.
//!
//! By a temporary file and a rename over the resolved target, under a lock on the file itself and
//! under the status gate, so that the watcher neither tells our change as somebody else's nor
//! undoes it with an older reading. Those who edit the file without the lock are met by reading it
//! once more right before the rename; a file that looks half-written is given time to be finished.

#[cfg(test)]
mod tests;

use std::fs::{self, File, TryLockError};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use crate::domain::diff;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{Payload, StoryStatus};
use crate::domain::state::State;
use crate::domain::status::StatusClass;
use crate::domain::workflow::WriteFailure;
use crate::hub::{Hub, Publication, PublishError};
use crate::parse::yaml::{MAX_BYTES, WriteError, read_status, write_status};
use crate::project::board::Board;

/// How long a file that cannot be written now is tried again.
const PATIENCE: Duration = Duration::from_secs(5);
/// Between two tries.
const PAUSE: Duration = Duration::from_millis(100);
/// A file younger than this may still be being written.
const YOUNG: Duration = Duration::from_millis(30);
/// A file that lacks keys or its last newline must have stood still for so long.
const SETTLED: Duration = Duration::from_secs(1);

/// Writes the status and tells it as one event of the batch. When it returns, both are durable.
pub(in crate::orchestrator) fn write(
    hub: &Hub,
    board: &Board,
    batch_id: i64,
    story_key: &str,
    status: &str,
    now_ms: impl Fn() -> i64,
) -> Result<(), WriteFailure> {
    let began = Instant::now();
    loop {
        let failure = {
            let _gate = board.status_gate();
            match try_write(board, &hub.state(), story_key, status) {
                Ok(()) => return tell(hub, batch_id, story_key, status, now_ms()),
                Err(failure) => failure,
            }
        };
        // What is broken now may be half of a save; a lack of rights stays.
        if began.elapsed() >= PATIENCE || matches!(failure, Failure::Lasting(_) | Failure::Gone) {
            return Err(match failure {
                Failure::Gone => WriteFailure::Gone,
                Failure::Passing(why) | Failure::Lasting(why) => WriteFailure::Failed(why),
            });
        }
        std::thread::sleep(PAUSE);
    }
}

#[derive(Debug)]
enum Failure {
    Gone,
    Passing(String),
    Lasting(String),
}

impl From<std::io::Error> for Failure {
    fn from(error: std::io::Error) -> Self {
        let why = format!("the status file cannot be written: {error}");
        match error.kind() {
            ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => Self::Lasting(why),
            _ => Self::Passing(why),
        }
    }
}

/// The new content of the file, and what it was made from.
struct Change {
    file: File,
    target: PathBuf,
    old: Vec<u8>,
    new: Vec<u8>,
}

fn try_write(board: &Board, state: &State, key: &str, status: &str) -> Result<(), Failure> {
    let change = prepare(board, state, key, status)?;
    if change.new == change.old { Ok(()) } else { change.put() }
}

/// Locks and reads the file. The lock is held for as long as the change lives.
fn prepare(board: &Board, state: &State, key: &str, status: &str) -> Result<Change, Failure> {
    let layout = board.layout();
    if !layout.allows(&layout.status_file) {
        let why = "the status file leads out of the project: name it with --status-file";
        return Err(Failure::Lasting(why.to_owned()));
    }
    let target = fs::canonicalize(&layout.status_file)?;
    let file = File::open(&target)?;
    if let Err(error) = file.try_lock() {
        return Err(match error {
            TryLockError::WouldBlock => Failure::Passing("others have locked it".to_owned()),
            TryLockError::Error(error) => error.into(),
        });
    }
    let old = read(&file)?;
    if !is_still(&file, &target)? {
        return Err(Failure::Passing("the status file was replaced meanwhile".to_owned()));
    }
    if is_doubtful(state, &file, &old)? {
        return Err(Failure::Passing("the status file is only half written".to_owned()));
    }
    let new = write_status(&old, key, status).map_err(|error| match error {
        WriteError::NoSuchKey(_) => Failure::Gone,
        other => Failure::Passing(other.to_string()),
    })?;
    Ok(Change { file, target, old, new })
}

impl Change {
    /// The new content in place of the old, unless somebody has changed that meanwhile.
    fn put(self) -> Result<(), Failure> {
        let Self { file, target, old, new } = self;
        let folder = target.parent().unwrap_or(Path::new("/"));
        let mut temporary = tempfile::Builder::new()
            .prefix(".sprint-status-")
            .suffix(".tmp")
            .tempfile_in(folder)?;
        temporary.write_all(&new)?;
        temporary.as_file().set_permissions(file.metadata()?.permissions())?;
        temporary.as_file().sync_all()?;
        if !is_still(&file, &target)? || fs::read(&target)? != old {
            let why = "the status file is being changed by others";
            return Err(Failure::Passing(why.to_owned()));
        }
        temporary.persist(&target).map_err(|error| error.error)?;
        File::open(folder)?.sync_all()?;
        Ok(())
    }
}

/// Whether this may be half of somebody's save. What was so for a while is meant so.
fn is_doubtful(state: &State, file: &File, bytes: &[u8]) -> Result<bool, Failure> {
    let modified = file.metadata()?.modified()?;
    let age = SystemTime::now().duration_since(modified).unwrap_or(SETTLED);
    let lacks = !bytes.ends_with(b"\n") || diff::vanished(state, &read_status(bytes)) > 0;
    Ok(age < if lacks { SETTLED } else { YOUNG })
}

fn read(mut file: &File) -> Result<Vec<u8>, Failure> {
    let mut bytes = Vec::new();
    (&mut file).take(MAX_BYTES as u64 + 1).read_to_end(&mut bytes)?;
    Ok(bytes)
}

#[cfg(unix)]
fn is_still(file: &File, path: &Path) -> std::io::Result<bool> {
    use std::os::unix::fs::MetadataExt;
    let (ours, now) = (file.metadata()?, fs::metadata(path)?);
    Ok((now.dev(), now.ino()) == (ours.dev(), ours.ino()))
}

#[cfg(not(unix))]
fn is_still(_: &File, _: &Path) -> std::io::Result<bool> {
    Ok(true)
}

/// One event, ours; none where the log knows the status already. While the log cannot be written
/// the change is left for the watcher to tell.
fn tell(
    hub: &Hub,
    batch_id: i64,
    story_key: &str,
    status: &str,
    now_ms: i64,
) -> Result<(), WriteFailure> {
    let (key, word) = (story_key.to_owned(), status.to_owned());
    let make = move |state: &State| changed(state, batch_id, &key, &word, now_ms);
    match hub.publish_blocking(Publication::from_state(make)) {
        Ok(_) | Err(PublishError::Store(_)) => Ok(()),
        Err(PublishError::Closed) => Err(WriteFailure::Failed("the log is closed".to_owned())),
    }
}

fn changed(state: &State, batch_id: i64, key: &str, word: &str, now_ms: i64) -> Vec<NewEvent> {
    let known = state.sprint.stories.get(key);
    if known.is_some_and(|story| story.status == word) {
        return Vec::new();
    }
    let payload = Payload::StoryStatus(StoryStatus {
        story_key: key.to_owned(),
        story_id: known.and_then(|story| story.story_id.clone()),
        epic_id: known.and_then(|story| story.epic_id.clone()),
        old_status: known.map(|story| story.status.clone()),
        new_status: Some(word.to_owned()),
        status_class: Some(StatusClass::of(word).as_str().to_owned()),
        title: known.and_then(|story| story.title.clone()),
        // Where the story stands does not change; for a new one the watcher will tell.
        after: None,
    });
    let event = NewEvent::new(now_ms, Source::Orchestrator, payload);
    vec![NewEvent { batch_id: Some(batch_id), ..event }]
}
