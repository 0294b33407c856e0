//! Our server: the release binary on a project of its own, as users run it.

use std::fs;
use std::io::{BufRead as _, BufReader, BufWriter, Write as _};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use anyhow::{Context as _, Result, bail};

use crate::http;
use crate::load::mark;
use crate::machine::cpu_s;
use crate::nats::{Nats, TEAM};
use crate::process::Running;

/// A project in a folder, with so many stories.
pub(crate) struct Project {
    pub(crate) root: PathBuf,
}

impl Project {
    pub(crate) fn new(scratch: &Path, name: &str, stories: usize) -> Result<Self> {
        let project = Self { root: scratch.join(name) };
        // A round before this one may have left its own.
        if project.root.exists() {
            fs::remove_dir_all(&project.root)?;
        }
        fs::create_dir_all(project.artifacts())?;
        let mut status = String::from("project: lantern\ndevelopment_status:\n");
        for n in 0..stories {
            let (epic, story) = (n / 100 + 1, n % 100 + 1);
            if story == 1 {
                status.push_str(&format!("  epic-{epic}: in-progress\n"));
            }
            status.push_str(&format!("  {epic}-{story}-lamp-post: ready-for-dev\n"));
        }
        fs::write(project.artifacts().join("sprint-status.yaml"), status)?;
        Ok(project)
    }

    pub(crate) fn artifacts(&self) -> PathBuf {
        self.root.join("_bmad-output/implementation-artifacts")
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.artifacts().join("sprint-runner.csv")
    }

    /// Writes a log of so many rows, each an event with a mark: tasks begin, go on and end, one
    /// story after the other, a hundred rows a second, ending now.
    pub(crate) fn write_log(&self, rows: u64) -> Result<()> {
        let mut file = BufWriter::new(fs::File::create(self.log())?);
        let begin = now_s() - rows / 100;
        let mark = mark(1);
        for n in 0..rows {
            let (second, task) = (begin + n / 100, n / 3);
            let story = task / 30 % 10 + 1;
            let status = ["start", "progress", "end"][(n % 3) as usize];
            writeln!(
                file,
                "{second},1,1-{story},dev-story,task-{task},{status},\"{mark} row {n} of them\""
            )?;
        }
        file.into_inner()?.sync_all()?;
        Ok(())
    }

    /// Writes a log of so many batches: a task each, an hour apart.
    pub(crate) fn write_batches(&self, batches: u64) -> Result<()> {
        let mut text = String::new();
        for n in 0..batches {
            let second = now_s() - (batches - n) * 3600;
            for (later, status) in [(0, "start"), (60, "end")] {
                let time = second + later;
                text.push_str(&format!("{time},1,1-1,dev-story,tests,{status},\"Batch {n}\"\n"));
            }
        }
        Ok(fs::write(self.log(), text)?)
    }
}

/// Now, in seconds since 1970.
pub(crate) fn now_s() -> u64 {
    crate::load::now_ns() / 1_000_000_000
}

/// The server on a project.
pub(crate) struct Ours {
    pub(crate) running: Running,
    pub(crate) port: u16,
    /// From its start until it answered a request.
    pub(crate) first_answer: Duration,
}

impl Ours {
    pub(crate) fn start(scratch: &Path, project: &Project) -> Result<Self> {
        let mut command = Command::new(binary());
        command.arg("serve").arg("-C").arg(&project.root);
        Self::spawn(scratch, command)
    }

    /// The same, which sends its events to NATS.
    pub(crate) fn publishing(scratch: &Path, project: &Project, nats: &Nats) -> Result<Self> {
        let mut command = Command::new(binary());
        command.arg("serve").arg("-C").arg(&project.root).args(["--nats", &nats.url]);
        command
            .args(["--team", TEAM])
            .env("SPRINT_RUNNER_NATS_REPLICAS", nats.replicas.to_string());
        Self::spawn(scratch, command)
    }

    /// A hub of all that is sent there.
    pub(crate) fn hub(scratch: &Path, nats: &Nats, cache: &Path) -> Result<Self> {
        let mut command = Command::new(binary());
        command.args(["hub", "--nats", &nats.url, "--team", TEAM]).arg("--cache").arg(cache);
        command.env("SPRINT_RUNNER_NATS_REPLICAS", nats.replicas.to_string());
        Self::spawn(scratch, command)
    }

    fn spawn(scratch: &Path, mut command: Command) -> Result<Self> {
        let start = Instant::now();
        command.args(["--port", "0"]);
        command.env_remove("RUST_LOG").stdout(Stdio::piped());
        command.stderr(fs::File::create(scratch.join("server.log"))?);
        let mut running = Running::start(scratch, &mut command)?;
        let output = running.child.stdout.take().context("no standard output")?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        let port = line.trim_end().rsplit_once("127.0.0.1:").and_then(|(_, rest)| {
            let digits = rest.strip_suffix('/')?;
            digits.parse().ok()
        });
        let said = || {
            let log = fs::read_to_string(scratch.join("server.log")).unwrap_or_default();
            format!("the server did not begin: {line:?} {log}")
        };
        let port = port.with_context(said)?;
        http::get(port, "/healthz")?;
        Ok(Self { running, port, first_answer: start.elapsed() })
    }

    pub(crate) fn pid(&self) -> u32 {
        self.running.pid()
    }

    /// The last event's id.
    pub(crate) fn head(&self) -> Result<u64> {
        let page = http::json(self.port, "/api/events?limit=1")?;
        page["head"].as_u64().context("a page of the log without its head")
    }

    /// Waits until the log holds so many events.
    pub(crate) fn until_head(&self, events: u64) -> Result<()> {
        let patience = Duration::from_secs(60 + events / 10_000);
        http::until("the log to be read", patience, || Ok((self.head()? >= events).then_some(())))
    }
}

impl Ours {
    /// Waits until it has nothing to do: the search index is made behind the reading.
    pub(crate) fn until_quiet(&self) -> Result<()> {
        let mut used = cpu_s(self.pid())?;
        for _ in 0..120 {
            std::thread::sleep(Duration::from_secs(1));
            let now = cpu_s(self.pid())?;
            if now - used < 0.03 {
                return Ok(());
            }
            used = now;
        }
        bail!("the server is still busy after two minutes")
    }
}

/// The program that is measured.
pub(crate) fn binary() -> PathBuf {
    let named = std::env::var_os("SPRINT_RUNNER_BIN");
    named.map_or_else(|| PathBuf::from(env!("CARGO_BIN_EXE_sprint-runner")), PathBuf::from)
}
