//! What the user configured: defaults ← `sprint-runner.toml` ← environment `SPRINT_RUNNER_*` ← flags.
//!
//! Each of the three sources is read into a [`Layer`]; the later wins, key by key (a list replaces
//! a list). To add a key: add it to [`Layer`], to [`Layer::over`], to the reader of the environment
//! and, resolved, to [`Config`].

pub mod agents;
mod durations;
mod environment;
mod file;
pub mod nats;
pub mod notifications;
#[cfg(test)]
mod tests;
mod values;
pub mod workflow;

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use toml::Spanned;

use agents::{AgentTable, Agents};
use nats::{Nats, NatsTable};
use notifications::{NotificationConfig, NotificationTable};
use workflow::WorkflowTable;

// For the laws in `tests/laws/`: the file's text without a file.
#[cfg(test)]
pub(crate) use environment::read as read_environment;
#[doc(hidden)]
pub use file::parse as parse_file;
pub use notifications::parse_public_url;
pub use values::{parse_days, parse_host, parse_minutes, parse_token};

/// The file's name, in the project folder.
pub const FILE_NAME: &str = "sprint-runner.toml";

/// A silence longer than this many minutes separates two observed batches, unless configured.
pub const DEFAULT_IDLE_MINUTES: f64 = 30.0;

/// A configuration that cannot be used; the message names the place.
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file is there and cannot be read.
    #[error("cannot read {FILE_NAME}: {0}")]
    Unreadable(std::io::Error),
    /// A key or a value of the file is wrong.
    #[error("{FILE_NAME}:{line}:{column}: {message}")]
    File {
        /// From 1.
        line: usize,
        /// In characters, from 1.
        column: usize,
        /// What is the matter; names the key.
        message: String,
    },
    /// A variable's value is wrong.
    #[error("the environment variable {name}: {message}")]
    Environment {
        /// The variable.
        name: String,
        /// What is the matter.
        message: String,
    },
    /// A flag names something that is not there.
    #[error("{0}")]
    Flag(String),
}

/// Which source has named a value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// A flag of the command line.
    Flag,
    /// A variable `SPRINT_RUNNER_*`.
    Environment,
    /// `sprint-runner.toml`.
    File,
}

impl Origin {
    /// The word for it, as the API says it.
    #[must_use]
    pub const fn word(self) -> &'static str {
        match self {
            Self::Flag => "flag",
            Self::Environment => "environment",
            Self::File => "file",
        }
    }

    /// The first of the three layers that names a port.
    fn of_port(flags: &Layer, environment: &Layer, file: &Layer) -> Option<Self> {
        [(flags, Self::Flag), (environment, Self::Environment), (file, Self::File)]
            .into_iter()
            .find_map(|(layer, origin)| layer.port.map(|_| origin))
    }
}

/// What one source says; `None` where it says nothing.
#[derive(Debug, Clone, Default, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Layer {
    /// The address to listen on.
    #[serde(deserialize_with = "values::host")]
    pub host: Option<IpAddr>,
    /// The port to listen on; 0 = any free one.
    pub port: Option<u16>,
    /// A Unix socket to listen on, instead of address and port.
    pub unix: Option<PathBuf>,
    /// The database file.
    pub db: Option<PathBuf>,
    /// A folder to serve the page from.
    pub public: Option<PathBuf>,
    /// Refuse every control route.
    pub read_only: Option<bool>,
    /// What a client has to know.
    #[serde(deserialize_with = "values::token")]
    pub token: Option<String>,
    /// Further names by which this server may be called.
    pub allow_host: Option<Vec<String>>,
    /// Other pages that may speak to this server.
    pub allow_origin: Option<Vec<String>>,
    /// The silence that ends an observed batch.
    #[serde(deserialize_with = "values::minutes")]
    pub observed_idle_minutes: Option<f64>,
    /// Events older than this are purged.
    #[serde(deserialize_with = "values::days")]
    pub retention_days: Option<f64>,
    /// Instead of the discovered sprint-status.yaml.
    pub status_file: Option<PathBuf>,
    /// Instead of the discovered CSV log.
    pub csv_log: Option<PathBuf>,
    /// Instead of the discovered orchestrator.md.
    pub orchestrator_log: Option<PathBuf>,
    /// Instead of `.sprint-runner` in the project.
    pub state: Option<PathBuf>,
    /// Agents, by name.
    pub agents: BTreeMap<String, AgentTable>,
    /// Who does what.
    pub workflow: WorkflowTable,
    /// The address under which people reach the dashboard, for links in messages.
    #[serde(deserialize_with = "notifications::public_url")]
    pub public_url: Option<String>,
    /// Whom to tell what.
    pub notifications: Option<Vec<Spanned<NotificationTable>>>,
    /// Where the team's events go.
    pub nats: NatsTable,
}

