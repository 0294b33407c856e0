//! The composition root: starts the rooms in order, stops them in reverse.
//!
//! ```text
//!  state folder → lock → socket → store → hub → watcher → server
//! ```
//!
//! The socket is bound before the database is opened, so that a port in use is told at once; who
//! connects before the server runs waits in the kernel's queue.

pub mod instance_lock;
pub mod listen;
pub mod signals;
pub mod state_dir;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Context as _, anyhow};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::config::Config;
use crate::domain::attribution::Rules;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{ErrorEvent, Payload};
use crate::http::{self, Guard, GuardSettings, Server};
use crate::hub::{Hub, Publication};
use crate::orchestrator::{self, Orchestrator};
use crate::project::board::Board;
use crate::project::layout::{Layout, Named};
use crate::project::settings_store::SettingsStore;
use crate::store::Log;
use crate::watch::{self, Watcher};

use instance_lock::InstanceLock;
use state_dir::StateDir;

/// How long the first reading of the files may hold the first line up. On a new log it is worth
/// waiting for: without it the first answer knows no sprint. Else the stored state is there, the
/// status file is read within moments, and comparing long logs goes on while the server answers.
const FIRST_READ_OF_ALL: Duration = Duration::from_secs(1);
const FIRST_READ: Duration = Duration::from_millis(50);

/// How long agents and streams have to end, and then the threads: together less than the 5 s
/// promised. Streams have at least a moment, however long the agents take.
const AGENTS_END: Duration = Duration::from_millis(3500);
const STREAMS_END: Duration = Duration::from_millis(3800);
const STREAMS_LEAST: Duration = Duration::from_millis(300);
const THREADS_END: Duration = Duration::from_secs(1);

/// What to do when the port is taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PortChoice {
    /// Say so and end.
    Exactly,
    /// Take any free one.
    OrAnyFree,
}

/// The running server and all that is behind it.
pub struct App {
    lock: InstanceLock,
    state: StateDir,
    hub: Hub,
    watcher: Watcher,
    orchestrator: Orchestrator,
    serving: JoinHandle<()>,
    end_streams: oneshot::Sender<()>,
    url: String,
    token: Option<String>,
    token_is_new: bool,
}

impl App {
    /// Starts everything. When it returns, the server answers.
    pub async fn start(root: &Path, config: &Config, choice: PortChoice) -> anyhow::Result<Self> {
        let state = StateDir::prepare(root, config)?;
        let database = StateDir::database(&state.path, config);
        let mut lock = InstanceLock::acquire(&state.path, &database)?;
        let server = bind(config, &state.path, choice)?;
        let address = server.local_addr();
        let (token, token_is_new) = listen::token(config)?;
        let guard = Arc::new(guard(config, address, token.clone())?);
        let rules = Rules { observed_idle_ms: config.observed_idle_ms() };

        let (log, queries) = Log::open(&database)
            .with_context(|| format!("cannot open the database {}", database.display()))?;
        let hub = Hub::start(log, queries, rules).context("cannot start on the database")?;
        let board = Arc::new(Board::new(Layout::discover(root, &named(config))));
        let options = watch::Options { named: named(config), rules, ..watch::Options::default() };
        let watcher = Watcher::start(hub.clone(), Arc::clone(&board), root.to_owned(), options)
            .context("cannot start watching")?;
        let patience = if hub.head() == 0 { FIRST_READ_OF_ALL } else { FIRST_READ };
        let watcher = first_read(watcher, patience).await?;

        let (settings, trouble) = SettingsStore::open(&state.path);
        if let Some(message) = trouble {
            tell_trouble(&hub, message);
        }
        let settings = Arc::new(settings);
        let url = listen::url(address);
        let orchestrator = Orchestrator::start_up(orchestrator::Parts {
            hub: hub.clone(),
            board: Arc::clone(&board),
            looker: watcher.looker(),
            settings: Arc::clone(&settings),
            agents: Arc::new(config.agents.clone()),
            state_dir: state.path.clone(),
            url: Some(url.clone()),
        });
        let context = http::Context {
            hub: hub.clone(),
            board,
            guard,
            streams: Arc::new(http::Streams::new()),
            settings,
            read_only: config.read_only,
            public_dir: config.public.clone(),
            started_at_ms: now_ms(),
            limits: http::Limits::default(),
        };
        let routes = http::api::routes(&context, &orchestrator);
        let (end_streams, ended) = oneshot::channel();
        let serving = tokio::spawn(server.run(context, routes, async move {
            // A sender that is gone means the same.
            let _ = ended.await;
        }));
        lock.announce(&url, token.as_deref())?;
        Ok(Self {
            lock,
            state,
            hub,
            watcher,
            orchestrator,
            serving,
            end_streams,
            url,
            token,
            token_is_new,
        })
    }

