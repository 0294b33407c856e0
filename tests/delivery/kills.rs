//! Behaviour 3: the server is killed again and again while rows are appended.

use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::thread::JoinHandle;

use super::{append_in_chunks, assert_rises, epoch_of, id, number, rows};
use crate::support::heavy::heavy;
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Dice, Project, Server};

/// What a client has seen over all its connections.
#[derive(Default)]
struct Seen {
    last: u64,
    ids: Vec<u64>,
    numbers: Vec<usize>,
}

impl Seen {
    fn take(&mut self, event: &serde_json::Value) {
        assert!(event["id"].is_u64(), "a resume needs no init and no reset: {event}");
        self.last = id(event);
        self.ids.push(self.last);
        self.numbers.extend(number(event));
    }

    /// Both kinds of client follow until they have that many rows, or the server is gone.
    fn follow_sse(&mut self, port: u16, epoch: &str, until: usize) {
        let last = format!("{epoch}:{}", self.last);
        let Some(mut sse) = Sse::try_open(port, "", Some(&last)) else { return };
        while self.numbers.len() < until {
            let Some(message) = sse.next() else { return };
            self.take(&message.json);
        }
    }

    fn follow_ws(&mut self, port: u16, epoch: &str, until: usize) {
        let query = format!("?last_event_id={epoch}:{}", self.last);
        let Some(mut ws) = Ws::try_open(port, &query) else { return };
        while self.numbers.len() < until {
            let Some(event) = ws.next() else { return };
            self.take(&event);
        }
    }
}

/// Appends one share of the rows for each word it is given, in chunks cut inside lines, and says
/// how it is half way through.
fn writer(project: Project, rounds: usize, count: usize) -> (Writer, Receiver<()>) {
    let (go, gone) = sync_channel::<()>(0);
    let (half, half_way) = sync_channel::<()>(1);
    let thread = std::thread::spawn(move || {
        let all = rows(count);
        let mut dice = Dice::new(4);
        for part in all.chunks(all.len().div_ceil(rounds)) {
            if gone.recv().is_err() {
                break;
            }
            let (before, after) = part.split_at(dice.below(part.len()));
            append_in_chunks(&project, before, &mut dice);
            half.send(()).unwrap();
            append_in_chunks(&project, after, &mut dice);
        }
        project
    });
    (Writer { go, thread }, half_way)
}

struct Writer {
    go: SyncSender<()>,
    thread: JoinHandle<Project>,
}

fn killed_again_and_again(kills: usize, count: usize) {
    let project = Project::new();
    let root = project.root().to_owned();
    let mut server = Server::start(&project);
    let epoch = epoch_of(&server);
    let mut over_sse = Seen::default();
    let mut over_ws = Seen::default();
    let (writer, half_way) = writer(project, kills + 1, count);
    let mut dice = Dice::new(5);
    let mut head = 0;
    for round in 0..kills {
        writer.go.send(()).unwrap();
        half_way.recv().unwrap();
        // The other half is being appended while both follow, and while the server is killed.
        let sure = count * round / (kills + 1);
        over_sse.follow_sse(server.port(), &epoch, sure.saturating_sub(dice.below(40) + 2));
        over_ws.follow_ws(server.port(), &epoch, sure.saturating_sub(dice.below(40) + 2));
        server.kill();
        server = Server::start_with(&root, &[]);
        let now = server.json("/healthz")["head"].as_u64().unwrap();
        assert!(now >= head.max(over_sse.last).max(over_ws.last), "ids went back");
        head = now;
    }
    writer.go.send(()).unwrap();
    half_way.recv().unwrap();
    over_sse.follow_sse(server.port(), &epoch, count);
    over_ws.follow_ws(server.port(), &epoch, count);
    let _project = writer.thread.join().unwrap();
    for seen in [&over_sse, &over_ws] {
        assert_eq!(seen.numbers, (0..count).collect::<Vec<_>>());
        assert_rises(&seen.ids);
    }
    assert_eq!(epoch_of(&server), epoch, "the log kept its name");
    let log = server.log_after(0);
    let ids: Vec<u64> = log.iter().map(id).collect();
    assert_eq!(over_sse.ids, ids[..over_sse.ids.len()], "what was told is what is stored");
    let stored: Vec<usize> = log.iter().filter_map(number).collect();
    assert_eq!(stored, over_sse.numbers);
}

#[test]
fn b03_kill_9_during_appends_loses_and_doubles_nothing() {
    killed_again_and_again(15, 6_000);
}

#[test]
fn b03_kill_9_fifty_times_during_appends() {
    if !heavy("b03_kill_9_fifty_times_during_appends", &[]) {
        return;
    }
    killed_again_and_again(50, 20_000);
}
