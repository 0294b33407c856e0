//! A field of many projects in real folders, the servers that publish them, and the hubs that show
//! them: each a process that can be killed and started again.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write as _;
use std::path::PathBuf;
use std::process::Stdio;
use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::nats::free_port;
use crate::support::project::{STATUS, now_s, row};
use crate::support::server::binary;
use crate::support::{Dice, Server, eventually_in, http};

/// The team of every test here: each has a NATS of its own.
pub(super) const TEAM: &str = "red";

/// How long all of it may take to come to rest: the machine may have much else to do.
pub(super) const PATIENCE: Duration = Duration::from_secs(180);

/// Events of one log: the id, and all that follows it, byte for byte.
pub(super) type Log = Vec<(u64, String)>;

/// Folders, servers, hubs; all of it ends with this.
pub(super) struct Field {
    dir: tempfile::TempDir,
    url: String,
    replicas: usize,
    pub(super) names: Vec<String>,
    /// Each has its share of the projects.
    servers: Vec<Option<Server>>,
    pub(super) hubs: Vec<Hub>,
}

/// A hub that is always found at the same port.
pub(super) struct Hub {
    pub(super) port: u16,
    process: Option<Server>,
}

impl Field {
    /// So many projects, shared out among so many servers; nothing runs yet.
    pub(super) fn new(url: &str, replicas: usize, projects: usize, servers: usize) -> Self {
        let field = Self {
            dir: tempfile::tempdir().unwrap(),
            url: url.to_owned(),
            replicas,
            names: (0..projects).map(|n| format!("p{n:02}")).collect(),
            servers: (0..servers).map(|_| None).collect(),
            hubs: Vec::new(),
        };
        for name in &field.names {
            fs::create_dir_all(field.artifacts(name)).unwrap();
            let status = STATUS.replace("lantern", &format!("Sprint of {name}"));
            fs::write(field.artifacts(name).join("sprint-status.yaml"), status).unwrap();
        }
        field
    }

