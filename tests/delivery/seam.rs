//! Behaviours 4 and 5: history flows into live without a seam.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

use super::{id, rows};
use crate::support::heavy::heavy;
use crate::support::project::{now_s, row};
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Dice, Project, Server};

/// One appender that never gets further than a few rows ahead of what is live.
struct Flow {
    /// The newest event that a client has been told.
    newest: Arc<AtomicU64>,
    over: Arc<AtomicBool>,
    /// Gives the project back: it is removed when it is let go.
    writer: std::thread::JoinHandle<Project>,
    watcher: std::thread::JoinHandle<()>,
}

impl Flow {
    fn start(server: &Server, project: Project) -> Self {
        let newest = Arc::new(AtomicU64::new(0));
        let over = Arc::new(AtomicBool::new(false));
        let mut live = server.ws("");
        let init = live.next().unwrap();
        newest.store(init["last_event_id"].as_u64().unwrap(), Ordering::Release);
        let watcher = {
            let (newest, over) = (Arc::clone(&newest), Arc::clone(&over));
            std::thread::spawn(move || {
                while !over.load(Ordering::Acquire) {
                    newest.store(id(&live.next().expect("an event")), Ordering::Release);
                }
            })
        };
        let writer = {
            let (newest, over) = (Arc::clone(&newest), Arc::clone(&over));
            std::thread::spawn(move || {
                let base = now_s() - 1;
                let mut n = 0;
                while !over.load(Ordering::Acquire) {
                    let before = newest.load(Ordering::Acquire);
                    let row = row(base, n);
                    // Cut anywhere: the event is published when its last byte is there.
                    let (half, rest) = row.split_at(n % row.len());
                    project.append(half.as_bytes());
                    project.append(rest.as_bytes());
                    while n % 4 == 3
                        && newest.load(Ordering::Acquire) == before
                        && !over.load(Ordering::Acquire)
                    {
                        std::thread::yield_now();
                    }
                    n += 1;
                }
                // One more, for the one who waits for it.
                project.append(row(base, n).as_bytes());
                project
            })
        };
        Self { newest, over, writer, watcher }
    }

    fn newest(&self) -> u64 {
        self.newest.load(Ordering::Acquire)
    }

    fn end(self) {
        self.over.store(true, Ordering::Release);
        let _project = self.writer.join().unwrap();
        self.watcher.join().unwrap();
    }
}

#[test]
fn b05_nothing_is_lost_where_history_becomes_live() {
    const TRIES: usize = 1000;
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let flow = Flow::start(&server, project);
    let mut dice = Dice::new(5);
    let mut tries = Vec::new();
    for n in 0..TRIES {
        let newest = flow.newest();
        let after = newest.saturating_sub(dice.below(12) as u64);
        // Until it is live for sure: behind what was there when it came.
        let until = newest + 2 + dice.below(4) as u64;
        let mut ids = Vec::new();
        if n % 2 == 0 {
            let mut ws = Ws::open(port, &format!("?last_event_id={after}"));
            while ids.last().is_none_or(|last| *last < until) {
                ids.push(id(&ws.next().expect("an event")));
            }
        } else {
            let mut sse = Sse::open(port, "", Some(&after.to_string()));
            while ids.last().is_none_or(|last| *last < until) {
                ids.push(id(&sse.next().expect("an event").json));
            }
        }
        tries.push((after, ids));
    }
    flow.end();
    // Ids may have holes; what is stored is what each must have been told.
    let log: Vec<u64> = server.log_after(0).iter().map(id).collect();
    let place: BTreeMap<u64, usize> = log.iter().enumerate().map(|(at, id)| (*id, at)).collect();
    for (after, ids) in tries {
        let from = place.range(after + 1..).next().map(|(_, at)| *at).unwrap();
        assert_eq!(ids, log[from..from + ids.len()], "behind {after}");
    }
}

/// All of a long log on one connection, while more is appended, and then what is live.
fn far_behind(count: usize) {
    let project = Project::new();
    project.append(&rows(count));
    let server = Server::start(&project);
    let mut live = server.sse("?types=nothing");
    assert_eq!(live.next().unwrap().json["type"], "init");
    let start = Instant::now();
    while server.json("/healthz")["head"].as_u64().unwrap() < count as u64 {
        assert!(start.elapsed().as_secs() < 600, "the log is not read");
        std::thread::park_timeout(std::time::Duration::from_millis(50));
    }
    let flow = Flow::start(&server, project);
    let start = Instant::now();
    let mut far = Sse::open(server.port(), "", Some("0"));
    let mut ids = vec![far.next_raw().expect("an event").0];
    let first = start.elapsed();
    // Live is what was appended after all of history had been told.
    let mut until = u64::MAX;
    while *ids.last().unwrap() < until {
        ids.push(far.next_raw().expect("an event").0);
        if until == u64::MAX && *ids.last().unwrap() >= flow.newest() {
            until = flow.newest() + 200;
        }
    }
    println!("{} events behind: first after {first:?}, all after {:?}", count, start.elapsed());
    flow.end();
    // Read in pages of its own, apart from the stream.
    let mut stored = Vec::new();
    let mut after = 0;
    while let Some(next) = after_page(&server, after, &mut stored) {
        after = next;
        if after > until {
            break;
        }
    }
    assert!(ids.len() > count, "all of them and the live ones");
    assert!(ids == stored[..ids.len()], "in order, none lost, none doubled");
}

fn after_page(server: &Server, after: u64, stored: &mut Vec<u64>) -> Option<u64> {
    let page = server.json(&format!("/api/events?after={after}&limit=1000"));
    stored.extend(page["events"].as_array().unwrap().iter().map(id));
    page["next"].as_u64()
}

#[test]
fn b04_fifty_thousand_events_behind_then_live_on_one_connection() {
    far_behind(50_000);
}

#[test]
fn b04_a_million_events_behind_then_live_on_one_connection() {
    if !heavy("b04_a_million_events_behind_then_live_on_one_connection", &[]) {
        return;
    }
    far_behind(1_000_000);
}
