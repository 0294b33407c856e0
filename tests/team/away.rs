//! NATS is away, or comes back without what it had said it kept; a hub's cache is lost.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use super::chaos::until_moving;
use super::field::{Field, append};
use super::hopper::Hoppers;
use crate::support::heavy::heavy;
use crate::support::nats::{Cluster, Nats};
use crate::support::sse::Sse;
use crate::support::{Dice, Server, eventually, http};

/// Rows that one project gets to see how long they are under way.
const ONE_BY_ONE: usize = 40;

/// However well the machine is: what takes longer than so, something stands in the way of.
const SLACK: Duration = Duration::from_millis(250);

fn append_all(field: &Field, from: usize, to: usize) {
    let mut dice = Dice::new(from as u64 + 1);
    field.names.iter().for_each(|name| append(&field.csv(name), from, to, &mut dice));
}

/// From the append of a row to the byte at a client of its own server: the median.
fn append_to_byte(server: &Server, field: &Field, name: &str, rows: usize) -> Duration {
    let mut sse = Sse::at(server.port(), &format!("/p/{name}/sse"), None).unwrap();
    assert_eq!(sse.next().unwrap().json["type"], "init");
    let mut took = Vec::new();
    for n in rows..rows + ONE_BY_ONE {
        let start = Instant::now();
        let mut dice = Dice::new(1);
        append(&field.csv(name), n, n + 1, &mut dice);
        let wanted = format!("row {n}");
        while sse.next().expect("the row").json["payload"]["message"] != *wanted {}
        took.push(start.elapsed());
    }
    took.sort();
    took[took.len() / 2]
}

/// Nothing of the server itself suffers.
fn local_use(server: &Server, name: &str) {
    for path in ["api/snapshot", "api/events?limit=10", "api/batches", "api/sprint-status", ""] {
        let answer = server.get(&format!("/p/{name}/{path}"));
        assert_eq!(answer.status, 200, "{path}: {}", answer.text());
    }
    assert_eq!(server.get("/api/projects").status, 200);
    assert_eq!(server.get("/healthz").status, 200);
}

/// The server says that it cannot send; a hub that nobody can reach it.
fn said(field: &Field) {
    let server = field.server_of("p00");
    eventually("a word of the publisher", || {
        server.get("/p/p00/healthz").text().contains("NATS").then_some(())
    });
    let hub = field.hubs[0].port;
    eventually("a word of the hub", || {
        let told = http::get(hub, "/api/projects").json();
        let all = told["projects"].as_array().unwrap().clone();
        all.iter().all(|it| it["state"] == "unreachable").then_some(())
    });
    for name in &field.names {
        assert_eq!(http::get(hub, &format!("/p/{name}/api/snapshot")).status, 200);
    }
}

fn nats_away(away: Duration, rows: usize) {
    let mut nats = Nats::start();
    let mut field = Field::new(&nats.url(), 1, 5, 2);
    field.start_servers();
    let hub = field.add_hub();
    field.until_shown(0);
    let clients = Hoppers::start(&[hub], &field.names, 5);
    append_all(&field, 0, rows);
    until_moving(&field, rows);
    let name = "p00";
    let usual = append_to_byte(field.server_of(name), &field, name, rows);
    nats.kill();
    let gone = Instant::now();
    // The others go on too, so that what waits is more than what is under way at once.
    let before = rows + ONE_BY_ONE;
    let mut dice = Dice::new(4);
    for other in &field.names[1..] {
        append(&field.csv(other), rows, before, &mut dice);
    }
    let without = append_to_byte(field.server_of(name), &field, name, before);
    println!("append to byte: {usual:?} with NATS, {without:?} without");
    assert!(without < usual * 4 + SLACK, "{usual:?} with NATS, {without:?} without");
    for other in &field.names[1..] {
        append(&field.csv(other), before, before + ONE_BY_ONE, &mut dice);
    }
    let rows = before + ONE_BY_ONE;
    said(&field);
    eventually("that it was away for long enough", || {
        field.names.iter().for_each(|name| local_use(field.server_of(name), name));
        (gone.elapsed() >= away).then_some(())
    });
    field.until_read(rows);
    nats.again();
    let agreed = field.agree();
    clients.saw(&agreed);
    eventually("all well again", || {
        let told = http::get(hub, "/api/projects").json();
        let all = told["projects"].as_array().unwrap().clone();
        all.iter().all(|it| it["state"] != "unreachable").then_some(())
    });
}