    /// The address for this machine, `http://127.0.0.1:8080/`.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The address that signs a browser in.
    pub fn url_with_token(&self) -> String {
        match &self.token {
            Some(token) => format!("{}?token={token}", self.url),
            None => self.url.clone(),
        }
    }

    /// The token, when it was made at this start.
    pub fn new_token(&self) -> Option<&str> {
        self.token.as_deref().filter(|_| self.token_is_new)
    }

    /// Where the state is kept.
    pub fn state(&self) -> &StateDir {
        &self.state
    }

    /// Waits for the server to end although nobody told it to. Cancel-safe.
    pub async fn failed(&mut self) -> anyhow::Error {
        match (&mut self.serving).await {
            Ok(()) => anyhow!("the server has stopped accepting connections"),
            Err(error) => anyhow!("the server has failed: {error}"),
        }
    }

    /// Ends everything in order: streams and connections, watching, the log. Takes less than 5 s.
    pub async fn stop(self) {
        let Self { lock, hub, watcher, orchestrator, mut serving, end_streams, .. } = self;
        let begun = Instant::now();
        // Before the streams end, so that who listens sees how the batch ended.
        if timeout(AGENTS_END, orchestrator.shutdown()).await.is_err() {
            tracing::warn!("the batch could not be ended in time; the next start closes it");
        }
        let streams_end = STREAMS_END.saturating_sub(begun.elapsed()).max(STREAMS_LEAST);
        // Gone only when the server has ended already.
        let _ = end_streams.send(());
        if !serving.is_finished() && timeout(streams_end, &mut serving).await.is_err() {
            tracing::warn!("some connections did not end in time and were dropped");
            serving.abort();
        }
        let threads = tokio::task::spawn_blocking(move || {
            watcher.shutdown();
            hub.shutdown();
        });
        if timeout(THREADS_END, threads).await.is_err() {
            tracing::warn!(
                "the files were still being read at the end; all that was shown is stored"
            );
            // Until the process has gone, that thread may still commit: nobody else may start yet.
            std::mem::forget(lock);
        }
    }
}

/// The files that the configuration names.
pub fn named(config: &Config) -> Named {
    Named {
        status_file: config.status_file.clone(),
        csv_log: config.csv_log.clone(),
        orchestrator_log: config.orchestrator_log.clone(),
    }
}

fn tell_trouble(hub: &Hub, message: String) {
    tracing::warn!("{message}");
    let event = Payload::Error(ErrorEvent {
        kind: "settings".to_owned(),
        message,
        context: serde_json::json!({ "file": "settings.json" }),
    });
    let event = NewEvent::new(now_ms(), Source::Server, event);
    // Whether or not anybody waits, it is appended.
    drop(hub.submit(Publication::events(vec![event])));
}

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn bind(config: &Config, state: &Path, choice: PortChoice) -> anyhow::Result<Server> {
    let address = SocketAddr::new(config.host, listen::port(config, state));
    let bound = match Server::bind(address) {
        Err(error)
            if choice == PortChoice::OrAnyFree && error.kind() == std::io::ErrorKind::AddrInUse =>
        {
            Server::bind(SocketAddr::new(config.host, 0))
        }
        bound => bound,
    };
    bound.map_err(|error| listen::refusal(address, &error))
}

fn guard(config: &Config, address: SocketAddr, token: Option<String>) -> anyhow::Result<Guard> {
    let mut allow_hosts = config.allow_host.clone();
    // An address that was asked for by name is one by which this server may be called.
    match address.ip() {
        ip if ip.is_unspecified() => {}
        IpAddr::V4(ip) => allow_hosts.push(ip.to_string()),
        IpAddr::V6(ip) => allow_hosts.push(format!("[{ip}]")),
    }
    let settings = GuardSettings {
        port: address.port(),
        allow_hosts,
        allow_origins: config.allow_origin.clone(),
        token,
        read_only: config.read_only,
        foreign_page: config.public.is_some(),
    };
    Guard::new(&settings).map_err(|message| anyhow!(message))
}

/// Lets the files be read once, so that the first answer already knows the sprint.
async fn first_read(watcher: Watcher, patience: Duration) -> anyhow::Result<Watcher> {
    tokio::task::spawn_blocking(move || {
        if !watcher.wait_first_read(patience) {
            tracing::debug!("the logs are long: they are being read while the server answers");
        }
        watcher
    })
    .await
    .context("cannot read the project's files")
}
