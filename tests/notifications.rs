//! Notifications as their receivers get them: the real binary against a receiver on loopback.

pub(crate) mod inbox;
mod lasting;
mod rules;
mod secrets;
mod trying;

use std::process::Command;

use serde_json::Value;

use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

/// One target, told of everything at once.
fn target(url: &str, more: &str) -> String {
    format!("[[notifications]]\nto = \"webhook\"\nurl = \"{url}\"\nsettle_seconds = 0.05\n{more}\n")
}

fn configure(project: &Project, toml: &str) {
    std::fs::write(project.root().join("sprint-runner.toml"), toml).unwrap();
}

/// The status file with another word for one of its stories.
fn set(project: &Project, key: &str, word: &str) {
    let path = project.path("sprint-status.yaml");
    let text = std::fs::read_to_string(path).unwrap();
    let lines = text.lines().map(|line| match line.trim_start().strip_prefix(&format!("{key}:")) {
        Some(_) => format!("  {key}: {word}"),
        None => line.to_owned(),
    });
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    project.replace("sprint-status.yaml", text.as_bytes());
}

/// What the server says of its only target.
fn told_of(server: &Server) -> Value {
    server.json("/healthz")["notifications"][0].clone()
}

/// `serve` with a variable in its environment.
fn serve_with(project: &Project, variables: &[(&str, &str)]) -> Server {
    Server::spawn(serving(project, variables))
}

fn serving(project: &Project, variables: &[(&str, &str)]) -> Command {
    let mut command = binary();
    command.arg("serve").arg("-C").arg(project.root()).args(["--port", "0"]);
    command.envs(variables.iter().copied());
    command
}

/// The word of a story has been read.
fn read(server: &Server, key: &str, word: &str) {
    eventually("a status that is read", || {
        let snapshot = server.json("/api/snapshot");
        let stories = snapshot["sprint"]["stories"].as_array()?.clone();
        stories.iter().any(|it| it["story_key"] == key && it["status"] == word).then_some(())
    });
}
