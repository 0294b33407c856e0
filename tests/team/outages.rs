//! NATS that is away, servers that die: the log is whole in the stream in the end, and nothing here
//! waits for it.

use std::sync::atomic::{AtomicBool, Ordering};

use serde_json::Value;

use super::{append, applied, arrives, is_well, reasons, says, serve};
use crate::support::nats::{Cluster, Nats, stream};
use crate::support::server::binary;
use crate::support::{Project, eventually};

#[test]
fn while_nats_is_away_all_else_is_as_usual_and_then_all_arrives() {
    let (mut nats, project) = (Nats::start(), Project::new());
    nats.stop();
    let server = serve(&project, &nats.url());
    append(&project, 0..200);
    let count = eventually("rows in the log", || {
        let log = server.log_after(0);
        (log.iter().filter(|it| it["source"] == "csv").count() >= 200).then_some(log.len())
    });
    let said = says(&server, "cannot be reached");
    assert!(said.contains(&format!("{count} events wait")), "{said}");
    nats.again();
    arrives(&server, &nats);
    is_well(&server);
    // And in between, with nothing lost of what was on its way.
    for round in 1..4 {
        append(&project, 200 * round..200 * round + 100);
        nats.kill();
        append(&project, 200 * round + 100..200 * (round + 1));
        says(&server, "cannot be reached");
        nats.again();
        arrives(&server, &nats);
        is_well(&server);
    }
}

#[test]
fn a_server_that_is_killed_again_and_again_loses_nothing() {
    let (nats, project) = (Nats::start(), Project::new());
    for round in 0..12 {
        let server = serve(&project, &nats.url());
        append(&project, 150 * round..150 * (round + 1));
        let from = stream(&nats.url(), "sprint-red").len();
        // In the middle of it.
        eventually("some of it on its way", || {
            (stream(&nats.url(), "sprint-red").len() > from + 10 * round).then_some(())
        });
        server.kill();
    }
    let server = serve(&project, &nats.url());
    let messages = arrives(&server, &nats);
    let output = binary().arg("export").arg("-C").arg(project.root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    let exported: Vec<Value> =
        text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    let logs = applied(&messages);
    assert_eq!(logs.len(), 1, "one log, by one name");
    assert_eq!(logs.values().next(), Some(&exported));
    assert!(exported.len() >= 12 * 150);
}

#[test]
fn a_stream_that_was_made_anew_is_sent_all() {
    let (mut nats, project) = (Nats::start(), Project::new());
    let server = serve(&project, &nats.url());
    append(&project, 0..50);
    arrives(&server, &nats);
    nats.stop();
    std::fs::remove_dir_all(nats.store()).unwrap();
    append(&project, 50..100);
    nats.again();
    arrives(&server, &nats);
}

#[test]
fn each_node_of_a_cluster_may_die_while_events_are_sent() {
    let (mut cluster, project) = (Cluster::start(), Project::new());
    let text = "[nats]\nreplicas = 3\n";
    std::fs::write(project.root().join("sprint-runner.toml"), text).unwrap();
    let server = serve(&project, &cluster.url());
    is_well(&server);
    let over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            for n in 0..600 {
                append(&project, n..n + 1);
                std::thread::park_timeout(std::time::Duration::from_millis(10));
            }
            over.store(true, Ordering::Release);
        });
        for at in 0..3 {
            cluster.nodes[at].kill();
            cluster.nodes[at].again();
            cluster.settle();
        }
    });
    assert!(over.load(Ordering::Acquire));
    eventually("the whole log in every node's stream", || {
        let log = server.log_after(0);
        let whole = cluster.nodes.iter().all(|node| {
            let all = applied(&stream(&node.url(), "sprint-red"));
            all.values().next() == Some(&log)
        });
        whole.then_some(())
    });
    assert_eq!(reasons(&server), "[]");
}
