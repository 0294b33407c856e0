//! Bursts to many clients: how many deliveries a second, and what each costs the server.

use anyhow::Result;

use super::{Bench, STORIES, Side};
use crate::load::Kind;
use crate::machine::{cpu_s, median};
use crate::table::{Aim, Figure, Peer};

/// From here on the client's own core is what limits, not the server.
const CLIENT_IS_BUSY: f64 = 0.9;
const BURST: usize = 100;

/// What one side did in all rounds.
#[derive(Default)]
pub(super) struct Runs {
    pub(super) per_s: Vec<f64>,
    /// The server's processor time for each delivery, in microseconds.
    pub(super) cpu_us: Vec<f64>,
    pub(super) client_share: Vec<f64>,
    bytes: f64,
}

pub(super) fn measure(bench: &mut Bench) -> Result<()> {
    let project = bench.project("fanout", STORIES)?;
    let ours = bench.ours(&project)?;
    let nchan = bench.nchan()?;
    for (kind, what, times) in [(Kind::Sse, "SSE", 2.0), (Kind::Ws, "WebSocket", 1.5)] {
        let mut sides = vec![(Side::ours(&ours, &project)?, Runs::default())];
        if let Some(nginx) = &nchan {
            sides.push((Side::nchan(nginx)?, Runs::default()));
        }
        for _ in 0..bench.rounds {
            for (side, runs) in &mut sides {
                one(bench, side, kind, runs)?;
            }
        }
        let mut sides = sides.into_iter().map(|(_, runs)| runs);
        let Some(ours) = sides.next() else { continue };
        tell(bench, what, times, ours, sides.next());
    }
    Ok(())
}

pub(super) fn one(bench: &Bench, side: &mut Side, kind: Kind, runs: &mut Runs) -> Result<()> {
    let (count, bursts) = bench.sized((1000, 10), (200, 10));
    let mut clients = side.connect(kind, count)?;
    let before = cpu_s(side.pid)?;
    let wanted = (count * bursts * BURST) as u64;
    let tally =
        side.run(&mut clients, wanted, |feed| (0..bursts).try_for_each(|_| feed.burst(BURST)))?;
    let deliveries = tally.deliveries as f64;
    runs.per_s.push(deliveries / tally.took.as_secs_f64());
    runs.cpu_us.push((cpu_s(side.pid)? - before) / deliveries * 1e6);
    runs.client_share.push(tally.client_share());
    runs.bytes = tally.bytes as f64 / deliveries;
    Ok(())
}

fn tell(bench: &mut Bench, what: &str, times: f64, ours: Runs, theirs: Option<Runs>) {
    const NAME: &str = "nginx + nchan";
    let busy = |runs: &Runs| median(&runs.client_share) >= CLIENT_IS_BUSY;
    let either_busy = busy(&ours) || theirs.as_ref().is_some_and(busy);
    let describe = |runs: &Runs| {
        let (share, bytes) = (median(&runs.client_share), runs.bytes);
        format!("client {share:.2} of a core, {bytes:.0} bytes each")
    };
    let mut note = format!("ours: {}", describe(&ours));
    if let Some(theirs) = &theirs {
        note.push_str(&format!("; nchan: {}", describe(theirs)));
    }
    let theirs = theirs.unwrap_or_default();
    let peer = |runs: Vec<f64>| (!runs.is_empty()).then(|| Peer::new(NAME, runs));
    let rate = Figure::new("fanout", &format!("{what} deliveries"), "per s", ours.per_s);
    let rate = rate.beside(peer(theirs.per_s));
    // Deliveries per second of the server's processor: more is better, as above.
    let per_cpu = |runs: &[f64]| runs.iter().map(|us| 1e6 / us.max(1e-6)).collect::<Vec<_>>();
    let cpu =
        Figure::new("fanout", &format!("{what} deliveries"), "per CPU s", per_cpu(&ours.cpu_us));
    let cpu = cpu.beside(peer(per_cpu(&theirs.cpu_us)));
    if either_busy {
        bench.tell(rate.note(format!("{note}; the client was the limit: the next row is judged")));
        bench.tell(cpu.aim(Aim::Times(times)).note("the server's own processor time"));
    } else {
        bench.tell(rate.aim(Aim::Times(times)).note(note));
        bench.tell(cpu.note("the server's own processor time"));
    }
}
