//! `serve`: watches the project, or several, serves dashboard and API; what runs when no command is
//! named.

mod several;

use std::path::Path;
use std::process::Stdio;

use anyhow::Context as _;

use crate::agents::process::descriptors;
use crate::app::signals::Signals;
use crate::app::{App, PortChoice, Serving};
use crate::config::{Config, Layer, parse_days, parse_minutes, parse_public_url};

use super::listening::ListenArgs;
use super::logging;
use super::nats::NatsArgs;
use super::place::Place;
use super::terminal::{line, note};

/// The flags of `serve`.
#[derive(Debug, Clone, Default, PartialEq, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    pub(crate) listen: ListenArgs,
    /// A silence longer than this ends an observed batch [default: 30]
    #[arg(long, value_name = "MINUTES", value_parser = parse_minutes)]
    pub(crate) observed_idle_minutes: Option<f64>,
    /// Purge events older than this; fractions are fine [default: all are kept]
    #[arg(long, value_name = "DAYS", value_parser = parse_days)]
    pub(crate) retention_days: Option<f64>,
    /// The address under which people reach the dashboard, for links in notifications
    #[arg(long, value_name = "URL", value_parser = parse_public_url)]
    pub(crate) public_url: Option<String>,
    /// Open the page in the browser
    #[arg(long, conflicts_with = "unix")]
    pub(crate) open: bool,
    #[command(flatten)]
    pub(crate) nats: NatsArgs,
    #[command(flatten)]
    pub(crate) log: logging::LogArgs,
}

impl Args {
    pub(crate) fn layer(&self) -> Layer {
        Layer {
            observed_idle_minutes: self.observed_idle_minutes,
            retention_days: self.retention_days,
            public_url: self.public_url.clone(),
            nats: self.nats.table(),
            ..self.listen.layer()
        }
    }
}

pub(crate) use several::{Several, run as run_several};

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    args.log.start(None, None)?;
    let found = place.find(args.layer())?;
    serve(&found.root, &found.config, PortChoice::Exactly, args.open, |_| Ok(())).await
}

/// Serves a project until a signal comes. `begun` is called once the server answers.
pub(crate) async fn serve(
    root: &Path,
    config: &Config,
    choice: PortChoice,
    open: bool,
    begun: impl FnOnce(&App) -> anyhow::Result<()>,
) -> anyhow::Result<u8> {
    // Before the first line: whoever read it may send a signal at once.
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let app = tokio::select! {
        app = App::start(root, config, choice) => app?,
        () = signals.recv() => return Ok(0),
    };
    attend(app, config, signals, open, begun).await
}

/// Tells where the server is, and waits for a signal.
pub(crate) async fn attend<A: Serving>(
    mut app: A,
    config: &Config,
    mut signals: Signals,
    open: bool,
    begun: impl FnOnce(&A) -> anyhow::Result<()>,
) -> anyhow::Result<u8> {
    for state in app.kept_elsewhere() {
        note(&format!(
            "the project cannot be written: the database is kept in {}",
            state.display()
        ));
    }
    // Nobody reads it: the server does its work all the same.
    let _ = line(&format!("Sprint Runner listening on {}", app.url()));
    if let Some(token) = app.new_token() {
        note(&format!("token: {token}\nsign a browser in with {}?token={token}", app.url()));
    }
    if config.unix.is_none() && config.host.is_unspecified() && config.allow_host.is_empty() {
        note("other machines are let in only by a name given with --allow-host NAME");
    }
    match app.url() {
        // Without the token: others can read a program's arguments.
        url if open && url.starts_with("http") => open_browser(url),
        _ if open => note("no browser can open a Unix socket: name a --port"),
        _ => {}
    }
    if let Err(error) = begun(&app) {
        app.stop().await;
        return Err(error);
    }
    let outcome = tokio::select! {
        () = signals.recv() => Ok(0),
        error = app.failed() => Err(error),
    };
    tokio::select! {
        () = app.stop() => outcome,
        // A second signal: whoever sent it is out of patience. Everything is committed.
        () = signals.recv() => std::process::exit(1),
    }
}

fn open_browser(url: &str) {
    let program = if cfg!(target_os = "macos") { "open" } else { "xdg-open" };
    let mut command = if cfg!(windows) {
        let mut command = std::process::Command::new("rundll32");
        command.arg("url.dll,FileProtocolHandler");
        command
    } else {
        std::process::Command::new(program)
    };
    command.arg(url).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
    match descriptors::start(|| command.spawn(), |child| Some(child.id())) {
        Ok(mut child) => {
            // Collects it when it ends, so that no zombie stays.
            std::thread::spawn(move || child.wait());
        }
        Err(error) => note(&format!("cannot open a browser ({error}); the page is at {url}")),
    }
}
