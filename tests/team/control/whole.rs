//! The real hub beside the real server, each with the credentials that OPERATIONS.md shows for it.

use std::time::Duration;

use serde_json::json;

use super::hub::ask;
use super::{audited, configured};
use crate::support::bench::{Follower, doing};
use crate::support::nats::Nats;
use crate::support::server::binary;
use crate::support::{Server, eventually, eventually_in};

const JSON: &str = "Content-Type: application/json\r\n";

fn hub(url: &str, cache: &std::path::Path, more: &[&str]) -> Server {
    let mut command = binary();
    command.args(["hub", "--nats", url, "--team", "red", "--port", "0"]);
    command.arg("--cache").arg(cache).args(more).current_dir(cache);
    Server::spawn(command)
}

#[test]
fn the_real_hub_controls_the_real_server_only_when_both_are_told_to() {
    let nats = Nats::start_with(&super::credentials::shown());
    let bench = configured(&nats.url_as("red-server", "change-me-1"), "control = true");
    bench.plan("hang", "");
    let server = bench.serve();
    let (one, other) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let control = nats.url_as("red-control", "change-me-3");
    let controls = hub(&control, one.path(), &["--control"]);
    let looks = hub(&nats.url_as("red-viewer", "change-me-2"), other.path(), &[]);
    let get = |hub: &Server, path: &str| hub.get(&format!("/p/lantern{path}"));
    let send = |hub: &Server, method: &str, path: &str, body: &str| {
        ask(hub.port(), method, &format!("/p/lantern{path}"), JSON, body)
    };
    eventually("the project at both hubs", || {
        let there = |hub: &Server| get(hub, "/api/snapshot").status == 200;
        (there(&controls) && there(&looks)).then_some(())
    });
    eventually("a server that is heard", || {
        (send(&controls, "PUT", "/api/settings", "{\"default_max_cycles\":6}").status == 200)
            .then_some(())
    });
    assert_eq!(get(&controls, "/api/settings").json(), server.json("/api/settings"));
    assert_eq!(server.json("/api/settings")["default_max_cycles"], 6);

    let mut follower = Follower::open(&server);
    let started = send(&controls, "POST", "/api/orchestrator/start", "{\"batch_size\":1}");
    assert_eq!(started.status, 200, "{}", started.text());
    let batch_id = started.json()["batch_id"].as_i64().unwrap();
    let agent = eventually("an agent that said something", || {
        let listed = get(&controls, "/api/agents").json();
        let agent = listed["agents"][0]["agent_id"].as_str()?.to_owned();
        let log = get(&controls, &format!("/api/agents/{agent}/log"));
        (log.status == 200 && !log.body.is_empty()).then_some(agent)
    });
    let log = format!("/api/agents/{agent}/log");
    eventually("the same log", || {
        (get(&controls, &log).body == server.get(&log).body).then_some(())
    });

    // The other one only shows.
    for (method, path, body) in [
        ("POST", "/api/orchestrator/start", "{}"),
        ("POST", "/api/orchestrator/stop", "{}"),
        ("PUT", "/api/settings", "{\"default_max_cycles\":9}"),
        ("GET", log.as_str(), ""),
    ] {
        let answer = send(&looks, method, path, body);
        assert_eq!((answer.status, &answer.json()["code"]), (403, &json!("forbidden")), "{path}");
    }
    assert_eq!(doing(&server), "running");
    let stopped = send(&controls, "POST", "/api/orchestrator/stop", "{\"mode\":\"now\"}");
    assert_eq!(stopped.status, 200, "{}", stopped.text());
    follower.end_of(batch_id);

    // Everybody sees who it was, at every hub.
    let told = audited(&server, 3);
    assert!(told.iter().all(|line| line.contains("by 127.0.0.1 through the hub ")), "{told:?}");
    eventually("the same at the other hub", || {
        let events = get(&looks, "/api/events?type=batch:warning&limit=1000").json();
        let all = events["events"].as_array()?.iter();
        let shown: Vec<_> = all.filter_map(|event| event["payload"]["message"].as_str()).collect();
        told.iter().all(|line| shown.contains(&line.as_str())).then_some(())
    });

    server.kill();
    eventually_in(Duration::from_secs(90), "a server that is missed", || {
        let answer = send(&controls, "POST", "/api/orchestrator/start", "{}");
        (answer.status == 503).then_some(())
    });
}
