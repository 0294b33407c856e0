//! Behaviours 14-24 through the real server: whatever happens to the files, each row counts once.

mod bad_rows;
mod folders;
mod idle;
mod rows;
mod status;
mod unseen;

use std::time::{Duration, Instant};

use serde_json::Value;

use crate::support::project::now_s;
use crate::support::sse::Sse;
use crate::support::{LENIENCE, Server, eventually};

/// A row that carries a name of its own.
fn named(name: &str) -> String {
    format!("{},1,1-2,dev-story,setup,progress,\"{name}\"\n", now_s())
}

fn lines(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    names.into_iter().map(|name| named(name.as_ref())).collect()
}

/// The messages of all rows in the log, in order.
fn messages(server: &Server) -> Vec<String> {
    server
        .log_after(0)
        .iter()
        .filter(|event| event["type"].as_str().is_some_and(|kind| kind.starts_with("command:")))
        .filter_map(|event| event["payload"]["message"].as_str().map(str::to_owned))
        .collect()
}

/// Waits until the log's rows are exactly these.
fn expect(server: &Server, names: &[impl AsRef<str>]) {
    let wanted: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
    let start = Instant::now();
    loop {
        let seen = messages(server);
        if seen == wanted {
            return;
        }
        assert!(start.elapsed() < crate::support::DEADLINE, "{seen:?} instead of {wanted:?}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// The states told of a file, in order.
fn states(server: &Server, file: &str) -> Vec<String> {
    told(server, file).iter().map(|it| it["state"].as_str().unwrap().to_owned()).collect()
}

/// What was told of a file, in order.
fn told(server: &Server, file: &str) -> Vec<Value> {
    let of_file = |payload: &Value| payload["file"].as_str().is_some_and(|it| it.ends_with(file));
    let events = server.log_after(0).into_iter();
    events
        .filter(|event| event["type"] == "source:state")
        .map(|event| event["payload"].clone())
        .filter(of_file)
        .collect()
}

/// Waits until the newest state told of a file is this one.
fn until_state(server: &Server, file: &str, state: &str) {
    eventually(&format!("{file} {state}"), || {
        (states(server, file).last()? == state).then_some(())
    });
}

/// Nothing comes for this long.
fn silence(sse: &mut Sse, length: Duration) {
    if let Some(message) = sse.next_before(Instant::now() + length) {
        panic!("something came: {}", message.json);
    }
}

/// Does something again and again, until what it leads to has come within a second once: on a busy
/// machine one try proves nothing, and where the law is broken none succeeds.
fn within_a_second(what: &str, mut attempt: impl FnMut(usize)) {
    let mut took = Vec::new();
    for n in 0..20 {
        let start = Instant::now();
        attempt(n);
        took.push(start.elapsed());
        if took[n] < Duration::from_secs(1) {
            return;
        }
    }
    // A machine on which not one of so many was in time has too much else to do.
    let least = took.iter().min().unwrap();
    assert!(*least < Duration::from_secs(1) * LENIENCE, "{what} never took less: {took:?}");
}
