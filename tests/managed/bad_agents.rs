//! Every kind of bad agent: a defined end, in time, and the next batch is a good one.

use std::fs;

use serde_json::{Value, json};

use crate::support::Server;
use crate::support::bench::{Bench, Follower, Toml, chmod, doing, start, told};

/// One story that needs development and nothing before it.
const STATUS: &str = "\
project: lantern
development_status:
  epic-1: in-progress
  1-1-skeleton: in-progress   # half of it is there
  1-2-database: review
";

/// What a batch must come to.
struct Expected {
    status: &'static str,
    /// The beginning of the reason.
    reason: &'static str,
    /// What the batch's warnings and errors are, in order.
    told: &'static [&'static str],
    /// The words of the two stories.
    words: [&'static str; 2],
}

const GOOD: Expected =
    Expected { status: "completed", reason: "all_done", told: &[], words: ["done", "done"] };

struct Lab {
    bench: Bench,
    server: Server,
    follower: Follower,
}

impl Lab {
    fn new(agent: &str) -> Self {
        Self::with(&Toml { agent, ..Toml::default() })
    }

    fn with(toml: &Toml) -> Self {
        let bench = Bench::with(STATUS, toml);
        let server = bench.serve();
        let follower = Follower::open(&server);
        Self { bench, server, follower }
    }

    fn batch(&mut self, agent: &str, environment: &str, expected: &Expected) -> Vec<Value> {
        self.bench.project.replace("sprint-status.yaml", STATUS.as_bytes());
        self.bench.plan(agent, environment);
        let batch_id = start(&self.server, "\"all\"");
        self.expect(agent, batch_id, expected)
    }

    fn expect(&mut self, what: &str, batch_id: i64, expected: &Expected) -> Vec<Value> {
        let end = self.follower.end_of(batch_id);
        let of_batch = |event: &&Value| event["batch_id"] == batch_id;
        let events: Vec<Value> = self.follower.seen.iter().filter(of_batch).cloned().collect();
        let shown = format!("{what}:\n{}", told(&events));
        assert_eq!(end["status"], expected.status, "{shown}");
        let reason = end["reason"].as_str().unwrap();
        assert!(reason.starts_with(expected.reason), "{reason:?} {shown}");
        assert_eq!(warnings(&events), expected.told, "{shown}");
        let words = ["1-1-skeleton", "1-2-database"].map(|key| self.bench.word(key));
        let bare = words.each_ref().map(|word| word.split([' ', '#']).next().unwrap());
        assert_eq!(bare, expected.words, "{shown}");
        if expected.words == ["in-progress", "review"] {
            assert_eq!(self.bench.status_file(), STATUS, "{shown}");
        }
        let row = self.server.json(&format!("/api/batches/{batch_id}"))["batch"].clone();
        assert_eq!(row["status"], expected.status, "{shown}");
        assert_eq!(doing(&self.server), "idle", "{shown}");
        let starts = events.iter().filter(|event| event["type"] == "agent:start").count();
        let ends = events.iter().filter(|event| event["type"] == "agent:end").count();
        assert_eq!(starts, ends, "{shown}");
        self.bench.nothing_alive();
        events
    }

    fn good(&mut self) {
        self.batch("good", "", &GOOD);
    }
}

/// Warnings by their type, errors by theirs.
fn warnings(events: &[Value]) -> Vec<String> {
    let name = |event: &Value| match event["type"].as_str().unwrap() {
        "batch:warning" => Some(event["payload"]["warning_type"].as_str().unwrap().to_owned()),
        "error" => Some(format!("error {}", event["payload"]["type"].as_str().unwrap())),
        _ => None,
    };
    events.iter().filter_map(name).collect()
}

/// The message of the first event of this type.
fn message<'a>(events: &'a [Value], kind: &str) -> &'a str {
    let event = events.iter().find(|event| event["type"] == kind).unwrap();
    event["payload"]["message"].as_str().unwrap()
}

/// Three tries, then the batch's end, and no story touched.
const NEVER_WELL: Expected = Expected {
    status: "error",
    reason: "agent: dev-story failed: ",
    told: &["agent_failed", "agent_failed", "error agent"],
    words: ["in-progress", "review"],
};

#[test]
fn b32_those_that_never_work_end_the_batch_and_no_story_is_touched() {
    let mut lab = Lab::new("");
    for (agent, cause) in [
        ("crash", "ended by signal 11"),
        ("exit-1", "nothing works today"),
        ("not-logged-in", "/login"),
        ("unknown-flag", "unknown option"),
        ("denied", "Bash"),
    ] {
        let events = lab.batch(agent, "", &NEVER_WELL);
        let error = message(&events, "error");
        assert!(error.contains(cause), "{agent}: {error}");
        assert!(message(&events, "batch:warning").contains(cause), "{agent}");
        lab.good();
    }
}

