//! A whole sprint: twelve stories of four epics, from whatever state to done.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::bench::{Bench, Follower, Toml, agents, doing, start, told};
use crate::support::{Server, eventually};

const STATUS: &str = include_str!("../../fixtures/managed/sprint-status.yaml");

/// What the cycles take, in order.
const CYCLES: [&[&str]; 9] = [
    &["1-2-database"],
    &["1-3-settings", "1-9-import"],
    &["1-10-backup"],
    &["2-1-editor", "2-2-photos"],
    &["2-3-tags"],
    &["3a-1-list", "3a-2-rights"],
    &["3a-10-history"],
    &["4-1-quoted-key"],
    &["4-2-last"],
];

/// Every type of event that a sprint without any trouble has.
const TYPES: [&str; 15] = [
    "agent:end",
    "agent:start",
    "batch:end",
    "batch:start",
    "cleanup:complete",
    "cleanup:file_moved",
    "command:end",
    "command:start",
    "context:copied",
    "context:create",
    "cycle:end",
    "cycle:start",
    "injection:warning",
    "settings:changed",
    "story:status",
];

/// Files of stories that go to the archive, with their cycle; and those that stay.
const FILES: [(&str, usize); 8] = [
    ("1-2-database.md", 1),
    ("2-1-editor.md", 4),
    ("tech-spec-2-1.md", 4),
    ("3a-1-list.md", 6),
    ("3a-1-list-discovery.md", 6),
    ("3a-10-history.md", 7),
    ("tech-spec-3a-10.md", 7),
    ("story-4-2.md", 9),
];
const STAYING: [&str; 4] = ["notes.md", "3a-100-other.md", "13a-1-other.md", "1-1-skeleton.md"];

/// A git repository with the fixture sprint; its context is made by the first agent.
fn bench() -> Bench {
    let bench = Bench::with(
        STATUS,
        &Toml {
            workflow: "[workflow.commands]\ngenerate-project-context = \"scribe\"",
            more: "[agents.scribe]\npreset = \"claude\"\nprogram = \"SCRIBE\"",
            ..Toml::default()
        },
    );
    let scribe = bench.program(
        "scribe",
        &format!(
            "#!/bin/sh\nyes 'What an agent has to know.' | head -200 >'{}'\nexec '{}/good' \"$@\"\n",
            bench.context_path().display(),
            agents().display()
        ),
    );
    let config = bench.project.root().join("sprint-runner.toml");
    let text = fs::read_to_string(&config).unwrap();
    bench.config(&text.replace("SCRIBE", scribe.to_str().unwrap()));
    fs::remove_file(bench.context_path()).unwrap();
    for (name, _) in FILES {
        bench.project.write(name, format!("# {name}\n\n{}\n", "word ".repeat(100)).as_bytes());
    }
    for name in STAYING {
        bench.project.write(name, name.as_bytes());
    }
    bench.plan("good", &format!("export AGENT_CSV='{}'", bench.project.log().display()));
    git(bench.project.root(), &["add", "-A"]);
    git(bench.project.root(), &["-c", "user.name=t", "-c", "user.email=t@t", "commit", "-qm", "x"]);
    bench
}

fn git(root: &Path, arguments: &[&str]) {
    let output = Command::new("git").args(arguments).current_dir(root).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}