    /// Of a project.
    pub(super) fn root(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn artifacts(&self, name: &str) -> PathBuf {
        self.root(name).join("_bmad-output/implementation-artifacts")
    }

    /// A project's CSV log.
    pub(super) fn csv(&self, name: &str) -> PathBuf {
        self.artifacts(name).join("sprint-runner.csv")
    }

    fn cache(&self, hub: usize) -> PathBuf {
        self.dir.path().join(format!("hub-{hub}"))
    }

    /// The projects of one server.
    fn share(&self, server: usize) -> Vec<&String> {
        let servers = self.servers.len();
        self.names
            .iter()
            .enumerate()
            .filter(|(n, _)| n % servers == server)
            .map(|it| it.1)
            .collect()
    }

    /// Whose project it is.
    pub(super) fn server_of(&self, name: &str) -> &Server {
        let n = self.names.iter().position(|it| it == name).unwrap();
        self.servers[n % self.servers.len()].as_ref().unwrap()
    }

    pub(super) fn start_server(&mut self, server: usize) {
        let mut command = binary();
        command.arg("serve").args(["--port", "0", "--nats", &self.url, "--team", TEAM]);
        command.env("SPRINT_RUNNER_NATS_REPLICAS", self.replicas.to_string());
        let roots = self.share(server).into_iter().map(|name| (name.clone(), self.root(name)));
        // A folder alone would be served at the root, and not under its name.
        command.args(roots.map(|(name, root)| format!("{name}={}", root.display())));
        self.servers[server] = Some(Server::spawn(command));
    }

    pub(super) fn start_servers(&mut self) {
        (0..self.servers.len()).for_each(|n| self.start_server(n));
    }

    /// `kill -9`.
    pub(super) fn kill_server(&mut self, server: usize) {
        self.servers[server].take().unwrap().kill();
    }

    pub(super) fn add_hub(&mut self) -> u16 {
        self.hubs.push(Hub { port: free_port(), process: None });
        self.start_hub(self.hubs.len() - 1);
        self.hubs.last().unwrap().port
    }

    pub(super) fn start_hub(&mut self, hub: usize) {
        let port = self.hubs[hub].port.to_string();
        let mut command = binary();
        command.args(["hub", "--port", &port, "--nats", &self.url, "--team", TEAM]);
        command.arg("--cache").arg(self.cache(hub)).stderr(Stdio::null());
        command.env("SPRINT_RUNNER_NATS_REPLICAS", self.replicas.to_string());
        self.hubs[hub].process = Some(Server::spawn(command));
    }

    /// `kill -9`.
    pub(super) fn kill_hub(&mut self, hub: usize) {
        self.hubs[hub].process.take().unwrap().kill();
    }

    /// As somebody may do who needs the room.
    pub(super) fn lose_cache(&self, hub: usize) {
        assert!(self.hubs[hub].process.is_none(), "it is running");
        assert!(self.cache(hub).is_dir(), "a hub keeps something");
        fs::remove_dir_all(self.cache(hub)).unwrap();
    }

    /// Waits until a hub shows every project.
    pub(super) fn until_shown(&self, hub: usize) {
        let port = self.hubs[hub].port;
        eventually_in(PATIENCE, "all projects on the hub", || {
            let told = http::get(port, "/api/projects").json();
            let shown = told["projects"].as_array()?;
            let there = |name: &String| shown.iter().any(|it| it["name"] == **name);
            (shown.len() == self.names.len() && self.names.iter().all(there)).then_some(())
        });
    }

    /// Waits until every server has read all rows that were appended.
    pub(super) fn until_read(&self, rows: usize) {
        for name in &self.names {
            let port = self.server_of(name).port();
            eventually_in(PATIENCE, "a server that has read all rows", || {
                let log = log_of(port, name)?;
                let read = log.iter().filter(|(_, rest)| rest.contains("\"row ")).count();
                assert!(read <= rows, "{name}: {read} of {rows} rows");
                (read == rows).then_some(())
            });
        }
    }

    /// The publishers' logs, as `export` tells them.
    pub(super) fn truth(&self) -> BTreeMap<String, Log> {
        let export = |name: &String| {
            let mut command = binary();
            command.arg("-C").arg(self.root(name)).arg("export");
            let output = command.output().unwrap();
            assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
            (name.clone(), lines(&String::from_utf8(output.stdout).unwrap()))
        };
        self.names.iter().map(export).collect()
    }

    /// Waits until every hub has as many events as the publishers, and holds that they are the same,
    /// and the hubs' ids as well; gives what the hubs have.
    pub(super) fn agree(&self) -> BTreeMap<String, Log> {
        let truth = self.truth();
        let mut agreed: BTreeMap<String, Log> = BTreeMap::new();
        for (n, hub) in self.hubs.iter().enumerate() {
            for (name, truth) in &truth {
                let log = self.caught_up(hub.port, name, truth.len());
                assert_same(n, name, &log, truth);
                match agreed.get(name) {
                    None => drop(agreed.insert(name.clone(), log)),
                    Some(other) => assert!(*other == log, "{name}: two hubs with other ids"),
                }
            }
        }
        // Nothing that came behind it.
        assert_eq!(self.truth().len(), truth.len());
        agreed
    }

    fn caught_up(&self, port: u16, name: &str, events: usize) -> Log {
        let start = Instant::now();
        loop {
            let log = log_of(port, name).unwrap_or_default();
            if log.len() >= events {
                return log;
            }
            if start.elapsed() > PATIENCE {
                let hub = http::get(port, "/healthz").text();
                let server = http::get(self.server_of(name).port(), "/healthz").text();
                let came = log.len();
                panic!("{name}: {came} of {events} events came\nhub: {hub}\nserver: {server}");
            }
            std::thread::park_timeout(Duration::from_millis(50));
        }
    }
}

/// The first difference, told so that somebody can look for its cause.
fn assert_same(hub: usize, name: &str, log: &Log, truth: &Log) {
    let pairs = log.iter().zip(truth).enumerate();
    for (n, ((id, came), (theirs, sent))) in pairs {
        assert!(came == sent, "hub {hub}, {name}, event {n} ({id}, {theirs}):\n{came}\n{sent}");
    }
    assert_eq!(log.len(), truth.len(), "hub {hub}, {name}: {:?}", log.last());
    let rise = log.windows(2).all(|pair| pair[0].0 < pair[1].0);
    assert!(rise, "hub {hub}, {name}: ids rise");
}

/// All that a server or a hub has of a project; none while it has no such project.
pub(super) fn log_of(port: u16, name: &str) -> Option<Log> {
    let answer = http::get(port, &format!("/p/{name}/api/export?format=ndjson"));
    (answer.status == 200).then(|| lines(&answer.text()))
}

/// Parts the id from the rest.
pub(super) fn part(line: &str) -> (u64, String) {
    let rest = line.strip_prefix("{\"id\":").unwrap_or_else(|| panic!("no id: {line}"));
    let (id, rest) = rest.split_once(',').unwrap();
    (id.parse().unwrap(), rest.to_owned())
}

fn lines(text: &str) -> Log {
    text.lines().map(part).collect()
}

/// Rows `from..to`, in chunks of any size, cut inside lines, to a project's log.
pub(super) fn append(csv: &PathBuf, from: usize, to: usize, dice: &mut Dice) {
    let base = now_s() - 200;
    let bytes = (from..to).map(|n| row(base, n)).collect::<String>().into_bytes();
    let mut file = fs::OpenOptions::new().create(true).append(true).open(csv).unwrap();
    let mut rest = &bytes[..];
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + dice.below(3_000)).min(rest.len()));
        file.write_all(chunk).unwrap();
        rest = after;
    }
}

/// The log's name, as it stands in every cursor.
pub(super) fn epoch_of(port: u16, name: &str) -> String {
    let health = http::get(port, &format!("/p/{name}/healthz")).json();
    match &health["epoch"] {
        Value::String(epoch) => epoch.clone(),
        _ => panic!("{name} has no epoch: {health}"),
    }
}
