//! Several projects on one server: each whole under `/p/<name>/`, none in the other's way.

mod addresses;
mod agents;
mod apart;
mod links;
mod starting;
mod telling;
mod troubles;

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::process::{Output, Stdio};

use serde_json::Value;

use crate::support::process::output_of;
use crate::support::server::binary;
use crate::support::{Project, Server};

/// Folders that lie side by side, called as the test wants; removed when dropped.
struct Side {
    dir: tempfile::TempDir,
}

impl Side {
    /// Projects with a small sprint each.
    fn of(names: &[&str]) -> Self {
        let side = Self { dir: tempfile::tempdir().unwrap() };
        for name in names {
            side.project(name);
        }
        side
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().canonicalize().unwrap().join(name)
    }

    fn project(&self, name: &str) {
        let artifacts = self.path(name).join("_bmad-output/implementation-artifacts");
        std::fs::create_dir_all(&artifacts).unwrap();
        let status =
            crate::support::project::STATUS.replace("lantern", &format!("Sprint of {name}"));
        std::fs::write(artifacts.join("sprint-status.yaml"), status).unwrap();
    }

    fn append(&self, name: &str, bytes: &[u8]) {
        use std::io::Write as _;
        let log = self.path(name).join("_bmad-output/implementation-artifacts/sprint-runner.csv");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(log).unwrap();
        file.write_all(bytes).unwrap();
    }

    fn serve(&self, names: &[&str], arguments: &[&str]) -> Server {
        let folders: Vec<_> = names.iter().map(|name| self.path(name)).collect();
        serve(&folders.iter().map(PathBuf::as_path).collect::<Vec<_>>(), arguments)
    }
}

/// `serve DIR…` on any free port.
fn serve(folders: &[&Path], arguments: &[&str]) -> Server {
    let mut command = binary();
    command.arg("serve").args(["--port", "0"]).args(arguments).args(folders);
    Server::spawn(command)
}

/// `serve` that is expected to end by itself.
fn refused(arguments: &[OsString]) -> Output {
    let mut command = binary();
    command.arg("serve").args(["--port", "0"]).args(arguments);
    output_of(command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap())
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// What `/api/projects` says of one.
fn told(server: &Server, name: &str) -> Value {
    let all = server.json("/api/projects");
    let all = all["projects"].as_array().unwrap().clone();
    let one = all.iter().find(|one| one["name"] == name);
    one.unwrap_or_else(|| panic!("{name} is not in {all:?}")).clone()
}

/// The names, in their order.
fn names(server: &Server) -> Vec<String> {
    let all = server.json("/api/projects");
    let all = all["projects"].as_array().unwrap();
    all.iter().map(|one| one["name"].as_str().unwrap().to_owned()).collect()
}

fn roots(projects: &[&Project]) -> Vec<PathBuf> {
    projects.iter().map(|it| it.root().canonicalize().unwrap()).collect()
}
