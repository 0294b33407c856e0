//! Behaviour 11: an ordered end tells every stream, takes less than 5 s, and loses nothing.

use std::time::{Duration, Instant};

use super::{id, number, rows, whole_log};
use crate::support::bench::{Bench, Follower, STORIES, start};
use crate::support::process::descriptors;
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{LENIENCE, Project, Server, eventually};

/// The promise.
const BOUND: Duration = Duration::from_secs(5);

#[test]
fn b11_a_thousand_streams_and_a_running_child_end_in_five_seconds_and_resume() {
    const ROWS: usize = 40;
    // A thousand, where the system allows that many descriptors.
    let each = 500.min(descriptors() / 4);
    let bench = Bench::new(STORIES);
    bench.plan("slow", "export AGENT_SECONDS=600");
    let mut server = bench.serve();
    let mut follower = Follower::open(&server);
    start(&server, "1");
    follower.kind("agent:start");
    eventually("an agent at work", || (!bench.alive().is_empty()).then_some(()));

    let port = server.port();
    let mut sses: Vec<Sse> = (0..each).map(|_| server.sse("")).collect();
    let mut sockets: Vec<Ws> = (0..each).map(|_| server.ws("")).collect();
    let mut lasts = Vec::new();
    for sse in &mut sses {
        let init = sse.next().expect("an init").json;
        assert_eq!(init["type"], "init");
        lasts.push(init["last_event_id"].as_u64().unwrap());
    }
    for ws in &mut sockets {
        let init = ws.next().expect("an init");
        assert_eq!(init["type"], "init");
        lasts.push(init["last_event_id"].as_u64().unwrap());
    }
    // Something is under way to all of them when the end comes.
    bench.project.append(&rows(ROWS));
    let then = Instant::now();
    assert!(server.terminate().success(), "exit 0");
    assert!(then.elapsed() < BOUND * LENIENCE, "the end took {:?}", then.elapsed());
    bench.nothing_alive();

    let mut seen: Vec<Vec<u64>> = lasts.iter().map(|last| vec![*last]).collect();
    let mut retries = Vec::new();
    for (sse, seen) in sses.iter_mut().zip(&mut seen) {
        while let Some(message) = sse.next() {
            seen.push(id(&message.json));
        }
        retries.push(sse.retry_ms.expect("a retry time"));
    }
    for (ws, seen) in sockets.iter_mut().zip(&mut seen[each..]) {
        let code = loop {
            match ws.next_or_close() {
                Ok(event) => seen.push(id(&event)),
                Err(code) => break code,
            }
        };
        assert_eq!(code, Some(1001));
    }
    drop((sses, sockets, follower));
    let spread = retries.iter().max().unwrap() - retries.iter().min().unwrap();
    assert!(spread > 2_000, "the retry times are spread: {spread} ms");
    assert!(retries.iter().all(|retry| (1_000..=10_000).contains(retry)), "{retries:?}");

    // Those who come back where the server was have what was appended meanwhile, and all else.
    let server = Server::start_on(&bench.project, port);
    let first = *lasts.iter().min().unwrap();
    let log = whole_log(&server, first, ROWS);
    let head = *log.last().unwrap();
    for (n, mut seen) in seen.into_iter().enumerate() {
        let started = seen.remove(0);
        let last = seen.last().copied().unwrap_or(started);
        if n < each && last < head {
            let mut sse = Sse::open(port, "", Some(&last.to_string()));
            while seen.last() != Some(&head) {
                seen.push(id(&sse.next().expect("the rest").json));
            }
        } else if last < head {
            let mut ws = Ws::open(port, &format!("?last_event_id={last}"));
            while seen.last() != Some(&head) {
                seen.push(id(&ws.next().expect("the rest")));
            }
        }
        let expected: Vec<u64> = log.iter().copied().filter(|id| *id > started).collect();
        assert_eq!(seen, expected, "client {n}");
    }
}

#[test]
fn b11_what_is_appended_during_the_end_is_there_after_it() {
    const ROWS: usize = 3_000;
    let project = Project::new();
    let mut server = Server::start(&project);
    let mut sse = server.sse("");
    let start = sse.next().unwrap().id;
    let mut last = start.clone();
    let root = project.root().to_owned();
    let writer = std::thread::spawn(move || {
        for chunk in rows(ROWS).chunks(131) {
            project.append(chunk);
        }
        project
    });
    let mut numbers = Vec::new();
    while numbers.len() < 50 {
        let message = sse.next().expect("an event");
        numbers.extend(number(&message.json));
        last = message.id;
    }
    assert!(server.terminate().success());
    while let Some(message) = sse.next() {
        numbers.extend(number(&message.json));
        last = message.id;
    }
    let _project = writer.join().unwrap();
    let server = Server::start_with(&root, &[]);
    let mut sse = Sse::open(server.port(), "", Some(&last));
    while numbers.len() < ROWS {
        numbers.extend(number(&sse.next().expect("the rest").json));
    }
    assert_eq!(numbers, (0..ROWS).collect::<Vec<_>>());
}