impl Layer {
    /// This layer, and where it says nothing, the `lower` one.
    #[must_use]
    pub fn over(self, lower: Self) -> Self {
        // Whoever names an address does not mean the socket that a weaker source names.
        let on_network = self.host.is_some() || self.port.is_some();
        Self {
            unix: self.unix.or(lower.unix.filter(|_| !on_network)),
            host: self.host.or(lower.host),
            port: self.port.or(lower.port),
            db: self.db.or(lower.db),
            public: self.public.or(lower.public),
            read_only: self.read_only.or(lower.read_only),
            token: self.token.or(lower.token),
            allow_host: self.allow_host.or(lower.allow_host),
            allow_origin: self.allow_origin.or(lower.allow_origin),
            observed_idle_minutes: self.observed_idle_minutes.or(lower.observed_idle_minutes),
            retention_days: self.retention_days.or(lower.retention_days),
            status_file: self.status_file.or(lower.status_file),
            csv_log: self.csv_log.or(lower.csv_log),
            orchestrator_log: self.orchestrator_log.or(lower.orchestrator_log),
            state: self.state.or(lower.state),
            agents: over_by_name(self.agents, lower.agents),
            workflow: self.workflow.over(lower.workflow),
            public_url: self.public_url.or(lower.public_url),
            notifications: self.notifications.or(lower.notifications),
            nats: self.nats.over(lower.nats),
        }
    }

    /// Makes the paths absolute: a source's relative paths begin at `base`.
    #[must_use]
    fn based_on(mut self, base: &Path) -> Self {
        let paths = [
            &mut self.unix,
            &mut self.db,
            &mut self.public,
            &mut self.status_file,
            &mut self.csv_log,
            &mut self.orchestrator_log,
            &mut self.state,
        ];
        for path in paths.into_iter().flatten() {
            *path = base.join(&*path);
        }
        self.agents.values_mut().for_each(|agent| agent.based_on(base));
        self.workflow.based_on(base);
        self.nats.based_on(base);
        self
    }

    /// Whether the default agent it names is there, among the `file`'s own.
    fn check_agent(&self, file: &Self) -> Result<(), String> {
        let named = self.workflow.default.as_ref();
        match named.and_then(|name| agents::unknown(name.get_ref(), &file.agents)) {
            Some(message) => Err(message),
            None => Ok(()),
        }
    }
}

fn over_by_name(
    upper: BTreeMap<String, AgentTable>,
    mut lower: BTreeMap<String, AgentTable>,
) -> BTreeMap<String, AgentTable> {
    for (name, table) in upper {
        let under = lower.remove(&name).unwrap_or_default();
        lower.insert(name, table.over(under));
    }
    lower
}

