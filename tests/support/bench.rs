//! A project with make-believe agents, and what a test asks of a batch that they run.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::sse::Sse;
use super::{Project, Server, eventually};

/// How long a batch may take: the machine may have much else to do.
pub(crate) const PATIENCE: Duration = Duration::from_secs(300);

/// Where the make-believe agents lie.
pub(crate) fn agents() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/agents")
}

/// Two stories of one epic and one of another, none begun.
pub(crate) const STORIES: &str = "\
project: lantern
development_status:
  epic-1: in-progress
  1-1-skeleton: backlog
  1-2-database: backlog
  epic-2: backlog
  2-1-editor: ready-for-dev
";

/// A project whose every agent is the one that the plan names just now.
pub(crate) struct Bench {
    pub(crate) project: Project,
    home: tempfile::TempDir,
}

/// What stands in `sprint-runner.toml` besides the bench's own.
#[derive(Default)]
pub(crate) struct Toml<'a> {
    /// How long an agent may go on after its result; long, where that is not what is tried.
    pub(crate) result_grace_seconds: Option<f64>,
    pub(crate) agent: &'a str,
    pub(crate) workflow: &'a str,
    pub(crate) more: &'a str,
}

impl Bench {
    /// With this status file, `good` agents and a fresh project context.
    pub(crate) fn new(status: &str) -> Self {
        Self::with(status, &Toml::default())
    }

    pub(crate) fn with(status: &str, toml: &Toml) -> Self {
        let bench = Self { project: Project::empty(), home: tempfile::tempdir().unwrap() };
        bench.project.write("sprint-status.yaml", status.as_bytes());
        bench.context("The project in a few words.\n");
        bench.configure(toml);
        let (home, agents) = (bench.home.path().display(), agents());
        bench.program(
            "agent",
            &format!(
                "#!/bin/sh\n. '{home}/plan'\necho \"$$ $AGENT\" >>'{home}/started'\n\
                 export AGENT_PIDS='{home}/pids'\nexec \"{}/$AGENT\" \"$@\"\n",
                agents.display()
            ),
        );
        bench.plan("good", "");
        let root = bench.project.root();
        let git = Command::new("git").args(["init", "-q"]).current_dir(root).status().unwrap();
        assert!(git.success());
        bench
    }

    /// The settings of the bench, with what else is asked for.
    pub(crate) fn configure(&self, toml: &Toml) {
        let Toml { result_grace_seconds, agent, workflow, more } = toml;
        let result_grace = result_grace_seconds.unwrap_or(60.0);
        self.config(&format!(
            "[agents.claude]\nprogram = \"{}/agent\"\n{agent}\n\n[workflow]\n\
             retry_seconds = 0.05\nstop_grace_seconds = 0.5\ntimeout_grace_seconds = 0.3\n\
             result_grace_seconds = {result_grace}\n{workflow}\n\n{more}\n",
            self.home.path().display()
        ));
    }

    pub(crate) fn config(&self, text: &str) {
        fs::write(self.project.root().join("sprint-runner.toml"), text).unwrap();
    }

    /// From now on this agent is started, with `export NAME=value` lines before it.
    pub(crate) fn plan(&self, agent: &str, environment: &str) {
        // No agent sees half of it.
        let new = self.path("plan.new");
        fs::write(&new, format!("AGENT={agent}\n{environment}\n")).unwrap();
        fs::rename(new, self.path("plan")).unwrap();
    }

