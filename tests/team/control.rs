//! Control from afar: a hub's HTTP side in this process, the real binary on the other end, the real
//! `nats-server` between them.

mod asking;
mod credentials;
mod hostile;
mod hub;
mod trouble;
mod whole;

use serde_json::Value;

use crate::support::bench::{Bench, STORIES, Toml};
use crate::support::nats::Nats;
use crate::support::{Server, eventually};

use hub::Hub;

const START: &str = "/api/orchestrator/start";
const STOP: &str = "/api/orchestrator/stop";
const SETTINGS: &str = "/api/settings";

/// A project whose server takes orders from the team `red`.
fn controlled(nats: &Nats) -> Bench {
    configured(&nats.url(), "control = true")
}

fn configured(url: &str, more: &str) -> Bench {
    let more = format!("[nats]\nurl = \"{url}\"\nteam = \"red\"\nproject = \"lantern\"\n{more}\n");
    Bench::with(STORIES, &Toml { more: &more, ..Toml::default() })
}

/// Serves it, and waits until it can be asked.
fn serve(bench: &Bench, hub: &Hub) -> Server {
    let server = bench.serve();
    listened(hub);
    server
}

/// Waits until somebody takes orders.
fn listened(hub: &Hub) {
    eventually("a server that takes orders", || (hub.get(SETTINGS).status == 200).then_some(()));
}

/// What the log says of orders from afar, in its order.
fn audit(server: &Server) -> Vec<String> {
    let from_afar = |event: &Value| {
        event["type"] == "batch:warning" && event["payload"]["warning_type"] == "from_afar"
    };
    let events = server.log_after(0);
    let message = |event: &Value| event["payload"]["message"].as_str().unwrap().to_owned();
    events.iter().filter(|event| from_afar(event)).map(message).collect()
}

/// Waits until the log says this much of them.
fn audited(server: &Server, lines: usize) -> Vec<String> {
    eventually("the log to say who asked", || {
        let told = audit(server);
        (told.len() >= lines).then_some(told)
    })
}
