//! Behaviour 36: an agent is not called silent while the log cannot be written, and so nobody listens.

use std::fs;

use rusqlite::Connection;

use crate::support::bench::{Bench, Follower, STORIES, Toml, start, told};
use crate::support::eventually;

/// Nine seconds: no agent that talks is held up for so long, not on a busy machine either.
const IDLE: &str = "idle_minutes = 0.15";
/// Tenths of a second: longer than that.
const LONG: usize = 110;

/// What the agent prints meanwhile: a row of its own.
const ROW: &str = r#"printf '{"type":"user","message":{"content":[{"type":"tool_result","content":"%s,1,1-1,code-review-1,review,progress,on"}]}}\n' "$(date +%s)""#;

/// A batch whose log refuses this event for longer than an agent may be silent.
fn refusing(event: &str, print: &str) {
    let bench = Bench::with(STORIES, &Toml { agent: IDLE, ..Toml::default() });
    bench.project.replace("sprint-status.yaml", b"development_status:\n  1-1-skeleton: review\n");
    let (gate, printed) = (bench.path("gate"), bench.path("printed"));
    fs::write(&gate, "").unwrap();
    let talk = format!(
        "while [ -e '{}' ]; do\n{print}\n\
         echo on >>'{}'; sleep 0.1\ndone",
        gate.display(),
        printed.display()
    );
    bench.plan("good", &talk);
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let conn =
        Connection::open(bench.project.root().join(".sprint-runner/sprint-runner.db")).unwrap();
    let refuse = format!(
        "CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.{event}
         BEGIN SELECT RAISE(ABORT, 'not now'); END"
    );
    eventually("a trigger", || conn.execute_batch(&refuse).ok());
    let batch_id = start(&server, "1");
    eventually("a log that cannot be written", || {
        (server.json("/healthz")["status"] == "degraded").then_some(())
    });
    let lines = || fs::read_to_string(&printed).unwrap_or_default().lines().count();
    let begun = lines();
    eventually("a long time", || (lines() >= begun + LONG).then_some(()));
    eventually("the log as it was", || conn.execute_batch("DROP TRIGGER refuse").ok());
    follower.agent("code-review-1");
    fs::remove_file(&gate).unwrap();
    let end = follower.end_of(batch_id);
    assert_eq!(end["status"], "completed", "{}", told(&follower.seen));
    assert!(!told(&follower.seen).contains("printed nothing"), "{}", told(&follower.seen));
    assert_eq!(follower.warnings(), [""; 0]);
    bench.nothing_alive();
}

#[test]
fn b36_no_agent_is_silent_while_its_rows_cannot_be_written() {
    refusing("event_type = 'command:progress'", ROW);
}

#[test]
fn b36_no_agent_is_silent_while_its_start_cannot_be_written() {
    // It says nothing yet, and is not asked to while nobody would hear it.
    refusing("event_type = 'agent:start'", ":");
}
