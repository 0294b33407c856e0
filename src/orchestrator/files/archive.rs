//! Moves the files of finished stories to the archive; nothing is ever deleted or overwritten.

use std::fs;
use std::path::{Path, PathBuf};

use crate::agents::story_files::{StoryKey, archive_folder, story_files};
use crate::domain::workflow::MoveReport;
use crate::project::layout::Layout;

/// Moves the files of these stories. `all` are the sprint's stories with their epics' keys, so that
/// `3a-1` does not take what is `3a-10`'s.
pub(in crate::orchestrator) fn move_files(
    layout: &Layout,
    story_keys: &[String],
    all: &[StoryKey],
) -> MoveReport {
    let mut report = MoveReport::default();
    let archive = archive_folder(layout);
    let epic_of = |key: &String| {
        all.iter().find(|(known, _)| known == key).and_then(|(_, epic)| epic.as_deref())
    };
    for key in story_keys {
        for (path, _) in story_files(layout, key, epic_of(key), all) {
            let name = layout.display_name(&path);
            match move_file(layout, &path, &archive) {
                Ok(()) => report.moved.push(name),
                Err(error) => report.failed.push((name, error.to_string())),
            }
        }
    }
    report
}

fn move_file(layout: &Layout, path: &Path, archive: &Path) -> std::io::Result<()> {
    fs::create_dir_all(archive)?;
    if !layout.allows(archive) {
        return Err(std::io::Error::other("the archive leads out of the project"));
    }
    let target = free_name(path, archive)?;
    // A hard link first: it fails where a file of that name has come up, and never overwrites.
    match fs::hard_link(path, &target) {
        Ok(()) => fs::remove_file(path),
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Err(error),
        // No hard links here: the rename may, at worst, meet a file made within this moment.
        Err(_) => fs::rename(path, &target),
    }
}

/// The file's own name, or with a number where the archive has one of that name.
fn free_name(path: &Path, archive: &Path) -> std::io::Result<PathBuf> {
    let name = path.file_name().map(|name| name.to_string_lossy().into_owned());
    let name = name.ok_or_else(|| std::io::Error::other("the file has no name"))?;
    let (stem, ending) = name.rsplit_once('.').unwrap_or((&name, ""));
    let numbered = (2..1000).map(|n| format!("{stem}.{n}.{ending}"));
    std::iter::once(name.clone())
        .chain(numbered)
        .map(|name| archive.join(name))
        .find(|target| fs::symlink_metadata(target).is_err())
        .ok_or_else(|| std::io::Error::other("the archive has too many files of that name"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::layout::Named;

    #[test]
    fn exactly_the_storys_files_go_and_nothing_is_overwritten() {
        let root = tempfile::tempdir().unwrap();
        let artifacts = root.path().join("_bmad-output/implementation-artifacts");
        fs::create_dir_all(artifacts.join("stories")).unwrap();
        let layout = Layout::discover(root.path(), &Named::default());
        for name in ["3a-1-list.md", "3a-1-list-discovery.md", "3a-10-other.md", "notes.md"] {
            fs::write(artifacts.join(name), name).unwrap();
        }
        let epic = || Some("epic-3a".to_owned());
        let all = [("3a-1-list".to_owned(), epic()), ("3a-10-other".to_owned(), epic())];
        let archive = archive_folder(&layout);
        fs::create_dir_all(&archive).unwrap();
        fs::write(archive.join("3a-1-list.md"), "older").unwrap();
        let report = move_files(&layout, &["3a-1-list".to_owned()], &all);
        assert_eq!(report.failed, []);
        assert_eq!(report.moved.len(), 2, "{report:?}");
        assert_eq!(fs::read_to_string(archive.join("3a-1-list.md")).unwrap(), "older");
        assert_eq!(fs::read_to_string(archive.join("3a-1-list.2.md")).unwrap(), "3a-1-list.md");
        assert!(archive.join("3a-1-list-discovery.md").exists());
        assert!(artifacts.join("3a-10-other.md").exists() && artifacts.join("notes.md").exists());
    }
}
