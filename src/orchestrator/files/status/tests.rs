//! Writing a status while everybody else writes and watches as well.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Instant;

use super::*;
use crate::domain::attribution::Rules;
use crate::domain::payload::BatchStart;
use crate::orchestrator::parts::now_ms;
use crate::project::layout::{Layout, Named};
use crate::store::Log;
use crate::watch::{Options, Watcher};

const FILE: &str = "# by hand\ngenerated: 2025-01-01\n\ndevelopment_status:\n  \
    epic-1: in-progress   # the first\n  1-1-a: backlog\n  # between\n  \
    1-2-b:    'ready-for-dev'  # odd\n  1-10-c: backlog\n";

struct Stage {
    folder: tempfile::TempDir,
    hub: Hub,
    board: Arc<Board>,
    watcher: Watcher,
}

impl Stage {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let artifacts = folder.path().join("_bmad-output/implementation-artifacts");
        fs::create_dir_all(&artifacts).unwrap();
        fs::write(artifacts.join("sprint-status.yaml"), FILE).unwrap();
        let (log, queries) = Log::open(&folder.path().join("test.db")).unwrap();
        let hub = Hub::start(log, queries, Rules::default()).unwrap();
        let root = folder.path().to_owned();
        let board = Arc::new(Board::new(Layout::discover(&root, &Named::default())));
        let watcher =
            Watcher::start(hub.clone(), Arc::clone(&board), root, Options::default()).unwrap();
        assert!(watcher.wait_first_read(Duration::from_secs(120)));
        let start = Payload::BatchStart(BatchStart {
            origin: "managed".to_owned(),
            started_at: now_ms(),
            ..BatchStart::default()
        });
        let start = NewEvent::new(now_ms(), Source::Orchestrator, start);
        hub.publish_blocking(Publication::events(vec![start])).unwrap();
        Self { folder, hub, board, watcher }
    }

    fn path(&self) -> PathBuf {
        self.folder.path().join("_bmad-output/implementation-artifacts/sprint-status.yaml")
    }

    fn write(&self, key: &str, status: &str) -> Result<(), WriteFailure> {
        write(&self.hub, &self.board, 1, key, status, now_ms)
    }

    /// Every status change told so far: key, old, new, source.
    fn told(&self) -> Vec<String> {
        assert!(self.watcher.looker().look(Duration::from_secs(120)));
        let events = self.hub.queries().events_after(0, usize::MAX).unwrap();
        let events = events.iter().filter(|event| event.kind == "story:status");
        events
            .map(|event| {
                let body: serde_json::Value = serde_json::from_str(event.payload.get()).unwrap();
                let word = |key: &str| body[key].as_str().unwrap_or("-").to_owned();
                let (old, new) = (word("old_status"), word("new_status"));
                format!("{} {old}>{new} {}", word("story_key"), event.source)
            })
            .collect()
    }
}

#[test]
fn one_value_changes_and_is_told_once_as_ours() {
    let stage = Stage::new();
    let first = stage.told().len();
    stage.write("1-2-b", "in-progress").unwrap();
    stage.write("1-2-b", "in-progress").unwrap();
    stage.write("1-2-b", "review").unwrap();
    let text = fs::read_to_string(stage.path()).unwrap();
    let changed: Vec<_> = FILE.lines().zip(text.lines()).filter(|(old, new)| old != new).collect();
    assert_eq!(changed.len(), 1);
    assert!(changed[0].1.contains("review") && changed[0].1.ends_with("# odd"), "{changed:?}");
    assert_eq!(
        stage.told()[first..],
        ["1-2-b ready-for-dev>in-progress orchestrator", "1-2-b in-progress>review orchestrator"]
    );
}

/// An editor saves between our reading and our rename, in place and by a file of its own: ours is
/// given up, and the next try has both.
#[test]
fn what_others_write_at_the_same_time_stays() {
    fn in_place(path: &Path, text: &str) {
        fs::write(path, text).unwrap();
    }
    fn replaced(path: &Path, text: &str) {
        let next = path.with_extension("editor");
        fs::write(&next, text).unwrap();
        fs::rename(&next, path).unwrap();
    }
    for save in [in_place, replaced] {
        let stage = Stage::new();
        let path = stage.path();
        // Old enough to be taken as whole at once.
        let hour_ago = SystemTime::now() - Duration::from_secs(3600);
        File::options().append(true).open(&path).unwrap().set_modified(hour_ago).unwrap();
        let change = prepare(&stage.board, &stage.hub.state(), "1-10-c", "done").unwrap();
        let theirs = format!("{FILE}# note\n").replace("1-1-a: backlog", "1-1-a: review");
        save(&path, &theirs);
        let failure = change.put().unwrap_err();
        assert!(matches!(failure, Failure::Passing(_)), "{failure:?}");
        assert_eq!(fs::read_to_string(&path).unwrap(), theirs);
        stage.write("1-10-c", "done").unwrap();
        let both = theirs.replace("1-10-c: backlog", "1-10-c: done");
        assert_eq!(fs::read_to_string(&path).unwrap(), both);
    }
}

#[test]
fn a_key_that_went_is_gone_and_a_broken_file_is_not_touched() {
    let stage = Stage::new();
    assert_eq!(stage.write("9-9-x", "done"), Err(WriteFailure::Gone));
    fs::write(stage.path(), "development_status:\n  1-1-a: [\n").unwrap();
    let began = Instant::now();
    let failure = stage.write("1-1-a", "done").unwrap_err();
    assert!(matches!(failure, WriteFailure::Failed(_)), "{failure:?}");
    assert!(began.elapsed() >= PATIENCE);
    assert_eq!(fs::read_to_string(stage.path()).unwrap(), "development_status:\n  1-1-a: [\n");
}

#[cfg(unix)]
#[test]
fn a_link_stays_a_link_and_rights_stay() {
    use std::os::unix::fs::PermissionsExt;
    let stage = Stage::new();
    let real = stage.folder.path().join("real.yaml");
    fs::rename(stage.path(), &real).unwrap();
    fs::set_permissions(&real, fs::Permissions::from_mode(0o640)).unwrap();
    std::os::unix::fs::symlink(&real, stage.path()).unwrap();
    stage.write("1-1-a", "done").unwrap();
    assert!(fs::symlink_metadata(stage.path()).unwrap().is_symlink());
    assert!(fs::read_to_string(&real).unwrap().contains("1-1-a: done"));
    assert_eq!(fs::metadata(&real).unwrap().permissions().mode() & 0o777, 0o640);
}
