//! Closes to others what was there already: a state folder that an archive, a copy, an older umask
//! or somebody else has left open.
//!
//! Only what is ours by its name, only files and folders themselves, never what a link leads to. A
//! folder that the user named with `--state` may be anything and keeps its modes; what is ours in it
//! is closed all the same.

use std::path::Path;

/// Makes what is ours in the state folder, and the database with what lies beside it, its owner's
/// alone. What cannot be is told.
#[cfg(unix)]
pub(super) fn make_private(state: &Path, is_own_folder: bool, database: &Path) {
    if let Err(error) = unix::close_state(state, is_own_folder) {
        warn(state, &error);
    }
    if let Err(error) = unix::close_database(database) {
        warn(database, &error);
    }
}

#[cfg(not(unix))]
pub(super) fn make_private(_: &Path, _: bool, _: &Path) {}

#[cfg(unix)]
fn warn(path: &Path, error: &std::io::Error) {
    tracing::warn!(
        "others may be able to read {}: it cannot be made its owner's alone ({error}); see to its \
         modes",
        path.display()
    );
}

#[cfg(unix)]
mod unix {
    use std::ffi::{OsStr, OsString};
    use std::fs::{self, File};
    use std::io;
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::Path;

    use rustix::fs::{Mode, OFlags, openat};
    use rustix::io::Errno;

    use crate::app::instance_lock;

    /// Folders of ours; what lies in them is behind their own modes.
    const FOLDERS: &[&str] = &["agents", "backups"];
    /// Files of ours begin like this: the database, its logs, its copies, the settings.
    const FILES: &[&str] = &["sprint-runner.db", "settings.json", instance_lock::NAME];

    pub(super) fn close_state(state: &Path, is_own_folder: bool) -> io::Result<()> {
        let link = if is_own_folder { OFlags::NOFOLLOW } else { OFlags::empty() };
        let folder = match open(rustix::fs::CWD, state.as_os_str(), OFlags::DIRECTORY | link) {
            Ok(folder) => folder,
            Err(error) => return nothing_of_ours(error),
        };
        if is_own_folder {
            close(&folder, state)?;
        }
        for entry in fs::read_dir(state)? {
            let name = entry?.file_name();
            let text = name.to_string_lossy();
            if FOLDERS.contains(&text.as_ref()) || FILES.iter().any(|file| text.starts_with(file)) {
                close_in(&folder, &name, &state.join(&name))?;
            }
        }
        Ok(())
    }

    pub(super) fn close_database(database: &Path) -> io::Result<()> {
        let name = database.file_name().unwrap_or_default();
        let folder = match database.parent() {
            Some(folder) if !folder.as_os_str().is_empty() => folder,
            _ => Path::new("."),
        };
        let opened = open(rustix::fs::CWD, folder.as_os_str(), OFlags::DIRECTORY)?;
        for ending in ["", "-wal", "-shm"] {
            let mut name = OsString::from(name);
            name.push(ending);
            close_in(&opened, &name, &folder.join(&name))?;
        }
        Ok(())
    }

    fn close_in(folder: &File, name: &OsStr, path: &Path) -> io::Result<()> {
        match open(folder, name, OFlags::NOFOLLOW) {
            Ok(file) => close(&file, path),
            Err(error) => nothing_of_ours(error),
        }
    }

    /// A FIFO in the place of a file does not hold anybody up.
    fn open(at: impl std::os::fd::AsFd, name: &OsStr, flags: OFlags) -> Result<File, Errno> {
        let flags = flags | OFlags::RDONLY | OFlags::NONBLOCK | OFlags::CLOEXEC;
        openat(at, name, flags, Mode::empty()).map(File::from)
    }

    /// What is not there, or is a link or a socket.
    fn nothing_of_ours(error: Errno) -> io::Result<()> {
        match error {
            Errno::NOENT | Errno::LOOP | Errno::NOTDIR | Errno::NXIO => Ok(()),
            error => Err(error.into()),
        }
    }

    fn close(file: &File, path: &Path) -> io::Result<()> {
        let metadata = file.metadata()?;
        let found = metadata.permissions().mode() & 0o7777;
        // Nothing is given: what its owner may not write stays read-only.
        let mode = found & if metadata.is_dir() { 0o700 } else { 0o600 };
        let is_open = found & 0o077 > 0;
        if !is_open || !(metadata.is_dir() || metadata.is_file()) {
            return Ok(());
        }
        file.set_permissions(fs::Permissions::from_mode(mode))?;
        tracing::info!(
            "others could use {} ({found:o}); it has the mode {mode:o} now",
            path.display()
        );
        Ok(())
    }
}
