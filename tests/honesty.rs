//! Behaviour 45: neither API nor command line says *running* when nothing runs.

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::process::Stopped;
use crate::support::project::now_s;
use crate::support::server::binary;
use crate::support::{LENIENCE, Project, Server, eventually};

fn cli_status(project: &Project) -> serde_json::Value {
    // It waits for a server's answer no longer than people do.
    eventually("an answer on the command line", || {
        let mut command = binary();
        let output = command.args(["status", "--json", "-C"]).arg(project.root()).output().unwrap();
        serde_json::from_slice(&output.stdout).ok()
    })
}

#[test]
fn b45_when_the_files_stop_changing_the_batch_ends() {
    let project = Project::new();
    // A command that never ended, in a log whose last row is older than the limit.
    let row = format!("{},1,1-2,dev-story,setup,start,\"and then silence\"\n", now_s() - 31 * 60);
    project.append(row.as_bytes());
    let server = Server::start(&project);
    let end = eventually("the batch's end", || {
        server.log_after(0).into_iter().find(|event| event["type"] == "batch:end")
    });
    assert_eq!(end["payload"]["status"], "lost");
    let snapshot = server.json("/api/snapshot");
    assert_eq!(
        (&snapshot["batch"], &snapshot["active"]),
        (&serde_json::Value::Null, &serde_json::json!([]))
    );
    assert_eq!(server.json("/api/batches")["batches"][0]["status"], "lost");
    assert_eq!(server.json("/api/orchestrator/status")["status"], "idle");
    let left: Vec<_> = server
        .log_after(0)
        .into_iter()
        .filter(|event| event["payload"]["status"] == "left-open")
        .collect();
    assert_eq!(left.len(), 1);
}

#[test]
fn b45_a_command_that_has_just_begun_is_running_until_the_server_is_gone() {
    let project = Project::new();
    project.append(format!("{},1,1-2,dev-story,setup,start,\"go\"\n", now_s()).as_bytes());
    let server = Server::start(&project);
    eventually("an active command", || {
        let snapshot = server.json("/api/snapshot");
        (snapshot["active"].as_array()?.len() == 1).then_some(())
    });
    let live = cli_status(&project);
    assert_eq!(live["active"].as_array().unwrap().len(), 1, "{live}");
    server.kill();
    let offline = cli_status(&project);
    assert!(offline["active"].as_array().is_none_or(Vec::is_empty), "{offline}");
}

/// The limit is twelve seconds here: long enough for a busy machine to show the command before.
#[test]
fn b45_when_the_files_stop_changing_neither_api_nor_command_line_says_that_anything_runs() {
    let project = Project::new();
    let toml = project.root().join("sprint-runner.toml");
    std::fs::write(toml, "observed_idle_minutes = 0.2\n").unwrap();
    let server = Server::start(&project);
    let last = Instant::now();
    project.append(format!("{},1,1-2,dev-story,setup,start,\"go\"\n", now_s()).as_bytes());
    let active = |body: &Value| body["active"].as_array().map_or(0, Vec::len);
    eventually("an active command", || (active(&server.json("/api/snapshot")) == 1).then_some(()));
    assert_eq!(active(&cli_status(&project)), 1);
    eventually("silence", || (active(&server.json("/api/snapshot")) == 0).then_some(()));
    let line = cli_status(&project);
    assert_eq!((active(&line), &line["batch"]), (0, &Value::Null), "{line}");
    assert!(last.elapsed() < Duration::from_secs(12 + 5) * LENIENCE, "{:?}", last.elapsed());
    assert_eq!(server.json("/api/snapshot")["batch"], Value::Null);
    assert_eq!(server.json("/api/batches")["batches"][0]["status"], "lost");
    let text = binary().args(["status", "-C"]).arg(project.root()).output().unwrap();
    let text = String::from_utf8_lossy(&text.stdout).into_owned();
    assert!(!text.contains("running"), "{text}");
}

/// A server that stands still, or is cut off, answers nobody: the command line says so, and soon.
#[test]
fn b45_a_server_that_does_not_answer_is_said_not_to() {
    let project = Project::new();
    project.append(format!("{},1,1-2,dev-story,setup,start,\"go\"\n", now_s()).as_bytes());
    let server = Server::start(&project);
    eventually("an active command", || {
        (server.json("/api/snapshot")["active"].as_array()?.len() == 1).then_some(())
    });
    let stopped = Stopped::new(&server);
    let asked = Instant::now();
    let output = binary().args(["status", "--json", "-C"]).arg(project.root()).output().unwrap();
    let took = asked.elapsed();
    drop(stopped);
    let (out, err) =
        (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!((output.status.code(), out.as_ref()), (Some(1), ""), "{err}");
    assert!(err.contains("does not answer"), "{err}");
    assert!(took < Duration::from_secs(5) * LENIENCE, "{took:?}");
    assert_eq!(cli_status(&project)["active"].as_array().unwrap().len(), 1, "it is back");
}
