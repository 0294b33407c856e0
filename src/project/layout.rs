//! Where a project's files lie.

use std::fs;
use std::path::{Component, Path, PathBuf};

/// The status file's name.
const STATUS: &str = "sprint-status.yaml";
/// The CSV log's names, today's first.
const CSV_NAMES: [&str; 2] = ["sprint-runner.csv", "orchestrator.csv"];
/// The Markdown log's name.
const MD: &str = "orchestrator.md";
/// The Markdown log's sample.
const MD_SAMPLE: &str = "orchestrator-sample.md";
/// Where the artifacts may lie, in order of preference; the last is the project folder itself.
const CANDIDATES: [&str; 4] =
    ["_bmad-output/implementation-artifacts", "docs/sprint-artifacts", "docs", ""];
/// What makes a folder a project even before its first file.
const MARKERS: [&str; 4] =
    ["sprint-runner.toml", ".sprint-runner", "_bmad-output/implementation-artifacts", "_bmad/bmm"];

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

impl Named {
    /// The same files, relative paths taken from `root`.
    fn below(&self, root: &Path) -> Self {
        let absolute = |path: &Option<PathBuf>| path.as_ref().map(|path| root.join(path));
        Self {
            status_file: absolute(&self.status_file),
            csv_log: absolute(&self.csv_log),
            orchestrator_log: absolute(&self.orchestrator_log),
        }
    }

    fn each(&self) -> impl Iterator<Item = &PathBuf> {
        self.status_file.iter().chain(&self.csv_log).chain(&self.orchestrator_log)
    }
}

/// The places of one project, as found now. Found again whenever a watched folder changes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Layout {
    /// The project folder, absolute, links resolved.
    pub root: PathBuf,
    /// The artifacts folder: the first candidate that holds a status file, else the first that
    /// exists, else the official one. With a named status file inside the project: its folder.
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
    /// Finds the places below `root`. Looks at the file system, never fails: what is missing is
    /// expected at its official place.
    pub fn discover(root: &Path, named: &Named) -> Self {
        let root = fs::canonicalize(root)
            .or_else(|_| std::path::absolute(root))
            .unwrap_or_else(|_| root.to_owned());
        let named = named.below(&root);
        let artifacts = match named.status_file.as_deref().and_then(Path::parent) {
            Some(folder) if folder.starts_with(&root) => folder.to_owned(),
            _ => artifacts_of(&root),
        };
        let status_file = named.status_file.clone().unwrap_or_else(|| artifacts.join(STATUS));
        let mut places = vec![artifacts.clone()];
        for place in [root.join("docs"), root.clone()] {
            if !places.contains(&place) {
                places.push(place);
            }
        }
        let everywhere = |name: &str| places.iter().map(|place| place.join(name)).collect();
        let csv_logs = named.csv_log.clone().map_or_else(
            || CSV_NAMES.iter().flat_map(|name| -> Vec<PathBuf> { everywhere(name) }).collect(),
            |path| vec![path],
        );
        let orchestrator_logs =
            named.orchestrator_log.clone().map_or_else(|| everywhere(MD), |path| vec![path]);
        let orchestrator_sample = places
            .iter()
            .map(|place| place.join(MD_SAMPLE))
            .find(|path| path.is_file())
            .unwrap_or_else(|| artifacts.join(MD_SAMPLE));
        Self {
            root,
            artifacts,
            status_file,
            csv_logs,
            orchestrator_logs,
            orchestrator_sample,
            named,
        }
    }

    /// Every place where the status file may come to lie.
    pub fn status_candidates(&self) -> Vec<PathBuf> {
        match &self.named.status_file {
            Some(named) => vec![named.clone()],
            None => CANDIDATES.iter().map(|it| place(&self.root, it).join(STATUS)).collect(),
        }
    }

    /// Walks up from `start` to the first folder that is a project: one with a sprint's files at
    /// their places, or with something of ours or of BMAD in it.
    pub fn find_project(start: &Path) -> Option<PathBuf> {
        let start = fs::canonicalize(start).ok()?;
        let found = start.ancestors().find(|folder| is_project(folder))?;
        // Standing in an artifacts folder, the files lie right here; the project is further up.
        if !marked(found) {
            for candidate in CANDIDATES.iter().filter(|candidate| !candidate.is_empty()) {
                if found.ends_with(candidate)
                    && let Some(above) = found.ancestors().nth(Path::new(candidate).iter().count())
                    && above.parent().is_some()
                {
                    return Some(above.to_owned());
                }
            }
        }
        Some(found.to_owned())
    }

    /// The file's name for people: relative to the project, or its bare name when outside.
    pub fn display_name(&self, path: &Path) -> String {
        let shown = path.strip_prefix(&self.root).ok().filter(|rest| !rest.as_os_str().is_empty());
        let parts: Vec<_> = match shown {
            Some(rest) => rest
                .components()
                .filter_map(|part| match part {
                    Component::Normal(name) => Some(name.to_string_lossy()),
                    _ => None,
                })
                .collect(),
            None => path.file_name().map(|name| name.to_string_lossy()).into_iter().collect(),
        };
        parts.join("/")
    }

    /// Whether `path` (links resolved) may be read and served: inside the project, or named.
    pub fn allows(&self, path: &Path) -> bool {
        if self.named.each().any(|named| named == path) {
            return true;
        }
        let Some(real) = resolve(path) else { return false };
        real.starts_with(&self.root)
            || self.named.each().any(|named| resolve(named).is_some_and(|named| named == real))
    }
}

