//! Asks a program for its version: for a bounded time, with a bounded answer, and with all of its
//! process group ended behind it.

use std::collections::BTreeMap;
use std::io::Read as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::sync::mpsc::{Receiver, sync_channel};
use std::time::{Duration, Instant};

use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// How long a program may take: those written in JavaScript need a second or two when cold.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// What is left in a pipe after its writer was ended is read within this time.
const REST: Duration = Duration::from_millis(500);
/// As much as is read; a version is a line.
const LARGEST: u64 = 16 * 1024;
/// As much as is shown.
const SHOWN: usize = 80;
/// Between two looks at whether it has ended.
const PAUSE: Duration = Duration::from_millis(10);

/// What `--version` says, its first line.
pub(super) fn version(
    program: &Path,
    env: &BTreeMap<String, String>,
    patience: Duration,
) -> Result<String, String> {
    // Where there is nothing of anybody's that it could change.
    let folder = tempfile::tempdir().map_err(|error| format!("no temporary folder: {error}"))?;
    let mut child = Command::new(program)
        .arg("--version")
        .envs(env)
        .current_dir(folder.path())
        .process_group(0)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("it cannot be started: {error}"))?;
    let output = child.stdout.take().map(read);
    let pid = Pid::from_child(&child);
    let has_ended = wait(pid, Instant::now() + patience);
    // Before it is collected: until then its number is nobody else's. The group may be empty.
    let _ = kill_process_group(pid, Signal::KILL);
    let _ = kill_process(pid, Signal::KILL);
    if !has_ended && !wait(pid, Instant::now() + REST) {
        return Err("it does not end, not even when killed".to_owned());
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !has_ended {
        return Err(format!("it does not answer --version within {} s", patience.as_secs()));
    }
    let text = output.and_then(|output| output.recv_timeout(REST).ok()).unwrap_or_default();
    if !status.success() {
        return Err(format!("it answers --version with {status}"));
    }
    let text = String::from_utf8_lossy(&text);
    match text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => Ok(line.chars().take(SHOWN).collect()),
        None => Err("it says nothing to --version".to_owned()),
    }
}

/// Waits until a process has ended, and leaves it uncollected. False: it has not by then.
fn wait(pid: Pid, deadline: Instant) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        match waitid(WaitId::Pid(pid), look) {
            Ok(None) | Err(rustix::io::Errno::INTR) => {}
            Ok(Some(_)) | Err(_) => return true,
        }
        if Instant::now() >= deadline {
            return false;
        }
        std::thread::sleep(PAUSE);
    }
}

/// Reads the beginning on a thread of its own: somebody else may hold the other end open for ever.
/// The rest is not read, so who goes on writing is ended by its broken pipe.
fn read(pipe: ChildStdout) -> Receiver<Vec<u8>> {
    let (to, text) = sync_channel(1);
    std::thread::spawn(move || {
        let mut bytes = Vec::new();
        // What was read before an error counts.
        let _ = pipe.take(LARGEST).read_to_end(&mut bytes);
        let _ = to.send(bytes);
    });
    text
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt as _;
    use std::path::PathBuf;

    use super::*;

    fn script(folder: &Path, text: &str) -> PathBuf {
        let path = folder.join("claude");
        std::fs::write(&path, format!("#!/bin/sh\n{text}\n")).unwrap();
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o755)).unwrap();
        path
    }

    fn ask(text: &str, patience: Duration) -> Result<String, String> {
        let folder = tempfile::tempdir().unwrap();
        let path = script(folder.path(), text);
        // Another test's child may hold the script open for writing just now.
        for _ in 0..200 {
            match version(&path, &BTreeMap::new(), patience) {
                Err(error) if error.contains("Text file busy") => std::thread::yield_now(),
                answer => return answer,
            }
        }
        panic!("the script stays busy");
    }

    const LONG: Duration = Duration::from_secs(60);

    #[test]
    fn the_first_line_is_the_version() {
        assert_eq!(
            ask("echo; echo '  2.1.0 (Claude Code)'; echo more", LONG).unwrap(),
            "2.1.0 (Claude Code)"
        );
        assert_eq!(ask("[ \"$1\" = --version ] && echo yes", LONG).unwrap(), "yes");
        assert!(ask("exit 3", LONG).unwrap_err().contains("exit status: 3"));
        assert!(ask(":", LONG).unwrap_err().contains("says nothing"));
        assert_eq!(ask("printf 'x%.0s' $(seq 500)", LONG).unwrap().len(), SHOWN);
    }

    #[test]
    fn who_writes_without_end_is_cut_off() {
        let answer = ask("yes 1.2.3", LONG);
        // Its pipe breaks as soon as enough was read.
        assert!(answer.is_err() || answer.as_deref() == Ok("1.2.3"), "{answer:?}");
        let bytes = ask("head -c 1000000000 /dev/zero | tr '\\0' x", LONG);
        assert!(bytes.is_err() || bytes.as_ref().is_ok_and(|text| text.len() == SHOWN));
    }

    #[test]
    fn who_never_ends_is_ended_with_its_group() {
        let folder = tempfile::tempdir().unwrap();
        let mark = folder.path().join("pid");
        let text = format!(
            "trap '' TERM INT HUP; (trap '' TERM; sleep 1000) & echo $! > {0}.tmp; mv {0}.tmp {0}; wait; sleep 1000",
            mark.display()
        );
        let error = ask(&text, Duration::from_secs(3)).unwrap_err();
        assert!(error.contains("does not answer"), "{error}");
        let child: i32 = std::fs::read_to_string(&mark).unwrap().trim().parse().unwrap();
        let begun = Instant::now();
        let is_gone = || match std::fs::read_to_string(format!("/proc/{child}/stat")) {
            // Dead, and only not collected yet by whoever got it.
            Ok(stat) => stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim().starts_with('Z')),
            Err(_) => true,
        };
        while !is_gone() {
            assert!(begun.elapsed() < LONG, "a child of the group lives on");
            std::thread::yield_now();
        }
    }

    #[test]
    fn a_descendant_that_keeps_the_pipe_open_holds_nobody_up() {
        let begun = Instant::now();
        let answer = ask("setsid sleep 20 & echo 1.0; exit 0", LONG);
        assert!(begun.elapsed() < Duration::from_secs(15));
        // What it said lies in the pipe, whose end did not come.
        assert!(answer.is_err() || answer.as_deref() == Ok("1.0"), "{answer:?}");
    }
}