/// It exits 0 and has said half a word, which is all that development asks for: what it has not
/// done is found by the review, which asks for a verdict.
#[test]
fn garbage_never_passes_a_review() {
    let mut lab = Lab::new("");
    let events = lab.batch(
        "garbage",
        "",
        &Expected {
            told: &[
                "agent_failed",
                "agent_failed",
                "story_blocked",
                "agent_failed",
                "agent_failed",
                "story_blocked",
            ],
            words: ["blocked", "blocked"],
            ..GOOD
        },
    );
    assert!(message(&events, "batch:warning").contains("without a verdict"));
    let log = lab.server.get("/api/agents/1-1/log").text();
    assert!(log.contains("Welcome to the make-believe agent!"), "{log}");
    lab.good();
}

#[test]
fn silence_is_ended_after_its_time() {
    // One that hears TERM has all the time it needs to go; one that does not must be told to ignore
    // it before its 0.4 s are over, which a busy machine may not let it on each try.
    for (agent, grace) in [("hang", "60"), ("ignores-term", "0.3")] {
        let mut lab = Lab::new("idle_minutes = 0.0067");
        let config = lab.bench.project.root().join("sprint-runner.toml");
        let text = fs::read_to_string(config).unwrap();
        let was = "timeout_grace_seconds = 0.3";
        lab.bench.config(&text.replace(was, &format!("timeout_grace_seconds = {grace}")));
        lab.server.terminate();
        lab.server = lab.bench.serve();
        lab.follower = Follower::open(&lab.server);
        let mut killed = 0;
        for _ in 0..10 {
            let events = lab.batch(agent, "", &NEVER_WELL);
            let error = message(&events, "error");
            assert!(error.contains("it printed nothing for 0.4"), "{agent}: {error}");
            for end in events.iter().filter(|event| event["type"] == "agent:end") {
                let receipt = &end["payload"]["receipt"];
                assert_eq!(receipt["left"], 0, "{agent}: {end}");
                killed += receipt["killed"].as_u64().unwrap();
            }
            if agent == "hang" || killed > 0 {
                break;
            }
        }
        assert_eq!(killed > 0, agent == "ignores-term", "{agent}: {killed}");
    }
}

#[test]
fn too_long_a_run_is_ended_after_its_time() {
    let mut lab = Lab::new("timeout_minutes = 0.01");
    let events = lab.batch("slow", "", &NEVER_WELL);
    let error = message(&events, "error");
    assert!(error.contains("it ran longer than 0.6"), "{error}");
}

#[test]
fn oddities_that_do_no_harm() {
    let result_grace_seconds = Some(0.3);
    let mut lab = Lab::with(&Toml { result_grace_seconds, ..Toml::default() });
    for (agent, environment) in [
        ("hang-after-result", ""),
        ("leaves-grandchild", ""),
        ("setsid-grandchild", "export AGENT_SECONDS=0.1"),
        ("long-line", "export AGENT_BYTES=67108864"),
        ("stderr-flood", ""),
        ("slow", "export AGENT_SECONDS=0.2"),
    ] {
        lab.batch(agent, environment, &GOOD);
        lab.good();
    }
}

#[test]
fn a_thousand_rows_from_every_agent_are_a_thousand_events() {
    let mut lab = Lab::new("");
    let events = lab.batch("noisy", "", &GOOD);
    let agents = events.iter().filter(|event| event["type"] == "agent:start").count();
    let rows = events.iter().filter(|event| event["type"] == "command:progress").count();
    assert_eq!(rows, agents * 1000);
    lab.good();
}

/// One that ends by a signal each time: tried again after a pause, after a longer one, given up.
#[test]
fn b33_a_crash_loop_backs_off_is_given_up_and_told() {
    let mut lab = Lab::new("");
    let config = lab.bench.project.root().join("sprint-runner.toml");
    let text = fs::read_to_string(config).unwrap();
    lab.bench.config(&text.replace("retry_seconds = 0.05", "retry_seconds = 0.4"));
    lab.server.terminate();
    lab.server = lab.bench.serve();
    lab.follower = Follower::open(&lab.server);
    let events = lab.batch("crash", "", &NEVER_WELL);
    let of = |kind: &str| -> Vec<&Value> {
        events.iter().filter(|event| event["type"] == kind).collect()
    };
    let at = |event: &Value| event["timestamp"].as_i64().unwrap();
    let (starts, ends) = (of("agent:start"), of("agent:end"));
    assert_eq!((starts.len(), lab.bench.starts()), (3, 3), "{}", told(&events));
    assert!(ends.iter().all(|end| end["payload"]["signal"] == 11));
    let pauses = [at(starts[1]) - at(ends[0]), at(starts[2]) - at(ends[1])];
    assert!(pauses[0] >= 400 && pauses[1] >= 800, "{pauses:?}");
    for (warning, words) in of("batch:warning").iter().zip(["try in 0.4 s", "try in 0.8 s"]) {
        let message = warning["payload"]["message"].as_str().unwrap();
        assert!(message.contains(words) && message.contains("signal 11"), "{message}");
    }
    lab.good();
}

