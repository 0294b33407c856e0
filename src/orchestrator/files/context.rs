//! The project context: how old it is, and its copy for one batch.

use std::fs::{self, File};
use std::io::{ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::domain::workflow::ContextAge;
use crate::project::layout::Layout;

/// Where it lies, from the project folder.
const FOLDER: &str = "_bmad-output/planning-artifacts";
/// What agents write.
const ORIGINAL: &str = "project-context.md";
/// What all agents of a batch are given.
const COPY: &str = "sprint-project-context.md";
/// No agent could be given more.
const LARGEST: u64 = 16 * 1024 * 1024;

/// How old the project context is. An empty one counts as none.
pub(in crate::orchestrator) fn age(layout: &Layout, max_age: Duration) -> ContextAge {
    let path = original(layout);
    let Ok(metadata) = fs::metadata(&path) else { return ContextAge::Missing };
    if !metadata.is_file() || metadata.len() == 0 || !layout.allows(&path) {
        return ContextAge::Missing;
    }
    let modified = metadata.modified().unwrap_or(SystemTime::UNIX_EPOCH);
    match SystemTime::now().duration_since(modified) {
        Ok(age) if age > max_age => ContextAge::Stale,
        // A time in the future is as young as can be.
        _ => ContextAge::Fresh,
    }
}

/// Copies it, so that all agents of the batch get the same text, whoever changes it meanwhile.
pub(in crate::orchestrator) fn copy(layout: &Layout) -> Result<(), String> {
    let path = original(layout);
    if fs::symlink_metadata(&path).is_err_and(|error| error.kind() == ErrorKind::NotFound) {
        return Err(format!("there is no {FOLDER}/{ORIGINAL}"));
    }
    if !layout.allows(&path) {
        return Err(format!("{ORIGINAL} leads out of the project"));
    }
    let text = read(&path).map_err(|error| format!("{ORIGINAL} cannot be read: {error}"))?;
    let folder = layout.root.join(FOLDER);
    replace(&folder, &text).map_err(|error| format!("{COPY} cannot be written: {error}"))
}

/// Where agents write it.
pub(in crate::orchestrator) fn original(layout: &Layout) -> PathBuf {
    layout.root.join(FOLDER).join(ORIGINAL)
}

fn read(path: &Path) -> std::io::Result<Vec<u8>> {
    if !fs::metadata(path)?.is_file() {
        return Err(std::io::Error::new(ErrorKind::InvalidInput, "not a regular file"));
    }
    let mut text = Vec::new();
    File::open(path)?.take(LARGEST + 1).read_to_end(&mut text)?;
    if text.len() as u64 > LARGEST {
        return Err(std::io::Error::new(ErrorKind::FileTooLarge, "more than 16 MiB"));
    }
    Ok(text)
}

/// By a temporary file and a rename: an agent never sees half of it, and a link in its place is not
/// followed.
fn replace(folder: &Path, text: &[u8]) -> std::io::Result<()> {
    let mut temporary = tempfile::NamedTempFile::new_in(folder)?;
    temporary.write_all(text)?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        temporary.as_file().set_permissions(fs::Permissions::from_mode(0o644))?;
    }
    temporary.persist(folder.join(COPY)).map_err(|error| error.error)?;
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::project::layout::Named;

    #[test]
    fn missing_stale_fresh_and_its_copy() {
        let root = tempfile::tempdir().unwrap();
        let layout = Layout::discover(root.path(), &Named::default());
        let day = Duration::from_secs(24 * 3600);
        assert_eq!(age(&layout, day), ContextAge::Missing);
        assert!(copy(&layout).unwrap_err().contains("there is no"));
        let folder = layout.root.join(FOLDER);
        fs::create_dir_all(&folder).unwrap();
        fs::write(folder.join(ORIGINAL), "").unwrap();
        assert_eq!(age(&layout, day), ContextAge::Missing);
        fs::write(folder.join(ORIGINAL), "# Context").unwrap();
        assert_eq!(age(&layout, day), ContextAge::Fresh);
        let old = SystemTime::now() - 2 * day;
        let file = File::options().write(true).open(folder.join(ORIGINAL)).unwrap();
        file.set_modified(old).unwrap();
        assert_eq!(age(&layout, day), ContextAge::Stale);
        copy(&layout).unwrap();
        assert_eq!(fs::read_to_string(folder.join(COPY)).unwrap(), "# Context");
    }

    #[cfg(unix)]
    #[test]
    fn a_context_outside_the_project_is_none() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        fs::write(outside.path().join("secret"), "x").unwrap();
        let layout = Layout::discover(root.path(), &Named::default());
        fs::create_dir_all(layout.root.join(FOLDER)).unwrap();
        std::os::unix::fs::symlink(outside.path().join("secret"), original(&layout)).unwrap();
        assert_eq!(age(&layout, Duration::from_secs(60)), ContextAge::Missing);
        assert!(copy(&layout).unwrap_err().contains("out of the project"));
    }
}
