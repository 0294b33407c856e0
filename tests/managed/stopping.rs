//! Stop: now, gracefully, one agent, and when there is nothing to stop.

use std::time::{Duration, Instant};

use serde_json::json;

use crate::support::Server;
use crate::support::bench::{Bench, Follower, STORIES, doing, start, told};
use crate::support::{LENIENCE, eventually, process};

const STOP: &str = "/api/orchestrator/stop";

#[test]
fn b25_stop_now_ends_three_levels_and_the_receipt_counts_them() {
    let grace = Duration::from_millis(500);
    let bench = Bench::new(STORIES);
    bench.plan("three-levels", "");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let mut took = Vec::new();
    // A busy machine is given another try: everything but the time must hold each time, and with
    // it how many were too slow to go by themselves.
    let mut killed = Vec::new();
    for n in 1..=10 {
        let batch_id = start(&server, "\"all\"");
        // Two agents create and discover at once; of each, all levels and the stopped one are there.
        let names = ["level-0", "level-1", "level-2", "level-3", "stopped"];
        eventually("two agents with all their descendants", || {
            let there = bench.descendants();
            let all = |name: &&str| there.iter().filter(|one| one == name).count() == 2 * n;
            (names.iter().all(all) && ignores_term(&bench, 2) && stopped(&bench, 2)).then_some(())
        });
        let before = bench.alive().len();
        let asked = Instant::now();
        let answer = server.post(STOP, "{\"mode\":\"now\"}");
        took.push(asked.elapsed());
        // Looked at before anything else: the answer says that all is over.
        let alive = bench.alive();
        assert_eq!(answer.status, 200, "{}", answer.text());
        let receipt = answer.json();
        assert_eq!(alive, [0_u32; 0], "{receipt}");
        let count = |key: &str| receipt[key].as_u64().unwrap();
        assert_eq!(receipt["status"], "stopped", "{receipt}");
        assert_eq!(
            (count("processes"), before),
            (10, 12),
            "{receipt}: each leader is listed twice"
        );
        assert_eq!((count("left"), count("escaped")), (0, 0), "{receipt}");
        assert!(count("killed") >= 2, "{receipt}");
        killed.push(count("killed"));
        assert_eq!(doing(&server), "idle");
        let end = follower.end_of(batch_id);
        assert_eq!((&end["status"], &end["reason"]), (&json!("stopped"), &json!("stop_now")));
        assert_eq!(end["cycles_completed"], 0, "a stopped cycle does not count");
        assert_eq!(bench.status_file(), STORIES);
        bench.nothing_alive();
        let zombie = |pid: &u32| process::state(*pid) == Some('Z');
        eventually("no zombie", || {
            (!process::children(server.pid()).iter().any(zombie)).then_some(())
        });
        if took[n - 1] < grace + Duration::from_secs(1) && killed[n - 1] == 2 {
            break;
        }
    }
    println!("all gone after {took:?}, with a grace of {grace:?}, {killed:?} of them killed");
    let bound = grace + Duration::from_secs(1) * LENIENCE;
    assert!(took.iter().any(|took| *took < bound) && killed.contains(&2), "{took:?} {killed:?}");
    let again = server.post(STOP, "{\"mode\":\"now\"}");
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("conflict")));
    bench.plan("quick", "");
    let batch_id = start(&server, "\"all\"");
    assert_eq!(follower.end_of(batch_id)["status"], "completed");
}

/// Whether so many of the living ignore TERM.
fn ignores_term(bench: &Bench, count: usize) -> bool {
    let deaf = |pid: &&u32| {
        let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap_or_default();
        let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:"));
        ignored.is_some_and(|mask| u64::from_str_radix(mask.trim(), 16).unwrap() & 1 << 14 != 0)
    };
    bench.alive().iter().filter(deaf).count() == count
}

/// Whether so many of the living stand still.
fn stopped(bench: &Bench, count: usize) -> bool {
    bench.alive().iter().filter(|pid| process::state(**pid) == Some('T')).count() == count
}

#[test]
fn b26_those_that_leave_the_group_are_gone_too_and_told_as_escaped() {
    let bench = Bench::new(STORIES);
    bench.plan("setsid-grandchild", "export AGENT_SECONDS=300");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "\"all\"");
    let names = ["setsid", "forked-twice", "bare"];
    eventually("two agents with all their descendants", || {
        let there = bench.descendants();
        let twice = |name: &&str| there.iter().filter(|one| one == name).count() == 2;
        names.iter().all(twice).then_some(())
    });
    let receipt = server.post(STOP, "{\"mode\":\"now\"}").json();
    assert_eq!(bench.alive(), [0_u32; 0], "{receipt}");
    assert_eq!((&receipt["escaped"], &receipt["left"]), (&json!(6), &json!(0)), "{receipt}");
    assert_eq!(follower.end_of(batch_id)["status"], "stopped");
    bench.nothing_alive();
}

#[test]
fn b26_what_good_agents_leave_behind_is_gone_with_their_batch() {
    let bench = Bench::new(STORIES);
    bench.plan("setsid-grandchild", "export AGENT_SECONDS=0.3");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    assert_eq!(follower.end_of(batch_id)["status"], "completed");
    // The batch's end is told only when they have gone.
    assert_eq!(bench.alive(), [0_u32; 0]);
    assert!(bench.descendants().iter().filter(|name| *name == "bare").count() > 2);
    bench.nothing_alive();
}

