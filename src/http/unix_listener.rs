//! Listening on a Unix socket: its file is its owner's alone, takes the place of one that was left
//! behind and of nothing else, and goes when the server ends.

use std::fs::{self, File};
use std::io::{Error, ErrorKind, Result};
use std::os::unix::fs::{FileTypeExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::Mode;
use tokio::net::{UnixListener, UnixStream};

/// Two servers that start on one path take turns; nobody else has a reason to hold the folder.
const TURN: Duration = Duration::from_millis(500);

/// A bound socket and its file.
#[derive(Debug)]
pub(super) struct Listener {
    socket: UnixListener,
    path: PathBuf,
    /// Device and inode of the file that we made.
    file: (u64, u64),
}

impl Listener {
    /// Binds to `path`, which must not exist, or be a socket that nobody listens on any more. Must
    /// be called within the runtime, before anything else makes files.
    pub(super) fn bind(path: &Path) -> Result<Self> {
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        let turn = turn(folder.unwrap_or(Path::new(".")));
        let socket = match bind_private(path) {
            Err(error) if error.kind() == ErrorKind::AddrInUse => {
                make_way(path)?;
                bind_private(path)?
            }
            bound => bound?,
        };
        let file = fs::symlink_metadata(path).map(|found| (found.dev(), found.ino()))?;
        drop(turn);
        socket.set_nonblocking(true)?;
        Ok(Self { socket: UnixListener::from_std(socket)?, path: path.to_owned(), file })
    }

    pub(super) async fn accept(&self) -> Result<UnixStream> {
        self.socket.accept().await.map(|(socket, _)| socket)
    }
}

impl Drop for Listener {
    fn drop(&mut self) {
        // Not one that somebody has put there meanwhile.
        let ours = fs::symlink_metadata(&self.path)
            .is_ok_and(|found| (found.dev(), found.ino()) == self.file);
        if ours {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// The file is made with the mode 0600 at once: a `chmod` behind it would leave a moment in which
/// anybody can connect. The umask is the whole process's, which is why nothing else may run yet.
fn bind_private(path: &Path) -> Result<std::os::unix::net::UnixListener> {
    let before = rustix::process::umask(Mode::RWXG | Mode::RWXO | Mode::XUSR);
    let bound = std::os::unix::net::UnixListener::bind(path);
    rustix::process::umask(before);
    bound
}

/// Removes a socket on which nobody listens.
fn make_way(path: &Path) -> Result<()> {
    if !fs::symlink_metadata(path)?.file_type().is_socket() {
        return Err(Error::new(ErrorKind::AlreadyExists, "a file that is no socket is there"));
    }
    let probe = socket2::Socket::new(socket2::Domain::UNIX, socket2::Type::STREAM, None)?;
    // One whose queue is full must not hold us.
    probe.set_nonblocking(true)?;
    match probe.connect(&socket2::SockAddr::unix(path)?) {
        Err(error) if error.kind() == ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) if error.kind() != ErrorKind::WouldBlock => Err(error),
        _ => Err(ErrorKind::AddrInUse.into()),
    }
}

/// Holds the folder, so that of two servers that find the same dead socket the second does not
/// remove the first one's new one. Where it cannot be held, binding goes on without.
fn turn(folder: &Path) -> Option<File> {
    let folder = File::open(folder).ok()?;
    let deadline = Instant::now() + TURN;
    loop {
        match folder.try_lock() {
            Ok(()) => return Some(folder),
            Err(fs::TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(10));
            }
            Err(_) => return None,
        }
    }
}