/// The configuration in force. All paths are absolute.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The address to listen on.
    pub host: IpAddr,
    /// The port, when anybody named one; else the setting `server_port` decides.
    pub port: Option<u16>,
    /// Who named it, as far as [`Config::load`] has seen.
    pub port_from: Option<Origin>,
    /// The Unix socket to listen on; address and port then mean nothing.
    pub unix: Option<PathBuf>,
    /// The database, when it is not in the state folder.
    pub db: Option<PathBuf>,
    /// A folder to serve the page from.
    pub public: Option<PathBuf>,
    /// Refuse every control route.
    pub read_only: bool,
    /// What a client has to know, when given.
    pub token: Option<String>,
    /// Further names by which this server may be called.
    pub allow_host: Vec<String>,
    /// Other pages that may speak to this server.
    pub allow_origin: Vec<String>,
    /// The silence that ends an observed batch.
    pub observed_idle_minutes: f64,
    /// Events older than this are purged; `None` keeps all for ever. A clock that jumps ahead makes
    /// nothing old: they age no faster than ten times the time that the program has been running.
    pub retention_days: Option<f64>,
    /// Instead of the discovered sprint-status.yaml.
    pub status_file: Option<PathBuf>,
    /// Instead of the discovered CSV log.
    pub csv_log: Option<PathBuf>,
    /// Instead of the discovered orchestrator.md.
    pub orchestrator_log: Option<PathBuf>,
    /// The state folder, when named.
    pub state: Option<PathBuf>,
    /// The agents, and which of them does what.
    pub agents: Agents,
    /// The address under which people reach the dashboard; ends with a slash.
    pub public_url: Option<String>,
    /// Whom to tell what.
    pub notifications: Vec<NotificationConfig>,
    /// Where the team's events go, when they go anywhere.
    pub nats: Option<Nats>,
}

impl Config {
    /// Reads file and environment and puts `flags` on top. The file's relative paths begin at the
    /// project, the others' at the current folder.
    pub fn load(project: &Path, flags: Layer) -> Result<Self, ConfigError> {
        let here = std::env::current_dir().unwrap_or_else(|_| project.to_owned());
        let file = file::read(project)?.based_on(project);
        let environment = environment::read(&|name| std::env::var_os(name))?.based_on(&here);
        environment.check_agent(&file).map_err(|message| ConfigError::Environment {
            name: "SPRINT_RUNNER_AGENT".to_owned(),
            message,
        })?;
        flags.check_agent(&file).map_err(ConfigError::Flag)?;
        let port_from = Origin::of_port(&flags, &environment, &file);
        let config = Self::from(flags.based_on(&here).over(environment).over(file));
        Ok(Self { port_from, ..config })
    }

    /// The silence that ends an observed batch, in milliseconds.
    pub fn observed_idle_ms(&self) -> i64 {
        (self.observed_idle_minutes * 60_000.0).round() as i64
    }

    /// The age at which events are purged, in milliseconds.
    pub fn retention_ms(&self) -> Option<i64> {
        self.retention_days.map(|days| (days * 86_400_000.0).round() as i64)
    }
}

impl From<Layer> for Config {
    fn from(layer: Layer) -> Self {
        let notifications = layer.notifications.unwrap_or_default();
        let secrets = notifications::variables(&notifications);
        Self {
            host: layer.host.unwrap_or(IpAddr::V4(Ipv4Addr::LOCALHOST)),
            port: layer.port,
            port_from: None,
            unix: layer.unix,
            db: layer.db,
            public: layer.public,
            read_only: layer.read_only.unwrap_or(false),
            token: layer.token,
            allow_host: layer.allow_host.unwrap_or_default(),
            allow_origin: layer.allow_origin.unwrap_or_default(),
            observed_idle_minutes: layer.observed_idle_minutes.unwrap_or(DEFAULT_IDLE_MINUTES),
            retention_days: layer.retention_days,
            status_file: layer.status_file,
            csv_log: layer.csv_log,
            orchestrator_log: layer.orchestrator_log,
            state: layer.state,
            agents: Agents::new(layer.agents, layer.workflow).without(secrets),
            public_url: layer.public_url,
            notifications: notifications::resolved(notifications),
            nats: layer.nats.resolved(),
        }
    }
}
