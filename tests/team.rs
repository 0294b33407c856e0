//! A team's sprints over NATS: what servers send, and what a hub makes of it.

mod apart;
mod away;
mod chaos;
mod control;
mod field;
mod hopper;
mod hub;
mod hub_clients;
mod hub_figures;
mod hub_hostile;
mod hub_lost;
mod outages;
mod publisher;
mod publishing;
mod stage;

use std::collections::BTreeMap;

use serde_json::Value;

use crate::support::nats::{Nats, Stored, stream};
use crate::support::project::{now_s, row};
use crate::support::{Project, Server, eventually};

/// Serves a project to the team `red`.
fn serve(project: &Project, nats: &str) -> Server {
    serve_with(project, nats, &[])
}

fn serve_with(project: &Project, nats: &str, further: &[&str]) -> Server {
    let mut arguments = vec!["--nats", nats, "--team", "red"];
    arguments.extend(further);
    Server::start_with(project.root(), &arguments)
}

/// Appends rows that have not been there, from this one on.
fn append(project: &Project, rows: std::ops::Range<usize>) {
    let base = now_s() - 100_000;
    let text: String = rows.map(|n| row(base, n)).collect();
    project.append(text.as_bytes());
}

/// What one who reads the stream by the rule has of each log: its name, and its events.
fn applied(messages: &[Stored]) -> BTreeMap<String, Vec<Value>> {
    let mut logs: BTreeMap<String, Vec<Value>> = BTreeMap::new();
    for message in messages {
        let log = logs.entry(message.epoch.clone()).or_default();
        let last = log.last().map_or(0, |it| it["id"].as_u64().unwrap());
        if message.previous <= last && last < message.id() {
            log.push(message.json());
        }
    }
    logs
}

/// Waits until so many rows are in this server's log, and the stream, read by the rule, is that log.
fn arrives(server: &Server, nats: &Nats, rows: usize) -> Vec<Stored> {
    eventually("a stream that has the whole log", || {
        let log = server.log_after(0);
        let messages = stream(&nats.url(), "sprint-red");
        let all = applied(&messages);
        let epoch = server.json("/healthz")["epoch"].as_str().unwrap().to_owned();
        let read = log.iter().filter(|it| it["source"] == "csv").count();
        (read >= rows && !log.is_empty() && all.get(&epoch) == Some(&log)).then_some(messages)
    })
}

/// What the server says ails it.
fn reasons(server: &Server) -> String {
    server.json("/healthz")["reasons"].to_string()
}

/// Waits until it says this.
fn says(server: &Server, what: &str) -> String {
    eventually(&format!("a server that says {what:?}"), || {
        let said = reasons(server);
        said.contains(what).then_some(said)
    })
}

/// Waits until nothing ails it.
fn is_well(server: &Server) {
    eventually("a server that is well", || {
        (server.json("/healthz")["status"] == "ok").then_some(())
    });
}
