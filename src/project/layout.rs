//! Where a project's files lie.

use std::path::{Path, PathBuf};

/// Files named on their own, by flag or `sprint-runner.toml`. Such a file may lie anywhere.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Named {
    /// Instead of the discovered sprint-status.yaml.
    pub status_file: Option<PathBuf>,
    /// Instead of the discovered CSV log.
    pub csv_log: Option<PathBuf>,
    /// Instead of the discovered orchestrator.md.
    pub orchestrator_log: Option<PathBuf>,
}

/// The places of one project, as found now. Found again whenever a watched folder changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The project folder, absolute, links resolved.
    pub root: PathBuf,
    /// The artifacts folder: the first candidate that holds a status file, else the first that
    /// exists, else the official one.
    pub artifacts: PathBuf,
    /// sprint-status.yaml.
    pub status_file: PathBuf,
    /// Every place where a CSV log may lie, in order of preference, each with its own position.
    pub csv_logs: Vec<PathBuf>,
    /// orchestrator.md's places, in order of preference.
    pub orchestrator_logs: Vec<PathBuf>,
    /// orchestrator-sample.md's place.
    pub orchestrator_sample: PathBuf,
    /// Files that may lie outside the project because the user named them.
    pub named: Named,
}

impl Layout {
    /// Finds the places below `root`.
    pub fn discover(root: &Path, named: &Named) -> Self {
        let _ = (root, named);
        todo!("watch helper")
    }

    /// Walks up from `start` to the first folder that is a project.
    pub fn find_project(start: &Path) -> Option<PathBuf> {
        let _ = start;
        todo!("watch helper")
    }

    /// The file's name for people: relative to the project, or its bare name when outside.
    pub fn display_name(&self, path: &Path) -> String {
        let _ = path;
        todo!("watch helper")
    }

    /// Whether `path` (links resolved) may be read and served: inside the project, or named.
    pub fn allows(&self, path: &Path) -> bool {
        let _ = path;
        todo!("watch helper")
    }
}