    /// A file beside the project.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.home.path().join(name)
    }

    /// A program beside the project.
    pub(crate) fn program(&self, name: &str, text: &str) -> PathBuf {
        let path = self.path(name);
        fs::write(&path, text).unwrap();
        chmod(&path, 0o755);
        path
    }

    /// The project context, written just now.
    pub(crate) fn context(&self, text: &str) {
        let folder = self.context_path().parent().unwrap().to_owned();
        fs::create_dir_all(folder).unwrap();
        fs::write(self.context_path(), text).unwrap();
    }

    pub(crate) fn context_path(&self) -> PathBuf {
        self.project.root().join("_bmad-output/planning-artifacts/project-context.md")
    }

    pub(crate) fn serve(&self) -> Server {
        Server::start(&self.project)
    }

    pub(crate) fn status_file(&self) -> String {
        fs::read_to_string(self.project.path("sprint-status.yaml")).unwrap()
    }

    /// The word of a story in the status file.
    pub(crate) fn word(&self, key: &str) -> String {
        let text = self.status_file();
        let value = text.lines().find_map(|line| line.trim().strip_prefix(&format!("{key}:")));
        value.unwrap_or_else(|| panic!("{key} is not in {text}")).trim().to_owned()
    }

    /// How many agents were started so far.
    pub(crate) fn starts(&self) -> usize {
        self.lines("started").len()
    }

    /// Every process that an agent of this bench has ever been.
    pub(crate) fn pids(&self) -> Vec<u32> {
        let all = [self.lines("started"), self.lines("pids")].concat();
        let first = |line: &String| line.split(' ').next().unwrap().parse().unwrap();
        all.iter().map(first).collect()
    }

    /// Names of descendants that have written themselves down.
    pub(crate) fn descendants(&self) -> Vec<String> {
        let second = |line: &String| line.split(' ').nth(1).unwrap().to_owned();
        self.lines("pids").iter().map(second).collect()
    }

    /// Those of them that are still alive.
    pub(crate) fn alive(&self) -> Vec<u32> {
        let state = |pid: &u32| fs::read_to_string(format!("/proc/{pid}/stat")).ok();
        let dead =
            |stat: &str| stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('Z'));
        let pids = self.pids().into_iter();
        pids.filter(|pid| state(pid).is_some_and(|stat| !dead(&stat))).collect()
    }

    /// Neither is any of them alive, nor does anybody leave dead ones uncollected.
    pub(crate) fn nothing_alive(&self) {
        assert_eq!(self.alive(), [0_u32; 0], "processes are left");
        eventually("the dead to be collected", || {
            let there = |pid: &u32| Path::new(&format!("/proc/{pid}")).exists();
            (!self.pids().iter().any(there)).then_some(())
        });
    }

    fn lines(&self, name: &str) -> Vec<String> {
        let text = fs::read_to_string(self.path(name)).unwrap_or_default();
        // The last line may be half written.
        let whole = text.rsplit_once('\n').map_or("", |(whole, _)| whole);
        whole.lines().map(str::to_owned).collect()
    }
}

pub(crate) fn chmod(path: &Path, mode: u32) {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(mode)).unwrap();
}

/// Starts a batch, which must go.
pub(crate) fn start(server: &Server, size: &str) -> i64 {
    let answer = server.post("/api/orchestrator/start", &format!("{{\"batch_size\":{size}}}"));
    assert_eq!(answer.status, 200, "{}", answer.text());
    let answer = answer.json();
    assert_eq!(answer["status"], "started");
    answer["batch_id"].as_i64().unwrap()
}

/// What `status` of the orchestrator says.
pub(crate) fn doing(server: &Server) -> String {
    server.json("/api/orchestrator/status")["status"].as_str().unwrap().to_owned()
}

/// One who reads the stream from the first event on.
pub(crate) struct Follower {
    sse: Sse,
    pub(crate) seen: Vec<Value>,
    looked: usize,
}

impl Follower {
    pub(crate) fn open(server: &Server) -> Self {
        let sse = Sse::open(server.port(), "?last_event_id=0", None);
        Self { sse, seen: Vec::new(), looked: 0 }
    }

    /// The next event of which `is_it` is true; those before it are passed over.
    pub(crate) fn until(&mut self, what: &str, mut is_it: impl FnMut(&Value) -> bool) -> Value {
        let deadline = Instant::now() + PATIENCE;
        loop {
            while let Some(event) = self.seen.get(self.looked) {
                self.looked += 1;
                if is_it(event) {
                    return event.clone();
                }
            }
            let Some(message) = self.sse.next_before(deadline) else {
                panic!("waited in vain for {what}; seen:\n{}", told(&self.seen));
            };
            if message.json["id"].is_u64() {
                self.seen.push(message.json);
            }
        }
    }

    pub(crate) fn kind(&mut self, kind: &str) -> Value {
        self.until(kind, |event| event["type"] == kind)
    }

    /// The end of a batch.
    pub(crate) fn end_of(&mut self, batch_id: i64) -> Value {
        let end = self.until(&format!("the end of batch {batch_id}"), |event| {
            event["type"] == "batch:end" && event["payload"]["batch_id"] == batch_id
        });
        end["payload"].clone()
    }

    /// The start of an agent for this command, as rows of the log write it.
    pub(crate) fn agent(&mut self, command: &str) -> Value {
        let start = self.until(&format!("an agent for {command}"), |event| {
            event["type"] == "agent:start" && event["payload"]["command"] == command
        });
        start["payload"].clone()
    }

    /// The types of the warnings seen so far.
    pub(crate) fn warnings(&self) -> Vec<&str> {
        self.seen
            .iter()
            .filter(|event| event["type"] == "batch:warning")
            .map(|event| event["payload"]["warning_type"].as_str().unwrap())
            .collect()
    }
}

/// Events in short, for people who look at a failed test.
pub(crate) fn told(events: &[Value]) -> String {
    let lines = events.iter().map(|event| {
        let (id, kind, payload) = (&event["id"], &event["type"], event["payload"].to_string());
        format!("{id} {kind} {}", payload.chars().take(160).collect::<String>())
    });
    lines.collect::<Vec<_>>().join("\n")
}
