//! Requests a second, and for each second of the server's processor.

use anyhow::Result;

use super::{Bench, STORIES};
use crate::http;
use crate::machine::cpu_s;
use crate::ours::Ours;
use crate::peers::{Nginx, found, nginx, wrk};
use crate::table::{Aim, Figure, Peer};

/// Of one side, in all rounds.
#[derive(Default)]
struct Runs {
    per_s: Vec<f64>,
    per_cpu_s: Vec<f64>,
}

impl Runs {
    fn round(&mut self, port: u16, pid: u32, path: &str, seconds: u64) -> Result<()> {
        let before = cpu_s(pid)?;
        let (all, per_s) = wrk(port, path, seconds)?;
        // To a hundredth: less than one cannot be told from it.
        let used = (cpu_s(pid)? - before).max(0.01);
        self.per_s.push(per_s);
        self.per_cpu_s.push(all / used);
        Ok(())
    }
}

pub(super) fn measure(bench: &mut Bench) -> Result<()> {
    if found("wrk").is_none() {
        bench.leave_out("the row web: wrk is not installed");
        return Ok(());
    }
    let seconds = bench.sized(4, 1);
    let batches = bench.sized(1000, 100);
    let project = bench.project("web", STORIES)?;
    project.write_batches(batches)?;
    let ours = bench.ours(&project)?;
    // Start and end of each batch and of its task.
    ours.until_head(4 * batches - 2)?;
    ours.until_quiet()?;
    let api = [
        ("/api/sprint-status".to_owned(), 151.0, 100.0),
        ("/api/batches?limit=20".to_owned(), 3_382.0, 10.0),
    ];
    for (path, recorded, times) in api {
        let mut runs = Runs::default();
        for _ in 0..bench.rounds {
            runs.round(ours.port, ours.pid(), &path, seconds)?;
        }
        let figure = Figure::new("web", &format!("`{path}`"), "requests/s", runs.per_s);
        bench.tell(figure.beside(Some(Peer::recorded(recorded))).aim(Aim::Times(times)));
        let figure = Figure::new("web", &format!("`{path}`"), "per CPU s", runs.per_cpu_s);
        bench.tell(figure.note("up to 2 worker threads"));
    }
    files(bench, &ours, seconds)
}

/// The page and two of its files, beside nginx with the same bytes.
fn files(bench: &mut Bench, ours: &Ours, seconds: u64) -> Result<()> {
    let peer = if nginx().is_some() {
        Some(Nginx::start(&bench.scratch, false)?)
    } else {
        bench.leave_out("nginx as a peer: it is not installed");
        None
    };
    let page = http::get(ours.port, "/")?;
    let text = String::from_utf8_lossy(&page).into_owned();
    let mut paths = vec!["/".to_owned()];
    paths.extend(["css", "js"].iter().filter_map(|kind| linked(&text, kind)));
    for path in paths {
        let bytes = http::get(ours.port, &path)?;
        let (mut runs, mut theirs) = (Runs::default(), Runs::default());
        if let Some(nginx) = &peer {
            nginx.put(if path == "/" { "index.html" } else { &path[1..] }, &bytes)?;
        }
        for _ in 0..bench.rounds {
            runs.round(ours.port, ours.pid(), &path, seconds)?;
            if let Some(nginx) = &peer {
                theirs.round(nginx.port, nginx.worker, &path, seconds)?;
            }
        }
        let size = bytes.len();
        let pairs = [
            ("requests/s", runs.per_s, theirs.per_s, Aim::Times(1.0)),
            ("per CPU s", runs.per_cpu_s, theirs.per_cpu_s, Aim::None),
        ];
        for (unit, ours, theirs, aim) in pairs {
            let peer = peer.as_ref().map(|_| Peer::new("nginx, one worker", theirs));
            let figure = Figure::new("web", &format!("`{path}`"), unit, ours).beside(peer).aim(aim);
            bench.tell(figure.note(format!("{size} bytes; ours: up to 2 worker threads")));
        }
    }
    Ok(())
}

/// The first file of a kind that the page asks for.
fn linked(page: &str, kind: &str) -> Option<String> {
    let end = format!(".{kind}\"");
    let until = page.find(&end)? + end.len() - 1;
    let from = page[..until].rfind('"')? + 1;
    Some(format!("/{}", page[from..until].trim_start_matches(['.', '/'])))
}
