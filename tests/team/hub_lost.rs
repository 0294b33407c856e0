//! What is lost comes again: caches, messages, streams, NATS itself.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use crate::support::eventually;
use crate::support::nats::Nats;

use super::publisher::{Hub, Publisher, Team, told, without_ids};

#[test]
fn a_hub_that_loses_its_cache_or_a_part_of_it_comes_to_the_same() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    let mut harbour = Publisher::new(&team, "harbour", "0a1b2c3e");
    let mut hub = Hub::on(&nats);
    let mut last = 0;
    let mut before = None;
    for part in ["nothing", "all", "hub.json", "a log", "damaged log"] {
        harbour.publish(5);
        last = lantern.publish(20);
        hub.until("lantern", last);
        hub.kill();
        last = lantern.publish(20);
        let log = || {
            let projects = fs::read_dir(hub.cache().join("projects")).unwrap().flatten();
            let mut paths = projects.map(|entry| entry.path());
            paths.find(|path| {
                path.file_name().unwrap().to_str().unwrap().starts_with("harbour.")
                    && path.extension().is_some_and(|it| it == "db")
            })
        };
        match part {
            "all" => fs::remove_dir_all(hub.cache()).unwrap(),
            "hub.json" => drop(fs::remove_file(hub.cache().join("hub.json"))),
            "a log" => fs::remove_file(log().unwrap()).unwrap(),
            "damaged log" => fs::write(log().unwrap(), "not a database at all").unwrap(),
            _ => {}
        }
        hub.start();
        assert_eq!(without_ids(&hub.until("lantern", last)), told(&lantern), "without {part}");
        let harbours = eventually(&format!("harbour without {part}"), || {
            let log = hub.log("harbour");
            (log.len() == harbour.log.len()).then_some(log)
        });
        assert_eq!(without_ids(&harbours), told(&harbour), "without {part}");
        let epochs = (hub.epoch("lantern"), hub.epoch("harbour"));
        assert_eq!(*before.get_or_insert(epochs.clone()), epochs, "without {part}");
    }
    let fresh = Hub::on(&nats);
    assert_eq!(fresh.until("lantern", last), hub.log("lantern"));
    assert_eq!(fresh.log("harbour"), hub.log("harbour"));
}

#[test]
fn what_is_missing_is_asked_for_again_and_repeats_do_no_harm() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    let mut asks = team.asks("lantern");
    let hub = Hub::on(&nats);
    lantern.more(30);
    for at in [0, 1, 2, 1, 2, 6, 7] {
        let again = (at == 1).then(|| format!("x{at}"));
        lantern.send(at, again.as_deref());
    }
    let asked = asks.next();
    assert_eq!((&asked["epoch"], asked["after"].as_u64()), (&"0a1b2c3d".into(), Some(3)));
    assert!(asked["seen"].as_u64().unwrap() >= 5, "{asked}");
    assert_eq!(hub.log("lantern").len(), 3, "nothing behind a hole is shown");
    let degraded = eventually("a hole that is told", || {
        let health = hub.server().json("/healthz");
        health["reasons"].to_string().contains("lack events").then_some(health)
    });
    assert_eq!(degraded["status"], "degraded");
    let last = (3..30).map(|at| lantern.send(at, Some("again"))).reduce(|_, last| last).unwrap();
    assert_eq!(without_ids(&hub.until("lantern", last)), told(&lantern));
    eventually("no hole", || (hub.figure("sprint_runner_team_holes")? == 0.0).then_some(()));
    // One that reads all of it later comes to the same.
    let other = Hub::on(&nats);
    assert_eq!(other.until("lantern", last), hub.log("lantern"));

    // Missing at the end: only presence tells.
    lantern.more(2);
    team.beat("lantern", "0a1b2c3d", 32);
    let asked = asks.next();
    assert_eq!(asked["after"], 30, "{asked}");
}

