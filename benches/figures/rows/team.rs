//! A team's events on their way: server, NATS, hub, client.

use std::fs;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::fanout::Runs;
use super::latency::Latency;
use super::{Bench, STORIES, Side, memory};
use crate::feed::Feed;
use crate::http::{self, address};
use crate::load::{Clients, Kind, now_ns};
use crate::machine::{cpu_s, peak_mib, threads};
use crate::nats::{self, Nats};
use crate::ours::{Ours, Project};
use crate::table::{Figure, Peer};

/// How many events a project of the row `team-memory` has.
const FEW: usize = 20;

impl Bench {
    fn nats(&mut self, count: usize) -> Result<Option<Nats>> {
        if nats::program().is_none() {
            self.leave_out("a team's rows: nats-server is not installed");
            return Ok(None);
        }
        Ok(Some(Nats::start(&self.scratch, count)?))
    }

    /// A hub with an empty cache.
    fn hub(&self, nats: &Nats) -> Result<Ours> {
        Ours::hub(&self.scratch, nats, &self.cache()?)
    }

    fn cache(&self) -> Result<PathBuf> {
        let cache = self.scratch.join("hub");
        if cache.exists() {
            fs::remove_dir_all(&cache)?;
        }
        Ok(cache)
    }

    /// One server for each of so many projects, and all of them on a hub.
    fn team(&self, nats: &Nats, hub: &Ours, count: usize) -> Result<Vec<(Project, Ours)>> {
        let mut team = Vec::new();
        for n in 0..count {
            let project = self.project(&format!("t{n}"), STORIES)?;
            let server = Ours::publishing(&self.scratch, &project, nats)?;
            team.push((project, server));
        }
        for n in 0..count {
            let path = format!("/p/t{n}/api/events?limit=1");
            http::until("a project on the hub", Duration::from_secs(60), || {
                Ok(http::json(hub.port, &path).ok().filter(|page| page["head"] != 0))
            })?;
        }
        Ok(team)
    }
}

fn path(name: &str, kind: Kind) -> String {
    format!("/p/{name}/{}", if kind == Kind::Sse { "sse" } else { "ws" })
}

/// The row `team-rate`: rows that come all at once, until a client of the hub has the last.
pub(super) fn rate(bench: &mut Bench) -> Result<()> {
    for (publishers, events) in [(1, bench.sized(50_000, 2_000)), (10, bench.sized(5_000, 500))] {
        for nodes in [1, 3] {
            let Some(nats) = bench.nats(nodes)? else { return Ok(()) };
            let hub = bench.hub(&nats)?;
            let team = bench.team(&nats, &hub, publishers)?;
            let (mut per_s, mut hub_us) = (Vec::new(), Vec::new());
            for _ in 0..bench.rounds {
                let paths = (0..publishers).map(|n| path(&format!("t{n}"), Kind::Sse));
                let mut clients = Clients::connect_each(address(hub.port), Kind::Sse, paths)?;
                clients.settle(Duration::from_millis(500))?;
                let (before, since_ns) = (cpu_s(hub.pid())?, now_ns());
                for (project, _) in &team {
                    Feed::log(&project.log())?.burst(events)?;
                }
                let wanted = (events * publishers) as u64;
                let tally = clients.receive(wanted, since_ns)?;
                per_s.push(wanted as f64 / tally.took.as_secs_f64());
                hub_us.push((cpu_s(hub.pid())? - before) / wanted as f64 * 1e6);
            }
            let cluster = if nodes == 1 { "one nats-server" } else { "cluster of 3, replicas 3" };
            let what = format!("{publishers} publishers × {events} at once, {cluster}");
            bench.tell(
                Figure::new("team-rate", &what, "events/s", per_s)
                    .note("from the first row's append to the last event at a client of the hub"),
            );
            let what = format!("the hub's processor, {publishers} publishers, {cluster}");
            bench.tell(Figure::new("team-rate", &what, "µs an event", hub_us));
        }
    }
    Ok(())
}

