//! Every command met by every fault: what becomes of the batch, of the status file, and what is
//! told. The expected table is `fixtures/managed/fault-table.md`, for people to read and to judge;
//! `UPDATE_FAULT_TABLE=1` writes it anew.

use std::fmt::Write as _;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use serde_json::Value;

use crate::support::Server;
use crate::support::bench::{Bench, Follower, Toml, agents, start};

const COMMANDS: [&str; 9] = [
    "generate-project-context",
    "sprint-create-story",
    "sprint-create-story-discovery",
    "sprint-story-review",
    "sprint-create-tech-spec",
    "sprint-tech-spec-review",
    "sprint-dev-story",
    "sprint-code-review",
    "sprint-commit",
];

const FAULTS: [&str; 9] = [
    "cannot start",
    "exit 1",
    "time-out",
    "garbage",
    "permissions denied",
    "usage limit",
    "stop one",
    "stop now",
    "kill -9 of the server",
];

const STATUS: &str = "\
development_status:
  epic-1: backlog
  1-1-skeleton: backlog
  1-2-database: backlog
";

const HEAD: &str = "\
# What becomes of a batch when a command meets a fault

Two stories, `1-1` and `1-2`, begin in *backlog*; every other command does its work at once. The
fault comes at every run of the command, a usage limit at the first one only. Written by the tests
(`UPDATE_FAULT_TABLE=1 cargo test fault_table`), and held to by them.

Told are warnings by their type, and what else speaks of trouble; `×3` = three times in a row.
";

/// At so many cells at once.
const WORKERS: usize = 4;

#[test]
fn every_fault_of_every_command_has_its_row() {
    let cells: Vec<(&str, &str)> =
        COMMANDS.iter().flat_map(|command| FAULTS.map(|fault| (*command, fault))).collect();
    let next = AtomicUsize::new(0);
    let rows = Mutex::new(vec![String::new(); cells.len()]);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                while let Some((command, fault)) = cells.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let row = cell(command, fault);
                    let at = cells.iter().position(|cell| *cell == (*command, *fault)).unwrap();
                    rows.lock().unwrap()[at] = row;
                }
            });
        }
    });
    let rows = rows.into_inner().unwrap();
    let mut table = HEAD.to_owned();
    for (index, command) in COMMANDS.iter().enumerate() {
        write!(
            table,
            "\n## {command}\n\n| fault | the batch ends | reason | 1-1 | 1-2 | told |\n\
             | --- | --- | --- | --- | --- | --- |\n"
        )
        .unwrap();
        let of_command = index * FAULTS.len()..(index + 1) * FAULTS.len();
        table.extend(rows[of_command].iter().map(String::as_str));
    }
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/managed/fault-table.md");
    if std::env::var_os("UPDATE_FAULT_TABLE").is_some() {
        std::fs::write(path, &table).unwrap();
    }
    let expected = std::fs::read_to_string(path).unwrap_or_default();
    for (found, expected) in table.lines().zip(expected.lines()) {
        assert_eq!(found, expected);
    }
    assert_eq!(table, expected);
}

/// One server, one project, one fault.
fn cell(command: &str, fault: &str) -> String {
    let bench = bench(command, fault);
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "\"all\"");
    let row_command = command.strip_prefix("sprint-").unwrap_or(command);
    let is_it = |event: &Value| {
        let name = event["payload"]["command"].as_str().unwrap_or_default();
        event["type"] == "agent:start"
            && (name == row_command || name.strip_prefix(row_command) == Some("-1"))
    };
    match fault {
        "stop now" => {
            follower.until(row_command, is_it);
            let answer = server.post("/api/orchestrator/stop", "{\"mode\":\"now\"}");
            assert_eq!(answer.json()["left"], 0, "{command}: {}", answer.text());
        }
        "kill -9 of the server" => {
            let agent = follower.until(row_command, is_it)["payload"].clone();
            settle(&mut follower, &agent);
            return killed(&bench, server, batch_id, fault);
        }
        "stop one" => loop {
            let event =
                follower.until(row_command, |event| is_it(event) || event["type"] == "batch:end");
            if event["type"] == "batch:end" {
                return row(&bench, &server, &follower.seen, batch_id, fault);
            }
            let id = event["payload"]["agent_id"].as_str().unwrap();
            let answer = server.post(&format!("/api/agents/{id}/stop"), "{}");
            assert_eq!(answer.status, 200, "{command}: {}", answer.text());
        },
        _ => {}
    }
    follower.end_of(batch_id);
    row(&bench, &server, &follower.seen, batch_id, fault)
}

