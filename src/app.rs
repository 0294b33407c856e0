//! The composition root: starts the rooms in order, stops them in reverse.
//!
//! ```text
//!  state folder → lock → socket → store → hub → watcher → orchestrator → outbox, notifier → server
//!  └────────── Core, which `run` uses alone ─────────────────────────┘
//! ```
//!
//! The socket is bound before the database is opened, so that a port in use is told at once; who
//! connects before the server runs waits in the kernel's queue.

mod control;
pub mod core;
pub mod hub;
pub mod instance_lock;
pub mod listen;
mod private;
pub mod several;
pub mod signals;
pub mod state_dir;

use std::net::{IpAddr, SocketAddr};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::anyhow;
use futures_util::future::join_all;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::agents::process::descriptors;
use crate::config::{Config, Origin};
use crate::control::Control;
use crate::http::{self, Guard, GuardSettings, Server};
use crate::orchestrator::Orchestrator;
use crate::project::layout::Named;

use self::core::{Claim, Core};

/// How long streams have to end, counted from the beginning of the end; the agents before and the
/// threads behind, all together less than the 5 s promised. Streams have at least a moment, however
/// long the agents take.
const STREAMS_END: Duration = Duration::from_millis(3800);
const STREAMS_LEAST: Duration = Duration::from_millis(300);

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
    core: Core,
    /// Of several projects those beside the first.
    others: Vec<Core>,
    /// What takes orders from afar.
    control: Vec<Control>,
    serving: JoinHandle<()>,
    end_streams: oneshot::Sender<()>,
    url: String,
    token: Option<String>,
    token_is_new: bool,
}

/// A server that runs, whatever is behind it.
#[allow(async_fn_in_trait)]
pub trait Serving {
    /// The address for this machine, `http://127.0.0.1:8080/` or `unix:/path`.
    fn url(&self) -> &str;
    /// The token, when it was made at this start.
    fn new_token(&self) -> Option<&str>;
    /// Where state is kept that could not be kept where it belongs.
    fn kept_elsewhere(&self) -> Vec<&Path>;
    /// Waits for the server to end although nobody told it to. Cancel-safe.
    async fn failed(&mut self) -> anyhow::Error;
    /// Ends everything in order. Takes less than 5 s.
    async fn stop(self);
}

/// Lets the streams and connections end, in bounded time.
async fn end(serving: &mut JoinHandle<()>, end_streams: oneshot::Sender<()>, within: Duration) {
    // Gone only when the server has ended already.
    let _ = end_streams.send(());
    if !serving.is_finished() && timeout(within, &mut *serving).await.is_err() {
        tracing::warn!("some connections did not end in time and were dropped");
        serving.abort();
    }
}

/// Waits for a server's task to end by itself.
async fn failed(serving: &mut JoinHandle<()>) -> anyhow::Error {
    match serving.await {
        Ok(()) => anyhow!("the server has stopped accepting connections"),
        Err(error) => anyhow!("the server has failed: {error}"),
    }
}

impl App {
    /// Starts everything. When it returns, the server answers.
    pub async fn start(root: &Path, config: &Config, choice: PortChoice) -> anyhow::Result<Self> {
        let claim = Claim::take(root, config)?;
        let server = bind(config, &claim.state.path, choice)?;
        let address = server.local_addr();
        let (token, token_is_new) = listen::token(config)?;
        let about = about(config, &claim.state.path, address, token.is_some());
        let guard = Arc::new(guard(config, address, token.clone(), "")?);
        let url = listen::place(config, address);
        let mut core = Core::start(claim, config, None, Some(url.clone())).await?;
        let streams = Arc::new(http::Streams::new());
        let project = http::Project::running(
            None,
            root,
            &core.database,
            (core.hub.clone(), Arc::clone(&streams), core.notified(), http::Reach::default()),
        );
        let context = http::Context {
            hub: core.hub.clone(),
            board: Arc::clone(&core.board),
            guard,
            streams,
            settings: Arc::clone(&core.settings),
            about: Arc::new(about),
            read_only: config.read_only,
            assets: Arc::new(http::Assets::new(config.public.clone())),
            started_at_ms: now_ms(),
            limits: http::Limits::default().within(descriptors::raise()),
            downloads: http::Downloads::default(),
            projects: Arc::new(http::Projects::new(vec![project])),
            reach: http::Reach::default(),
            afar: None,
            notified: core.notified(),
        };
        let routes = http::api::routes(&context, &core.orchestrator);
        let control = control::start(config, &core, &context, &routes).await;
        let control = control.into_iter().collect();
        let (end_streams, ended) = oneshot::channel();
        let serving = tokio::spawn(server.run(context, routes, async move {
            // A sender that is gone means the same.
            let _ = ended.await;
        }));
        core.lock.announce(&url, token.as_deref())?;
        Ok(Self {
            core,
            others: Vec::new(),
            control,
            serving,
            end_streams,
            url,
            token,
            token_is_new,
        })
    }

