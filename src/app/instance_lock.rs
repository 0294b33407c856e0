//! One server a database: a locked file that says where the server is.
//!
//! The lock is the kernel's (`flock`), so it goes with the process, also over `kill -9`; what the
//! file says counts only while somebody holds the lock.

use std::fs::{File, OpenOptions, TryLockError};
use std::io::{ErrorKind, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use serde::{Deserialize, Serialize};

/// The lock's name in the state folder.
pub const NAME: &str = "sprint-runner.lock";

/// A command line that looks whether a server is alive holds the lock for a moment; a starting
/// server waits that long for it to let go.
const PATIENCE: Duration = Duration::from_millis(500);

/// What the file says of the server that holds it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// Its process.
    pub pid: u32,
    /// Its address, `http://127.0.0.1:8080/`; `None` while it is starting.
    pub url: Option<String>,
    /// What stands before every path there: `/p/lantern` where the server has several projects.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub prefix: String,
    /// It is no server but a batch in a terminal, which nobody can speak to.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub terminal: bool,
    /// What a client has to send: the file is readable by its owner alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub token: Option<String>,
}

/// The lock, held. Dropping it lets go.
#[derive(Debug)]
pub struct InstanceLock {
    files: Vec<File>,
}

impl InstanceLock {
    /// Takes the lock of the state folder and, where the database lies elsewhere, the one beside
    /// the database. Refuses while another server holds either.
    pub fn acquire(state: &Path, database: &Path) -> anyhow::Result<Self> {
        let mut paths = vec![state.join(NAME)];
        // Whoever names the same file by a link meets the same lock.
        let beside = beside(&behind_links(database));
        if resolved(&beside) != resolved(&paths[0]) {
            paths.push(beside);
        }
        let mut files = Vec::with_capacity(paths.len());
        for path in &paths {
            files.push(lock(path)?);
        }
        let mut held = Self { files };
        held.write(&Holder { pid: std::process::id(), ..Holder::default() })?;
        Ok(held)
    }

    /// Says where the server answers.
    pub fn announce(&mut self, url: &str, token: Option<&str>) -> anyhow::Result<()> {
        self.announce_under(url, "", token)
    }

    /// [`Self::announce`] for one of several projects; `prefix` stands before every path.
    pub fn announce_under(
        &mut self,
        url: &str,
        prefix: &str,
        token: Option<&str>,
    ) -> anyhow::Result<()> {
        self.write(&Holder {
            pid: std::process::id(),
            url: Some(url.to_owned()),
            prefix: prefix.to_owned(),
            token: token.map(str::to_owned),
            ..Holder::default()
        })
    }

    /// Says that a batch runs here without a server.
    pub fn announce_terminal(&mut self) -> anyhow::Result<()> {
        self.write(&Holder { pid: std::process::id(), terminal: true, ..Holder::default() })
    }

    fn write(&mut self, holder: &Holder) -> anyhow::Result<()> {
        let text = serde_json::to_vec(holder)?;
        for file in &mut self.files {
            put(file, &text).context("cannot write the lock file")?;
        }
        Ok(())
    }
}

impl InstanceLock {
    /// Takes back what was said and holds the lock until the process has gone.
    pub fn keep_to_the_end(mut self) {
        self.unsay();
        std::mem::forget(self);
    }

    /// The address, and above all the token, are worth nothing any more.
    fn unsay(&mut self) {
        for file in &mut self.files {
            // Should this fail, the lock itself still goes with the descriptor.
            let _ = file.set_len(0);
        }
    }
}

impl Drop for InstanceLock {
    fn drop(&mut self) {
        self.unsay();
    }
}

/// The server alive in one of these state folders, if any.
pub fn find_holder(folders: &[PathBuf]) -> Option<Holder> {
    folders.iter().find_map(|folder| holder_of(&folder.join(NAME)))
}

/// The lock beside a database: `x.db` → `x.lock`.
fn beside(database: &Path) -> PathBuf {
    database.with_extension("lock")
}

/// Who holds this lock; `None` when nobody does.
fn holder_of(path: &Path) -> Option<Holder> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // Nobody's server writes behind a link, and a pipe would be waited for.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.custom_flags(flags.bits().cast_signed());
    }
    let mut file = options.open(path).ok()?;
    match file.try_lock_shared() {
        Err(TryLockError::WouldBlock) => {}
        // Nobody holds it (the lock goes with `file`), or nobody can tell.
        Ok(()) | Err(TryLockError::Error(_)) => return None,
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        // The holder may be writing just now.
        if let Some(holder) = read(&mut file) {
            return Some(holder);
        }
        if Instant::now() >= deadline {
            return Some(Holder::default());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
}

fn lock(path: &Path) -> anyhow::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // It is written over: a link that came with a project must not lead to somebody's file.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    let mut file = options.open(path).with_context(|| {
        format!("cannot open the lock {}; it must be a plain file", path.display())
    })?;
    if !file.metadata()?.is_file() {
        bail!("the lock {} is no plain file: remove it", path.display());
    }
    let deadline = Instant::now() + PATIENCE;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < deadline => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => {
                let holder = read(&mut file).unwrap_or_default();
                if holder.terminal {
                    bail!(
                        "a batch is running on this project in a terminal (sprint-runner run, process {}); \
                         wait for its end, or stop it there with Ctrl-C",
                        holder.pid
                    );
                }
                let place = match &holder.url {
                    Some(url) => format!("at {url}"),
                    None => "that is just starting".to_owned(),
                };
                bail!(
                    "this project already has a server {place} (process {}); open that one, or stop it first",
                    holder.pid
                );
            }
            Err(TryLockError::Error(error)) if error.kind() == ErrorKind::Interrupted => {}
            Err(TryLockError::Error(error)) => {
                return Err(error).with_context(|| {
                    format!(
                        "cannot lock {}: use --state DIR with a folder on a local disk",
                        path.display()
                    )
                });
            }
        }
    }
}