#[test]
fn nats_away_for_a_moment_is_no_matter_for_local_use_and_then_all_arrives() {
    nats_away(Duration::from_secs(2), 60);
}

#[test]
fn team_nats_away_for_a_minute() {
    if !heavy("team_nats_away_for_a_minute", &[]) {
        return;
    }
    nats_away(Duration::from_secs(60), 5_000);
}

#[test]
fn a_hub_without_its_cache_reads_all_again_and_agrees() {
    let nats = Nats::start();
    let mut field = Field::new(&nats.url(), 1, 3, 1);
    field.start_servers();
    let hubs = [field.add_hub(), field.add_hub()];
    (0..2).for_each(|hub| field.until_shown(hub));
    let clients = Hoppers::start(&hubs, &field.names, 4);
    append_all(&field, 0, 200);
    until_moving(&field, 100);
    field.kill_hub(0);
    field.lose_cache(0);
    append_all(&field, 200, 300);
    field.start_hub(0);
    field.until_read(300);
    let agreed = field.agree();
    // Their cursors stay good: what is made again is the same.
    clients.saw(&agreed);
    // And one that comes only now.
    field.add_hub();
    assert!(field.agree() == agreed);
}

#[test]
fn three_nodes_killed_at_once_come_back_and_all_arrives() {
    let mut cluster = Cluster::start();
    let mut field = Field::new(&cluster.url(), 3, 4, 2);
    field.start_servers();
    let hubs = [field.add_hub(), field.add_hub()];
    (0..2).for_each(|hub| field.until_shown(hub));
    let clients = Hoppers::start(&hubs, &field.names, 4);
    append_all(&field, 0, 300);
    until_moving(&field, 20);
    cluster.nodes.iter_mut().for_each(Nats::kill);
    append_all(&field, 300, 500);
    for node in &mut cluster.nodes {
        node.launch_again();
    }
    cluster.nodes.iter_mut().for_each(Nats::until_up);
    cluster.settle();
    field.until_read(500);
    let agreed = field.agree();
    clients.saw(&agreed);
}

/// What the disk had not got is gone: the store is as it was a while ago, and every message since,
/// though it was acknowledged, is not there.
#[test]
fn what_nats_has_lost_is_sent_again_and_hubs_agree() {
    let mut nats = Nats::start();
    let mut field = Field::new(&nats.url(), 1, 3, 1);
    field.start_servers();
    field.add_hub();
    field.add_hub();
    (0..2).for_each(|hub| field.until_shown(hub));
    append_all(&field, 0, 100);
    until_moving(&field, 100);
    nats.kill();
    let kept = tempfile::tempdir().unwrap();
    copy(&nats.store(), kept.path());
    nats.again();
    append_all(&field, 100, 250);
    field.until_read(250);
    let before = field.agree();
    nats.kill();
    fs::remove_dir_all(nats.store()).unwrap();
    copy(kept.path(), &nats.store());
    nats.again();
    append_all(&field, 250, 300);
    field.until_read(300);
    let after = field.agree();
    assert!(before.iter().all(|(name, log)| log.len() < after[name].len()));
}

/// A stream that somebody has deleted: the publishers' logs are the truth.
#[test]
fn a_store_that_is_gone_is_filled_again() {
    let mut nats = Nats::start();
    let mut field = Field::new(&nats.url(), 1, 3, 1);
    field.start_servers();
    field.add_hub();
    field.add_hub();
    (0..2).for_each(|hub| field.until_shown(hub));
    append_all(&field, 0, 150);
    field.until_read(150);
    field.agree();
    nats.kill();
    fs::remove_dir_all(nats.store()).unwrap();
    nats.again();
    field.agree();
    append_all(&field, 150, 200);
    field.until_read(200);
    field.agree();
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}
