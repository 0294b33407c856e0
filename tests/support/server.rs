//! The server as a process.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};
use std::time::Instant;

use super::http::{self, Response};
use super::process::{Watchdog, signals_as_usual};
use super::sse::Sse;
use super::ws::Ws;
use super::{DEADLINE, Project, eventually};

/// A running server; killed when dropped.
pub(crate) struct Server {
    child: Child,
    stdout: BufReader<ChildStdout>,
    port: u16,
}

/// The binary under test, with an environment of its own.
pub(crate) fn binary() -> Command {
    signals_as_usual();
    let mut command = Command::new(env!("CARGO_BIN_EXE_sprint-runner"));
    command.env("NO_COLOR", "1").env_remove("RUST_LOG").stdin(Stdio::null());
    command
}

impl Server {
    /// Serves a project on any free port.
    pub(crate) fn start(project: &Project) -> Self {
        Self::start_with(project.root(), &[])
    }

    /// Serves a folder with further arguments.
    pub(crate) fn start_with(root: &Path, arguments: &[&str]) -> Self {
        let mut command = binary();
        command.arg("serve").arg("-C").arg(root).args(["--port", "0"]).args(arguments);
        Self::spawn(command).that_has_read()
    }

    /// Waits until it has read the status file for the first time. Its start waits for that as well,
    /// but no longer than a user likes to, and a busy machine may need longer.
    fn that_has_read(self) -> Self {
        eventually("a first look at the files", || {
            let health = self.get("/healthz");
            // Whoever asks for a token tells nothing.
            (health.status != 200 || health.json()["head"] != 0).then_some(())
        });
        self
    }

    /// Serves a project where a server before it did.
    pub(crate) fn start_on(project: &Project, port: u16) -> Self {
        let mut command = binary();
        command.arg("serve").arg("-C").arg(project.root()).args(["--port", &port.to_string()]);
        Self::spawn(command).that_has_read()
    }

    /// Starts a command that prints the first line of `serve`.
    pub(crate) fn spawn(mut command: Command) -> Self {
        signals_as_usual();
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(if std::env::var_os("SHOW_SERVER").is_some() {
                Stdio::inherit()
            } else {
                Stdio::null()
            })
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        let watchdog = Watchdog::over(&child);
        stdout.read_line(&mut line).unwrap();
        drop(watchdog);
        let port = line
            .trim_end()
            .strip_prefix("Sprint Runner listening on http://127.0.0.1:")
            .and_then(|rest| rest.strip_suffix('/'))
            .unwrap_or_else(|| panic!("an unexpected first line: {line:?}"))
            .parse()
            .unwrap();
        Self { child, stdout, port }
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// How many sockets it holds.
    pub(crate) fn sockets(&self) -> usize {
        let open = std::fs::read_dir(format!("/proc/{}/fd", self.pid())).unwrap();
        let leads = open.flatten().filter_map(|fd| std::fs::read_link(fd.path()).ok());
        leads.filter(|to| to.to_string_lossy().starts_with("socket:")).count()
    }

    /// Its resident memory in KiB.
    pub(crate) fn memory_kib(&self) -> usize {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
        line.trim().trim_end_matches(" kB").parse().unwrap()
    }

    /// How many clients of a kind (`sse`, `ws`) it says it has.
    pub(crate) fn clients(&self, kind: &str) -> u64 {
        self.json("/healthz")["clients"][kind].as_u64().unwrap()
    }

    /// A plain GET with the right `Host`.
    pub(crate) fn get(&self, path: &str) -> Response {
        http::get(self.port, path)
    }

    /// A GET whose answer is JSON.
    pub(crate) fn json(&self, path: &str) -> serde_json::Value {
        let response = self.get(path);
        assert_eq!(response.status, 200, "{path}: {}", response.text());
        serde_json::from_slice(&response.body).unwrap()
    }

    /// A POST of JSON, as the page sends it.
    pub(crate) fn post(&self, path: &str, body: &str) -> Response {
        self.post_with(path, "Content-Type: application/json\r\n", body.as_bytes())
            .unwrap_or_else(|| panic!("no answer to POST {path}"))
    }

    /// A POST with these header lines; `None` when the server closes without an answer.
    pub(crate) fn post_with(&self, path: &str, headers: &str, body: &[u8]) -> Option<Response> {
        let (port, length) = (self.port, body.len());
        let mut request = format!(
            "POST {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}\
             Content-Length: {length}\r\n\r\n"
        )
        .into_bytes();
        request.extend(body);
        http::send(port, request)
    }

    /// All events of the log behind `after`.
    pub(crate) fn log_after(&self, mut after: u64) -> Vec<serde_json::Value> {
        let mut events = Vec::new();
        loop {
            let page = self.json(&format!("/api/events?after={after}&limit=1000"));
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return events,
            }
        }
    }

    pub(crate) fn sse(&self, query: &str) -> Sse {
        Sse::open(self.port, query, None)
    }

    pub(crate) fn ws(&self, query: &str) -> Ws {
        Ws::open(self.port, query)
    }

    /// `kill -9`.
    pub(crate) fn kill(mut self) {
        self.child.kill().unwrap();
        self.child.wait().unwrap();
    }

    /// SIGTERM, and how it ended.
    pub(crate) fn terminate(&mut self) -> ExitStatus {
        let pid = rustix::process::Pid::from_child(&self.child);
        rustix::process::kill_process(pid, rustix::process::Signal::TERM).unwrap();
        let start = Instant::now();
        loop {
            if let Some(status) = self.child.try_wait().unwrap() {
                return status;
            }
            assert!(start.elapsed() < DEADLINE, "the server does not end");
            std::thread::park_timeout(std::time::Duration::from_millis(5));
        }
    }

    /// The rest of its standard output.
    pub(crate) fn rest_of_output(&mut self) -> String {
        let mut rest = String::new();
        std::io::Read::read_to_string(&mut self.stdout, &mut rest).unwrap();
        rest
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
