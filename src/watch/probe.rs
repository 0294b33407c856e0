//! Whether file events come at all from a folder: tried out, since no list of file systems tells.

use std::fs::OpenOptions;
use std::io::Write as _;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::sync::mpsc::sync_channel;
use std::time::Duration;

use super::arm::Armed;

/// What a file event looked like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Events {
    /// One came.
    Come,
    /// None came in time: the poll alone would notice changes.
    Missing,
    /// The file for the trial could not be written, and why.
    NotTried(String),
}

/// Watches the folder as the server would, writes a file in it, waits for the event, and removes the
/// file. A folder that is a link is not written into.
pub fn try_events(folder: &Path, patience: Duration) -> Events {
    match folder.symlink_metadata() {
        Ok(found) if found.is_dir() => {}
        Ok(_) => return Events::NotTried("it is no folder of its own".to_owned()),
        Err(error) => return Events::NotTried(error.to_string()),
    }
    let path = folder.join(format!(".events-{}.tmp", std::process::id()));
    let (wake, woken) = sync_channel(1);
    let mut armed = Armed::new(wake);
    armed.arm(std::slice::from_ref(&path));
    // The lock room's way: never through a link, never over a file.
    let flags = rustix::fs::OFlags::NOFOLLOW.bits().cast_signed();
    let opened =
        OpenOptions::new().write(true).create_new(true).mode(0o600).custom_flags(flags).open(&path);
    let written = opened.and_then(|mut file| file.write_all(b"?"));
    let came = written.is_ok() && woken.recv_timeout(patience).is_ok();
    if let Err(error) = written {
        // What lay there before is not ours to remove.
        return Events::NotTried(error.to_string());
    }
    if let Err(error) = std::fs::remove_file(&path) {
        tracing::warn!(%error, "the file of a trial stays: {}", path.display());
    }
    if came { Events::Come } else { Events::Missing }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn events_come_from_a_folder_and_nothing_stays_there() {
        let folder = tempfile::tempdir().unwrap();
        assert_eq!(try_events(folder.path(), Duration::from_secs(120)), Events::Come);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }

    #[test]
    fn a_link_is_not_followed_for_a_trial() {
        let place = tempfile::tempdir().unwrap();
        let theirs = place.path().join("theirs");
        std::fs::create_dir(&theirs).unwrap();
        let link = place.path().join("link");
        std::os::unix::fs::symlink(&theirs, &link).unwrap();
        assert!(matches!(try_events(&link, Duration::ZERO), Events::NotTried(_)));
        let gone = place.path().join("gone");
        assert!(matches!(try_events(&gone, Duration::ZERO), Events::NotTried(_)));
    }
}
