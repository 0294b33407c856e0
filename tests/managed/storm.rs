//! Behaviour 31: two hundred starts and stops at once.

use std::sync::Barrier;

use crate::support::bench::{Bench, Follower, STORIES, doing, start};
use crate::support::{Dice, eventually};

const CALLERS: u64 = 200;

#[test]
fn b31_two_hundred_starts_and_stops_at_once_make_one_batch_at_a_time() {
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    let server = bench.serve();
    let together = Barrier::new(CALLERS as usize);
    let answers: Vec<(String, u16, String)> = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..CALLERS)
            .map(|caller| {
                let (server, together) = (&server, &together);
                scope.spawn(move || {
                    let mut dice = Dice::new(caller + 1);
                    let (path, body) = match dice.below(4) {
                        0 | 1 => ("/api/orchestrator/start", "{\"batch_size\":1}"),
                        2 => ("/api/orchestrator/stop", "{\"mode\":\"now\"}"),
                        _ => ("/api/orchestrator/stop", "{}"),
                    };
                    together.wait();
                    let answer = server.post(path, body);
                    (format!("{path} {body}"), answer.status, answer.text())
                })
            })
            .collect();
        callers.into_iter().map(|caller| caller.join().unwrap()).collect()
    });
    assert_eq!(answers.len() as u64, CALLERS);
    let mut started = 0;
    for (call, status, text) in &answers {
        match status {
            200 if call.contains("start") => {
                assert!(text.contains("\"started\""), "{call}: {text}");
                started += 1;
            }
            200 => {
                let stopped = text.contains("\"stopping\"") || text.contains("\"left\":0");
                assert!(stopped, "{call}: {text}");
            }
            409 => assert!(text.contains("\"conflict\""), "{call}: {text}"),
            _ => panic!("{call}: {status} {text}"),
        }
    }
    assert!(started > 0);
    eventually("an idle orchestrator", || (doing(&server) == "idle").then_some(()));
    let bounds: Vec<_> = server
        .log_after(0)
        .into_iter()
        .filter(|event| ["batch:start", "batch:end"].contains(&event["type"].as_str().unwrap()))
        .map(|event| (event["type"].as_str().unwrap().to_owned(), event["batch_id"].clone()))
        .collect();
    assert_eq!(bounds.len(), 2 * started);
    for pair in bounds.chunks(2) {
        assert_eq!((pair[0].0.as_str(), pair[1].0.as_str()), ("batch:start", "batch:end"));
        assert_eq!(pair[0].1, pair[1].1);
    }
    bench.nothing_alive();
    let mut follower = Follower::open(&server);
    bench.project.replace("sprint-status.yaml", STORIES.as_bytes());
    let batch_id = start(&server, "1");
    assert_eq!(follower.end_of(batch_id)["status"], "completed");
    assert_eq!(server.json("/api/batches")["total"], started + 1);
}

/// Who sees the end of one batch may start the next.
#[test]
fn b31_a_start_at_the_very_end_of_a_batch_is_no_conflict() {
    let bench = Bench::new(STORIES);
    bench.project.replace("sprint-status.yaml", b"development_status:\n  1-1-skeleton: done\n");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    for _ in 0..100 {
        let batch_id = start(&server, "1");
        follower.end_of(batch_id);
    }
    let starts = follower.seen.iter().filter(|event| event["type"] == "batch:start").count();
    assert_eq!(starts, 100);
}
