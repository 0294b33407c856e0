//! What a hub takes: printed, not asserted.
//!
//! `SPRINT_RUNNER_HEAVY=1 EVENTS=1000000 PROJECTS=50 cargo test --release --test all figures_of_a_hub -- --nocapture`

use std::sync::Arc;
use std::time::Instant;

use crate::support::eventually_in;
use crate::support::heavy::heavy;
use crate::support::nats::Nats;

use super::publisher::{Hub, Publisher, Team};

fn number(name: &str, usual: u64) -> u64 {
    std::env::var(name).ok().and_then(|text| text.parse().ok()).unwrap_or(usual)
}

#[test]
fn figures_of_a_hub_with_fifty_projects() {
    if !heavy("figures_of_a_hub_with_fifty_projects", &[]) {
        return;
    }
    let (events, projects) = (number("EVENTS", 100_000), number("PROJECTS", 50));
    let nats = Nats::start();
    let team = Arc::new(Team::on(&nats));
    let begun = Instant::now();
    let mut all: Vec<Publisher> =
        (0..projects).map(|n| Publisher::new(&team, &format!("p{n}"), "0a1b2c3d")).collect();
    let each = events / projects;
    let mut last = 0;
    let mut left = each;
    while left > 0 {
        let now = left.min(200);
        for publisher in &mut all {
            last = publisher.publish_many(now);
        }
        left -= now;
    }
    println!("published {last} events in {:?}", begun.elapsed());
    let begun = Instant::now();
    let hub = Hub::on(&nats);
    let hour = std::time::Duration::from_secs(3600);
    eventually_in(hour, "all of it", || {
        let applied = hub.figure("sprint_runner_team_events_applied_total")?;
        (applied >= (each * projects) as f64).then_some(())
    });
    let took = begun.elapsed();
    let rate = (each * projects) as f64 / took.as_secs_f64();
    let pid = hub.server().pid();
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap().count();
    let files = std::fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let rss = hub.server().memory_kib();
    println!("rebuilt in {took:?}: {rate:.0} events/s, {projects} projects");
    println!("{rss} KiB, {threads} threads, {files} files");
}
