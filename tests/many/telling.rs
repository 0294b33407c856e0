//! What a server of several tells of its own work, and whose that is: log, figures, addresses.

// Figures that count are whole numbers: floats hold them exactly.
#![allow(clippy::float_cmp)]

use std::ffi::OsString;
use std::fs;
use std::process::Stdio;

use serde_json::{Value, json};

use crate::attack::Serving;
use crate::support::bench::{Bench, STORIES};
use crate::support::metrics::Metrics;
use crate::support::process::output_of;
use crate::support::server::binary;
use crate::support::{eventually, http};

use super::{Side, roots};

/// One who is to be told, without the secret for it: that is told at the start.
const NOBODY: &str = "[[notifications]]\nto = \"slack\"\nurl_env = \"NO_SUCH_VARIABLE\"\n";

/// A batch's project as `lantern`, and beside it `other`, which has much to complain of.
fn serve(bench: &Bench, side: &Side, arguments: &[&str]) -> Serving {
    let other = side.path("other");
    fs::write(other.join("sprint-runner.toml"), NOBODY).unwrap();
    fs::create_dir_all(other.join(".sprint-runner")).unwrap();
    fs::write(other.join(".sprint-runner/settings.json"), "{").unwrap();
    // What the watching thread cannot read.
    std::os::unix::fs::symlink("orchestrator.md", other.join("orchestrator.md")).unwrap();
    let mut lantern = OsString::from("lantern=");
    lantern.push(&roots(&[&bench.project])[0]);
    let mut command = binary();
    command.args(["serve", "--port", "0"]).args(arguments).arg(lantern).arg(other);
    command.env_remove("RUST_LOG").env("NO_COLOR", "1");
    Serving::spawn(command)
}

fn start(port: u16, name: &str) {
    let body = "{\"batch_size\":1}";
    let request = format!(
        "POST /p/{name}/api/orchestrator/start HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    assert_eq!(http::send(port, request).unwrap().status, 200);
}

/// The lines so far, without one that is being written.
fn objects(log: &str) -> Vec<Value> {
    let whole = log.rsplit_once('\n').map_or("", |(whole, _)| whole);
    whole.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Threads, tasks, requests and what blocks: each is the project's, whoever starts it.
#[test]
fn every_line_of_a_project_names_it() {
    let (bench, side) = (Bench::new(STORIES), Side::of(&["other"]));
    let server = serve(&bench, &side, &["--log-format", "json", "--log-level", "debug"]);
    let port = server.port();
    assert_eq!(http::get(port, "/p/other/api/snapshot").status, 200);
    assert_eq!(http::get(port, "/api/projects").status, 200);
    start(port, "lantern");
    let told = eventually("the end of the batch, and the complaints", || {
        let told = objects(&server.log());
        let is_there = |part: &str| {
            told.iter().any(|line| line["message"].as_str().unwrap().starts_with(part))
        };
        (is_there("the batch ends") && is_there("cannot read")).then_some(told)
    });
    let project = |name: &str| json!({"name": "project", "project": name});
    for (message, name, inner) in [
        ("nothing is sent to slack", "other", &[][..]),
        ("settings.json", "other", &[]),
        ("cannot read", "other", &[]),
        ("the batch begins", "lantern", &["batch"]),
        ("the batch ends", "lantern", &["batch"]),
        ("the agent has started", "lantern", &["batch", "agent"]),
        ("the agent has ended", "lantern", &["batch", "agent"]),
    ] {
        let is_it = |line: &&Value| line["message"].as_str().unwrap().contains(message);
        let all: Vec<&Value> = told.iter().filter(is_it).collect();
        assert!(!all.is_empty(), "{message}: {told:?}");
        for line in all {
            let spans = line["spans"].as_array().unwrap();
            assert_eq!(spans[0], project(name), "{line}");
            let names: Vec<_> = spans[1..].iter().map(|span| span["name"].clone()).collect();
            assert_eq!(names, inner, "{line}");
        }
    }
    let answered = |route: &str| {
        let is_it = |line: &&Value| {
            line["message"] == "answered"
                && line["spans"].as_array().unwrap().last().unwrap()["route"] == route
        };
        told.iter().find(is_it).unwrap_or_else(|| panic!("{route}: {told:?}"))["spans"].clone()
    };
    assert_eq!(answered("/api/snapshot")[0], project("other"));
    // What is asked of all of them is nobody's.
    assert_eq!(answered("/api/projects").as_array().unwrap().len(), 1);
    // And whatever else these rooms tell.
    for line in &told {
        let target = line["target"].as_str().unwrap();
        let rooms = ["hub", "store", "watch", "orchestrator", "notifications", "agents::log"];
        if rooms.iter().any(|room| target.starts_with(&format!("sprint_runner::{room}"))) {
            assert_eq!(line["spans"][0]["name"], "project", "{line}");
        }
    }
}

/// Also where the filter lets nothing through of the part that made the span.
#[test]
fn a_line_of_text_names_it_whatever_the_filter() {
    let (bench, side) = (Bench::new(STORIES), Side::of(&["other"]));
    let mut server = serve(&bench, &side, &["--log-level", "sprint_runner::notifications=warn"]);
    server.terminate();
    let log = server.log();
    let line = log.lines().find(|line| line.contains("nothing is sent to slack")).unwrap();
    assert!(line.contains("WARN project{project=other}: nothing is sent to slack"), "{line}");
}

#[test]
fn what_is_asked_of_all_is_counted() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &[]);
    let counts = || {
        let metrics = Metrics::of(&server);
        ["api 2xx", "page 2xx", "page 4xx", "monitor 2xx"]
            .map(|class| metrics.at("http_requests_total", class))
    };
    let before = counts();
    for path in ["/api/projects", "/api/projects", "/projects", "/p/nobody/", "/healthz"] {
        server.get(path);
    }
    let more: Vec<f64> = counts().iter().zip(before).map(|(now, then)| now - then).collect();
    // The figures were asked for once in between.
    assert_eq!(more, [2.0, 1.0, 1.0, 2.0]);
}

/// A path on a socket is written as nginx does; the command line finds it, agents are told it.
#[test]
fn on_a_unix_socket_each_has_its_address() {
    let (benches, place) =
        ([Bench::new(STORIES), Bench::new(STORIES)], tempfile::tempdir().unwrap());
    let (socket, url) = (place.path().join("s.sock"), place.path().join("url"));
    for bench in &benches {
        bench.plan("good", &format!("printenv SPRINT_RUNNER_URL >'{}'", url.display()));
    }
    let real = roots(&[&benches[0].project, &benches[1].project]);
    let mut command = binary();
    command.arg("serve").arg("--unix").arg(&socket);
    for (name, root) in ["one", "two"].iter().zip(&real) {
        let mut argument = OsString::from(format!("{name}="));
        argument.push(root);
        command.arg(argument);
    }
    let server = Serving::spawn(command);
    let address = format!("unix:{}:/p/two/", socket.display());
    eventually("the address", || server.log().contains(&format!("two: {address}\n")).then_some(()));
    let mut run = binary();
    run.args(["run", "1", "--json"]).current_dir(&real[1]);
    let output = output_of(run.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap());
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert!(benches[1].starts() > 0 && benches[0].starts() == 0, "the second one's agents ran");
    assert_eq!(fs::read_to_string(&url).unwrap().trim_end(), address);
}
