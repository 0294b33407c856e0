//! `nats-server` as a process of the test: one, or a cluster of three, each with a folder of its own
//! and ports that stay the same over its restarts.

use std::fs;
use std::io::{BufRead as _, BufReader};
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use async_nats::jetstream;
use futures_util::StreamExt as _;

use super::{DEADLINE, eventually};

/// How often another port is tried before there is none.
const PORTS: usize = 50;

/// One server with `JetStream`; it ends with this.
pub(crate) struct Nats {
    /// Its store, its configuration and what it logs.
    dir: tempfile::TempDir,
    port: u16,
    /// Its ports are known by the others of its cluster.
    fixed: bool,
    child: Option<Child>,
}

impl Nats {
    /// A server alone.
    pub(crate) fn start() -> Self {
        Self::start_with("")
    }

    /// With further lines of configuration.
    pub(crate) fn start_with(further: &str) -> Self {
        for _ in 0..PORTS {
            let mut server = Self::configured(free_port(), further, false);
            if server.run() {
                return server;
            }
        }
        panic!("nats-server does not start with this configuration: {further}");
    }

    fn configured(port: u16, further: &str, fixed: bool) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let at = dir.path().display();
        // A name that no other has: somebody else's server on a port is not taken for this one.
        let name = format!("test-{}-{port}", std::process::id());
        let text = format!(
            "server_name: {name}\nlisten: 127.0.0.1:{port}\nlog_file: \"{at}/log\"\n\
             jetstream {{ store_dir: \"{at}/store\" }}\n{further}\n"
        );
        fs::write(dir.path().join("conf"), text).unwrap();
        Self { dir, port, fixed, child: None }
    }

    /// Its address.
    pub(crate) fn url(&self) -> String {
        format!("nats://127.0.0.1:{}", self.port)
    }

    /// The same with a user and a password.
    pub(crate) fn url_as(&self, user: &str, password: &str) -> String {
        format!("nats://{user}:{password}@127.0.0.1:{}", self.port)
    }

    pub(crate) fn port(&self) -> u16 {
        self.port
    }

    pub(crate) fn pid(&self) -> Option<u32> {
        self.child.as_ref().map(Child::id)
    }

    /// What it has logged so far.
    pub(crate) fn log(&self) -> String {
        fs::read_to_string(self.dir.path().join("log")).unwrap_or_default()
    }

    /// The folder of its store.
    pub(crate) fn store(&self) -> PathBuf {
        self.dir.path().join("store")
    }

    /// `kill -9`.
    pub(crate) fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().unwrap();
            child.wait().unwrap();
        }
    }

    /// Lets it end by itself.
    pub(crate) fn stop(&mut self) {
        if let Some(mut child) = self.child.take() {
            super::process::signal(child.id(), rustix::process::Signal::TERM);
            super::process::ended(&mut child);
        }
    }

    /// Starts it again on its port, over its store.
    pub(crate) fn again(&mut self) {
        assert!(self.child.is_none(), "it is running");
        self.fixed = true;
        assert!(self.run(), "nats-server does not start again: {}", self.log());
    }

    /// The same without a wait for it: one of a cluster may need the others.
    pub(crate) fn launch_again(&mut self) {
        assert!(self.child.is_none(), "it is running");
        self.fixed = true;
        self.launch();
    }

    /// Waits for one that was launched.
    pub(crate) fn until_up(&mut self) {
        assert!(self.is_up(), "nats-server does not start again: {}", self.log());
    }

    /// Starts it; whether it came up. Of a port that somebody else has it says so and ends.
    fn run(&mut self) -> bool {
        self.launch();
        self.is_up()
    }

    fn launch(&mut self) {
        super::process::signals_as_usual();
        let child = Command::new(program())
            .arg("-c")
            .arg(self.dir.path().join("conf"))
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap_or_else(|error| panic!("cannot start nats-server: {error}"));
        self.child = Some(child);
    }

    fn is_up(&mut self) -> bool {
        let fixed = self.fixed;
        eventually("a nats-server that answers", || {
            if let Some(child) = &mut self.child
                && child.try_wait().unwrap().is_some()
            {
                self.child = None;
                if fixed {
                    // Somebody has its port for a moment: it is to have the same one.
                    self.launch();
                    return None;
                }
                return Some(false);
            }
            greets(self.port).then_some(true)
        })
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.kill();
    }
}

/// Three servers that keep each stream together; they end with this.
pub(crate) struct Cluster {
    pub(crate) nodes: Vec<Nats>,
}

impl Cluster {
    /// Ready to take streams of three replicas.
    pub(crate) fn start() -> Self {
        let ports: Vec<(u16, u16)> = (0..3).map(|_| (free_port(), free_port())).collect();
        let routes: Vec<String> =
            ports.iter().map(|(_, route)| format!("nats://127.0.0.1:{route}")).collect();
        let node = |(port, route): &(u16, u16)| {
            let further = format!(
                "cluster {{ name: team, listen: 127.0.0.1:{route}, routes: [{}] }}",
                routes.join(", ")
            );
            Nats::configured(*port, &further, true)
        };
        let mut nodes: Vec<Nats> = ports.iter().map(node).collect();
        // All before any is waited for: none is of use without the others.
        nodes.iter_mut().for_each(Nats::launch);
        for node in &mut nodes {
            assert!(node.is_up());
        }
        let cluster = Self { nodes };
        cluster.settle();
        cluster
    }

    /// All addresses, as `--nats` takes them.
    pub(crate) fn url(&self) -> String {
        self.nodes.iter().map(Nats::url).collect::<Vec<_>>().join(",")
    }

