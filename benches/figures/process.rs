//! Processes that are ended when their figure is done, and known by number to whoever ends us.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result};
use rustix::process::{Pid, Signal, kill_process};

/// How long a process may take to end before it is killed.
const GRACE: Duration = Duration::from_secs(8);

/// A process of ours. While it lives a file in `pids/` has its number for a name: where this
/// program is killed, `run.sh` ends what stands there.
pub(crate) struct Running {
    pub(crate) child: Child,
    note: PathBuf,
}

impl Running {
    /// Starts a command; what it needs of standard output is up to the caller.
    pub(crate) fn start(scratch: &Path, command: &mut Command) -> Result<Self> {
        let name = command.get_program().to_string_lossy().into_owned();
        let child = command
            .stdin(Stdio::null())
            .spawn()
            .with_context(|| format!("{name} cannot be started"))?;
        let note = scratch.join("pids").join(child.id().to_string());
        fs::write(&note, name)?;
        Ok(Self { child, note })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    fn end(&mut self) {
        // It may have ended by itself.
        let _ = kill_process(Pid::from_child(&self.child), Signal::TERM);
        let start = Instant::now();
        while matches!(self.child.try_wait(), Ok(None)) {
            if start.elapsed() > GRACE {
                let _ = self.child.kill();
                let _ = self.child.wait();
                break;
            }
            std::thread::sleep(Duration::from_millis(5));
        }
        let _ = fs::remove_file(&self.note);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.end();
    }
}
