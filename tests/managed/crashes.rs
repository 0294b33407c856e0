//! The server is killed, or ended in order, while agents run; an agent is killed from outside.

use std::time::{Duration, Instant};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::{Value, json};

use crate::support::bench::{Bench, Follower, STORIES, doing, start, told};
use crate::support::heavy::{Need, heavy};
use crate::support::server::binary;
use crate::support::{LENIENCE, Server, eventually, process};

fn command_line(bench: &Bench) -> Value {
    // It waits for a server's answer no longer than people do.
    eventually("an answer on the command line", || {
        let mut command = binary();
        command.args(["status", "--json", "-C"]).arg(bench.project.root());
        serde_json::from_slice(&command.output().unwrap().stdout).ok()
    })
}

#[test]
fn b27_after_a_kill_of_the_server_its_children_are_ended_and_the_batch_is_lost() {
    let bench = Bench::new(STORIES);
    // Not one with a stopped member: to a group that is orphaned with one the kernel itself sends
    // a hang-up.
    bench.plan("ignores-term", "");
    let server = bench.serve();
    let batch_id = start(&server, "\"all\"");
    eventually("two agents", || (bench.descendants().len() == 2).then_some(()));
    // A stranger of the same kind, with no cookie of ours.
    let mut stranger = std::process::Command::new("sleep").arg("300").spawn().unwrap();
    let before = eventually("the starts of two commands of two stories", || {
        let log = server.log_after(0);
        let starts = log.iter().filter(|event| event["type"] == "command:start").count();
        (starts == 4).then_some(log)
    });
    let before_kill = bench.alive().len();
    server.kill();
    assert_eq!(bench.alive().len(), before_kill, "nobody was there to end them");
    let offline = command_line(&bench);
    assert!(offline["active"].as_array().is_none_or(Vec::is_empty), "{offline}");

    bench.plan("quick", "");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let end = follower.end_of(batch_id);
    assert_eq!((&end["status"], &end["cycles_completed"]), (&json!("lost"), &json!(0)));
    // The batch's end is told only when its children have gone.
    assert_eq!(bench.alive(), [0_u32; 0]);
    let lost: Vec<_> = follower
        .seen
        .iter()
        .filter(|event| event["type"] == "command:end" && event["payload"]["status"] == "left-open")
        .map(|event| event["payload"]["command"].as_str().unwrap().to_owned())
        .collect();
    assert_eq!(lost.len(), 4, "two commands of two stories: {}", told(&follower.seen));
    assert_eq!(follower.seen[..before.len()], before, "history is as it was");
    let row = server.json(&format!("/api/batches/{batch_id}"))["batch"].clone();
    assert_eq!(row["status"], "lost");
    assert_eq!(bench.status_file(), STORIES, "nothing else is touched");
    assert_eq!(doing(&server), "idle");
    assert_eq!(stranger.try_wait().unwrap(), None, "strangers are none of our business");
    stranger.kill().unwrap();
    stranger.wait().unwrap();

    let next = start(&server, "\"all\"");
    assert!(next > batch_id);
    assert_eq!(follower.end_of(next)["status"], "completed");
}

#[test]
fn b27_a_start_right_after_a_crash_waits_for_what_was_left() {
    let bench = Bench::new(STORIES);
    bench.plan("ignores-term", "");
    let server = bench.serve();
    let batch_id = start(&server, "1");
    eventually("two agents", || (bench.descendants().len() == 2).then_some(()));
    server.kill();
    bench.plan("quick", "");
    let server = bench.serve();
    let next = start(&server, "1");
    let mut follower = Follower::open(&server);
    assert_eq!(follower.end_of(batch_id)["status"], "lost");
    assert_eq!(follower.end_of(next)["status"], "completed");
    bench.nothing_alive();
}

/// The pid of an agent is given to a stranger while the server is down.
#[test]
fn b27_a_stranger_with_a_pid_of_ours_is_not_touched() {
    if !heavy("b27_a_stranger_with_a_pid_of_ours_is_not_touched", &[Need::Root]) {
        return;
    }
    let bench = Bench::new(STORIES);
    bench.plan("ignores-term", "");
    let server = bench.serve();
    let batch_id = start(&server, "\"all\"");
    eventually("two agents", || (bench.descendants().len() == 2).then_some(()));
    server.kill();
    let freed = bench.pids()[0];
    process::signal(freed, Signal::KILL);
    eventually("a free number", || process::state(freed).is_none().then_some(()));
    let mut stranger = with_pid(freed);
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    assert_eq!(follower.end_of(batch_id)["status"], "lost");
    let others: Vec<u32> = bench.alive().into_iter().filter(|pid| *pid != freed).collect();
    assert_eq!(others, [0_u32; 0], "the other agent is ended");
    assert_eq!(stranger.try_wait().unwrap(), None, "the stranger is none of our business");
    drop(server);
    assert_eq!(stranger.try_wait().unwrap(), None);
    stranger.kill().unwrap();
    stranger.wait().unwrap();
}

