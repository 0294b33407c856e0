//! `runner = "command"`: a batch is one child, the user's own orchestrator, watched through the files.

use serde_json::{Value, json};

use crate::support::bench::{Bench, Follower, STORIES, doing, start, told};
use crate::support::eventually;

/// A bench whose runner is this shell text; it begins in the project folder.
fn bench(text: &str) -> Bench {
    let bench = Bench::new(STORIES);
    let program = bench.program(
        "orchestrator",
        &format!(
            "#!/bin/sh\necho \"$$ orchestrator\" >>'{0}/started'\nexport AGENT_PIDS='{0}/pids'\n\
             cd _bmad-output/implementation-artifacts\n\
             log() {{ echo \"$(date +%s),1,1-1,dev-story,$1,$2,\\\"$3\\\"\" >>sprint-runner.csv; }}\n\
             {text}\n",
            bench.path("").display(),
        ),
    );
    bench.config(&format!(
        "[agents.own]\nprogram = \"{}\"\n\n[workflow]\nrunner = \"command\"\ndefault = \"own\"\n\
         stop_grace_seconds = 0.5\n",
        program.display()
    ));
    bench
}

const WORK: &str = "\
    read -r name; read -r size\n\
    log setup start \"$name, $size, $SPRINT_RUNNER_BATCH_SIZE\"\n\
    sed -i 's/1-1-skeleton: backlog/1-1-skeleton: done/' sprint-status.yaml\n\
    log setup end 'Made (files:2, lines:85)'";

#[test]
fn a_batch_is_one_child_and_ends_with_it() {
    let bench = bench(WORK);
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "3");
    let end = follower.end_of(batch_id);
    assert_eq!(
        (&end["status"], &end["reason"]),
        (&json!("completed"), &json!("command_ended")),
        "{}",
        told(&follower.seen)
    );
    // Its rows and what it has done to the status file belong to it, however late they are seen.
    for kind in ["command:start", "story:status"] {
        let is_it = |event: &Value| event["type"] == kind && event["batch_id"] == batch_id;
        if !follower.seen.iter().any(is_it) {
            follower.until(kind, is_it);
        }
    }
    let of_batch: Vec<_> =
        follower.seen.iter().filter(|event| event["batch_id"] == batch_id).collect();
    let kinds: Vec<_> = of_batch.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(kinds.iter().filter(|kind| **kind == "agent:start").count(), 1);
    assert_eq!(kinds.iter().filter(|kind| **kind == "agent:end").count(), 1);
    let row = of_batch
        .iter()
        .find(|event| event["type"] == "command:start" && event["source"] == "csv")
        .unwrap_or_else(|| panic!("{}", told(&follower.seen)));
    assert_eq!(row["payload"]["story_key"], "1-1-skeleton");
    assert_eq!(row["payload"]["message"], "sprint-runner, Batch size: 3, 3");
    let change = of_batch
        .iter()
        .find(|event| event["type"] == "story:status")
        .unwrap_or_else(|| panic!("{}", told(&follower.seen)));
    assert_eq!(
        (&change["source"], &change["payload"]["new_status"]),
        (&json!("yaml"), &json!("done"))
    );
    assert_eq!(server.json("/api/batches")["total"], 1, "no observed batch beside it");
    assert_eq!(bench.starts(), 1);
    bench.nothing_alive();
}

#[test]
fn its_exit_code_is_the_batchs_fate() {
    let bench = bench(&format!("{WORK}\necho 'no more paper' >&2\nexit 3"));
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    for _ in 0..2 {
        let batch_id = start(&server, "\"all\"");
        let end = follower.end_of(batch_id);
        assert_eq!(end["status"], "error", "{}", told(&follower.seen));
        let reason = end["reason"].as_str().unwrap();
        assert!(reason.contains("exit code 3") && reason.contains("no more paper"), "{reason}");
    }
    assert!(follower.seen.iter().any(|event| event["type"] == "error"));
    assert_eq!(doing(&server), "idle");
}

#[test]
fn either_stop_ends_it_with_all_its_descendants() {
    let bench = bench(
        "log setup start go\nsleep 300 &\necho \"$! child\" >>\"$AGENT_PIDS\"\n\
         setsid sh -c 'echo \"$$ setsid\" >>\"$AGENT_PIDS\"; exec sleep 300' &\nwait",
    );
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    for (n, mode) in ["now", "graceful"].into_iter().enumerate() {
        let batch_id = start(&server, "\"all\"");
        eventually("its descendants", || (bench.descendants().len() == 2 * n + 2).then_some(()));
        follower.until("its row", |event| {
            event["type"] == "command:start" && event["batch_id"] == batch_id
        });
        let answer = server.post("/api/orchestrator/stop", &format!("{{\"mode\":\"{mode}\"}}"));
        assert_eq!(answer.status, 200, "{}", answer.text());
        let end = follower.end_of(batch_id);
        assert_eq!(end["status"], "stopped", "{mode}: {}", told(&follower.seen));
        assert_eq!(bench.alive(), [0_u32; 0], "{mode}");
        // What it left open has an end.
        assert_eq!(server.json("/api/snapshot")["active"], json!([]), "{mode}");
    }
    bench.nothing_alive();
}

#[test]
fn one_that_is_missing_is_a_conflict() {
    let bench = bench(WORK);
    std::fs::remove_file(bench.path("orchestrator")).unwrap();
    let server = bench.serve();
    assert_eq!(server.post("/api/orchestrator/start", "{}").status, 409);
    assert_eq!(doing(&server), "idle");
}
