//! Behaviours 28 and 29: an agent that outlives the threads that started it, and a grandchild that
//! outlives its agent.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::bench::{Bench, Follower, STORIES, start, told};
use crate::support::heavy::heavy;
use crate::support::{eventually, process};

#[test]
fn b28_an_agent_idle_for_a_minute_outlives_the_threads_of_its_start() {
    if !heavy("b28_an_agent_idle_for_a_minute_outlives_the_threads_of_its_start", &[]) {
        return;
    }
    let bench = Bench::new(STORIES);
    bench.project.replace("sprint-status.yaml", b"development_status:\n  1-1-skeleton: review\n");
    bench.plan("slow", "export AGENT_SECONDS=61");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    follower.agent("code-review-1");
    let before: BTreeSet<_> = process::threads(server.pid()).into_iter().collect();
    eventually("the end of a thread that was there at the start", || {
        let now: BTreeSet<_> = process::threads(server.pid()).into_iter().collect();
        before.difference(&now).next().is_some().then_some(())
    });
    assert_eq!(bench.starts(), 1, "it still runs");
    assert_eq!(bench.alive().len(), 1);
    bench.plan("quick", "");
    let patience = std::time::Instant::now() + std::time::Duration::from_secs(90);
    while bench.alive().len() == 1 && std::time::Instant::now() < patience {
        std::thread::park_timeout(std::time::Duration::from_millis(100));
    }
    assert_eq!(follower.end_of(batch_id)["status"], "completed", "{}", told(&follower.seen));
    let ends: Vec<&Value> =
        follower.seen.iter().filter(|event| event["type"] == "agent:end").collect();
    assert!(ends.iter().all(|end| end["payload"]["exit_code"] == 0), "{ends:?}");
}

#[test]
fn b29_a_grandchild_that_holds_the_output_does_not_delay_the_exit() {
    for (how, code, signal) in [
        ("export AGENT_EXIT=0", json!(0), Value::Null),
        ("export AGENT_EXIT=7", json!(7), Value::Null),
        ("export AGENT_SIGNAL=SEGV", Value::Null, json!(11)),
        ("export AGENT_SIGNAL=KILL", Value::Null, json!(9)),
    ] {
        let bench = Bench::new(STORIES);
        bench.plan("leaves-grandchild", how);
        let server = bench.serve();
        let mut follower = Follower::open(&server);
        start(&server, "1");
        let end = follower.kind("agent:end")["payload"].clone();
        // It sleeps for five minutes: whoever waits for the end of the output waits for that.
        assert!(bench.descendants().contains(&"grandchild".to_owned()), "{how}");
        assert_eq!((&end["exit_code"], &end["signal"]), (&code, &signal), "{how}: {end}");
        server.post("/api/orchestrator/stop", "{\"mode\":\"now\"}");
        follower.kind("batch:end");
        bench.nothing_alive();
    }
}