/// A child of ours that got this very number: the system gives the next one after the last.
fn with_pid(pid: u32) -> std::process::Child {
    for _ in 0..10_000 {
        std::fs::write("/proc/sys/kernel/ns_last_pid", (pid - 1).to_string()).unwrap();
        let mut child = std::process::Command::new("sleep").arg("300").spawn().unwrap();
        if child.id() == pid {
            return child;
        }
        child.kill().unwrap();
        child.wait().unwrap();
    }
    panic!("the number {pid} could not be had");
}

#[test]
fn b11_an_orderly_end_takes_the_children_along() {
    for agent in ["slow", "ignores-term", "three-levels"] {
        let bench = Bench::new(STORIES);
        bench.plan(agent, "");
        let mut server = bench.serve();
        let batch_id = start(&server, "\"all\"");
        let mut follower = Follower::open(&server);
        follower.agent("create-story");
        let asked = Instant::now();
        let status = server.terminate();
        let took = asked.elapsed();
        assert_eq!(status.code(), Some(0), "{agent}");
        assert!(took < Duration::from_secs(5) * LENIENCE, "{agent}: {took:?}");
        assert_eq!(bench.alive(), [0_u32; 0], "{agent}");
        let server = bench.serve();
        let row = server.json(&format!("/api/batches/{batch_id}"))["batch"].clone();
        assert_eq!(row["status"], "stopped", "{agent}");
        let ends: Vec<Value> = server
            .log_after(0)
            .into_iter()
            .filter(|event| event["type"] == "batch:end")
            .map(|event| event["payload"].clone())
            .collect();
        assert_eq!(ends.len(), 1, "{agent}");
        assert_eq!(ends[0]["reason"], "server_stopped", "{agent}");
        assert_eq!(bench.status_file(), STORIES, "{agent}");
    }
}

#[test]
fn b45_an_agent_killed_from_outside_is_not_said_to_run() {
    // The next try comes late enough to be looked at before.
    let bench = Bench::new(STORIES);
    let config = bench.project.root().join("sprint-runner.toml");
    let text = std::fs::read_to_string(&config).unwrap();
    bench.config(&text.replace("retry_seconds = 0.05", "retry_seconds = 600"));
    bench.project.replace(
        "sprint-status.yaml",
        STORIES.replace("1-1-skeleton: backlog", "1-1-skeleton: in-progress").as_bytes(),
    );
    bench.plan("slow", "");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "\"all\"");
    let agent = follower.agent("dev-story");
    follower.until("the command", |event| event["type"] == "command:start");
    let live = command_line(&bench);
    assert_eq!(live["active"].as_array().unwrap().len(), 1, "{live}");
    let pid = Pid::from_raw(agent["pid"].as_i64().unwrap() as i32).unwrap();
    kill_process(pid, Signal::KILL).unwrap();
    let killed = Instant::now();
    let told_so = follower.kind("batch:warning");
    assert_eq!(told_so["payload"]["warning_type"], "agent_failed");
    let message = told_so["payload"]["message"].as_str().unwrap();
    assert!(message.contains("signal 9") && message.contains("next try"), "{message}");
    assert!(nobody_is_active(&bench, &server), "{}", told(&follower.seen));
    assert!(killed.elapsed() < Duration::from_secs(5) * LENIENCE);
    let end = follower.seen.iter().find(|event| event["type"] == "agent:end").unwrap();
    assert_eq!(end["payload"]["signal"], 9);
    assert_eq!(server.post("/api/orchestrator/stop", "{\"mode\":\"now\"}").status, 200);
    assert_eq!(follower.end_of(batch_id)["status"], "stopped");
    assert_eq!(command_line(&bench)["batch"], Value::Null);
    assert_eq!(doing(&server), "idle");
    bench.nothing_alive();
}

fn nobody_is_active(bench: &Bench, server: &Server) -> bool {
    let agents = server.json("/api/agents")["agents"].as_array().unwrap().clone();
    let snapshot = server.json("/api/snapshot");
    let line = command_line(bench);
    agents.iter().all(|agent| agent["ended_at"].is_i64())
        && snapshot["active"] == json!([])
        && line["active"] == json!([])
}
