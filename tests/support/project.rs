//! A project on disk.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

/// A temporary project in the official layout; removed when dropped.
pub(crate) struct Project {
    dir: tempfile::TempDir,
}

pub(crate) const STATUS: &str = "\
generated: 2026-11-01
project: lantern
project_key: lantern
tracking_system: file-system
story_location: _bmad-output/implementation-artifacts

development_status:
  # Epic 1: Groundwork
  epic-1: in-progress
  1-1-skeleton: done
  1-2-database: in-progress
  1-10-backup: backlog
  epic-1-retrospective: optional

  # Epic 2a: Notes
  epic-2a: backlog
  2a-1-editor: ready-for-dev
  2a-2-photos: backlog
";

impl Project {
    /// With a status file and no log.
    pub(crate) fn new() -> Self {
        let project = Self::empty();
        project.write("sprint-status.yaml", STATUS.as_bytes());
        project
    }

    /// With nothing but its folders.
    pub(crate) fn empty() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("_bmad-output/implementation-artifacts")).unwrap();
        Self { dir }
    }

    pub(crate) fn root(&self) -> &Path {
        self.dir.path()
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.root().join("_bmad-output/implementation-artifacts")
    }

    /// A path in the artifacts folder.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.artifacts().join(name)
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.path("sprint-runner.csv")
    }

    /// Writes a file of the artifacts folder in place.
    pub(crate) fn write(&self, name: &str, bytes: &[u8]) {
        fs::write(self.path(name), bytes).unwrap();
    }

    /// Replaces a file of the artifacts folder by a temporary one and a rename.
    pub(crate) fn replace(&self, name: &str, bytes: &[u8]) {
        let temporary = self.path(&format!(".{name}.tmp"));
        fs::write(&temporary, bytes).unwrap();
        fs::rename(temporary, self.path(name)).unwrap();
    }

    /// Appends bytes to the CSV log.
    pub(crate) fn append(&self, bytes: &[u8]) {
        let mut file = fs::OpenOptions::new().create(true).append(true).open(self.log()).unwrap();
        file.write_all(bytes).unwrap();
    }
}

/// A row of the log that tells its number: `n` seconds after `base`, message `row <n>`.
pub(crate) fn row(base_s: i64, n: usize) -> String {
    let status = if n.is_multiple_of(2) { "start" } else { "end" };
    format!("{},1,1-2,dev-story,task{},{status},\"row {n}\"\n", base_s + (n / 100) as i64, n / 2)
}

/// Now, in seconds.
pub(crate) fn now_s() -> i64 {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
    since.as_secs().cast_signed()
}