#[test]
fn twelve_stories_of_four_epics_are_done_and_nothing_else_is_touched() {
    let bench = bench();
    let server = bench.serve();
    let answer = put(&server, "/api/settings", "{\"injection_warning_kb\":4}");
    assert_eq!(answer, 200);
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "\"all\"");
    let end = follower.end_of(batch_id);
    let told_events = told(&follower.seen);
    assert_eq!(
        (&end["status"], &end["reason"], &end["cycles_completed"]),
        (&json!("completed"), &json!("all_done"), &json!(9)),
        "{told_events}"
    );
    eventually("an idle orchestrator", || (doing(&server) == "idle").then_some(()));

    cycles_are(&follower.seen);
    let types: BTreeSet<&str> =
        follower.seen.iter().map(|event| event["type"].as_str().unwrap()).collect();
    let missing: Vec<_> = TYPES.into_iter().filter(|kind| !types.contains(kind)).collect();
    assert_eq!(missing, [""; 0], "never seen");
    for kind in ["error", "batch:warning", "cleanup:file_error", "background:error"] {
        assert!(!types.contains(kind), "{kind}: {told_events}");
    }

    the_end_is_the_same_everywhere(&server, batch_id, &end);
    only_values_have_changed(&bench.status_file());
    files_lie_where_they_belong(&bench, &follower.seen);
    rows_told_twice_count_once(&bench, &follower.seen);
    let copy = bench.context_path().with_file_name("sprint-project-context.md");
    assert_eq!(fs::read(copy).unwrap(), fs::read(bench.context_path()).unwrap());
    the_commits_knew_the_git_status(&bench, batch_id);
    stream_and_database_agree(&bench, &follower.seen);
    agents_and_their_logs(&server, &follower.seen);
    let snapshot = server.json("/api/snapshot");
    assert_eq!(snapshot["batch"], Value::Null);
    assert_eq!(snapshot["active"], json!([]));
    let idle = json!({
        "status": "idle", "batch_id": null, "cycles_completed": 0, "max_cycles": null,
        "current_stories": [], "batch_mode": null,
    });
    for (key, value) in idle.as_object().unwrap() {
        assert_eq!(snapshot["orchestrator"][key], *value, "{key}");
    }
    assert_eq!(snapshot["orchestrator"], server.json("/api/orchestrator/status"));
    bench.nothing_alive();
}

fn put(server: &Server, path: &str, body: &str) -> u16 {
    let (port, length) = (server.port(), body.len());
    let request = format!(
        "PUT {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {length}\r\n\r\n{body}"
    );
    crate::support::http::send(port, request).unwrap().status
}

fn of_type<'a>(events: &'a [Value], kind: &'a str) -> impl Iterator<Item = &'a Value> {
    events.iter().filter(move |event| event["type"] == kind).map(|event| &event["payload"])
}

fn cycles_are(events: &[Value]) {
    let taken: Vec<_> =
        of_type(events, "cycle:start").map(|cycle| cycle["story_keys"].clone()).collect();
    assert_eq!(taken, CYCLES.map(|keys| json!(keys)));
    let finished: Vec<_> =
        of_type(events, "cycle:end").map(|cycle| cycle["completed_stories"].clone()).collect();
    assert_eq!(finished, CYCLES.map(|keys| json!(keys)));
    let numbers: Vec<_> =
        of_type(events, "cycle:end").map(|cycle| &cycle["cycle_number"]).collect();
    assert_eq!(numbers, (1..=9).map(|n| json!(n)).collect::<Vec<_>>().iter().collect::<Vec<_>>());
    // Each change of a word is told once, in the order of the work.
    let words: Vec<_> = of_type(events, "story:status")
        .filter(|change| change["story_key"] == "3a-10-history")
        .map(|change| (change["old_status"].as_str(), change["new_status"].as_str()))
        .filter(|(old, _)| old.is_some())
        .collect();
    let expected =
        ["backlog", "in-progress", "review", "done"].windows(2).map(|w| (Some(w[0]), Some(w[1])));
    assert_eq!(words, expected.collect::<Vec<_>>());
}