    /// Waits until they have a leader, all are of one mind, and every stream has all its replicas.
    pub(crate) fn settle(&self) {
        for node in self.nodes.iter().filter(|node| node.child.is_some()) {
            eventually("a cluster with a leader", || {
                within(async {
                    let client = client(&node.url()).await?;
                    let context = jetstream::new(client);
                    let mut names = context.stream_names();
                    // The list comes from the leader of all.
                    while let Some(name) = names.next().await {
                        let stream = context.get_stream(name.ok()?).await.ok()?;
                        let cluster = stream.cached_info().cluster.clone()?;
                        cluster.leader?;
                        let well = |it: &jetstream::stream::PeerInfo| it.current && !it.offline;
                        cluster.replicas.iter().all(well).then_some(())?;
                    }
                    Some(())
                })
            });
        }
    }
}

/// A message of a stream.
#[derive(Debug, Clone)]
pub(crate) struct Stored {
    pub(crate) sequence: u64,
    pub(crate) subject: String,
    /// The headers that a publisher sets: message id, epoch, previous.
    pub(crate) message_id: String,
    pub(crate) epoch: String,
    pub(crate) previous: u64,
    pub(crate) payload: String,
}

impl Stored {
    pub(crate) fn json(&self) -> serde_json::Value {
        serde_json::from_str(&self.payload).unwrap()
    }

    /// The event's id in its publisher's log.
    pub(crate) fn id(&self) -> u64 {
        self.json()["id"].as_u64().unwrap()
    }
}

/// All that a stream holds now, in its order; nothing where there is no such stream.
pub(crate) fn stream(url: &str, name: &str) -> Vec<Stored> {
    eventually("a stream that can be read", || within(read(url, name)))
}

async fn read(url: &str, name: &str) -> Option<Vec<Stored>> {
    let context = jetstream::new(client(url).await?);
    let stream = match context.get_stream(name).await {
        Ok(stream) => stream,
        Err(error) if error.to_string().contains("not found") => return Some(Vec::new()),
        Err(_) => return None,
    };
    let state = stream.cached_info().state.clone();
    if state.messages == 0 {
        return Some(Vec::new());
    }
    let config = jetstream::consumer::pull::OrderedConfig::default();
    let mut messages = stream.create_consumer(config).await.ok()?.messages().await.ok()?;
    let mut all = Vec::new();
    while let Some(message) = messages.next().await {
        let message = message.ok()?;
        let sequence = message.info().ok()?.stream_sequence;
        let header = |name: &str| {
            let value = message.headers.as_ref().and_then(|all| all.get(name));
            value.map(|value| value.as_str().to_owned()).unwrap_or_default()
        };
        all.push(Stored {
            sequence,
            subject: message.subject.to_string(),
            message_id: header("Nats-Msg-Id"),
            epoch: header("Sprint-Epoch"),
            previous: header("Sprint-Previous").parse().unwrap_or(u64::MAX),
            payload: String::from_utf8_lossy(&message.payload).into_owned(),
        });
        if sequence >= state.last_sequence {
            break;
        }
    }
    Some(all)
}

/// A client that is connected; none when that takes too long.
pub(crate) async fn client(url: &str) -> Option<async_nats::Client> {
    let places: Vec<&str> = url.split(',').collect();
    let options = async_nats::ConnectOptions::new().connection_timeout(Duration::from_secs(2));
    options.connect(places).await.ok()
}

/// Does something with NATS on a thread of a test; it has a while for it.
pub(crate) fn within<T>(work: impl Future<Output = Option<T>>) -> Option<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let answer = runtime.block_on(async { tokio::time::timeout(DEADLINE / 4, work).await });
    // What a client of this runtime still does is not waited for.
    runtime.shutdown_background();
    answer.ok().flatten()
}

/// Where it is installed.
fn program() -> PathBuf {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let mut folders: Vec<PathBuf> = std::env::split_paths(&path).collect();
    folders.extend(["/usr/sbin", "/usr/local/sbin", "/sbin"].map(PathBuf::from));
    let found = folders.iter().map(|folder| folder.join("nats-server")).find(|it| it.is_file());
    found.expect("nats-server is not installed (Debian's package nats-server; see tests/run.sh)")
}

/// Whether a server on this port greets as one does that has begun.
fn greets(port: u16) -> bool {
    let Ok(stream) = TcpStream::connect((Ipv4Addr::LOCALHOST, port)) else { return false };
    stream.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
    let mut line = String::new();
    let name = format!("\"server_name\":\"test-{}-{port}\"", std::process::id());
    BufReader::new(stream).read_line(&mut line).is_ok()
        && line.contains(&name)
        && line.contains("\"jetstream\":true")
}

/// A port that nobody has and that no connection is given by chance: one that is to come back must
/// find it free, and who connects to it meanwhile must not meet itself.
pub(crate) fn free_port() -> u16 {
    static NEXT: AtomicU16 = AtomicU16::new(0);
    let start = (std::process::id() % 9_000) as u16;
    for _ in 0..9_000 {
        let port = 22_000 + (start + NEXT.fetch_add(7, Ordering::Relaxed)) % 9_000;
        if TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok() {
            return port;
        }
    }
    panic!("no port is free");
}

/// For tests that look into its folder.
pub(crate) fn holds(folder: &Path, secret: &str) -> bool {
    let Ok(entries) = fs::read_dir(folder) else { return false };
    entries.flatten().any(|entry| {
        let path = entry.path();
        if path.is_dir() {
            return holds(&path, secret);
        }
        fs::read(&path).is_ok_and(|bytes| memchr::memmem::find(&bytes, secret.as_bytes()).is_some())
    })
}
