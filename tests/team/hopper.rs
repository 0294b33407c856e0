//! A client that hops from hub to hub, as behind a balancer, and notes what it was told.

use std::collections::BTreeMap;
use std::sync::{Arc, OnceLock};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::field::{Log, PATIENCE, epoch_of};
use crate::support::Dice;
use crate::support::sse::Sse;
use crate::support::ws::Ws;

/// When nothing comes for so long it goes to another one.
const BORED: Duration = Duration::from_millis(700);

/// The last event of each project, once that is known.
pub(super) type Ends = Arc<OnceLock<BTreeMap<String, u64>>>;

/// Clients that follow a project each.
pub(super) struct Hoppers {
    threads: Vec<JoinHandle<Told>>,
    ends: Ends,
}

/// What one of them was told.
pub(super) struct Told {
    name: String,
    seen: Vec<(u64, Value)>,
    hops: usize,
}

impl Hoppers {
    /// So many of them, every other one over WebSocket.
    pub(super) fn start(hubs: &[u16], names: &[String], count: usize) -> Self {
        let ends = Ends::default();
        let threads = (0..count).map(|n| {
            let hopper = Hopper {
                hubs: hubs.to_vec(),
                name: names[n * names.len() / count].clone(),
                over_ws: n % 2 == 0,
                ends: Arc::clone(&ends),
                dice: Dice::new(77 + n as u64),
            };
            std::thread::spawn(move || hopper.follow())
        });
        Self { threads: threads.collect(), ends }
    }

    /// They saw what the hubs hold: no gap, no double, the same ids.
    pub(super) fn saw(self, logs: &BTreeMap<String, Log>) {
        let last = |log: &Log| log.last().map_or(0, |(id, _)| *id);
        let ends = logs.iter().map(|(name, log)| (name.clone(), last(log))).collect();
        self.ends.set(ends).unwrap();
        let mut hops = 0;
        for thread in self.threads {
            let told = thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic));
            let log = &logs[&told.name];
            let ids = |n: usize| (told.seen.get(n).map(|it| it.0), log.get(n).map(|it| it.0));
            let wrong = (0..log.len().max(told.seen.len())).find(|n| ids(*n).0 != ids(*n).1);
            if let Some(n) = wrong {
                let (name, (saw, held)) = (&told.name, ids(n));
                panic!("{name}: event {n}: the client saw {saw:?}, the hubs hold {held:?}");
            }
            for ((_, seen), (id, rest)) in told.seen.iter().zip(log) {
                let held: Value = serde_json::from_str(&format!("{{\"id\":{id},{rest}")).unwrap();
                assert_eq!(*seen, held);
            }
            hops += told.hops;
        }
        println!("clients hopped {hops} times");
    }
}

struct Hopper {
    hubs: Vec<u16>,
    name: String,
    over_ws: bool,
    ends: Ends,
    dice: Dice,
}

impl Hopper {
    fn follow(mut self) -> Told {
        let mut told = Told { name: self.name.clone(), seen: Vec::new(), hops: 0 };
        let epoch = epoch_of(self.hubs[0], &self.name);
        let start = Instant::now();
        loop {
            let last = told.seen.last().map_or(0, |(id, _)| *id);
            if self.ends.get().is_some_and(|ends| ends[&self.name] <= last) {
                return told;
            }
            let name = &self.name;
            assert!(start.elapsed() < PATIENCE * 3, "{name}: nothing after {last}");
            let port = self.hubs[self.dice.below(self.hubs.len())];
            let most = 1 + self.dice.below(150);
            self.visit(port, &epoch, last, most, &mut told);
            told.hops += 1;
        }
    }

    /// Follows one hub for a few events.
    fn visit(&self, port: u16, epoch: &str, last: u64, most: usize, told: &mut Told) {
        let (name, cursor) = (&self.name, format!("{epoch}:{last}"));
        let mut note = |json: Value| {
            let kind = json["type"].as_str().unwrap_or_default().to_owned();
            match json["id"].as_u64() {
                Some(id) => told.seen.push((id, json)),
                // A resume needs none of them; of other words without an id a client need not know.
                None => assert!(
                    !matches!(&*kind, "init" | "reset" | "gap"),
                    "{name}: {kind} for {cursor} at {port}: {json}"
                ),
            }
        };
        if self.over_ws {
            let path = format!("/p/{name}/ws?last_event_id={cursor}");
            // It is being killed or started just now.
            let Some(mut ws) = Ws::at(port, &path) else { return rest() };
            ws.set_timeout(BORED);
            for _ in 0..most {
                let Ok(json) = ws.next_or_close() else { return };
                note(json);
            }
        } else {
            let path = format!("/p/{name}/sse");
            let Some(mut sse) = Sse::at(port, &path, Some(&cursor)) else { return rest() };
            for _ in 0..most {
                let Some(message) = sse.next_before(Instant::now() + BORED) else { return };
                note(message.json);
            }
        }
    }
}

/// Comes back a little later, as browsers do.
fn rest() {
    std::thread::park_timeout(BORED / 10);
}
