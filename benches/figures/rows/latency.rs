//! How long an event is under way.

use std::io::Read as _;
use std::process::{Command, Stdio};

use anyhow::{Context as _, Result};

use super::{Bench, STORIES, Side};
use crate::feed::Feed;
use crate::load::{Kind, Marks, now_ns};
use crate::machine::{cpu_s, percentile};
use crate::peers::found;
use crate::process::Running;
use crate::table::{Aim, Figure, Peer};

/// p50 and p99 of each round, in milliseconds.
#[derive(Clone, Default)]
pub(super) struct Latency {
    pub(super) p50: Vec<f64>,
    pub(super) p99: Vec<f64>,
    /// Deliveries for each second of the server's processor.
    pub(super) per_cpu_s: Vec<f64>,
}

impl Latency {
    pub(super) fn add(&mut self, latencies_us: &mut [u32]) {
        self.p50.push(percentile(latencies_us, 0.50) / 1000.0);
        self.p99.push(percentile(latencies_us, 0.99) / 1000.0);
    }
}

impl Side {
    /// One round: so many events at this rate, to so many clients.
    pub(super) fn round(
        &mut self,
        clients: usize,
        events: usize,
        rate: u32,
        into: &mut Latency,
    ) -> Result<f64> {
        let mut clients_open = self.connect(Kind::Sse, clients)?;
        let wanted = (clients * events) as u64;
        let before = cpu_s(self.pid)?;
        let mut tally = self.run(&mut clients_open, wanted, |feed| feed.paced(events, rate))?;
        into.add(&mut tally.latencies_us);
        into.per_cpu_s.push(wanted as f64 / (cpu_s(self.pid)? - before).max(0.01));
        Ok(tally.client_share())
    }
}

/// The row `latency`.
pub(super) fn paced(bench: &mut Bench) -> Result<()> {
    let (clients, events) = bench.sized((1000, 200), (200, 40));
    let project = bench.project("latency", STORIES)?;
    let ours = bench.ours(&project)?;
    let nchan = bench.nchan()?;
    let mut sides = vec![(Side::ours(&ours, &project)?, Latency::default())];
    if let Some(nginx) = &nchan {
        sides.push((Side::nchan(nginx)?, Latency::default()));
    }
    for _ in 0..bench.rounds {
        for (side, latency) in &mut sides {
            side.round(clients, events, 20, latency)?;
        }
    }
    let mut sides = sides.into_iter().map(|(_, latency)| latency);
    let (ours, theirs) = (sides.next().unwrap_or_default(), sides.next());
    let note = "from append or POST to the client's read; ours is on the disk before";
    let what = |what: &str| format!("{clients} SSE clients, 20 events/s, {what}");
    for (measure, take) in MEASURES {
        let peer = theirs.as_ref().map(|runs| Peer::new(NCHAN, take(runs).clone()));
        let figure = Figure::new("latency", &what(measure), "ms", take(&ours).clone());
        bench.tell(figure.beside(peer).aim(Aim::BelowPeer).note(note));
    }
    let peer = theirs.map(|runs| Peer::new(NCHAN, runs.per_cpu_s));
    let figure = Figure::new("latency", &what("deliveries"), "per CPU s", ours.per_cpu_s);
    bench.tell(figure.beside(peer).note("one event at a time: nothing to send together"));
    Ok(())
}

const NCHAN: &str = "nginx + nchan, SSE";

/// The runs of one measure.
type Take = fn(&Latency) -> &Vec<f64>;

/// What is told of a latency.
const MEASURES: [(&str, Take); 2] =
    [("p50", |latency| &latency.p50), ("p99", |latency| &latency.p99)];

/// The row `append`.
pub(super) fn append(bench: &mut Bench) -> Result<()> {
    let events = bench.sized(5000, 1000);
    let project = bench.project("append", STORIES)?;
    let ours = bench.ours(&project)?;
    let mut side = Side::ours(&ours, &project)?;
    let tail = found("tail").is_some();
    if !tail {
        bench.leave_out("tail as a peer: it is not installed");
    }
    let (mut latency, mut theirs, mut share) = (Latency::default(), Latency::default(), 0.0);
    for _ in 0..bench.rounds {
        share = side.round(100, events, 500, &mut latency)?;
        if tail {
            theirs.add(&mut follow(bench, events)?);
        }
    }
    let rows = [("p50", latency.p50, theirs.p50, 0.5), ("p99", latency.p99, theirs.p99, 3.0)];
    for (what, ours, theirs, most) in rows {
        let peer = tail.then(|| Peer::new("`tail -F` alone, one reader", theirs));
        let what = format!("append to byte, 100 clients, 500/s, {what}");
        let figure = Figure::new("append", &what, "ms", ours).beside(peer).aim(Aim::AtMost(most));
        bench.tell(figure.note(format!("client {share:.2} of a core")));
    }
    Ok(())
}

/// What `tail -F` needs for the same rows.
fn follow(bench: &Bench, events: usize) -> Result<Vec<u32>> {
    let path = bench.scratch.join("followed.csv");
    std::fs::write(&path, "")?;
    let mut command = Command::new(found("tail").context("no tail")?);
    command.args(["-n", "+1", "-F"]).arg(&path).stdout(Stdio::piped()).stderr(Stdio::null());
    let mut running = Running::start(&bench.scratch, &mut command)?;
    let mut output = running.child.stdout.take().context("no standard output")?;
    let mut feed = Feed::log(&path)?;
    let (mut marks, mut latencies, mut buffer) = (Marks::default(), Vec::new(), vec![0; 65_536]);
    std::thread::scope(|scope| {
        let feeding = scope.spawn(move || feed.paced(events, 500));
        while latencies.len() < events {
            let length = output.read(&mut buffer)?;
            anyhow::ensure!(length > 0, "tail has ended");
            let now = now_ns();
            marks.read(&buffer[..length], |sent| {
                latencies.push((now.saturating_sub(sent) / 1000) as u32);
            });
        }
        feeding.join().map_err(|_| anyhow::anyhow!("the feed has panicked"))??;
        Ok(latencies)
    })
}
