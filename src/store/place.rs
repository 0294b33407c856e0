//! Where the database file lies, and whether it still does.
//!
//! SQLite goes on writing into a file that was deleted: all of it would be lost at the end. So the
//! file's identity is compared before each commit.

use std::ffi::OsString;
use std::path::{Path, PathBuf};

use super::StoreError;
use super::error::Moved;

/// A database file as it was when it was opened.
#[derive(Debug)]
pub(super) struct Place {
    path: PathBuf,
    identity: Option<(u64, u64)>,
}

impl Place {
    pub(super) fn of(path: &Path) -> Self {
        // Relative to a folder that may change: this process never changes its own.
        Self { path: path.to_owned(), identity: identity(path).ok() }
    }

    /// An error unless the file under that name is the one that was opened.
    pub(super) fn check(&self) -> Result<(), StoreError> {
        match identity(&self.path) {
            Ok(found) if Some(found) == self.identity => Ok(()),
            Ok(_) => Err(StoreError::Moved(Moved::Replaced)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => {
                Err(StoreError::Moved(Moved::Gone))
            }
            // Whoever cannot look cannot tell; SQLite says what is the matter.
            Err(_) => Ok(()),
        }
    }

    /// How long the database file is, in bytes; its write-ahead log not counted.
    pub(super) fn bytes(&self) -> u64 {
        std::fs::metadata(&self.path).map_or(0, |file| file.len())
    }

    /// How long the write-ahead log is, in bytes.
    pub(super) fn wal_bytes(&self) -> u64 {
        let mut name = OsString::from(&self.path);
        name.push("-wal");
        std::fs::metadata(name).map_or(0, |file| file.len())
    }
}

#[cfg(unix)]
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    use std::os::unix::fs::MetadataExt;
    std::fs::metadata(path).map(|file| (file.dev(), file.ino()))
}

/// An open file can be neither deleted nor replaced there.
#[cfg(not(unix))]
fn identity(path: &Path) -> std::io::Result<(u64, u64)> {
    std::fs::metadata(path).map(|_| (0, 0))
}