/// Waits until nothing runs but this agent, and all that is to be told of its start is told.
fn settle(follower: &mut Follower, agent: &Value) {
    let keys = agent["story_keys"].as_array().unwrap();
    if let Some(last) = keys.last() {
        follower.until("the command's start", |event| {
            event["type"] == "command:start"
                && event["payload"]["command"] == agent["command"]
                && event["payload"]["story_key"] == *last
        });
    }
    let beside = match agent["command"].as_str().unwrap() {
        "create-story" => "create-story-discovery",
        "create-story-discovery" => "create-story",
        _ => return,
    };
    let over = |event: &Value| {
        event["type"] == "command:end"
            && event["payload"]["command"] == beside
            && event["payload"]["story_key"] == keys[1]
    };
    if !follower.seen.iter().any(over) {
        follower.until("the end of the other command", over);
    }
}

fn killed(bench: &Bench, server: Server, batch_id: i64, fault: &str) -> String {
    server.kill();
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    follower.end_of(batch_id);
    row(bench, &server, &follower.seen, batch_id, fault)
}

/// The agent of one command is at fault; the others are quick.
fn bench(command: &str, fault: &str) -> Bench {
    let agent = match fault {
        "exit 1" => "exit-1",
        "garbage" => "garbage",
        "permissions denied" => "denied",
        "usage limit" => "usage-limit",
        _ => "hang",
    };
    let idle = if fault == "time-out" { "idle_minutes = 0.005" } else { "" };
    let bench = Bench::new(STATUS);
    let broken = bench.program("broken", "\u{7f}ELF and nothing behind it");
    let program = if fault == "cannot start" { broken } else { agents().join(agent) };
    let workflow =
        format!("usage_limit_wait_minutes = 0.005\n[workflow.commands]\n{command} = \"faulty\"");
    let state = bench.path("calls");
    let more = format!(
        "[agents.faulty]\npreset = \"claude\"\nprogram = \"{}\"\n{idle}\n[agents.faulty.env]\n\
         AGENT_STATE = \"{}\"\nAGENT_RESET_SECONDS = \"0\"\n",
        program.display(),
        state.display()
    );
    bench.configure(&Toml { workflow: &workflow, more: &more, ..Toml::default() });
    bench.plan("quick", "");
    if command == "generate-project-context" {
        std::fs::remove_file(bench.context_path()).unwrap();
    }
    bench
}

fn row(bench: &Bench, server: &Server, events: &[Value], batch_id: i64, fault: &str) -> String {
    let end = events.iter().find(|event| event["type"] == "batch:end").unwrap();
    let payload = &end["payload"];
    let stored = server.json(&format!("/api/batches/{batch_id}"))["batch"].clone();
    assert_eq!(stored["status"], payload["status"]);
    assert_eq!(bench.alive(), [0_u32; 0], "{fault}");
    assert_eq!(server.json("/api/snapshot")["active"], serde_json::json!([]));
    let word = |key: &str| {
        let now = bench.word(key);
        if now == "backlog" { "–".to_owned() } else { now }
    };
    let home = bench.path("").display().to_string();
    let reason = payload["reason"].as_str().unwrap().replace(&home, "…/").replace('|', "/");
    let status = payload["status"].as_str().unwrap();
    format!(
        "| {fault} | {status} | {reason} | {} | {} | {} |\n",
        word("1-1-skeleton"),
        word("1-2-database"),
        troubles(events).join(", ")
    )
}

/// What the events tell of trouble.
fn troubles(events: &[Value]) -> Vec<String> {
    let mut told: Vec<(String, usize)> = Vec::new();
    for event in events {
        let payload = &event["payload"];
        let name = match event["type"].as_str().unwrap() {
            "batch:warning" => payload["warning_type"].as_str().unwrap().to_owned(),
            "error" => format!("**error** {}", payload["type"].as_str().unwrap()),
            "context:error" | "context:copy_failed" | "background:error" | "cleanup:file_error" => {
                event["type"].as_str().unwrap().to_owned()
            }
            "command:end" if payload["status"] == "left-open" => {
                format!("left-open {}", payload["command"].as_str().unwrap())
            }
            _ => continue,
        };
        match told.last_mut() {
            Some((last, count)) if *last == name => *count += 1,
            _ => told.push((name, 1)),
        }
    }
    let words = |(name, count)| if count == 1 { name } else { format!("{name} ×{count}") };
    told.into_iter().map(words).collect()
}
