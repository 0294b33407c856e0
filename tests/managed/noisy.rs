//! Two agents that print a thousand rows each at once, and many who listen.

use std::time::Instant;

use serde_json::Value;

use crate::support::bench::{Bench, PATIENCE, STORIES, start};
use crate::support::sse::Sse;

const CLIENTS: usize = 50;
const ROWS: usize = 1000;

/// Everything up to the end of the batch; panics when an id is not above the one before.
fn listen(mut sse: Sse) -> Vec<Value> {
    let deadline = Instant::now() + PATIENCE;
    let mut events: Vec<Value> = Vec::new();
    loop {
        let message = sse.next_before(deadline).expect("an event").json;
        let Some(id) = message["id"].as_u64() else { continue };
        if let Some(last) = events.last() {
            assert!(last["id"].as_u64().unwrap() < id, "{last} before {message}");
        }
        let over = message["type"] == "batch:end";
        events.push(message);
        if over {
            return events;
        }
    }
}

fn rows(events: &[Value]) -> Vec<(String, usize)> {
    let row = |event: &Value| {
        let payload = &event["payload"];
        let number = payload["task_id"].as_str()?.strip_prefix("task-")?.parse().ok()?;
        Some((payload["command"].as_str()?.to_owned(), number))
    };
    let progress = events.iter().filter(|event| event["type"] == "command:progress");
    progress.filter_map(row).collect()
}

#[test]
fn two_thousand_rows_reach_everybody_in_order_and_once() {
    let bench = Bench::new(STORIES);
    bench.plan("noisy", &format!("export AGENT_CSV='{}'", bench.project.log().display()));
    let server = bench.serve();
    let clients: Vec<_> = (0..CLIENTS)
        .map(|_| {
            let sse = server.sse("?last_event_id=0");
            std::thread::spawn(move || listen(sse))
        })
        .collect();
    start(&server, "1");
    let mut seen: Vec<Vec<Value>> = clients.into_iter().map(|one| one.join().unwrap()).collect();
    let first = seen.pop().unwrap();
    for other in &seen {
        assert_eq!(other.len(), first.len());
        assert!(*other == first, "all see the same");
    }
    let all = rows(&first);
    for command in ["create-story", "create-story-discovery"] {
        let of_command: Vec<usize> =
            all.iter().filter(|(name, _)| name == command).map(|(_, number)| *number).collect();
        // The log file may be ahead of the stream: what counts is that each row counts once.
        let mut sorted = of_command.clone();
        sorted.sort_unstable();
        let twice = |number: &usize| of_command.iter().filter(|one| *one == number).count() > 1;
        let doubled: Vec<&Value> = first
            .iter()
            .filter(|event| {
                let row = rows(std::slice::from_ref(event));
                row.first().is_some_and(|(name, number)| name == command && twice(number))
            })
            .collect();
        assert!(doubled.is_empty(), "{doubled:#?}");
        assert_eq!(sorted, (1..=ROWS).collect::<Vec<_>>(), "{command}");
    }
    let in_file = std::fs::read_to_string(bench.project.log()).unwrap().lines().count();
    assert_eq!(all.len(), in_file, "told by the stream and by the file, counted once");
    let stored = server.log_after(0);
    assert_eq!(stored[..first.len()], first, "what was seen is what is stored");
    bench.nothing_alive();
}

#[test]
fn rows_of_the_stream_alone_keep_their_order() {
    let bench = Bench::new(STORIES);
    bench.plan("noisy", "");
    let server = bench.serve();
    let sse = server.sse("?last_event_id=0");
    start(&server, "1");
    let events = listen(sse);
    for command in ["create-story", "create-story-discovery"] {
        let numbers: Vec<usize> = rows(&events)
            .into_iter()
            .filter(|(name, _)| name == command)
            .map(|(_, number)| number)
            .collect();
        assert_eq!(numbers, (1..=ROWS).collect::<Vec<_>>(), "{command}");
    }
}