#[test]
fn a_stream_that_is_made_anew_gives_all_logs_other_names() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut old = Publisher::new(&team, "lantern", "0a1b2c3d");
    let mut gone = Publisher::new(&team, "harbour", "0a1b2c3d");
    gone.publish(3);
    let last = old.publish(20);
    let (one, other) = (Hub::on(&nats), Hub::on(&nats));
    one.until("lantern", last);
    other.until("lantern", last);
    let before = one.epoch("lantern").unwrap();
    team.delete_stream();
    team.make_stream();
    let last = (0..20).map(|at| old.send(at, None)).reduce(|_, last| last).unwrap();
    for hub in [&one, &other] {
        eventually("another name", || (hub.epoch("lantern")? != before).then_some(()));
        assert_eq!(without_ids(&hub.until("lantern", last)), told(&old));
        eventually("what the stream does not hold to be gone", || {
            hub.epoch("harbour").is_none().then_some(())
        });
    }
    assert_eq!(one.epoch("lantern"), other.epoch("lantern"));
}

fn copy(from: &Path, to: &Path) {
    let _ = fs::remove_dir_all(to);
    assert!(Command::new("cp").arg("-a").arg(from).arg(to).status().unwrap().success());
}

/// After a power cut a server of NATS may have lost what it had acknowledged, and gives the same
/// sequences to other events.
#[test]
fn a_stream_that_was_rewound_is_noticed_by_all_hubs_running_or_not() {
    let mut nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    let (one, mut other) = (Hub::on(&nats), Hub::on(&nats));
    let last = lantern.publish(10);
    one.until("lantern", last);
    nats.stop();
    let aside = tempfile::tempdir().unwrap();
    copy(&nats.store(), &aside.path().join("store"));
    nats.again();
    let last = lantern.publish(5);
    one.until("lantern", last);
    other.until("lantern", last);
    let before = one.epoch("lantern").unwrap();
    other.kill();
    nats.stop();
    copy(&aside.path().join("store"), &nats.store());
    nats.again();
    // Other events stand where the five stood.
    let mut harbour = Publisher::new(&team, "harbour", "00000002");
    harbour.publish(7);
    let last = (10..15).map(|at| lantern.send(at, None)).reduce(|_, last| last).unwrap();
    other.start();
    for hub in [&one, &other] {
        eventually("another name", || (hub.epoch("lantern")? != before).then_some(()));
        assert_eq!(without_ids(&hub.until("lantern", last)), told(&lantern));
        assert_eq!(without_ids(&hub.log("harbour")), told(&harbour));
    }
    assert_eq!(one.epoch("lantern"), other.epoch("lantern"));
    assert_eq!(one.log("lantern"), other.log("lantern"));
}

#[test]
fn without_nats_the_pages_go_on_and_nothing_is_said_to_be_reachable() {
    let mut nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    let last = lantern.publish(5);
    team.beat("lantern", "0a1b2c3d", 5);
    let mut hub = Hub::on(&nats);
    hub.until("lantern", last);
    let state = |hub: &Hub| {
        let told = hub.server().json("/api/projects")["projects"][0].clone();
        (told["state"].clone(), told["server"]["host"].clone())
    };
    eventually("a server that is heard", || (state(&hub).0 != "unreachable").then_some(()));
    assert_eq!(state(&hub).1, "ada");
    nats.stop();
    eventually("nobody to be heard", || (state(&hub).0 == "unreachable").then_some(()));
    eventually("the reason", || {
        let health = hub.server().json("/healthz");
        health["reasons"].to_string().contains("cannot be reached").then_some(())
    });
    assert_eq!(hub.log("lantern").len(), 5);
    // Also over a restart: what was read is shown at once.
    hub.kill();
    hub.start();
    assert_eq!(without_ids(&hub.until("lantern", last)), told(&lantern));
    assert_eq!(state(&hub).0, "unreachable");
    nats.again();
    let last = lantern.publish(5);
    assert_eq!(without_ids(&hub.until("lantern", last)), told(&lantern));
    team.beat("lantern", "0a1b2c3d", 10);
    eventually("it to be heard again", || (state(&hub).0 != "unreachable").then_some(()));
    eventually("all to be well", || {
        (hub.server().json("/healthz")["status"] == "ok").then_some(())
    });
}
