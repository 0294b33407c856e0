//! `demo`: serves a throw-away project in which a batch is run by scripted agents, and then a
//! recorded sprint is played as somebody else's, faster than life.

mod player;
mod recording;
mod stage;

use anyhow::Context as _;
use toml::Spanned;

use crate::app::{App, PortChoice};
use crate::config::workflow::WorkflowTable;
use crate::config::{Config, Layer};

use super::place::Place;
use super::serve;
use super::terminal::note;

use player::Player;
use recording::Recording;
use stage::{AGENT, Stage, text};

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &serve::Args) -> anyhow::Result<u8> {
    args.log.start(Some("warn"), None)?;
    if place.dir.is_some() {
        note("demo makes a project of its own: -C is not used");
    }
    // Removed when this function is left.
    let project = tempfile::Builder::new()
        .prefix("sprint-runner-demo-")
        .tempdir()
        .context("cannot make a temporary project")?;
    let root = project.path().canonicalize().context("cannot enter the temporary project")?;
    let stage = Stage::new(&root).context("cannot write the temporary project")?;
    let config = Config::load(&root, only_the_script().over(place.layer()).over(args.layer()))?;
    let choice = if config.port.is_some() { PortChoice::Exactly } else { PortChoice::OrAnyFree };
    let recording = Recording::read(&text("recording.jsonl")?)?;
    let mut player = None;
    let begun = |app: &App| {
        player = Some(Player::start(stage, recording, app.orchestrator().clone())?);
        Ok(())
    };
    let outcome = serve::serve(&root, &config, choice, args.open, begun).await;
    if let Some(player) = player {
        player.stop();
    }
    outcome
}

/// Whatever the environment says: no real agent may be started on a project that is not real.
fn only_the_script() -> Layer {
    let default = Some(Spanned::new(0..0, AGENT.to_owned()));
    Layer { workflow: WorkflowTable { default, ..WorkflowTable::default() }, ..Layer::default() }
}