/// The row `team-fanout`: the same bursts to clients of the hub and to those of its server.
pub(super) fn fanout(bench: &mut Bench) -> Result<()> {
    let Some(nats) = bench.nats(1)? else { return Ok(()) };
    let hub = bench.hub(&nats)?;
    let team = bench.team(&nats, &hub, 1)?;
    let (project, server) = &team[0];
    let (mut of_hub, mut of_server) = (Runs::default(), Runs::default());
    let (mut afar, mut near) = (Side::hub(&hub, project, "t0")?, Side::ours(server, project)?);
    for _ in 0..bench.rounds {
        super::fanout::one(bench, &mut afar, Kind::Sse, &mut of_hub)?;
        super::fanout::one(bench, &mut near, Kind::Sse, &mut of_server)?;
    }
    let clients = bench.sized(1000, 200);
    let note = format!(
        "client {:.2} of a core at the hub, {:.2} at the server",
        crate::machine::median(&of_hub.client_share),
        crate::machine::median(&of_server.client_share)
    );
    let peer = |runs: &[f64]| Some(Peer::new("its server's own clients", runs.to_vec()));
    let what = format!("deliveries to {clients} SSE clients of a hub");
    let figure = Figure::new("team-fanout", &what, "per s", of_hub.per_s.clone());
    bench.tell(figure.beside(peer(&of_server.per_s)).note(note));
    let per_cpu = |runs: &[f64]| runs.iter().map(|us| 1e6 / us.max(1e-6)).collect::<Vec<_>>();
    let figure = Figure::new("team-fanout", &what, "per CPU s", per_cpu(&of_hub.cpu_us));
    bench.tell(figure.beside(peer(&per_cpu(&of_server.cpu_us))));
    Ok(())
}

/// The row `team-latency`: one event at a time, to clients here and there.
pub(super) fn latency(bench: &mut Bench) -> Result<()> {
    let events = bench.sized(400, 40);
    for nodes in [1, 3] {
        let Some(nats) = bench.nats(nodes)? else { return Ok(()) };
        let hub = bench.hub(&nats)?;
        let team = bench.team(&nats, &hub, 1)?;
        let (project, server) = &team[0];
        let (mut afar, mut near) = (Side::hub(&hub, project, "t0")?, Side::ours(server, project)?);
        let (mut of_hub, mut of_server) = (Latency::default(), Latency::default());
        for _ in 0..bench.rounds {
            afar.round(10, events, 50, &mut of_hub)?;
            near.round(10, events, 50, &mut of_server)?;
        }
        let cluster = if nodes == 1 { "one nats-server" } else { "cluster of 3" };
        let rows = [("p50", of_hub.p50, of_server.p50), ("p99", of_hub.p99, of_server.p99)];
        for (what, ours, theirs) in rows {
            let what = format!("append to byte at a hub's client, 50/s, {cluster}, {what}");
            let peer = Some(Peer::new("its server's direct stream", theirs));
            bench.tell(Figure::new("team-latency", &what, "ms", ours).beside(peer));
        }
    }
    Ok(())
}

