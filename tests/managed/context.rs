//! Step 0: the project context, made, refreshed, missing; what agents are given of it.

use std::fs;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use crate::support::bench::{Bench, Follower, STORIES, Toml, agents, start, told};

fn payloads(events: &[Value], prefix: &str) -> Vec<(String, Value)> {
    let of_kind = |event: &&Value| event["type"].as_str().unwrap().starts_with(prefix);
    let pair = |event: &Value| {
        let kind = event["type"].as_str().unwrap().to_owned();
        (kind, event["payload"]["status"].clone())
    };
    events.iter().filter(of_kind).map(pair).collect()
}

fn names(events: &[Value], prefix: &str) -> Vec<String> {
    payloads(events, prefix).into_iter().map(|(kind, _)| kind).collect()
}

/// A bench whose context is seen to by this program.
fn bench(scribe: &str) -> Bench {
    let bench = Bench::with(
        STORIES,
        &Toml {
            workflow: "[workflow.commands]\ngenerate-project-context = \"scribe\"",
            ..Toml::default()
        },
    );
    let text = format!(
        "#!/bin/sh\nCONTEXT='{}'\nGATE='{}'\n{scribe}\n",
        bench.context_path().display(),
        bench.path("gate").display()
    );
    let scribe = bench.program("scribe", &text);
    let config = bench.project.root().join("sprint-runner.toml");
    let more =
        format!("\n[agents.scribe]\npreset = \"claude\"\nprogram = \"{}\"\n", scribe.display());
    bench.config(&(fs::read_to_string(config).unwrap() + &more));
    bench.plan("quick", "");
    bench
}

/// Makes the context older than a day.
fn age(bench: &Bench) {
    let old = SystemTime::now() - Duration::from_secs(25 * 3600);
    let file = fs::File::options().append(true).open(bench.context_path()).unwrap();
    file.set_modified(old).unwrap();
}

#[test]
fn an_old_context_is_refreshed_in_the_background_and_holds_nothing_up() {
    // It waits until the test lets it go on.
    let bench = bench(&format!(
        "while ! [ -e \"$GATE\" ]; do sleep 0.02; done\necho new >\"$CONTEXT\"\nexec '{}/good'",
        agents().display()
    ));
    age(&bench);
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    follower.kind("cycle:end");
    assert_eq!(
        names(&follower.seen, "context:"),
        ["context:refresh", "context:copied"],
        "{}",
        told(&follower.seen)
    );
    fs::write(bench.path("gate"), "").unwrap();
    let end = follower.end_of(batch_id);
    assert_eq!(end["status"], "completed");
    assert_eq!(
        names(&follower.seen, "context:"),
        ["context:refresh", "context:copied", "context:complete"]
    );
    assert_eq!(
        payloads(&follower.seen, "background:"),
        [("background:complete".to_owned(), json!("completed"))]
    );
    // This batch was given the old one, the next one gets the new.
    let copy = bench.context_path().with_file_name("sprint-project-context.md");
    assert_eq!(fs::read_to_string(&copy).unwrap(), "The project in a few words.\n");
    let batch_id = start(&server, "1");
    follower.end_of(batch_id);
    assert_eq!(names(&follower.seen, "context:")[3..], ["context:fresh", "context:copied"]);
    assert_eq!(fs::read_to_string(&copy).unwrap(), "new\n");
    bench.nothing_alive();
}

#[test]
fn a_refresh_that_fails_is_told_and_the_batch_goes_on() {
    let bench = bench("echo 'no paper' >&2; exit 1");
    age(&bench);
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    assert_eq!(follower.end_of(batch_id)["status"], "completed");
    let error = follower.seen.iter().find(|event| event["type"] == "background:error").unwrap();
    assert!(error["payload"]["error"].as_str().unwrap().contains("no paper"), "{error}");
    let warning = follower.seen.iter().find(|event| event["type"] == "batch:warning").unwrap();
    assert_eq!(warning["payload"]["warning_type"], "background_failed");
    assert_eq!(bench.word("1-1-skeleton"), "done");
}

#[test]
fn without_a_context_the_batch_goes_on_and_says_so() {
    let bench = bench("exit 1");
    fs::remove_file(bench.context_path()).unwrap();
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    assert_eq!(follower.end_of(batch_id)["status"], "completed", "{}", told(&follower.seen));
    assert_eq!(
        names(&follower.seen, "context:"),
        ["context:create", "context:error", "context:copy_failed"]
    );
    let warnings = follower.warnings();
    assert_eq!(warnings[..2], ["agent_failed", "agent_failed"]);
    assert!(warnings[2..].iter().all(|kind| *kind == "context_unavailable"), "{warnings:?}");
    // Nothing at all was there to be given to who creates the stories.
    let empty: Vec<_> = follower
        .seen
        .iter()
        .filter(|event| event["type"] == "injection:empty")
        .map(|event| event["payload"]["command"].as_str().unwrap())
        .collect();
    assert!(empty.contains(&"sprint-create-story"), "{empty:?}");
    assert_eq!(bench.word("1-1-skeleton"), "done");
}

#[test]
fn a_context_beyond_all_bounds_fails_the_command_with_that_reason() {
    let bench = bench("exit 1");
    bench.context(&"too long a story ".repeat(20_000));
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    let end = follower.end_of(batch_id);
    assert_eq!(end["status"], "error", "{}", told(&follower.seen));
    assert!(end["reason"].as_str().unwrap().contains("150"), "{end}");
    assert_eq!(bench.status_file(), STORIES);
    assert_eq!(bench.starts(), 0);
    bench.context("short again\n");
    let batch_id = start(&server, "1");
    assert_eq!(follower.end_of(batch_id)["status"], "completed");
}
