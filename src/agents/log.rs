//! What an agent printed, kept in a file beside the state: capped, rotated, never in the way.

use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use memchr::memrchr;

/// How large a log's file grows where nothing else is said.
pub const DEFAULT_CAP: u64 = 8 * 1024 * 1024;

/// How much waits for a slow disk before lines are left out.
const MAX_WAITING: usize = 4 * 1024 * 1024;

/// What is to be known of a line.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// Nothing.
    Plain,
    /// It came on standard error.
    Stderr,
    /// It should have been JSON.
    NotJson,
    /// It should have been UTF-8.
    NotUtf8,
    /// Only its beginning was kept.
    Cut {
        /// How many bytes it had.
        full_len: u64,
    },
    /// It is ours, not the agent's.
    Note,
}

/// The log of one agent: at most two files, the newer `<path>` and the older `<path>.1`.
///
/// Lines are handed to a thread of its own, which writes them at once: whoever reads the agent is
/// not held up by a slow disk. Where that disk is slower than the agent for long, lines are left
/// out and their number is noted.
#[derive(Debug)]
pub struct AgentLog {
    shared: Arc<Shared>,
    writer: Option<JoinHandle<()>>,
}

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct State {
    /// Whole lines.
    waiting: Vec<u8>,
    /// How many found no room.
    lost: u64,
    closed: bool,
}

impl AgentLog {
    /// Where the log of a batch's n-th agent lies.
    pub fn path(folder: &Path, batch_id: i64, n: u32, command: &str) -> PathBuf {
        let safe = |c: char| if c.is_ascii_alphanumeric() || "-_.".contains(c) { c } else { '_' };
        let command: String = command.chars().take(100).map(safe).collect();
        folder.join(batch_id.to_string()).join(format!("{n}-{command}.log"))
    }

    /// Opens the log, with its folder, for the owner alone; what is in it stays. No file of it grows
    /// over `cap` bytes.
    pub fn create(path: &Path, cap: u64) -> io::Result<Self> {
        if let Some(folder) = path.parent() {
            make_folder(folder)?;
        }
        let mut files = Files::open(path, cap)?;
        let shared = Arc::new(Shared::default());
        let reader = Arc::clone(&shared);
        let span = tracing::Span::current();
        let writer = std::thread::Builder::new().name("agent-log".to_owned()).spawn(move || {
            let _in = span.enter();
            while let Some((lines, lost)) = reader.wait() {
                files.write(&lines);
                if lost > 0 {
                    let text = format!("{lost} lines left out: the disk was too slow for them");
                    files.write(&render(Mark::Note, text.as_bytes()));
                }
            }
        })?;
        Ok(Self { shared, writer: Some(writer) })
    }

    /// Adds a line. Never waits.
    pub fn line(&self, mark: Mark, bytes: &[u8]) {
        let mut state = self.shared.lock();
        if state.waiting.len() < MAX_WAITING && state.lost == 0 {
            state.waiting.extend_from_slice(&render(mark, bytes));
        } else {
            state.lost += 1;
        }
        drop(state);
        self.shared.changed.notify_one();
    }

    /// Closes the log, and returns when all of it is in its file. Letting go of the log does the
    /// same without waiting.
    pub async fn finish(mut self) {
        let writer = self.writer.take();
        drop(self);
        let joined = tokio::task::spawn_blocking(move || writer.map(JoinHandle::join));
        // A writer that failed has nothing more to write.
        let _ = joined.await;
    }
}

impl Drop for AgentLog {
    fn drop(&mut self) {
        self.shared.lock().closed = true;
        self.shared.changed.notify_one();
    }
}

