//! The flags of who listens: where, and for whom.

use std::net::IpAddr;
use std::path::PathBuf;

use crate::config::{Layer, parse_host, parse_token};

/// Where to listen, and for whom.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub(crate) struct ListenArgs {
    /// Listen on this address [default: 127.0.0.1]; any other than loopback needs a token
    #[arg(long, value_name = "IP", value_parser = parse_host)]
    pub(crate) host: Option<IpAddr>,
    /// Listen on this port; 0 = any free one [default: the setting `server_port`, 8080]
    #[arg(short, long, value_name = "PORT")]
    pub(crate) port: Option<u16>,
    /// Listen on this Unix socket instead, which only you can connect to
    #[arg(long, value_name = "PATH", conflicts_with_all = ["host", "port"])]
    pub(crate) unix: Option<PathBuf>,
    /// Serve the page from this folder instead of the built-in one
    #[arg(long, value_name = "DIR")]
    pub(crate) public: Option<PathBuf>,
    /// Show only: refuse everything that changes something
    #[arg(long)]
    pub(crate) read_only: bool,
    #[arg(long, value_name = "TOKEN", value_parser = parse_token, help = "Ask clients for this \
        token (better given as SPRINT_RUNNER_TOKEN: arguments are visible)")]
    pub(crate) token: Option<String>,
    /// A further name by which browsers may call this server
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) allow_host: Vec<String>,
    #[arg(
        long,
        value_name = "ORIGIN",
        value_delimiter = ',',
        help = "A further origin whose pages \
        may speak to this server, such as http://localhost:3000"
    )]
    pub(crate) allow_origin: Vec<String>,
}

impl ListenArgs {
    pub(crate) fn layer(&self) -> Layer {
        let listed = |list: &Vec<String>| (!list.is_empty()).then(|| list.clone());
        Layer {
            host: self.host,
            port: self.port,
            unix: self.unix.clone(),
            public: self.public.clone(),
            read_only: self.read_only.then_some(true),
            token: self.token.clone(),
            allow_host: listed(&self.allow_host),
            allow_origin: listed(&self.allow_origin),
            ..Layer::default()
        }
    }
}