fn the_end_is_the_same_everywhere(server: &Server, batch_id: i64, end: &Value) {
    let ends = server.log_after(0).into_iter().filter(|event| event["type"] == "batch:end").count();
    assert_eq!(ends, 1);
    let detail = server.json(&format!("/api/batches/{batch_id}"));
    let list = server.json("/api/batches");
    for row in [&detail["batch"], &list["batches"][0]] {
        assert_eq!(row["id"], batch_id);
        assert_eq!(row["status"], end["status"]);
        assert_eq!(row["cycles_completed"], end["cycles_completed"]);
        assert_eq!(row["origin"], "managed");
        assert_eq!(row["max_cycles"], Value::Null);
    }
    let batch = &detail["batch"];
    let took = batch["ended_at"].as_i64().unwrap() - batch["started_at"].as_i64().unwrap();
    // A last look at the files lies between the two, which takes its time on a busy machine.
    let apart = (took - end["duration_ms"].as_i64().unwrap()).abs();
    assert!(apart <= 2_500.max(took / 2), "{batch} {end}");
    assert_eq!(list["batches"][0]["story_count"], 12);
    assert_eq!(detail["stats"]["stories_done"], 12);
    let stories = detail["stories"].as_array().unwrap();
    assert_eq!(stories.len(), 12);
    for story in stories {
        assert_eq!(story["status"], "done", "{story}");
        let commands = story["commands"].as_array().unwrap();
        assert!(!commands.is_empty(), "{story}");
        assert!(commands.iter().all(|command| command["status"] == "completed"), "{story}");
    }
}

fn only_values_have_changed(now: &str) {
    assert_eq!(now.lines().count(), STATUS.lines().count());
    let open: BTreeSet<&str> = CYCLES.concat().into_iter().collect();
    let mut changed = BTreeSet::new();
    for (old, new) in STATUS.split_inclusive('\n').zip(now.split_inclusive('\n')) {
        let key = old.split(':').next().unwrap().trim().trim_matches('"');
        if !open.contains(key) {
            assert_eq!(old, new);
            continue;
        }
        changed.insert(key);
        let parts = |line: &str| {
            let (before, rest) = line.split_once(':').unwrap();
            let value = rest.trim_start();
            let blank = rest[..rest.len() - value.len()].to_owned();
            let word_ends = value.find([' ', '\t', '\n', '#']).unwrap();
            let (word, comment) = value.split_at(word_ends);
            (
                before.to_owned() + &blank,
                word.trim_matches(['"', '\'']).to_owned(),
                comment.to_owned(),
            )
        };
        let ((old_before, _, old_after), (new_before, word, new_after)) = (parts(old), parts(new));
        assert_eq!((&old_before, &old_after), (&new_before, &new_after), "{old} became {new}");
        assert_eq!(word, "done", "{old} became {new}");
    }
    assert_eq!(changed, open);
}

fn files_lie_where_they_belong(bench: &Bench, events: &[Value]) {
    let archive = bench.project.root().join("_bmad-output/archived-artifacts");
    for (name, _) in FILES {
        assert!(archive.join(name).exists() && !bench.project.path(name).exists(), "{name}");
    }
    for name in STAYING {
        assert!(bench.project.path(name).exists() && !archive.join(name).exists(), "{name}");
    }
    let mut cycle = 0;
    let mut moved = BTreeSet::new();
    for event in events {
        match event["type"].as_str().unwrap() {
            "cycle:start" => cycle += 1,
            "cleanup:file_moved" => {
                let path = event["payload"]["file_name"].as_str().unwrap();
                moved.insert((path.rsplit('/').next().unwrap().to_owned(), cycle));
            }
            _ => {}
        }
    }
    assert_eq!(moved, FILES.map(|(name, cycle)| (name.to_owned(), cycle)).into());
    let counts =
        of_type(events, "cleanup:complete").map(|done| done["files_moved"].as_i64().unwrap());
    assert_eq!(counts.sum::<i64>(), FILES.len() as i64);
}

fn rows_told_twice_count_once(bench: &Bench, events: &[Value]) {
    let rows = fs::read_to_string(bench.project.log()).unwrap().lines().count();
    let from_rows = events
        .iter()
        .filter(|event| event["type"].as_str().unwrap().starts_with("command:"))
        .filter(|event| event["source"] == "csv" || event["source"] == "agent")
        .count();
    // The scribe's own answer went only one way.
    let scribe = of_type(events, "command:start")
        .chain(of_type(events, "command:end"))
        .filter(|row| row["command"] == "generate-project-context")
        .count();
    assert_eq!(from_rows - scribe, rows);
}

