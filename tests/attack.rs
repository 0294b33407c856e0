//! Behaviours 39, 40, 41, 43 and what else a stranger may try, against the real binary: a hostile
//! page, host, path, flood, file, neighbour.

mod flood;
mod hosts;
mod modes;
mod pages;
mod paths;
mod telling;
mod token;
mod unix_socket;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use crate::support::process::{Watchdog, ended};
use crate::support::server::binary;

/// A server whose log is kept, wherever it listens; killed when dropped.
pub(crate) struct Serving {
    child: Child,
    log: tempfile::NamedTempFile,
    /// The first line of its standard output; empty when it ended before.
    first_line: String,
}

impl Serving {
    /// Serves a project with these arguments.
    pub(crate) fn start(root: &Path, arguments: &[&str]) -> Self {
        let mut command = binary();
        command.arg("serve").arg("-C").arg(root).args(arguments);
        Self::spawn(command)
    }

    pub(crate) fn spawn(mut command: Command) -> Self {
        let log = tempfile::NamedTempFile::new().unwrap();
        let mut child =
            command.stdout(Stdio::piped()).stderr(log.reopen().unwrap()).spawn().unwrap();
        let mut first_line = String::new();
        let _watchdog = Watchdog::over(&child);
        BufReader::new(child.stdout.take().unwrap()).read_line(&mut first_line).unwrap();
        Self { child, log, first_line: first_line.trim_end().to_owned() }
    }

    pub(crate) fn port(&self) -> u16 {
        let address = self.first_line.trim_end_matches('/').rsplit_once(':');
        address.and_then(|(_, port)| port.parse().ok()).expect("a port in the first line")
    }

    /// All that it told on standard error so far.
    pub(crate) fn log(&self) -> String {
        String::from_utf8_lossy(&std::fs::read(self.log.path()).unwrap()).into_owned()
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// What it has used of a core so far.
    fn cpu_seconds(&self) -> f64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).unwrap();
        let fields: Vec<&str> = stat.rsplit_once(") ").unwrap().1.split(' ').collect();
        let ticks: u32 = fields[11..13].iter().map(|ticks| ticks.parse::<u32>().unwrap()).sum();
        // The kernel counts in hundredths towards programs, on every architecture.
        f64::from(ticks) / 100.0
    }

    /// SIGTERM, and waits for the end.
    pub(crate) fn terminate(&mut self) {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        assert!(ended(&mut self.child).success());
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
