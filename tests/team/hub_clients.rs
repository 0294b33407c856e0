//! Clients that go from one hub to another.

use std::sync::Arc;

use crate::support::nats::Nats;
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Dice, eventually};

use super::publisher::{Hub, Publisher, Team};

/// The ids of the events that a client sees until `last`, hopping at random.
fn sse_hops(hubs: [u16; 2], last: u64, seed: u64) -> Vec<u64> {
    let mut dice = Dice::new(seed);
    let mut ids = Vec::new();
    let mut cursor = "0".to_owned();
    while ids.last() != Some(&last) {
        let port = hubs[dice.below(2)];
        let Some(mut stream) = Sse::at(port, "/p/lantern/sse", Some(&cursor)) else { continue };
        let most = 1 + dice.below(30);
        for _ in 0..most {
            let Some(message) = stream.next() else { break };
            let kind = message.json["type"].as_str().unwrap();
            assert!(!["reset", "gap", "init"].contains(&kind), "{kind} at {cursor}");
            let Some(id) = message.json["id"].as_u64() else { continue };
            ids.push(id);
            cursor.clone_from(&message.id);
            if id == last {
                break;
            }
        }
    }
    ids
}

fn ws_hops(hubs: [u16; 2], epoch: &str, last: u64, seed: u64) -> Vec<u64> {
    let mut dice = Dice::new(seed);
    let mut ids: Vec<u64> = Vec::new();
    while ids.last() != Some(&last) {
        let port = hubs[dice.below(2)];
        let at = ids.last().copied().unwrap_or(0);
        let path = format!("/p/lantern/ws?last_event_id={epoch}:{at}");
        let Some(mut socket) = Ws::at(port, &path) else { continue };
        let most = 1 + dice.below(30);
        for _ in 0..most {
            let Some(message) = socket.next() else { break };
            let kind = message["type"].as_str().unwrap();
            assert!(!["reset", "gap", "init"].contains(&kind), "{kind} behind {at}");
            let Some(id) = message["id"].as_u64() else { continue };
            ids.push(id);
            if id == last {
                break;
            }
        }
    }
    ids
}

#[test]
fn a_client_that_goes_from_hub_to_hub_sees_each_event_once() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    let mut harbour = Publisher::new(&team, "harbour", "0a1b2c3d");
    let (one, other) = (Hub::on(&nats), Hub::on(&nats));
    let first = lantern.publish(1);
    let epoch = one.until("lantern", first).first().map(|_| one.epoch("lantern").unwrap()).unwrap();
    other.until("lantern", first);
    let ports = [one.port(), other.port()];
    let last = 401;
    let readers: Vec<_> = (0..4_u64)
        .map(|seed| {
            let epoch = epoch.clone();
            std::thread::spawn(move || match seed % 2 {
                0 => sse_hops(ports, last, seed + 1),
                _ => ws_hops(ports, &epoch, last, seed + 1),
            })
        })
        .collect();
    let mut sequences = vec![first];
    for _ in 0..200 {
        harbour.publish(1);
        sequences.push(lantern.publish(1));
    }
    assert_eq!(sequences.last(), Some(&last));
    for reader in readers {
        assert_eq!(reader.join().unwrap(), sequences);
    }
}

/// What one hub has shown already another may not have read yet: who comes from there waits.
#[test]
fn a_cursor_that_is_ahead_of_a_hub_is_waited_for() {
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let mut lantern = Publisher::new(&team, "lantern", "0a1b2c3d");
    let last = lantern.publish(3);
    let hub = Hub::on(&nats);
    hub.until("lantern", last);
    let epoch = hub.epoch("lantern").unwrap();
    let ahead = format!("{epoch}:{}", last + 1);
    let mut sse = Sse::at(hub.port(), "/p/lantern/sse", Some(&ahead)).unwrap();
    let mut ws = Ws::at(hub.port(), &format!("/p/lantern/ws?last_event_id={ahead}")).unwrap();
    eventually("both streams", || {
        let health = hub.server().json("/p/lantern/healthz");
        (health["clients"]["sse"] == 1 && health["clients"]["ws"] == 1).then_some(())
    });
    lantern.publish(1);
    let end = lantern.publish(1);
    let mut next = || loop {
        let message = sse.next().unwrap().json;
        if message["type"] != "server" {
            return message;
        }
    };
    assert_eq!(next()["id"], end);
    let message = loop {
        let message = ws.next().unwrap();
        if message["type"] != "server" {
            break message;
        }
    };
    assert_eq!(message["id"], end);
}