#[test]
fn b33_two_failures_are_tried_again_and_forgiven() {
    let mut lab = Lab::new("");
    let state = format!("export AGENT_STATE='{}'", lab.bench.path("calls").display());
    let told = &["agent_failed", "agent_failed"];
    let events = lab.batch("flaky", &state, &Expected { told, ..GOOD });
    assert!(message(&events, "batch:warning").contains("the connection was lost"));
    lab.good();
}

#[test]
fn the_same_critical_findings_three_times_block_the_story() {
    let mut lab = Lab::new("");
    let told = &["story_blocked", "story_blocked"];
    let events =
        lab.batch("critical", "", &Expected { told, words: ["blocked", "blocked"], ..GOOD });
    let reviews: Vec<_> = events
        .iter()
        .filter(|event| event["type"] == "agent:start")
        .map(|event| event["payload"]["command"].as_str().unwrap())
        .collect();
    assert_eq!(
        reviews,
        [
            "dev-story",
            "code-review-1",
            "code-review-2",
            "code-review-3",
            "code-review-1",
            "code-review-2",
            "code-review-3"
        ]
    );
    lab.good();
}

#[test]
fn b34_a_usage_limit_parks_the_batch_which_goes_on_by_itself() {
    let mut lab = Lab::new("");
    lab.bench.plan(
        "usage-limit",
        &format!(
            "export AGENT_STATE='{}'\nexport AGENT_RESET_SECONDS=8",
            lab.bench.path("calls").display()
        ),
    );
    let batch_id = start(&lab.server, "\"all\"");
    let parked = lab.follower.kind("batch:warning")["payload"].clone();
    assert_eq!(parked["warning_type"], "usage_limit", "{parked}");
    let until = parked["parked_until"].as_i64().unwrap();
    let status = lab.server.json("/api/orchestrator/status");
    if status["status"] != "running" {
        assert_eq!(
            (&status["status"], &status["parked_until"]),
            (&json!("waiting"), &json!(until))
        );
    }
    let over = lab.follower.kind("batch:warning");
    assert_eq!(over["payload"]["warning_type"], "usage_limit_over");
    assert!(over["timestamp"].as_i64().unwrap() >= until, "{over}");
    lab.expect(
        "usage-limit",
        batch_id,
        &Expected { told: &["usage_limit", "usage_limit_over"], ..GOOD },
    );
    lab.good();
}

#[test]
fn b32_a_program_that_is_missing_or_may_not_be_executed_is_a_conflict() {
    let lab = Lab::new("");
    let program = lab.bench.path("agent");
    let aside = lab.bench.path("aside");
    for what in ["missing", "not executable", "a folder"] {
        fs::rename(&program, &aside).unwrap();
        match what {
            "missing" => {}
            "not executable" => {
                fs::write(&program, "#!/bin/sh\n").unwrap();
                chmod(&program, 0o644);
            }
            _ => fs::create_dir(&program).unwrap(),
        }
        let answer = lab.server.post("/api/orchestrator/start", "{}");
        assert_eq!(answer.status, 409, "{what}: {}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["code"], "conflict", "{what}: {answer}");
        let sentence = answer["error"].as_str().unwrap();
        assert!(sentence.contains("claude"), "{what}: {sentence}");
        let home = lab.bench.path("").display().to_string();
        assert!(!sentence.contains(&home), "a path of the machine: {sentence}");
        assert_eq!(doing(&lab.server), "idle");
        assert_eq!(lab.bench.status_file(), STATUS);
        assert_eq!(lab.server.json("/api/batches")["total"], 0);
        let _ = fs::remove_file(&program);
        let _ = fs::remove_dir(&program);
        fs::rename(&aside, &program).unwrap();
    }
    assert_eq!(lab.bench.starts(), 0);
    let mut lab = lab;
    lab.good();
}

#[test]
fn b32_a_program_that_vanishes_after_the_start_ends_the_batch() {
    let mut lab = Lab::new("");
    // The first agent takes the program away with it.
    let program = lab.bench.path("agent");
    let aside = lab.bench.path("aside");
    let vanish = format!("mv '{}' '{}'", program.display(), aside.display());
    let events = lab.batch(
        "good",
        &vanish,
        &Expected {
            status: "error",
            reason: "agent: ",
            told: &["error agent"],
            words: ["review", "review"],
        },
    );
    assert_eq!(events.iter().filter(|event| event["type"] == "agent:start").count(), 1);
    fs::rename(&aside, &program).unwrap();
    lab.good();
}

#[test]
fn b32_a_program_that_the_system_cannot_run_ends_the_batch() {
    let mut lab = Lab::new("");
    let program = lab.bench.path("agent");
    let good = fs::read(&program).unwrap();
    for text in ["#!/nowhere/interpreter\n", "\u{7f}ELF and nothing behind it"] {
        fs::write(&program, text).unwrap();
        let expected = Expected { reason: "agent: ", told: &["error agent"], ..NEVER_WELL };
        lab.batch("good", "", &expected);
    }
    fs::write(&program, good).unwrap();
    lab.good();
}