#[test]
fn a_graceful_stop_lets_the_running_command_end_and_the_next_start_goes_on() {
    let bench = Bench::new(STORIES);
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let gate = bench.path("gate");
    // Everything goes quickly but development, which waits.
    std::fs::write(&gate, "").unwrap();
    bench.plan("quick", &format!("export AGENT_GATE='{}'", gate.display()));
    let batch_id = start(&server, "\"all\"");
    follower.agent("dev-story");
    let before = bench.starts();
    let answer = server.post(STOP, "{}");
    assert_eq!((answer.status, answer.json()), (200, json!({"status": "stopping"})));
    eventually("the state", || (doing(&server) == "stopping").then_some(()));
    // Once more says the same; an empty body is what older scripts send.
    assert_eq!(server.post(STOP, "").json(), json!({"status": "stopping"}));
    assert_eq!(server.post("/api/orchestrator/start", "{}").status, 409);
    std::fs::remove_file(&gate).unwrap();
    let end = follower.end_of(batch_id);
    assert_eq!(
        (&end["status"], &end["reason"], &end["cycles_completed"]),
        (&json!("stopped"), &json!("stop"), &json!(0)),
        "{}",
        told(&follower.seen)
    );
    assert!(bench.starts() <= before + 1, "nothing more began");
    assert_eq!(bench.word("1-1-skeleton"), "review", "its development ended");
    assert_eq!(bench.word("1-2-database"), "backlog");
    let row = server.json(&format!("/api/batches/{batch_id}"))["batch"].clone();
    assert_eq!((&row["status"], &row["cycles_completed"]), (&json!("stopped"), &json!(0)));

    bench.plan("quick", "");
    let batch_id = start(&server, "\"all\"");
    assert_eq!(follower.end_of(batch_id)["status"], "completed");
    let first = follower
        .seen
        .iter()
        .find(|event| event["type"] == "agent:start" && event["batch_id"] == batch_id)
        .unwrap();
    assert_eq!(first["payload"]["command"], "code-review-1", "it goes on where it was");
    for key in ["1-1-skeleton", "1-2-database", "2-1-editor"] {
        assert_eq!(bench.word(key), "done");
    }
}

#[test]
fn a_graceful_stop_can_be_hurried() {
    let bench = Bench::new(STORIES);
    bench.plan("slow", "");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "\"all\"");
    follower.agent("create-story");
    assert_eq!(server.post(STOP, "{\"mode\":\"graceful\"}").status, 200);
    let receipt = server.post(STOP, "{\"mode\":\"now\"}").json();
    assert_eq!((&receipt["status"], &receipt["left"]), (&json!("stopped"), &json!(0)), "{receipt}");
    assert_eq!(follower.end_of(batch_id)["status"], "stopped");
    bench.nothing_alive();
}

#[test]
fn one_agent_is_stopped_and_its_stories_are_left_out() {
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    // Development hangs for the first story only.
    let gate = bench.path("first");
    let hang = format!("if mkdir '{}' 2>/dev/null; then AGENT=slow; fi", gate.display());
    bench.project.replace(
        "sprint-status.yaml",
        STORIES.replace("1-1-skeleton: backlog", "1-1-skeleton: in-progress").as_bytes(),
    );
    bench.plan("quick", &hang);
    let batch_id = start(&server, "\"all\"");
    let agent = follower.agent("dev-story");
    assert_eq!(agent["story_keys"], json!(["1-1-skeleton"]));
    let id = agent["agent_id"].as_str().unwrap().to_owned();
    let stopped = stop_one(&server, &id);
    assert_eq!((stopped.status, &stopped.json()["left"]), (200, &json!(0)), "{}", stopped.text());
    assert!(stopped.json()["processes"].as_i64().unwrap() >= 1);
    let end = follower.end_of(batch_id);
    assert_eq!(
        (&end["status"], &end["reason"]),
        (&json!("completed"), &json!("all_done")),
        "{}",
        told(&follower.seen)
    );
    let warnings = follower.warnings();
    assert_eq!(warnings, ["story_left_out"]);
    assert_eq!(bench.word("1-1-skeleton"), "in-progress", "it keeps its status");
    assert_eq!(bench.word("1-2-database"), "done");
    assert_eq!(bench.word("2-1-editor"), "done");
    assert_eq!(stop_one(&server, &id).status, 404, "it has ended");
    assert_eq!(stop_one(&server, "no-such").status, 404);
    assert_eq!(server.get(&format!("/api/agents/{id}/stop")).status, 405);
    bench.nothing_alive();
}

fn stop_one(server: &Server, id: &str) -> crate::support::http::Response {
    server.post(&format!("/api/agents/{id}/stop"), "{}")
}

#[test]
fn there_is_nothing_to_stop() {
    let bench = Bench::new(STORIES);
    let server = bench.serve();
    for body in ["", "{}", "{\"mode\":\"now\"}", "{\"mode\":\"graceful\"}"] {
        let answer = server.post(STOP, body);
        assert_eq!((answer.status, &answer.json()["code"]), (409, &json!("conflict")), "{body}");
    }
    for body in ["{\"mode\":\"later\"}", "{\"mode\":1}", "{\"mode\":null}", "[]", "{"] {
        assert_eq!(server.post(STOP, body).status, 400, "{body}");
    }
}
