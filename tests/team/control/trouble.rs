//! Servers that die, hubs that are cut off, many who ask at once.

use std::thread;

use rustix::process::Signal;

use super::hub::Hub;
use super::{SETTINGS, START, STOP, controlled, listened, serve};
use crate::support::bench::{Follower, doing};
use crate::support::nats::Nats;
use crate::support::{eventually, process};

#[test]
fn of_a_server_that_dies_meanwhile_it_is_said_that_nothing_is_known() {
    let nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    let text = std::fs::read_to_string(bench.project.root().join("sprint-runner.toml")).unwrap();
    bench.config(&text.replace("stop_grace_seconds = 0.5", "stop_grace_seconds = 600"));
    bench.plan("ignores-term", "");
    let server = serve(&bench, &hub);
    assert_eq!(hub.post(START, "{\"batch_size\":1}").status, 200);
    eventually("an agent that takes no hint", || (!bench.descendants().is_empty()).then_some(()));
    thread::scope(|scope| {
        let asked = scope.spawn(|| hub.post(STOP, "{\"mode\":\"now\"}"));
        eventually("a stop under way", || (doing(&server) == "stopping").then_some(()));
        server.kill();
        hub.knows(Some(1), true);
        let answer = asked.join().unwrap();
        assert_eq!(answer.status, 504, "{}", answer.text());
        assert!(answer.text().contains("not known"), "{}", answer.text());
    });
    assert_eq!(hub.post(STOP, "{}").status, 503);
    // Its agents are ended by the next start, and it is asked again as if nothing had been.
    bench.config(&text);
    hub.knows(None, true);
    let server = serve(&bench, &hub);
    eventually("a server at rest", || (doing(&server) == "idle").then_some(()));
    bench.nothing_alive();
}

#[test]
fn a_server_that_stands_still_does_nothing_later() {
    let nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    let server = serve(&bench, &hub);
    process::signal(server.pid(), Signal::STOP);
    eventually("a server that stands still", || {
        let all = process::threads(server.pid());
        let stands = |thread: &std::path::PathBuf| {
            let stat = std::fs::read_to_string(thread.join("stat")).unwrap_or_default();
            stat.rsplit_once(") ").is_some_and(|(_, rest)| rest.starts_with('T'))
        };
        all.iter().all(stands).then_some(())
    });
    let answer = hub.post(START, "{\"batch_size\":1}");
    assert_eq!(answer.status, 504, "{}", answer.text());
    assert!(answer.text().contains("nothing was done"), "{}", answer.text());
    process::signal(server.pid(), Signal::CONT);
    listened(&hub);
    assert_eq!(doing(&server), "idle");
    assert_eq!(super::audit(&server), [""; 0]);
}

#[test]
fn without_nats_it_is_said_at_once_and_nothing_is_sent_later() {
    let mut nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    let server = serve(&bench, &hub);
    nats.kill();
    eventually("the hub to see that NATS is away", || {
        let answer = hub.put(SETTINGS, "{\"default_max_cycles\":3}");
        (answer.status == 503).then_some(())
    });
    for _ in 0..5 {
        assert_eq!(hub.put(SETTINGS, "{\"default_max_cycles\":4}").status, 503);
    }
    // All that is local goes on.
    assert_eq!(server.json(SETTINGS)["default_max_cycles"], 2);
    nats.again();
    listened(&hub);
    assert_eq!(server.json(SETTINGS)["default_max_cycles"], 2);
    assert_eq!(super::audit(&server), [""; 0]);
    assert_eq!(hub.put(SETTINGS, "{\"default_max_cycles\":5}").status, 200);
}

#[test]
fn of_many_starts_at_once_one_is_carried_out() {
    let nats = Nats::start();
    let (bench, hubs) = (controlled(&nats), [Hub::new(&nats), Hub::new(&nats)]);
    bench.plan("hang", "");
    let server = serve(&bench, &hubs[0]);
    listened(&hubs[1]);
    let mut follower = Follower::open(&server);
    let answers: Vec<u16> = thread::scope(|scope| {
        let ask = |n: usize| {
            let hub = &hubs[n % 2];
            scope.spawn(move || hub.post(START, "{\"batch_size\":1}").status)
        };
        let asked: Vec<_> = (0..24).map(ask).collect();
        asked.into_iter().map(|one| one.join().unwrap()).collect()
    });
    let count = |status: u16| answers.iter().filter(|it| **it == status).count();
    assert_eq!(count(200), 1, "{answers:?}");
    // The others are told that one is running, or to come again; nobody is left without an answer.
    assert_eq!(count(409) + count(503), 23, "{answers:?}");
    follower.kind("batch:start");
    assert_eq!(hubs[1].post(STOP, "{\"mode\":\"now\"}").status, 200);
}

#[test]
fn of_two_servers_of_one_name_the_one_that_publishes_takes_the_orders() {
    let nats = Nats::start();
    let (first, second, hub) = (controlled(&nats), controlled(&nats), Hub::new(&nats));
    let mut one = serve(&first, &hub);
    let other = second.serve();
    eventually("a second server that waits", || {
        let reasons = other.json("/healthz")["reasons"].to_string();
        reasons.contains("another server publishes as lantern").then_some(())
    });
    for cycles in 3..13 {
        let set = hub.put(SETTINGS, &format!("{{\"default_max_cycles\":{cycles}}}"));
        assert_eq!(set.status, 200, "{}", set.text());
        assert_eq!(one.json(SETTINGS)["default_max_cycles"], cycles);
    }
    assert_eq!(other.json(SETTINGS)["default_max_cycles"], 2);
    assert_eq!(super::audit(&other), [""; 0]);
    assert!(one.terminate().success());
    eventually("the second server in its place", || {
        (hub.put(SETTINGS, "{\"default_max_cycles\":77}").status == 200).then_some(())
    });
    assert_eq!(other.json(SETTINGS)["default_max_cycles"], 77);
}
