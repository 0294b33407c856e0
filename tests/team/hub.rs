//! What a hub makes of a team's stream.

use std::sync::Arc;

use crate::support::nats::Nats;
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

use super::publisher::{Hub, Publisher, Team, told, without_ids};

#[test]
fn events_appear_under_their_project_with_the_streams_sequences_as_ids() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    // A real log, with batches, stories and commands.
    let side = Project::new();
    let server = Server::start(&side);
    for n in 0..5 {
        side.append(row(now_s(), n).as_bytes());
    }
    eventually("five rows", || (server.log_after(0).len() > 5).then_some(()));
    let exported = binary().args(["export", "-C"]).arg(side.root()).output().unwrap();
    let lines = String::from_utf8(exported.stdout).unwrap();
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    lantern.take(&lines);
    let mut harbour = Publisher::new(&team, "harbour", "00000001");
    let hub = Hub::on(&nats);
    let mut sequences = Vec::new();
    for at in 0..lantern.log.len() {
        harbour.publish(1);
        sequences.push(lantern.send(at, None));
    }
    let log = hub.until("lantern", *sequences.last().unwrap());
    let ids: Vec<u64> = log.iter().map(|event| event["id"].as_u64().unwrap()).collect();
    assert_eq!(ids, sequences);
    assert_eq!(without_ids(&log), told(&lantern));
    assert_eq!(without_ids(&hub.log("harbour")), told(&harbour));

    // As the server itself folds it.
    let (there, here) =
        (server.json("/api/snapshot"), hub.server().json("/p/lantern/api/snapshot"));
    assert_eq!(here["sprint"]["stories"], there["sprint"]["stories"]);
    assert_eq!(here["last_event_id"], *sequences.last().unwrap());
    let batches = |snapshot: &serde_json::Value| snapshot["batch"]["id"].clone();
    assert_eq!(batches(&here), batches(&there));

    // What stands beside the projects.
    let hub = hub.server();
    let root = hub.get("/");
    assert_eq!((root.status, root.header("location")), (307, Some("projects")));
    assert_eq!(hub.get("/projects").status, 200);
    assert_eq!(hub.get("/js/projects.js").status, 200, "the overview's own files");
    let names: Vec<_> = hub.json("/api/projects")["projects"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| (it["name"].clone(), it["path"].clone()))
        .collect();
    assert_eq!(
        names,
        [("harbour".into(), "p/harbour/".into()), ("lantern".into(), "p/lantern/".into())]
    );
    assert_eq!(hub.get("/p/lantern/").status, 200);
    assert_eq!(hub.get("/p/lantern").header("location"), Some("lantern/"));

    // Its files are on another machine, and so is who does anything.
    for (path, status) in [
        ("/p/lantern/sprint-status.yaml", 404),
        ("/p/lantern/orchestrator.md", 404),
        ("/p/lantern/api/agents", 200),
        ("/p/lantern/api/agents/1-1/log", 403),
        ("/p/lantern/api/settings", 200),
        ("/p/lantern/api/settings/sources", 200),
        ("/p/lantern/api/orchestrator/status", 200),
        ("/p/lantern/metrics", 200),
        ("/api/events", 404),
        ("/sse", 404),
        ("/p/nobody/", 404),
    ] {
        assert_eq!(hub.get(path).status, status, "{path}");
    }
    for path in ["/p/lantern/api/orchestrator/start", "/p/lantern/api/orchestrator/stop"] {
        let refused = hub.post(path, "{}");
        assert_eq!((refused.status, refused.json()["code"].as_str()), (403, Some("forbidden")));
    }
}

#[test]
fn two_hubs_say_the_same_to_the_byte() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    lantern.publish(50);
    let one = Hub::on(&nats);
    one.until("lantern", 50);
    let other = Hub::on(&nats);
    let last = lantern.publish(50);
    one.until("lantern", last);
    other.until("lantern", last);
    assert_eq!(one.epoch("lantern"), other.epoch("lantern"));
    for path in ["/p/lantern/api/events?limit=1000", "/p/lantern/api/events?after=40&limit=20"] {
        assert_eq!(one.server().get(path).body, other.server().get(path).body, "{path}");
    }
}

/// A server whose log was replaced begins anew; what is left of the old one never comes back.
#[test]
fn another_log_of_a_publisher_begins_the_project_anew() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut old = Publisher::new(&team, "lantern", "0a1b2c3d");
    let last = old.publish(20);
    let (one, mut other) = (Hub::on(&nats), Hub::on(&nats));
    one.until("lantern", last);
    other.until("lantern", last);
    let before = one.epoch("lantern").unwrap();
    let cursor = format!("{before}:{last}");
    let mut live =
        crate::support::sse::Sse::at(one.port(), "/p/lantern/sse", Some(&cursor)).unwrap();
    let mut new = Publisher::new(&team, "lantern", "0a1b2c3e");
    new.publish(3);
    old.publish(5);
    let last = new.publish(2);
    for hub in [&one, &other] {
        eventually("the new log", || (hub.epoch("lantern")? != before).then_some(()));
        assert_eq!(without_ids(&hub.until("lantern", last)), told(&new));
    }
    assert_eq!(one.epoch("lantern"), other.epoch("lantern"));
    // Its stream was ended, and who comes back with the old cursor is told.
    while live.next().is_some() {}
    let mut again =
        crate::support::sse::Sse::at(one.port(), "/p/lantern/sse", Some(&cursor)).unwrap();
    let kinds: Vec<String> = std::iter::from_fn(|| again.next())
        .map(|message| message.json["type"].as_str().unwrap_or_default().to_owned())
        .take_while(|kind| kind != "init")
        .collect();
    assert!(kinds.iter().any(|kind| kind == "reset"), "{kinds:?}");
    // Nor does it come back after a kill.
    other.kill();
    old.publish(1);
    let last = new.publish(1);
    other.start();
    assert_eq!(without_ids(&other.until("lantern", last)), told(&new));
}