fn the_commits_knew_the_git_status(bench: &Bench, batch_id: i64) {
    let folder = bench.project.root().join(format!(".sprint-runner/agents/{batch_id}"));
    let mut commits = 0;
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap();
        let text = fs::read_to_string(&path).unwrap();
        if name.ends_with("-sprint-commit.context.md") {
            commits += 1;
            assert!(text.contains("sprint-status.yaml"), "{name}:\n{text}");
            assert!(text.contains("archived-artifacts"), "{name}:\n{text}");
        } else if name.contains("sprint-dev-story.context") {
            assert!(text.contains("What an agent has to know."), "{name}:\n{text}");
        }
    }
    assert_eq!(commits, CYCLES.len());
}

fn stream_and_database_agree(bench: &Bench, events: &[Value]) {
    let path = bench.project.root().join(".sprint-runner/sprint-runner.db");
    let flags = rusqlite::OpenFlags::SQLITE_OPEN_READ_ONLY;
    let database = rusqlite::Connection::open_with_flags(path, flags).unwrap();
    let mut rows = database
        .prepare("SELECT id, event_type, timestamp, source, payload_json FROM events ORDER BY id")
        .unwrap();
    let stored = rows.query_map([], |row| {
        let payload: String = row.get(4)?;
        Ok(json!({
            "id": row.get::<_, i64>(0)?,
            "type": row.get::<_, String>(1)?,
            "timestamp": row.get::<_, i64>(2)?,
            "source": row.get::<_, String>(3)?,
            "payload": serde_json::from_str::<Value>(&payload).unwrap(),
        }))
    });
    let stored: Vec<Value> = stored.unwrap().map(Result::unwrap).collect();
    // What came behind the batch's end is not on the stream's list any more.
    assert!(stored.len() >= events.len());
    for (stored, streamed) in stored.iter().zip(events) {
        for key in ["id", "type", "timestamp", "source", "payload"] {
            assert_eq!(stored[key], streamed[key], "{key} of {streamed}");
        }
    }
}

fn agents_and_their_logs(server: &Server, events: &[Value]) {
    let agents = server.json("/api/agents")["agents"].as_array().unwrap().clone();
    let started: BTreeSet<_> =
        of_type(events, "agent:start").map(|start| start["agent_id"].to_string()).collect();
    let listed: BTreeSet<_> = agents.iter().map(|agent| agent["agent_id"].to_string()).collect();
    assert_eq!(listed, started);
    for agent in &agents {
        assert_eq!(agent["exit_code"], 0, "{agent}");
        assert!(agent["ended_at"].is_i64() && agent["pid"].is_i64(), "{agent}");
        assert_eq!(agent["model"], "claude-make-believe-1", "{agent}");
    }
    for end in of_type(events, "agent:end") {
        assert_eq!((&end["exit_code"], &end["signal"]), (&json!(0), &Value::Null), "{end}");
        assert!(end["output_tokens"].as_i64().unwrap() > 0 && end["cost_usd"].is_f64(), "{end}");
    }
    let id = agents[0]["agent_id"].as_str().unwrap();
    let log = server.get(&format!("/api/agents/{id}/log"));
    assert_eq!((log.status, log.header("content-type")), (200, Some("text/plain; charset=utf-8")));
    assert!(log.text().contains("\"type\":\"result\""), "{}", log.text());
    let tail = server.get(&format!("/api/agents/{id}/log?tail=100"));
    assert_eq!(tail.body, log.body[log.body.len() - 100..]);
    assert_eq!(server.get("/api/agents/999-1/log").status, 404);
    assert!(matches!(server.get("/api/agents/..%2f1/log").status, 400 | 404));
}