fn read(file: &mut File) -> Option<Holder> {
    let mut text = String::new();
    file.seek(SeekFrom::Start(0)).ok()?;
    file.take(64 * 1024).read_to_string(&mut text).ok()?;
    serde_json::from_str(&text).ok()
}

fn put(file: &mut File, text: &[u8]) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        file.set_permissions(std::fs::Permissions::from_mode(0o600))?;
    }
    file.seek(SeekFrom::Start(0))?;
    file.write_all(text)?;
    file.set_len(text.len() as u64)
}

/// So many links lead on; systems follow no more of them.
const LINKS: usize = 40;

/// The file that a path leads to, whether it is there yet or not.
pub(super) fn behind_links(path: &Path) -> PathBuf {
    let mut path = path.to_owned();
    for _ in 0..LINKS {
        let Ok(next) = path.read_link() else { break };
        path = path.parent().map(|folder| folder.join(&next)).unwrap_or(next);
    }
    resolved(&path)
}

/// The path with its folder's links resolved: the file itself may not exist yet.
fn resolved(path: &Path) -> PathBuf {
    let folder = path.parent().and_then(|folder| folder.canonicalize().ok());
    match (folder, path.file_name()) {
        (Some(folder), Some(name)) => folder.join(name),
        _ => path.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A child that another test starts just now has our descriptors until it runs its program, and
    /// with them the lock.
    fn until(mut so: impl FnMut() -> bool) {
        let begun = Instant::now();
        while !so() {
            assert!(begun.elapsed() < Duration::from_secs(120), "the lock is not let go");
        }
    }

    #[cfg(unix)]
    #[test]
    fn a_link_in_its_place_is_not_written_through() {
        let state = tempfile::tempdir().unwrap();
        let theirs = state.path().join("theirs");
        std::fs::write(&theirs, "precious").unwrap();
        let link = state.path().join("x.lock");
        std::os::unix::fs::symlink(&theirs, &link).unwrap();
        let error = format!("{:#}", lock(&link).unwrap_err());
        assert!(error.contains("it must be a plain file"), "{error}");
        assert_eq!(std::fs::read_to_string(&theirs).unwrap(), "precious");
    }

    #[cfg(unix)]
    #[test]
    fn a_pipe_in_its_place_is_neither_waited_for_nor_taken() {
        let state = tempfile::tempdir().unwrap();
        let pipe = state.path().join(NAME);
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let error = format!("{:#}", lock(&pipe).unwrap_err());
        assert!(error.contains("is no plain file"), "{error}");
        let (told, answer) = std::sync::mpsc::channel();
        let folder = state.path().to_owned();
        std::thread::spawn(move || told.send(find_holder(&[folder])));
        let holder = answer.recv_timeout(Duration::from_secs(60)).expect("an answer");
        assert!(holder.is_none(), "{holder:?}");
    }

    #[test]
    fn the_second_is_told_where_the_first_is() {
        let state = tempfile::tempdir().unwrap();
        let database = state.path().join("sprint-runner.db");
        let mut first = InstanceLock::acquire(state.path(), &database).unwrap();
        first.announce("http://127.0.0.1:4711/", None).unwrap();
        let refusal = InstanceLock::acquire(state.path(), &database).unwrap_err().to_string();
        assert!(refusal.contains("http://127.0.0.1:4711/"), "{refusal}");
        drop(first);
        until(|| InstanceLock::acquire(state.path(), &database).is_ok());
    }

    #[test]
    fn a_batch_in_a_terminal_is_told_as_such() {
        let state = tempfile::tempdir().unwrap();
        let database = state.path().join("sprint-runner.db");
        let mut first = InstanceLock::acquire(state.path(), &database).unwrap();
        first.announce_terminal().unwrap();
        let refusal = InstanceLock::acquire(state.path(), &database).unwrap_err().to_string();
        assert!(refusal.contains("in a terminal"), "{refusal}");
        let holder = find_holder(&[state.path().to_owned()]).unwrap();
        assert!(holder.terminal && holder.url.is_none());
    }

    #[test]
    fn one_database_from_two_state_folders_is_still_one() {
        let one = tempfile::tempdir().unwrap();
        let two = tempfile::tempdir().unwrap();
        let database = one.path().join("shared.db");
        let _first = InstanceLock::acquire(one.path(), &database).unwrap();
        assert!(InstanceLock::acquire(two.path(), &database).is_err());
    }

    #[test]
    fn a_holder_is_found_only_while_it_lives() {
        let state = tempfile::tempdir().unwrap();
        let folders = [state.path().to_owned()];
        assert_eq!(find_holder(&folders), None);
        let mut lock =
            InstanceLock::acquire(state.path(), &state.path().join("sprint-runner.db")).unwrap();
        lock.announce("http://127.0.0.1:1/", Some("secret-token")).unwrap();
        let holder = find_holder(&folders).unwrap();
        assert_eq!(holder.url.as_deref(), Some("http://127.0.0.1:1/"));
        assert_eq!(holder.token.as_deref(), Some("secret-token"));
        drop(lock);
        until(|| find_holder(&folders).is_none());
        let left = std::fs::read_to_string(state.path().join(NAME)).unwrap();
        assert!(!left.contains("secret-token"));
    }
}
