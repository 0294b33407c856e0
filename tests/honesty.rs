//! Behaviour 45: neither API nor command line says *running* when nothing runs.

use crate::support::project::now_s;
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

fn cli_status(project: &Project) -> serde_json::Value {
    let output = binary().args(["status", "--json", "-C"]).arg(project.root()).output().unwrap();
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|_| panic!("{}", String::from_utf8_lossy(&output.stderr)))
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
