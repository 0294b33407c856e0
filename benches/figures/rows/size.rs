//! What grows with the size of things: stored events, clients, stories.

use anyhow::Result;

use super::latency::Latency;
use super::memory::at_rest;
use super::{Bench, Side};
use crate::ours::Project;
use crate::table::{Aim, Figure, Peer};

/// Above this a cost is not flat: machines are not that steady.
const FLAT: f64 = 1.5;

/// One size measured.
#[derive(Clone)]
struct Cost {
    latency: Latency,
    rss_mib: Vec<f64>,
}

pub(super) fn measure(bench: &mut Bench) -> Result<()> {
    stored(bench)?;
    clients(bench)?;
    stories(bench)
}

fn cost(bench: &Bench, project: &Project, clients: usize, rate: u32) -> Result<Cost> {
    let events = bench.sized(5, 2) * rate as usize;
    let mut cost = Cost { latency: Latency::default(), rss_mib: Vec::new() };
    for _ in 0..bench.rounds {
        let ours = bench.ours(project)?;
        cost.rss_mib.push(at_rest(ours.pid())?);
        let mut side = Side::ours(&ours, project)?;
        side.round(clients, events, rate, &mut cost.latency)?;
    }
    Ok(cost)
}

/// One row for each measure, beside the smallest of the same kind.
fn tell(bench: &mut Bench, what: &str, cost: Cost, small: Option<&Cost>, aim: Aim) {
    let small = |take: fn(&Cost) -> &Vec<f64>| {
        small.map(|cost| Peer::new("ours, the smallest size", take(cost).clone()))
    };
    let rows = [
        ("p50", "ms", cost.latency.p50, small(|cost| &cost.latency.p50)),
        ("p99", "ms", cost.latency.p99, small(|cost| &cost.latency.p99)),
        ("resident memory at rest", "MiB", cost.rss_mib, small(|cost| &cost.rss_mib)),
    ];
    for (measure, unit, ours, peer) in rows {
        let aim = if peer.is_some() { aim } else { Aim::None };
        let figure = Figure::new("size", &format!("{what}: {measure}"), unit, ours);
        bench.tell(figure.beside(peer).aim(aim));
    }
}

fn stored(bench: &mut Bench) -> Result<()> {
    let mut sizes = bench.sized(vec![10_000, 1_000_000], vec![10_000, 100_000]);
    if bench.huge {
        sizes.push(10_000_000);
    } else {
        bench.leave_out("10,000,000 stored events: ask for them with --huge");
    }
    let mut all: Vec<(u64, Cost)> = Vec::new();
    for events in sizes {
        let project = bench.stored(events)?;
        all.push((events, cost(bench, &project, 100, 100)?));
    }
    rows(
        bench,
        all,
        |events| format!("{events} stored events, 100 clients, 100/s"),
        Aim::Flat(FLAT),
    );
    Ok(())
}

fn clients(bench: &mut Bench) -> Result<()> {
    let mut all = Vec::new();
    for clients in bench.sized(vec![1, 100, 1000, 5000], vec![1, 100, 500]) {
        let project = bench.project("clients", super::STORIES)?;
        all.push((clients as u64, cost(bench, &project, clients, 20)?));
    }
    rows(bench, all, |clients| format!("{clients} clients, 20/s"), Aim::None);
    Ok(())
}

fn stories(bench: &mut Bench) -> Result<()> {
    let mut all = Vec::new();
    for stories in bench.sized(vec![10, 5000], vec![10, 1000]) {
        let project = bench.project("stories", stories)?;
        all.push((stories as u64, cost(bench, &project, 100, 100)?));
    }
    rows(bench, all, |stories| format!("{stories} stories, 100 clients, 100/s"), Aim::None);
    Ok(())
}

fn rows(bench: &mut Bench, all: Vec<(u64, Cost)>, name: fn(u64) -> String, aim: Aim) {
    let mut smallest: Option<Cost> = None;
    for (size, cost) in all {
        tell(bench, &name(size), cost.clone(), smallest.as_ref(), aim);
        smallest.get_or_insert(cost);
    }
}