/// The real place of a path whose last part may be missing.
fn resolve(path: &Path) -> Option<PathBuf> {
    if let Ok(real) = fs::canonicalize(path) {
        return Some(real);
    }
    // A link that leads nowhere is not resolved: where it will lead is not known yet.
    if fs::symlink_metadata(path).is_ok() {
        return None;
    }
    Some(fs::canonicalize(path.parent()?).ok()?.join(path.file_name()?))
}

fn artifacts_of(root: &Path) -> PathBuf {
    let folders = || CANDIDATES.iter().map(|candidate| place(root, candidate));
    folders()
        .find(|folder| folder.join(STATUS).is_file())
        // Something else of that name, or a link that leads nowhere: to be told about.
        .or_else(|| folders().find(|folder| fs::symlink_metadata(folder.join(STATUS)).is_ok()))
        .or_else(|| {
            let nested = || folders().filter(|folder| folder.as_path() != root);
            nested().find(|folder| folder.is_dir())
        })
        .unwrap_or_else(|| place(root, CANDIDATES[0]))
}

/// `join("")` would leave a slash at the end.
fn place(root: &Path, candidate: &str) -> PathBuf {
    if candidate.is_empty() { root.to_owned() } else { root.join(candidate) }
}

fn marked(folder: &Path) -> bool {
    MARKERS.iter().any(|marker| folder.join(marker).exists())
}

