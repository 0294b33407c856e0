//! `hub`: all projects of a team on one server, out of what their servers send to NATS.

use std::path::PathBuf;

use anyhow::{Context as _, anyhow, bail};

use crate::app::hub::HubApp;
use crate::app::signals::Signals;
use crate::config::{Config, Layer};

use super::listening::ListenArgs;
use super::logging;
use super::nats::NatsArgs;
use super::place::Place;
use super::serve::attend;
use super::terminal::note;

/// The flags of `hub`.
#[derive(Debug, Clone, clap::Args)]
pub(crate) struct Args {
    #[command(flatten)]
    nats: NatsArgs,
    /// Keep what was read here; it can be deleted at any time while the hub does not run [default:
    /// sprint-runner/hub-TEAM in the user's cache folder]
    #[arg(long, value_name = "DIR")]
    cache: Option<PathBuf>,
    /// Let who comes in here start and stop batches, change settings, read agents' logs: of servers whose
    /// own configuration has `control = true` for nats
    #[arg(long, conflicts_with = "read_only")]
    control: bool,
    #[command(flatten)]
    listen: ListenArgs,
    #[command(flatten)]
    log: logging::LogArgs,
}

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &Args) -> anyhow::Result<u8> {
    args.log.start(None, None)?;
    let config = configured(place, args)?;
    let Some(nats) = &config.nats else {
        bail!("a hub needs to know where NATS is: name it with --nats nats://HOST:4222");
    };
    let cache = match &args.cache {
        Some(cache) => std::path::absolute(cache).context("cannot tell the current folder")?,
        None => usual_cache(&nats.team)?,
    };
    // Before the first line: whoever read it may send a signal at once.
    let mut signals = Signals::listen().context("cannot listen for signals")?;
    let app = tokio::select! {
        app = HubApp::start(&config, &cache, args.control) => app?,
        () = signals.recv() => return Ok(0),
    };
    note(&format!(
        "the team {} at {}, kept in {}",
        nats.team,
        nats.servers.shown(),
        cache.display()
    ));
    attend(app, &config, signals, false, |_| Ok(())).await
}

/// The configuration: a `sprint-runner.toml` of the folder named with -C, or of this one, counts; a
/// hub has no project of its own.
fn configured(place: &Place, args: &Args) -> anyhow::Result<Config> {
    let folder = match &place.dir {
        Some(dir) if !dir.is_dir() => bail!("{} is not a folder", dir.display()),
        Some(dir) => dir.clone(),
        None => std::env::current_dir().context("cannot tell the current folder")?,
    };
    let flags = Layer { nats: args.nats.table(), ..args.listen.layer() };
    Ok(Config::load(&folder, flags)?)
}

/// `$XDG_CACHE_HOME/sprint-runner/hub-<team>`
fn usual_cache(team: &str) -> anyhow::Result<PathBuf> {
    let named = std::env::var_os("XDG_CACHE_HOME").map(PathBuf::from);
    // The specification has relative paths ignored.
    let folder = named.filter(|path| path.is_absolute());
    let folder = folder.or_else(|| std::env::home_dir().map(|home| home.join(".cache")));
    let folder = folder.ok_or_else(|| {
        anyhow!("neither XDG_CACHE_HOME nor HOME is set: name a folder with --cache")
    })?;
    Ok(folder.join("sprint-runner").join(format!("hub-{team}")))
}
