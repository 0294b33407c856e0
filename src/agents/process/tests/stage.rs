//! A folder with scripts, agents made of them, and waiting with a deadline.

use std::ffi::OsString;
use std::future::Future;
use std::path::Path;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::super::*;

/// Far more than anything takes; a test that meets it has failed.
const DEADLINE: Duration = Duration::from_secs(120);

pub(super) struct Stage {
    folder: tempfile::TempDir,
    pub(super) project: String,
}

impl Stage {
    pub(super) fn new() -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let project = format!("test-{}-{number}", std::process::id());
        Self { folder: tempfile::tempdir().unwrap(), project }
    }

    pub(super) fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// Writes a script; others call it by `sh ./<name>`.
    pub(super) fn script(&self, name: &str, text: &str) -> &Self {
        std::fs::write(self.folder().join(name), text).unwrap();
        self
    }

    pub(super) fn launch(&self, script: &str) -> Launch {
        let args = ["-c", script].map(OsString::from).to_vec();
        Launch {
            program: "sh".into(),
            args,
            folder: self.folder().to_owned(),
            env: Vec::new(),
            unset: Vec::new(),
            stdin: Vec::new(),
            cookie: Cookie::new(&self.project, 1, 1),
        }
    }

    pub(super) fn spawn(&self, script: &str) -> Process {
        spawn(self.launch(script)).unwrap()
    }
}

/// Waits, but not for ever.
pub(super) async fn soon<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(DEADLINE, future).await.expect("within the deadline")
}

/// Waits until something is so that nothing tells of.
pub(super) async fn until(what: &str, mut so: impl FnMut() -> bool) {
    let wait = async {
        while !so() {
            // Whose runtime collected orphans until now may have been another test's, which is over.
            reaper::listen().unwrap();
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(DEADLINE, wait).await.unwrap_or_else(|_| panic!("never: {what}"));
}

/// The next line, as text.
pub(super) async fn line(process: &mut Process) -> String {
    match soon(process.next()).await {
        Output::Line(line) => String::from_utf8(line.bytes).unwrap(),
        other => panic!("a line was expected: {other:?}"),
    }
}

/// A line that is a process number.
pub(super) async fn pid(process: &mut Process) -> Identity {
    let text = line(process).await;
    now(text.trim().parse().unwrap_or_else(|_| panic!("a number was expected: {text}")))
}

/// The next `n` lines, each a process number.
pub(super) async fn pids(process: &mut Process, n: usize) -> Vec<Identity> {
    let mut pids = Vec::new();
    for _ in 0..n {
        pids.push(pid(process).await);
    }
    pids
}

/// All lines of both streams and the exit; after that it is closed.
pub(super) async fn rest(process: &mut Process) -> (Vec<Line>, Exit) {
    let mut lines = Vec::new();
    soon(async {
        loop {
            match process.next().await {
                Output::Line(line) => lines.push(line),
                Output::Exited(exit) => {
                    assert_eq!(process.next().await, Output::Closed);
                    assert_eq!(process.next().await, Output::Closed);
                    return (lines, exit);
                }
                Output::Closed => panic!("closed without an exit"),
            }
        }
    })
    .await
}

/// Who has this number now.
pub(super) fn now(pid: u32) -> Identity {
    table::row(pid).unwrap_or_else(|| panic!("{pid} is not there")).identity
}

/// Whether it lives, and is not just a dead row.
pub(super) fn alive(one: Identity) -> bool {
    table::row(one.pid).is_some_and(|row| row.identity == one && !row.dead)
}

/// Not even a dead row is left.
pub(super) fn no_trace(one: Identity) -> bool {
    table::row(one.pid).is_none_or(|row| row.identity != one)
}
