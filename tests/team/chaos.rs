//! Everything is killed in turn while rows are appended; at the end hubs and publishers agree.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::field::{Field, append, log_of};
use super::hopper::Hoppers;
use crate::support::heavy::heavy;
use crate::support::nats::Cluster;
use crate::support::{Dice, eventually};

/// What happens while rows are appended.
#[derive(Debug, Clone, Copy)]
enum Blow {
    /// A server of NATS is killed, and started again in the round behind it.
    Node(usize),
    /// A publisher is killed and started again at once.
    Server(usize),
    /// A hub is.
    Hub(usize),
}

/// Of what size it is.
struct Size {
    projects: usize,
    events: usize,
    servers: usize,
    clients: usize,
}

/// Appends a share of every project's rows for each word it is given, and says when it is half way
/// through.
struct Writer {
    go: SyncSender<()>,
    half: Receiver<()>,
    thread: JoinHandle<()>,
}

impl Writer {
    fn start(field: &Field, rounds: usize, rows: usize) -> Self {
        let (go, gone) = sync_channel::<()>(0);
        let (halves, half) = sync_channel::<()>(1);
        let logs: Vec<_> = field.names.iter().map(|name| field.csv(name)).collect();
        let thread = std::thread::spawn(move || {
            let mut dice = Dice::new(8);
            for round in 0..rounds {
                if gone.recv().is_err() {
                    return;
                }
                let (from, to) = (rows * round / rounds, rows * (round + 1) / rounds);
                let middle = usize::midpoint(from, to);
                for csv in &logs {
                    append(csv, from, middle, &mut dice);
                }
                if halves.send(()).is_err() {
                    return;
                }
                for csv in &logs {
                    append(csv, middle, to, &mut dice);
                }
            }
        });
        Self { go, half, thread }
    }

    /// Begins the next round, and comes back in the middle of it.
    fn round(&self) {
        self.go.send(()).unwrap();
        self.half.recv().unwrap();
    }

    fn end(self) {
        drop(self.go);
        self.thread.join().unwrap();
    }
}

fn killed_in_turn(size: &Size, blows: &[Blow]) {
    let mut cluster = Cluster::start();
    let mut field = Field::new(&cluster.url(), 3, size.projects, size.servers);
    field.start_servers();
    let hubs = [field.add_hub(), field.add_hub()];
    (0..2).for_each(|hub| field.until_shown(hub));
    let clients = Hoppers::start(&hubs, &field.names, size.clients);
    let writer = Writer::start(&field, blows.len() + 1, size.events);
    let mut dice = Dice::new(6);
    let mut down = None;
    for (n, blow) in blows.iter().enumerate() {
        writer.round();
        // Some meet the live edge, some what has been left lying.
        if dice.below(2) == 0 {
            until_moving(&field, size.events * n / (blows.len() + 1));
        }
        match *blow {
            Blow::Node(node) => {
                cluster.nodes[node].kill();
                down = Some(node);
                continue;
            }
            Blow::Server(server) => {
                field.kill_server(server);
                field.start_server(server);
            }
            Blow::Hub(hub) => {
                field.kill_hub(hub);
                field.start_hub(hub);
            }
        }
        if let Some(node) = down.take() {
            cluster.nodes[node].again();
            // The next one may go only when this one has what it missed: two of three are needed.
            cluster.settle();
        }
    }
    writer.round();
    writer.end();
    assert_eq!(down, None, "the last blow is not a node's");
    field.until_read(size.events);
    let agreed = field.agree();
    clients.saw(&agreed);
}

/// Waits until both hubs have a few rows of every project.
pub(super) fn until_moving(field: &Field, rows: usize) {
    for hub in &field.hubs {
        for name in &field.names {
            eventually("rows on their way", || {
                (log_of(hub.port, name)?.len() >= rows).then_some(())
            });
        }
    }
}

#[test]
fn what_is_killed_once_loses_and_doubles_nothing() {
    let size = Size { projects: 5, events: 100, servers: 2, clients: 6 };
    let blows = [Blow::Server(0), Blow::Node(0), Blow::Server(1), Blow::Hub(0), Blow::Hub(1)];
    killed_in_turn(&size, &blows);
}

#[test]
fn team_fifty_projects_while_everything_is_killed() {
    if !heavy("team_fifty_projects_while_everything_is_killed", &[]) {
        return;
    }
    let size = Size { projects: 50, events: 2_000, servers: 5, clients: 20 };
    // Each node once, each hub once, each publisher three times.
    let mut blows = Vec::new();
    for third in 0..3 {
        blows.push(Blow::Node(third));
        blows.extend((0..5).map(Blow::Server));
        blows.extend((third < 2).then_some(Blow::Hub(third)));
    }
    killed_in_turn(&size, &blows);
}