impl Shared {
    /// What there is to write; `None` when nothing more comes.
    fn wait(&self) -> Option<(Vec<u8>, u64)> {
        let mut state = self.lock();
        loop {
            if !state.waiting.is_empty() || state.lost > 0 {
                let lost = std::mem::take(&mut state.lost);
                return Some((std::mem::take(&mut state.waiting), lost));
            }
            if state.closed {
                return None;
            }
            state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner);
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A line as it stands in the file.
fn render(mark: Mark, bytes: &[u8]) -> Vec<u8> {
    let prefix = match mark {
        Mark::Plain => String::new(),
        Mark::Stderr => "[stderr] ".to_owned(),
        Mark::NotJson => "[not json] ".to_owned(),
        Mark::NotUtf8 => "[not utf-8] ".to_owned(),
        Mark::Cut { full_len } => format!("[cut, had {full_len} bytes] "),
        Mark::Note => "[note] ".to_owned(),
    };
    let mut line = prefix.into_bytes();
    // A newline would make two lines of it, the second without its mark.
    line.extend(bytes.iter().map(|&byte| if byte == b'\n' { b' ' } else { byte }));
    line.push(b'\n');
    line
}

struct Files {
    path: PathBuf,
    file: File,
    size: u64,
    cap: u64,
    /// A failure is told once, not for each line.
    told: bool,
}

impl Files {
    fn open(path: &Path, cap: u64) -> io::Result<Self> {
        let file = open(path)?;
        let size = file.metadata()?.len();
        Ok(Self { path: path.to_owned(), file, size, cap: cap.max(1), told: false })
    }

    /// Writes whole lines; what cannot be written is let go.
    fn write(&mut self, lines: &[u8]) {
        if let Err(error) = self.try_write(lines) {
            if !self.told {
                self.told = true;
                tracing::warn!(
                    %error,
                    "the log {} cannot be written; the agent goes on without it",
                    self.path.display()
                );
            }
            // Half of it may have been written.
            self.size = self.file.metadata().map_or(self.size, |metadata| metadata.len());
        }
    }

    fn try_write(&mut self, mut lines: &[u8]) -> io::Result<()> {
        while !lines.is_empty() {
            let room = usize::try_from(self.cap.saturating_sub(self.size)).unwrap_or(usize::MAX);
            let fitting = if lines.len() <= room {
                lines.len()
            } else {
                memrchr(b'\n', &lines[..room]).map_or(0, |at| at + 1)
            };
            if fitting > 0 {
                self.append(&lines[..fitting])?;
                lines = &lines[fitting..];
            } else if self.size > 0 {
                self.rotate()?;
            } else {
                // One line longer than a whole file: its beginning.
                let end = memchr::memchr(b'\n', lines).map_or(lines.len(), |at| at + 1);
                let (line, rest) = lines.split_at(end);
                let mut beginning = line[..line.len().min(room) - 1].to_vec();
                beginning.push(b'\n');
                self.append(&beginning)?;
                lines = rest;
            }
        }
        Ok(())
    }

    fn append(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.file.write_all(bytes)?;
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// The end of a run says more than its middle: the newest two files' worth is kept.
    fn rotate(&mut self) -> io::Result<()> {
        let mut older = self.path.clone().into_os_string();
        older.push(".1");
        fs::rename(&self.path, older)?;
        self.file = open(&self.path)?;
        self.size = 0;
        Ok(())
    }
}

fn make_folder(folder: &Path) -> io::Result<()> {
    let mut builder = DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(folder)?;
    for_the_owner(folder, 0o700)
}

fn open(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        // A link that came with a project must not lead to somebody's file.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        options.mode(0o600).custom_flags(flags.bits().cast_signed());
    }
    let file = options.open(path)?;
    if !file.metadata()?.is_file() {
        return Err(io::Error::other("it is no plain file"));
    }
    for_the_owner(path, 0o600)?;
    Ok(file)
}

/// What was there already may be open to others.
#[cfg(unix)]
fn for_the_owner(path: &Path, mode: u32) -> io::Result<()> {
    fs::set_permissions(path, std::os::unix::fs::PermissionsExt::from_mode(mode))
}

#[cfg(not(unix))]
#[allow(clippy::unnecessary_wraps)] // as where it can fail
fn for_the_owner(_: &Path, _: u32) -> io::Result<()> {
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt;

    use super::*;

    async fn written(cap: u64, lines: &[(Mark, &[u8])]) -> (tempfile::TempDir, String, String) {
        let folder = tempfile::tempdir().unwrap();
        let path = AgentLog::path(folder.path(), 7, 3, "sprint-dev-story");
        let log = AgentLog::create(&path, cap).unwrap();
        for (mark, bytes) in lines {
            log.line(*mark, bytes);
        }
        log.finish().await;
        let older = fs::read(path.with_extension("log.1")).unwrap_or_default();
        let newer = fs::read(&path).unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8_lossy(&bytes).into_owned();
        (folder, text(newer), text(older))
    }

    #[tokio::test]
    async fn every_mark_stands_before_its_line() {
        let lines: [(Mark, &[u8]); 7] = [
            (Mark::Plain, b"{\"type\":\"result\"}"),
            (Mark::Stderr, b"warning"),
            (Mark::NotJson, b"hello"),
            (Mark::NotUtf8, b"a\xffb"),
            (Mark::Cut { full_len: 5_000_000 }, b"aaa"),
            (Mark::Note, b"ended\nby hand"),
            (Mark::Plain, b""),
        ];
        let (_folder, newer, older) = written(DEFAULT_CAP, &lines).await;
        assert_eq!(
            newer,
            "{\"type\":\"result\"}\n[stderr] warning\n[not json] hello\n[not utf-8] a\u{fffd}b\n\
             [cut, had 5000000 bytes] aaa\n[note] ended by hand\n\n"
        );
        assert_eq!(older, "");
    }

    #[tokio::test]
    async fn two_files_at_most_each_within_its_cap_and_the_newest_lines_in_them() {
        let lines: Vec<String> = (0..1000).map(|n| format!("line {n}")).collect();
        let lines: Vec<_> = lines.iter().map(|line| (Mark::Plain, line.as_bytes())).collect();
        let (folder, newer, older) = written(1000, &lines).await;
        assert!(newer.len() <= 1000 && older.len() <= 1000);
        assert!(newer.ends_with("line 999\n"));
        let kept = format!("{older}{newer}");
        let count = kept.lines().count();
        let expected: String = (1000 - count..1000).map(|n| format!("line {n}\n")).collect();
        assert_eq!(kept, expected);
        assert_eq!(fs::read_dir(folder.path().join("7")).unwrap().count(), 2);
    }

    #[tokio::test]
    async fn a_line_longer_than_the_cap_is_cut_to_it() {
        let long = vec![b'x'; 5000];
        let (_folder, newer, older) =
            written(100, &[(Mark::Plain, b"before"), (Mark::Plain, &long), (Mark::Note, b"after")])
                .await;
        assert_eq!(older, format!("{}\n", "x".repeat(99)));
        assert_eq!(newer, "[note] after\n");
        for cap in [0, 1, 2] {
            let (_folder, newer, _) = written(cap, &[(Mark::Plain, b"abc")]).await;
            assert!(newer.len() as u64 <= cap.max(1), "{newer:?}");
        }
    }

    #[tokio::test]
    async fn only_the_owner_may_read_it_and_a_second_opening_adds_to_it() {
        let folder = tempfile::tempdir().unwrap();
        let path = AgentLog::path(&folder.path().join("agents"), 1, 1, "../a b");
        assert_eq!(path.file_name().unwrap(), "1-.._a_b.log");
        for text in ["one", "two"] {
            let log = AgentLog::create(&path, DEFAULT_CAP).unwrap();
            log.line(Mark::Plain, text.as_bytes());
            log.finish().await;
        }
        assert_eq!(fs::read_to_string(&path).unwrap(), "one\ntwo\n");
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        assert_eq!(path.parent().unwrap().metadata().unwrap().mode() & 0o777, 0o700);
        assert_eq!(folder.path().join("agents").metadata().unwrap().mode() & 0o777, 0o700);
    }

    #[tokio::test]
    async fn a_link_or_a_pipe_in_its_place_is_not_written_through() {
        let folder = tempfile::tempdir().unwrap();
        let theirs = folder.path().join("theirs");
        fs::write(&theirs, "precious").unwrap();
        let mode = || theirs.metadata().unwrap().mode() & 0o777;
        let before = mode();
        let link = folder.path().join("1-x.log");
        std::os::unix::fs::symlink(&theirs, &link).unwrap();
        assert!(AgentLog::create(&link, DEFAULT_CAP).is_err());
        assert_eq!((fs::read_to_string(&theirs).unwrap().as_str(), mode()), ("precious", before));
        // With a reader at its other end a pipe could be opened.
        let pipe = folder.path().join("2-x.log");
        assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
        let _reader = OpenOptions::new().read(true).write(true).open(&pipe).unwrap();
        assert!(AgentLog::create(&pipe, DEFAULT_CAP).is_err());
    }

    #[tokio::test]
    async fn a_full_disk_does_not_stop_anybody() {
        // Every write to this device fails as on a full disk.
        let file = OpenOptions::new().append(true).open("/dev/full").unwrap();
        let mut files = Files { path: "/dev/full".into(), file, size: 0, cap: 1000, told: false };
        files.write(b"one\n");
        assert!(files.told);
        files.write(b"two\n");
    }

    #[test]
    fn a_disk_that_stands_still_costs_lines_not_memory() {
        let log = AgentLog { shared: Arc::default(), writer: None };
        let line = vec![b'x'; 1024 * 1024];
        for _ in 0..100 {
            log.line(Mark::Plain, &line);
        }
        let (waiting, lost) = log.shared.wait().unwrap();
        assert!(waiting.len() < MAX_WAITING + line.len() + 100);
        assert_eq!(lost, 96);
    }
}
