//! Asks a program for its version: for a bounded time, with a bounded answer, and with all of its
//! process group ended behind it.

use std::collections::BTreeMap;
use std::io::{ErrorKind, Read as _};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{ChildStdout, Command, Stdio};
use std::time::{Duration, Instant};

use rustix::fs::{OFlags, fcntl_getfl, fcntl_setfl};
use rustix::process::{
    Pid, Signal, WaitId, WaitIdOptions, kill_process, kill_process_group, waitid,
};

/// How long a program may take: those written in JavaScript need a second or two when cold.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);
/// How long who was killed may take to be gone: longer than on any machine that is busy.
const REST: Duration = Duration::from_secs(5);
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
    let mut output = Output::new(child.stdout.take());
    let pid = Pid::from_child(&child);
    let has_ended = wait(pid, Instant::now() + patience, || output.read());
    // Before it is collected: until then its number is nobody else's. The group may be empty.
    let _ = kill_process_group(pid, Signal::KILL);
    let _ = kill_process(pid, Signal::KILL);
    if !has_ended && !wait(pid, Instant::now() + REST, || ()) {
        return Err("it does not end, not even when killed".to_owned());
    }
    let status = child.wait().map_err(|error| error.to_string())?;
    if !has_ended {
        return Err(format!("it does not answer --version within {} s", patience.as_secs()));
    }
    // All that it said lies in the pipe; whoever else holds the other end is not waited for.
    output.read();
    if !status.success() {
        return Err(format!("it answers --version with {status}"));
    }
    let text = String::from_utf8_lossy(&output.bytes);
    match text.lines().map(str::trim).find(|line| !line.is_empty()) {
        Some(line) => Ok(line.chars().take(SHOWN).collect()),
        None => Err("it says nothing to --version".to_owned()),
    }
}

/// Waits until a process has ended, and leaves it uncollected. False: it has not by then.
fn wait(pid: Pid, deadline: Instant, mut meanwhile: impl FnMut()) -> bool {
    let look = WaitIdOptions::EXITED | WaitIdOptions::NOHANG | WaitIdOptions::NOWAIT;
    loop {
        meanwhile();
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

/// What a program says, its beginning. The rest is not read, so who goes on writing is ended by its
/// broken pipe.
struct Output {
    pipe: Option<ChildStdout>,
    bytes: Vec<u8>,
}

impl Output {
    /// A pipe that cannot be read without waiting is not read.
    fn new(pipe: Option<ChildStdout>) -> Self {
        let pipe = pipe.filter(|pipe| {
            let flags = fcntl_getfl(pipe);
            flags.is_ok_and(|flags| fcntl_setfl(pipe, flags | OFlags::NONBLOCK).is_ok())
        });
        Self { pipe, bytes: Vec::new() }
    }

    /// Reads what is there now.
    fn read(&mut self) {
        let Some(pipe) = &mut self.pipe else { return };
        let most = LARGEST - self.bytes.len() as u64;
        // What was read before an error counts.
        match pipe.take(most).read_to_end(&mut self.bytes) {
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // Its end, or enough of it.
            Ok(_) | Err(_) => self.pipe = None,
        }
    }
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
        const BUSY: [&str; 2] = ["Text file busy", "No child processes"];
        let folder = tempfile::tempdir().unwrap();
        let path = script(folder.path(), text);
        // Another test's child may hold the script open for writing just now, and the collector of
        // orphans, which runs in another process than this in earnest, may take our child for one.
        let begun = Instant::now();
        while begun.elapsed() < LONG {
            match version(&path, &BTreeMap::new(), patience) {
                Err(error) if BUSY.iter().any(|busy| error.contains(busy)) => {
                    std::thread::yield_now();
                }
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
        // Under load it takes the shell a while to get that far.
        for patience in [1, 5, 20, 60] {
            let error = ask(&text, Duration::from_secs(patience)).unwrap_err();
            assert!(error.contains("does not answer"), "{error}");
            if mark.exists() {
                break;
            }
        }
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
        let folder = tempfile::tempdir().unwrap();
        let text = format!(
            "rm -f {0}; setsid sh -c ': > {0}; exec sleep 100' & while ! [ -e {0} ]; do sleep 0.01; done; echo $!",
            folder.path().join("apart").display()
        );
        let other: i32 = ask(&text, LONG).unwrap().parse().expect("its number");
        let other = Pid::from_raw(other).unwrap();
        kill_process(other, Signal::KILL).expect("it lives on, and nobody has waited for it");
    }
}