    /// The address that signs a browser in; none where no browser can go.
    pub fn url_with_token(&self) -> Option<String> {
        let url = self.url.starts_with("http").then_some(&self.url)?;
        Some(match &self.token {
            Some(token) => format!("{url}?token={token}"),
            None => url.clone(),
        })
    }

    /// Who runs batches; of several projects those of the first.
    pub fn orchestrator(&self) -> &Orchestrator {
        &self.core.orchestrator
    }
}

impl Serving for App {
    fn url(&self) -> &str {
        &self.url
    }

    fn new_token(&self) -> Option<&str> {
        self.token.as_deref().filter(|_| self.token_is_new)
    }

    /// Of several projects each has its own.
    fn kept_elsewhere(&self) -> Vec<&Path> {
        let states = std::iter::once(&self.core).chain(&self.others).map(|core| &core.state);
        states.filter(|state| state.elsewhere).map(|state| state.path.as_path()).collect()
    }

    async fn failed(&mut self) -> anyhow::Error {
        failed(&mut self.serving).await
    }

    /// Ends everything in order: streams and connections, watching, the log. Takes less than 5 s.
    async fn stop(self) {
        let Self { core, others, control, mut serving, end_streams, .. } = self;
        let mut cores: Vec<Core> = std::iter::once(core).chain(others).collect();
        let begun = Instant::now();
        // Before the streams end, so that who listens sees how the batch ended. All at once: the
        // time is for all of them together.
        let agents = join_all(cores.iter().map(Core::end_agents));
        // Who has just been asked to stop them still answers.
        let control = join_all(control.into_iter().map(|control| control.stop(core::AGENTS_END)));
        tokio::join!(agents, control);
        let streams_end = STREAMS_END.saturating_sub(begun.elapsed()).max(STREAMS_LEAST);
        let streams = end(&mut serving, end_streams, streams_end);
        let words = cores.iter_mut().map(|core| core.end_words(streams_end));
        tokio::join!(streams, join_all(words));
        join_all(cores.into_iter().map(Core::close)).await;
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

fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}

fn bind(config: &Config, state: &Path, choice: PortChoice) -> anyhow::Result<Server> {
    if let Some(path) = &config.unix {
        listen::check_unix(path)?;
        return Server::bind_unix(path).map_err(|error| listen::unix_refusal(path, &error));
    }
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

fn about(config: &Config, state: &Path, address: Option<SocketAddr>, token: bool) -> http::About {
    http::About {
        // Of a Unix socket: the one that would be taken without it.
        port: address.map_or_else(|| listen::port(config, state), |address| address.port()),
        port_from: config.port_from.map(Origin::word),
        on_network: address.is_some_and(|address| !address.ip().is_loopback()),
        token,
        observed_idle_minutes: config.observed_idle_minutes,
        stop_grace_seconds: config.agents.workflow().stop_grace.as_secs_f64(),
    }
}

fn guard(
    config: &Config,
    address: Option<SocketAddr>,
    token: Option<String>,
    home: &str,
) -> anyhow::Result<Guard> {
    let mut allow_hosts = config.allow_host.clone();
    // An address that was asked for by name is one by which this server may be called.
    match address.map(|address| address.ip()) {
        None => {}
        Some(ip) if ip.is_unspecified() => {}
        Some(IpAddr::V4(ip)) => allow_hosts.push(ip.to_string()),
        Some(IpAddr::V6(ip)) => allow_hosts.push(format!("[{ip}]")),
    }
    let settings = GuardSettings {
        // What speaks through a Unix socket calls it `localhost`, without a port.
        port: address.map_or(80, |address| address.port()),
        allow_hosts,
        allow_origins: config.allow_origin.clone(),
        token,
        read_only: config.read_only,
        foreign_page: config.public.is_some(),
        home: home.to_owned(),
    };
    Guard::new(&settings).map_err(|message| anyhow!(message))
}
