//! `demo`: serves a throw-away project into which a recorded sprint is played, faster than life.

mod player;
mod recording;

use std::path::{Path, PathBuf};

use anyhow::Context as _;
use rust_embed::RustEmbed;

use crate::app::PortChoice;
use crate::config::Config;

use super::place::Place;
use super::serve;
use super::terminal::note;

use player::Player;
use recording::Recording;

/// The sprint that is played: part of the binary in release builds.
#[derive(RustEmbed)]
#[folder = "fixtures/demo/"]
struct Fixture;

/// Where the sprint's files lie in the project.
const ARTIFACTS: &str = "_bmad-output/implementation-artifacts";

/// Runs the command.
pub(crate) async fn run(place: &Place, args: &serve::Args) -> anyhow::Result<u8> {
    serve::start_log(args.log_level.as_deref().or(Some("warn")), None)?;
    if place.dir.is_some() {
        note("demo makes a project of its own: -C is not used");
    }
    // Removed when this function is left.
    let project = tempfile::Builder::new()
        .prefix("sprint-runner-demo-")
        .tempdir()
        .context("cannot make a temporary project")?;
    let root = project.path().canonicalize().context("cannot enter the temporary project")?;
    let artifacts = lay_out(&root).context("cannot write the temporary project")?;
    let config = Config::load(&root, place.layer().over(args.layer()))?;
    let choice = if config.port.is_some() { PortChoice::Exactly } else { PortChoice::OrAnyFree };
    let player = Player::start(artifacts, Recording::read(&text("recording.jsonl")?)?)?;
    let outcome = serve::serve(&root, &config, choice, args.open).await;
    player.stop();
    outcome
}

/// Writes the fixture's files. Returns the artifacts folder.
fn lay_out(root: &Path) -> anyhow::Result<PathBuf> {
    let artifacts = root.join(ARTIFACTS);
    std::fs::create_dir_all(&artifacts)?;
    for name in Fixture::iter().filter(|name| !matches!(&**name, "README.md" | "recording.jsonl")) {
        std::fs::write(artifacts.join(&*name), text(&name)?)?;
    }
    Ok(artifacts)
}

fn text(name: &str) -> anyhow::Result<String> {
    let file = Fixture::get(name).with_context(|| format!("the demo's {name} is missing"))?;
    String::from_utf8(file.data.into_owned())
        .with_context(|| format!("the demo's {name} is not text"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_fixture_is_whole_and_its_recording_can_be_played() {
        let project = tempfile::tempdir().unwrap();
        let artifacts = lay_out(project.path()).unwrap();
        assert!(artifacts.join("sprint-status.yaml").is_file());
        assert!(!artifacts.join("recording.jsonl").exists());
        let recording = Recording::read(&text("recording.jsonl").unwrap()).unwrap();
        assert!(recording.steps.len() > 100);
        assert!(recording.steps.is_sorted_by_key(|step| step.at_ms));
    }
}
