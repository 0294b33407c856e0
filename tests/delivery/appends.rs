//! Behaviours 1 and 2: everything in order, whole, however often a client is cut.

use std::sync::mpsc::sync_channel;

use super::{append_in_chunks, assert_rises, id, number, rows, whole_log};
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Dice, Project, Server};

#[test]
fn b01_ten_thousand_rows_reach_sse_and_websocket_in_the_same_order() {
    const ROWS: usize = 10_000;
    let project = Project::new();
    let server = Server::start(&project);
    let mut sse = server.sse("");
    let mut ws = server.ws("");
    let init = sse.next().unwrap().json;
    assert_eq!(init["type"], "init");
    assert_eq!(ws.next().unwrap(), init);
    let from_ws = std::thread::spawn(move || {
        let mut seen = Vec::<(u64, Option<usize>)>::new();
        while seen.iter().filter(|(_, number)| number.is_some()).count() < ROWS {
            let event = ws.next().expect("an event");
            seen.push((id(&event), number(&event)));
        }
        seen
    });
    let writer = std::thread::spawn(move || {
        append_in_chunks(&project, &rows(ROWS), &mut Dice::new(1));
        project
    });
    let mut from_sse = Vec::new();
    let mut count = 0;
    while count < ROWS {
        let message = sse.next().expect("an event");
        let id = id(&message.json);
        assert!(message.id.ends_with(&format!(":{id}")));
        count += usize::from(number(&message.json).is_some());
        from_sse.push((id, number(&message.json)));
    }
    let from_ws = from_ws.join().unwrap();
    let _project = writer.join().unwrap();
    assert_eq!(from_sse, from_ws);
    let ids: Vec<u64> = from_sse.iter().map(|(id, _)| *id).collect();
    assert_rises(&ids);
    let numbers: Vec<usize> = from_sse.iter().filter_map(|(_, number)| *number).collect();
    assert_eq!(numbers, (0..ROWS).collect::<Vec<_>>());
    let log = whole_log(&server, init["last_event_id"].as_u64().unwrap(), ROWS);
    assert_eq!(ids, log[..ids.len()], "what the log holds, and nothing else");
}

/// A stream of either kind, resumed at an id.
enum Client {
    Sse(Sse),
    Ws(Ws),
}

impl Client {
    fn resume(port: u16, over_ws: bool, last: &str) -> Self {
        if over_ws {
            Self::Ws(Ws::open(port, &format!("?last_event_id={last}")))
        } else {
            Self::Sse(Sse::open(port, "", Some(last)))
        }
    }

    fn next_id(&mut self) -> u64 {
        id(&match self {
            Self::Sse(sse) => sse.next().expect("an event").json,
            Self::Ws(ws) => ws.next().expect("an event"),
        })
    }
}

#[test]
fn b02_a_client_cut_two_hundred_times_has_the_whole_log() {
    const CUTS: usize = 200;
    const A_CUT: usize = 30;
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let start = server.sse("").next().unwrap().id;
    let (epoch, first) = start.split_once(':').unwrap();
    let first: u64 = first.parse().unwrap();
    // Rows are appended all the time: as fast as the client lets itself be cut.
    let (go, gone) = sync_channel::<()>(1);
    let writer = std::thread::spawn(move || {
        let mut dice = Dice::new(2);
        let all = rows(CUTS * A_CUT);
        let lines: Vec<&[u8]> = all.split_inclusive(|byte| *byte == b'\n').collect();
        for part in lines.chunks(A_CUT) {
            gone.recv().expect("the client goes on");
            append_in_chunks(&project, &part.concat(), &mut dice);
        }
        project
    });
    let mut dice = Dice::new(3);
    let mut seen = Vec::new();
    let mut last = first;
    let mut appended = 0;
    for cut in 0..CUTS {
        go.send(()).unwrap();
        appended += A_CUT;
        let mut client = Client::resume(port, cut % 2 == 1, &format!("{epoch}:{last}"));
        // Half of the time up to what has just been appended, else somewhere before it.
        let behind = appended - seen.len().min(appended);
        for _ in 0..dice.below(2 * behind + 1).min(behind) {
            last = client.next_id();
            seen.push(last);
        }
    }
    drop(go);
    let _project = writer.join().unwrap();
    let log = whole_log(&server, first, CUTS * A_CUT);
    let mut client = Client::resume(port, false, &last.to_string());
    while seen.len() < log.len() {
        seen.push(client.next_id());
    }
    assert_eq!(seen, log);
}
