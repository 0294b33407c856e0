//! Memory: of idle clients, and of a server at rest.

use std::time::Duration;

use anyhow::Result;

use super::{Bench, STORIES, Side};
use crate::load::Kind;
use crate::machine::{median, rss_mib};
use crate::ours::binary;
use crate::peers::Nginx;
use crate::table::{Aim, Figure, Peer};

/// Allocators give back late, and take in steps.
const REST: Duration = Duration::from_secs(2);

/// Of one side: what each further client costs, and all of them beside none; in KiB.
#[derive(Default)]
struct PerClient {
    each: Vec<f64>,
    with_first: Vec<f64>,
}

/// The row `memory`: each round has servers of its own, so that nothing is left of the round before.
pub(super) fn clients(bench: &mut Bench) -> Result<()> {
    // Many: the first of them live in what the start has freed.
    let count = bench.sized(5000, 2500);
    for (kind, what, most) in [(Kind::Sse, "SSE", 12.0), (Kind::Ws, "WebSocket", 8.0)] {
        let (mut mine, mut theirs) = (PerClient::default(), PerClient::default());
        for _ in 0..bench.rounds {
            let project = bench.project("memory", STORIES)?;
            let ours = bench.ours(&project)?;
            mine.round(&Side::ours(&ours, &project)?, kind, count)?;
            drop(ours);
            if let Some(nginx) = bench.nchan()? {
                theirs.round(&Side::nchan(&nginx)?, kind, count)?;
            }
        }
        let peer = |runs: Vec<f64>| (!runs.is_empty()).then(|| Peer::new("nginx + nchan", runs));
        let first = count / FIRST;
        let figure =
            Figure::new("memory", &format!("a further idle {what} client"), "KiB", mine.each);
        let note = format!("client {first} to {count}; resident, without the kernel's buffers");
        bench.tell(figure.beside(peer(theirs.each)).aim(Aim::AtMost(most)).note(note));
        let what = format!("{count} idle {what} clients beside none, each");
        let figure = Figure::new("memory", &what, "KiB", mine.with_first);
        bench.tell(figure.beside(peer(theirs.with_first)).note("with what the first of them make"));
    }
    Ok(())
}

/// So many times fewer clients are there when the count begins.
const FIRST: usize = 5;

impl PerClient {
    fn round(&mut self, side: &Side, kind: Kind, count: usize) -> Result<()> {
        std::thread::sleep(REST);
        let none = rss_mib(side.pid)?;
        let mut first = side.connect(kind, count / FIRST)?;
        first.settle(REST)?;
        let some = rss_mib(side.pid)?;
        let mut rest = side.connect(kind, count - count / FIRST)?;
        rest.settle(REST)?;
        let all = rss_mib(side.pid)?;
        self.each.push((all - some) * 1024.0 / (count - count / FIRST) as f64);
        self.with_first.push((all - none) * 1024.0 / count as f64);
        Ok(())
    }
}

/// The row `idle`.
pub(super) fn idle(bench: &mut Bench) -> Result<()> {
    let (mut ours_mib, mut theirs_mib) = (Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let project = bench.project("idle", STORIES)?;
        let ours = bench.ours(&project)?;
        std::thread::sleep(REST);
        ours_mib.push(rss_mib(ours.pid())?);
        if let Some(nginx) = bench.nchan()? {
            std::thread::sleep(REST);
            theirs_mib.push(both(&nginx)?);
        }
    }
    let peer = (!theirs_mib.is_empty()).then(|| Peer::new("nginx + nchan", theirs_mib));
    let figure = Figure::new("idle", "resident memory at rest", "MiB", ours_mib);
    let note = "of nginx master and worker; the older Python server had 40 MB (recorded elsewhere)";
    bench.tell(figure.beside(peer).aim(Aim::AtMost(15.0)).note(note));
    let size = std::fs::metadata(binary())?.len() as f64 / 1e6;
    bench.tell(Figure::new("idle", "the binary", "MB", vec![size]).aim(Aim::AtMost(15.0)));
    Ok(())
}

fn both(nginx: &Nginx) -> Result<f64> {
    Ok(rss_mib(nginx.master())? + rss_mib(nginx.worker)?)
}

/// The median of what a server holds, looked at a few times.
pub(super) fn at_rest(pid: u32) -> Result<f64> {
    let mut seen = Vec::new();
    for _ in 0..3 {
        std::thread::sleep(REST / 2);
        seen.push(rss_mib(pid)?);
    }
    Ok(median(&seen))
}
