//! Looking at one path without ever being held up by it: identity, times, opening.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::Path;

use rustix::fs::OFlags;
use serde::{Deserialize, Serialize};

/// Which file it is, whatever its name.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub(crate) struct FileId {
    /// The device.
    pub(crate) dev: u64,
    /// The inode; re-used by file systems once a file is gone.
    pub(crate) ino: u64,
}

impl FileId {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self { dev: metadata.dev(), ino: metadata.ino() }
    }

    /// The file or folder a path leads to just now.
    pub(crate) fn at(path: &Path) -> Option<Self> {
        fs::metadata(path).ok().map(|metadata| Self::of(&metadata))
    }
}

/// What tells that somebody touched a file.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) id: FileId,
    pub(crate) len: u64,
    pub(crate) mtime_ns: i128,
    ctime_ns: i128,
    /// Permissions: reading may be forbidden while we hold the file open.
    pub(crate) mode: u32,
}

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        let ns = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
        Self {
            id: FileId::of(metadata),
            len: metadata.len(),
            mtime_ns: ns(metadata.mtime(), metadata.mtime_nsec()),
            ctime_ns: ns(metadata.ctime(), metadata.ctime_nsec()),
            mode: metadata.mode(),
        }
    }

    /// When the file's content last changed, in milliseconds since the epoch.
    pub(crate) fn mtime_ms(&self) -> i64 {
        i64::try_from(self.mtime_ns.div_euclid(1_000_000)).unwrap_or(0)
    }

    /// Whether a further write may hide in the file system's clock tick: a stamp taken this close
    /// to a write does not prove that nothing was written since.
    pub(crate) fn is_fresh(&self, now_ms: i64) -> bool {
        (now_ms - self.mtime_ms()).abs() <= 2_000
    }
}

/// What lies at a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Look {
    /// Nothing.
    Missing,
    /// Something that cannot be read, and why, as people say it.
    Unreadable(String),
    /// A file.
    File(Stamp),
}

/// Looks without opening.
pub(crate) fn look(path: &Path) -> Look {
    match fs::metadata(path) {
        Ok(metadata) => match refusal(&metadata) {
            Some(reason) => Look::Unreadable(reason),
            None => Look::File(Stamp::of(&metadata)),
        },
        Err(error) => from_error(&error, path),
    }
}

/// Opens a file for reading: never waits (a FIFO would), never follows out of the project.
pub(crate) fn open(path: &Path, allowed: &dyn Fn(&Path) -> bool) -> Result<(File, Stamp), Look> {
    if !allowed(path) {
        return match fs::symlink_metadata(path) {
            Ok(metadata) if metadata.is_symlink() && fs::metadata(path).is_err() => {
                Err(Look::Missing)
            }
            Ok(_) => Err(Look::Unreadable(
                "it leads out of the project; name it in sprint-runner.toml to have it read"
                    .to_owned(),
            )),
            Err(error) => Err(from_error(&error, path)),
        };
    }
    // Looked at before opening, so that devices and FIFOs are not even opened for a moment.
    if let Look::Unreadable(reason) = look(path) {
        return Err(Look::Unreadable(reason));
    }
    let flags = OFlags::NONBLOCK | OFlags::NOCTTY | OFlags::CLOEXEC;
    let file = OpenOptions::new()
        .read(true)
        .custom_flags(flags.bits().cast_signed())
        .open(path)
        .map_err(|error| from_error(&error, path))?;
    let metadata = file.metadata().map_err(|error| from_error(&error, path))?;
    match refusal(&metadata) {
        Some(reason) => Err(Look::Unreadable(reason)),
        None => Ok((file, Stamp::of(&metadata))),
    }
}

fn refusal(metadata: &Metadata) -> Option<String> {
    let kind = metadata.file_type();
    if kind.is_file() {
        None
    } else if kind.is_dir() {
        Some("it is a directory, not a file".to_owned())
    } else {
        Some("it is not a regular file".to_owned())
    }
}

fn from_error(error: &io::Error, path: &Path) -> Look {
    match error.kind() {
        // A folder of its way that is a file: nothing can lie there.
        io::ErrorKind::NotFound | io::ErrorKind::NotADirectory => Look::Missing,
        _ => Look::Unreadable(reason(error, path)),
    }
}

/// An error as people say it: never a path, never a number.
pub(crate) fn reason(error: &io::Error, path: &Path) -> String {
    match error.kind() {
        io::ErrorKind::PermissionDenied => "permission to read it is denied".to_owned(),
        kind => {
            tracing::debug!(path = %path.display(), %error, "cannot read");
            format!("the system answered: {kind}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_of_thing_is_told_apart_and_none_blocks() {
        let dir = tempfile::tempdir().unwrap();
        let at = |name: &str| dir.path().join(name);
        fs::write(at("file"), "x").unwrap();
        fs::create_dir(at("dir")).unwrap();
        rustix::fs::mkfifoat(rustix::fs::CWD, at("fifo"), rustix::fs::Mode::RUSR).unwrap();
        std::os::unix::fs::symlink("circle", at("circle")).unwrap();
        std::os::unix::fs::symlink("gone", at("dangling")).unwrap();
        let everywhere = |_: &Path| true;
        assert!(open(&at("file"), &everywhere).is_ok());
        assert_eq!(open(&at("none"), &everywhere).unwrap_err(), Look::Missing);
        assert_eq!(open(&at("file/below"), &everywhere).unwrap_err(), Look::Missing);
        assert_eq!(open(&at("dangling"), &everywhere).unwrap_err(), Look::Missing);
        for name in ["dir", "fifo", "circle"] {
            assert!(matches!(open(&at(name), &everywhere), Err(Look::Unreadable(_))), "{name}");
            assert!(matches!(look(&at(name)), Look::Unreadable(_)), "{name}");
        }
        let nowhere = |_: &Path| false;
        assert!(matches!(open(&at("file"), &nowhere), Err(Look::Unreadable(_))));
        assert_eq!(open(&at("none"), &nowhere).unwrap_err(), Look::Missing);
    }
}
