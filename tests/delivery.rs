//! Behaviours 1-12 and 42: every row reaches every client once, in order, whatever is cut or killed.

mod appends;
mod cursors;
mod ending;
mod filters;
mod forged;
mod idle;
mod kills;
mod nginx;
mod replaced;
mod seam;
mod slow;
mod unplugged;

use serde_json::Value;

use crate::support::project::{now_s, row};
use crate::support::{Dice, Project, Server, eventually};

/// The number a row's message tells; `None` for any other event.
fn number(event: &Value) -> Option<usize> {
    event["payload"]["message"].as_str()?.strip_prefix("row ")?.parse().ok()
}

fn id(event: &Value) -> u64 {
    event["id"].as_u64().unwrap_or_else(|| panic!("no id: {event}"))
}

/// Appends rows in chunks of random size, cut inside lines.
fn append_in_chunks(project: &Project, bytes: &[u8], dice: &mut Dice) {
    let mut rest = bytes;
    while !rest.is_empty() {
        let (chunk, after) = rest.split_at((1 + dice.below(700)).min(rest.len()));
        project.append(chunk);
        rest = after;
    }
}

fn rows(count: usize) -> Vec<u8> {
    let base = now_s() - 200 - (count / 100) as i64;
    (0..count).map(|n| row(base, n)).collect::<String>().into_bytes()
}

fn assert_rises(ids: &[u64]) {
    assert!(ids.windows(2).all(|pair| pair[0] < pair[1]), "ids rise strictly");
}

/// The ids behind `after`, once all of that many rows are in the log.
fn whole_log(server: &Server, after: u64, rows: usize) -> Vec<u64> {
    let log = eventually("the whole log", || {
        let log = server.log_after(after);
        (log.iter().filter_map(number).count() == rows).then_some(log)
    });
    log.iter().map(id).collect()
}

fn epoch_of(server: &Server) -> String {
    server.json("/healthz")["epoch"].as_str().unwrap().to_owned()
}
