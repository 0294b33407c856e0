//! What a hostile or broken publisher sends harms nothing.

use std::sync::Arc;

use async_nats::HeaderMap;
use serde_json::json;

use crate::support::nats::Nats;

use super::publisher::{Hub, Publisher, TEAM, Team, told, without_ids};

fn headers(epoch: &str, previous: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert("Sprint-Epoch", epoch);
    headers.insert("Sprint-Previous", previous);
    headers
}

#[test]
fn what_is_no_event_of_the_team_is_left_out_and_counted() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    lantern.publish(3);
    let hub = Hub::on(&nats);
    hub.until("lantern", 3);
    let at = |project: &str, kind: &str| format!("sprint.{TEAM}.{project}.{kind}");
    let event = |id: &str, kind: &str, payload: &str| {
        format!(
            r#"{{"id":{id},"type":"{kind}","timestamp":1,"batch_id":null,"source":"csv","payload":{payload}}}"#
        )
    };
    let well = || headers("0a1b2c3d", "3");
    let good = |payload: &str| event("4", "note", payload);
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let large = format!("{{\"a\":\"{}\"}}", "x".repeat(1_000_000));
    for (subject, headers, text) in [
        (at("lantern", "note"), well(), "no json".to_owned()),
        (at("lantern", "note"), well(), String::new()),
        (at("lantern", "note"), well(), "{}".to_owned()),
        (at("lantern", "note"), well(), good("{")),
        (at("lantern", "note"), well(), good("{\n}")),
        (at("lantern", "note"), well(), good("[1]")),
        (at("lantern", "note"), well(), good(&deep)),
        (at("lantern", "other:type"), well(), good("{}")),
        (at("LANTERN", "note"), well(), good("{}")),
        (at("-", "note"), well(), good("{}")),
        (at(&"x".repeat(65), "note"), well(), good("{}")),
        (at("lantern", "note"), HeaderMap::new(), good("{}")),
        (at("lantern", "note"), headers("0A1B2C3D", "3"), good("{}")),
        (at("lantern", "note"), headers("0a1b2c3d", "4"), good("{}")),
        (at("lantern", "note"), headers("0a1b2c3d", "-1"), good("{}")),
        (at("lantern", "note"), headers("0a1b2c3d", "99999999999999999999"), good("{}")),
        (at("lantern", "note"), well(), event("0", "note", "{}")),
        (at("lantern", "note"), well(), event("-4", "note", "{}")),
        (at("lantern", "note"), well(), event("9223372036854775808", "note", "{}")),
        (at("lantern", "note"), well(), event("18446744073709551616", "note", "{}")),
        (at("lantern", "note"), well(), good("{}").replace("csv", "root")),
        (at("lantern", "note"), well(), good("{}").replace("\"id\":4,", "")),
    ] {
        team.send(&subject, headers, text.into_bytes());
    }
    // What fits is taken as it is, whatever is in it.
    let odd = json!({ "message": "\u{1b}[2J\u{0}\u{202e} <script>alert(1)</script>", "n": -1e300 });
    let mut fourth = good(&odd.to_string());
    lantern.log.push((3, serde_json::from_str(&fourth).unwrap()));
    team.send(&at("lantern", "note"), well(), std::mem::take(&mut fourth).into_bytes());
    let fifth = event("5", "note", &large);
    lantern.log.push((4, serde_json::from_str(&fifth).unwrap()));
    team.send(&at("lantern", "note"), headers("0a1b2c3d", "4"), fifth.into_bytes());
    let last = lantern.publish(1);
    assert_eq!(without_ids(&hub.until("lantern", last)), told(&lantern));
    let unfit = hub.figure("sprint_runner_team_messages_skipped_total{reason=\"unfit\"}");
    assert_eq!(unfit, Some(22.0));
    let projects = hub.server().json("/api/projects");
    assert_eq!(projects["projects"].as_array().unwrap().len(), 1);
    assert!(!hub.server().get("/p/lantern/").text().contains("alert(1)"));
}

/// Another team's events, on the same server and even in the same stream, are not read.
#[test]
fn another_teams_events_are_not_seen() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let hub = Hub::on(&nats);
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    lantern.publish(2);
    team.widen_stream();
    let mut spied = lantern.log[1].1.clone();
    spied["id"] = 3.into();
    for subject in ["sprint.blue.spy.command:progress", "sprint.red.spy.a.b", "sprint.redder.spy.x"]
    {
        team.send(subject, headers("0a1b2c3d", "0"), spied.to_string().into_bytes());
    }
    let last = lantern.publish(1);
    hub.until("lantern", last);
    let names = |hub: &Hub| hub.server().json("/api/projects")["projects"].to_string();
    assert!(!names(&hub).contains("spy"));
}