fn is_project(folder: &Path) -> bool {
    marked(folder)
        || CANDIDATES.iter().map(|candidate| place(folder, candidate)).any(|place| {
            [STATUS, CSV_NAMES[0], CSV_NAMES[1], MD].iter().any(|name| place.join(name).is_file())
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn project(files: &[&str]) -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let root = fs::canonicalize(dir.path()).unwrap().join("p");
        fs::create_dir(&root).unwrap();
        for file in files {
            let path = root.join(file);
            fs::create_dir_all(path.parent().unwrap()).unwrap();
            fs::write(path, "x").unwrap();
        }
        (dir, root)
    }

    fn found(files: &[&str]) -> String {
        let (_dir, root) = project(files);
        let layout = Layout::discover(&root, &Named::default());
        layout.display_name(&layout.status_file)
    }

    #[test]
    fn the_first_place_that_holds_a_status_file_wins() {
        const OFFICIAL: &str = "_bmad-output/implementation-artifacts/sprint-status.yaml";
        assert_eq!(found(&[]), OFFICIAL);
        assert_eq!(found(&["sprint-status.yaml"]), "sprint-status.yaml");
        assert_eq!(
            found(&["docs/sprint-status.yaml", "sprint-status.yaml"]),
            "docs/sprint-status.yaml"
        );
        assert_eq!(
            found(&["docs/sprint-artifacts/sprint-status.yaml", "docs/sprint-status.yaml"]),
            "docs/sprint-artifacts/sprint-status.yaml"
        );
        assert_eq!(found(&[OFFICIAL, "docs/sprint-artifacts/sprint-status.yaml"]), OFFICIAL);
        // A folder of that name is no status file while a real one is there.
        assert_eq!(
            found(&["docs/sprint-status.yaml/inside", "sprint-status.yaml"]),
            "sprint-status.yaml"
        );
        assert_eq!(found(&["docs/sprint-status.yaml/inside"]), "docs/sprint-status.yaml");
        // None yet: where the artifacts will be.
        assert_eq!(found(&["docs/readme.md"]), "docs/sprint-status.yaml");
    }

    #[test]
    fn logs_are_looked_for_in_artifacts_docs_and_root() {
        let (_dir, root) = project(&["docs/sprint-artifacts/sprint-status.yaml"]);
        let layout = Layout::discover(&root, &Named::default());
        let names: Vec<_> = layout.csv_logs.iter().map(|path| layout.display_name(path)).collect();
        assert_eq!(
            names,
            [
                "docs/sprint-artifacts/sprint-runner.csv",
                "docs/sprint-runner.csv",
                "sprint-runner.csv",
                "docs/sprint-artifacts/orchestrator.csv",
                "docs/orchestrator.csv",
                "orchestrator.csv",
            ]
        );
        assert_eq!(layout.orchestrator_logs.len(), 3);
        let (_dir, root) = project(&["sprint-status.yaml"]);
        let layout = Layout::discover(&root, &Named::default());
        assert_eq!(
            layout.orchestrator_logs,
            [root.join("orchestrator.md"), root.join("docs/orchestrator.md")]
        );
    }

    #[test]
    fn named_files_stand_alone_and_may_lie_outside() {
        let (dir, root) = project(&["sprint-status.yaml", "own/status.yaml"]);
        let outside = fs::canonicalize(dir.path()).unwrap().join("x.csv");
        fs::write(&outside, "").unwrap();
        let named = Named {
            status_file: Some("own/status.yaml".into()),
            csv_log: Some(outside.clone()),
            orchestrator_log: None,
        };
        let layout = Layout::discover(&root, &named);
        assert_eq!(layout.artifacts, root.join("own"));
        assert_eq!(layout.display_name(&layout.status_file), "own/status.yaml");
        assert_eq!(layout.csv_logs, std::slice::from_ref(&outside));
        assert_eq!(layout.display_name(&outside), "x.csv");
        assert!(layout.allows(&outside));
        assert!(layout.allows(&root.join("own/status.yaml")));
        assert!(!layout.allows(&outside.with_file_name("y.csv")));
    }

    #[test]
    fn what_resolves_outside_is_not_allowed() {
        let (dir, root) = project(&["docs/inside.csv"]);
        let secret = dir.path().join("secret");
        fs::write(&secret, "s").unwrap();
        std::os::unix::fs::symlink(&secret, root.join("sprint-runner.csv")).unwrap();
        std::os::unix::fs::symlink(dir.path(), root.join("way")).unwrap();
        std::os::unix::fs::symlink("docs/inside.csv", root.join("in.csv")).unwrap();
        std::os::unix::fs::symlink("nowhere", root.join("dangling")).unwrap();
        let layout = Layout::discover(&root, &Named::default());
        assert!(!layout.allows(&root.join("sprint-runner.csv")));
        assert!(!layout.allows(&root.join("way/secret")));
        assert!(!layout.allows(&root.join("way/not-there")));
        assert!(!layout.allows(&root.join("../secret")));
        assert!(!layout.allows(&root.join("dangling")));
        assert!(layout.allows(&root.join("in.csv")));
        assert!(layout.allows(&root.join("docs/not-there.csv")));
    }

    #[test]
    fn the_project_is_found_from_anywhere_inside() {
        let (dir, root) = project(&["docs/sprint-artifacts/sprint-status.yaml", "src/deep/x.rs"]);
        for start in ["", "src/deep", "docs", "docs/sprint-artifacts"] {
            assert_eq!(Layout::find_project(&root.join(start)), Some(root.clone()), "{start}");
        }
        let (_dir2, root) = project(&["_bmad-output/implementation-artifacts/orchestrator.md"]);
        let inside = root.join("_bmad-output/implementation-artifacts");
        assert_eq!(Layout::find_project(&inside), Some(root));
        let (_dir3, root) = project(&["docs/sprint-runner.toml", "docs/sprint-status.yaml"]);
        assert_eq!(Layout::find_project(&root.join("docs")), Some(root.join("docs")));
        assert_eq!(Layout::find_project(&dir.path().join("missing")), None);
    }
}
