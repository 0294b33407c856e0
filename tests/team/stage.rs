//! The servers that these tests stand on do what is asked of them.

use async_nats::jetstream::message::PublishMessage as Publish;

use crate::support::eventually;
use crate::support::nats::{Cluster, Nats, Stored, client, stream, within};

fn publish(url: &str, from: u64, to: u64) {
    // As often as it takes: the message's name keeps it from being stored twice.
    eventually("messages that are stored", || {
        within(async {
            let context = async_nats::jetstream::new(client(url).await?);
            for n in from..to {
                let message = Publish::build().message_id(n.to_string());
                let message = message.payload(format!("{{\"id\":{n}}}").into());
                context.send_publish("sprint.red.a.x", message).await.ok()?.await.ok()?;
            }
            Some(())
        })
    });
}

fn make(url: &str, replicas: usize) {
    within(async {
        let context = async_nats::jetstream::new(client(url).await?);
        let config = async_nats::jetstream::stream::Config {
            name: "sprint-red".to_owned(),
            subjects: vec!["sprint.red.*.*".to_owned()],
            num_replicas: replicas,
            ..Default::default()
        };
        context.create_stream(config).await.ok()
    })
    .expect("a stream");
}

fn ids(url: &str) -> Vec<u64> {
    stream(url, "sprint-red").iter().map(Stored::id).collect()
}

#[test]
fn a_server_that_is_killed_comes_back_with_what_it_had() {
    let mut nats = Nats::start();
    let other = Nats::start();
    assert_ne!(nats.port(), other.port());
    make(&nats.url(), 1);
    publish(&nats.url(), 0, 100);
    assert!(nats.pid().is_some());
    nats.kill();
    assert!(nats.pid().is_none());
    nats.again();
    publish(&nats.url(), 100, 110);
    nats.stop();
    nats.again();
    assert_eq!(ids(&nats.url()), (0..110).collect::<Vec<_>>());
    assert_eq!(ids(&other.url()), [0_u64; 0]);
}

#[test]
fn a_cluster_outlives_each_of_its_nodes() {
    let mut cluster = Cluster::start();
    make(&cluster.url(), 3);
    for at in 0..3_u64 {
        cluster.nodes[at as usize].kill();
        publish(&cluster.url(), 10 * at, 10 * (at + 1));
        cluster.nodes[at as usize].again();
        cluster.settle();
    }
    for node in &cluster.nodes {
        assert_eq!(ids(&node.url()), (0..30).collect::<Vec<_>>());
    }
}