/// The row `team-rebuild`: a million events of one project, into the stream and out of it again.
pub(super) fn rebuild(bench: &mut Bench) -> Result<()> {
    let rows = bench.sized(1_000_000, 50_000);
    let Some(nats) = bench.nats(1)? else { return Ok(()) };
    let project = bench.project("t0", STORIES)?;
    project.write_log(rows)?;
    let start = Instant::now();
    let server = Ours::publishing(&bench.scratch, &project, &nats)?;
    let patience = Duration::from_secs(120 + rows / 1_000);
    http::until("the stream to hold all", patience, || {
        Ok((nats.messages()? >= rows).then_some(()))
    })?;
    let per_s = rows as f64 / start.elapsed().as_secs_f64();
    let what = format!("{rows} rows read for the first time and sent");
    bench.tell(Figure::new("team-rebuild", &what, "events/s", vec![per_s]).note("once"));
    let stored = nats.messages()?;
    ensure!(stored < rows + rows / 100 + 100, "{stored} messages: many were sent twice");
    drop(server);
    let (mut seconds, mut peaks, mut disk) = (Vec::new(), Vec::new(), Vec::new());
    for _ in 0..bench.rounds {
        let start = Instant::now();
        let hub = bench.hub(&nats)?;
        http::until("the hub to have all", patience, || {
            let page = http::json(hub.port, "/p/t0/api/events?limit=1").ok();
            let head = page.and_then(|page| page["head"].as_u64()).unwrap_or(0);
            Ok((head >= stored).then_some(()))
        })?;
        seconds.push(start.elapsed().as_secs_f64());
        peaks.push(peak_mib(hub.pid())?);
        disk.push(size_of(&bench.scratch.join("hub"))? as f64 / 1e6);
    }
    let what = format!("a hub without its cache reads {stored} events");
    bench.tell(Figure::new("team-rebuild", &what, "s", seconds));
    bench.tell(Figure::new("team-rebuild", "peak memory meanwhile", "MiB", peaks));
    bench.tell(Figure::new("team-rebuild", "its cache then", "MB", disk));
    let stream = size_of(&bench.scratch.join("nats"))? as f64 / 1e6;
    bench.tell(Figure::new("team-rebuild", "the stream's files", "MB", vec![stream]));
    Ok(())
}

/// The row `team-memory`: what a project costs a hub that has just read all of them.
pub(super) fn projects(bench: &mut Bench) -> Result<()> {
    let events = few(bench)?;
    for count in [1, 50, bench.sized(500, 100)] {
        let (mut memory, mut thread, mut seconds) = (Vec::new(), Vec::new(), Vec::new());
        for _ in 0..bench.rounds {
            let Some(nats) = bench.nats(1)? else { return Ok(()) };
            nats.send(&events, count)?;
            let start = Instant::now();
            let hub = bench.hub(&nats)?;
            let last = format!("/p/m{}/api/events?limit=1", count - 1);
            let wanted = (count * events.len()) as u64;
            http::until("all projects", Duration::from_secs(240), || {
                let page = http::json(hub.port, &last).ok();
                Ok(page.filter(|page| page["head"].as_u64() >= Some(wanted)))
            })?;
            seconds.push(start.elapsed().as_secs_f64());
            memory.push(memory::at_rest(hub.pid())?);
            thread.push(threads(hub.pid())? as f64);
        }
        let what = |what: &str| format!("a hub of {count} projects with {FEW} rows each: {what}");
        bench.tell(Figure::new("team-memory", &what("resident memory"), "MiB", memory));
        bench.tell(Figure::new("team-memory", &what("threads"), "", thread));
        bench.tell(Figure::new("team-memory", &what("start to last event"), "s", seconds));
    }
    Ok(())
}

/// Events as a server of ours makes them.
fn few(bench: &Bench) -> Result<Vec<String>> {
    let project = bench.project("few", STORIES)?;
    project.write_log(FEW as u64)?;
    let ours = bench.ours(&project)?;
    ours.until_head(FEW as u64)?;
    let text = String::from_utf8(http::get(ours.port, "/api/export")?)?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// What lies in a folder, in bytes.
fn size_of(folder: &std::path::Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let about = entry.metadata()?;
        sum += if about.is_dir() { size_of(&entry.path())? } else { about.len() };
    }
    Ok(sum)
}

impl Side {
    fn hub(hub: &Ours, project: &Project, name: &str) -> Result<Self> {
        let feed = Feed::log(&project.log())?;
        Ok(Self { port: hub.port, pid: hub.pid(), feed, base: format!("/p/{name}") })
    }
}
