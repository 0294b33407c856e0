//! The command line as its users meet it: the binary, its output, its exit codes.

use std::io::{BufRead, BufReader, Read, Write};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::process::{Watchdog, ended, output_of};
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

const COMMANDS: [&str; 13] = [
    "serve",
    "demo",
    "run",
    "status",
    "events",
    "export",
    "backup",
    "log",
    "check",
    "watch",
    "doctor",
    "completions",
    "man",
];

/// Runs a command on a folder.
fn run(root: &Path, arguments: &[&str]) -> Output {
    command(root, arguments).output().unwrap()
}

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = binary();
    command.args(arguments).arg("-C").arg(root);
    command
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn stdout(output: &Output) -> String {
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn request(story: usize) -> String {
    json!({"epic_id": "1", "story_id": format!("1-{story}"), "command": "dev-story",
           "task_id": "implement", "status": "start", "message": format!("row {story}, \"quoted\"")})
    .to_string()
}

#[test]
fn every_command_explains_itself() {
    for name in COMMANDS {
        let output = binary().args([name, "--help"]).output().unwrap();
        assert_eq!(code(&output), 0, "{name}");
        let text = stdout(&output);
        assert!(text.contains("--project") && text.contains(name), "{name}: {text}");
    }
    let all = stdout(&binary().arg("--help").output().unwrap());
    for name in COMMANDS {
        assert!(all.contains(name), "{name} is missing: {all}");
    }
    let version = stdout(&binary().arg("--version").output().unwrap());
    assert_eq!(version.trim(), format!("sprint-runner {}", env!("SPRINT_RUNNER_VERSION")));
    assert!(version.contains(env!("CARGO_PKG_VERSION")), "{version}");
}

#[test]
fn wrong_usage_is_2() {
    let project = Project::new();
    for arguments in [
        &["nonsense"][..],
        &["events", "--limit", "0"],
        &["events", "--since", "-1"],
        &["serve", "--port", "65536"],
        &["serve", "--host", "example.org"],
        &["serve", "--token", "short"],
        &["--port", "0", "status"],
        &["log"],
    ] {
        let output = run(project.root(), arguments);
        assert_eq!(code(&output), 2, "{arguments:?}: {}", stderr(&output));
        assert!(output.stdout.is_empty(), "{arguments:?}");
    }
}

#[test]
fn a_folder_without_a_sprint_is_told_what_was_looked_for() {
    let folder = tempfile::tempdir().unwrap();
    for name in ["serve", "status", "events", "export", "check"] {
        let output = binary().arg(name).current_dir(folder.path()).output().unwrap();
        assert_eq!(code(&output), 1, "{name}");
        let text = stderr(&output);
        assert!(text.contains("sprint-status.yaml") && text.contains("-C DIR"), "{name}: {text}");
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "nothing may be made there");
}

#[test]
fn the_project_is_found_from_a_folder_inside_it() {
    let project = Project::new();
    let inside = project.root().join("src/deep");
    std::fs::create_dir_all(&inside).unwrap();
    let output = binary().args(["status", "--json"]).current_dir(inside).output().unwrap();
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let status: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert_eq!(status["project"], "lantern");
}

#[test]
fn an_unknown_key_of_the_configuration_is_named_with_its_line() {
    let project = Project::new();
    std::fs::write(project.root().join("sprint-runner.toml"), "port = 0\nreadonly = true\n")
        .unwrap();
    let output = run(project.root(), &["serve"]);
    assert_eq!(code(&output), 1);
    let text = stderr(&output);
    assert!(text.contains("sprint-runner.toml:2:1") && text.contains("readonly"), "{text}");
}

#[test]
fn status_from_the_files_touches_nothing_and_calls_nothing_running() {
    let project = Project::new();
    project.append(format!("{},1,1-2,dev-story,implement,start,\"begun\"\n", now_s()).as_bytes());
    let output = run(project.root(), &["status"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let text = stdout(&output);
    for part in ["lantern", "no server is running", "1-2-database", "1 done", "unknown"] {
        assert!(text.contains(part), "{part} is missing in:\n{text}");
    }
    assert!(!text.contains('\x1b'), "colours in a pipe");
    let status: Value =
        serde_json::from_slice(&run(project.root(), &["status", "--json"]).stdout).unwrap();
    assert_eq!(status["active"], Value::Null);
    assert_eq!(status["server"], Value::Null);
    assert_eq!(status["state"], "ok");
    assert_eq!(status["next_story"]["story_key"], "1-2-database");
    assert_eq!(status["stories"].as_array().unwrap().len(), 5);
    assert_eq!(status["epics"][0]["story_count"], 3);
    assert_eq!(status["epics"][0]["done_count"], 1);
    assert!(!project.root().join(".sprint-runner").exists());
}

#[test]
fn status_from_the_server_equals_status_from_the_files() {
    let project = Project::new();
    let from_files: Value =
        serde_json::from_slice(&run(project.root(), &["status", "--json"]).stdout).unwrap();
    let mut server = Server::start(&project);
    project.append(format!("{},1,1-2,dev-story,implement,start,\"begun\"\n", now_s()).as_bytes());
    let from_server = eventually("the active command", || {
        let output = run(project.root(), &["status", "--json"]);
        let status: Value = serde_json::from_slice(&output.stdout).unwrap();
        (status["active"][0]["story_key"] == "1-2-database").then_some(status)
    });
    for part in ["project", "state", "epics", "stories", "counts", "next_story", "issues"] {
        assert_eq!(from_server[part], from_files[part], "{part}");
    }
    assert_eq!(from_server["server"], format!("http://127.0.0.1:{}/", server.port()));
    let text = stdout(&run(project.root(), &["status"]));
    assert!(text.contains("dev-story/implement"), "{text}");
    assert!(server.terminate().success());
    let after: Value =
        serde_json::from_slice(&run(project.root(), &["status", "--json"]).stdout).unwrap();
    assert_eq!(after["active"], Value::Null, "the server has gone");
}

#[test]
fn a_killed_server_counts_as_gone() {
    let project = Project::new();
    let server = Server::start(&project);
    server.kill();
    let output = run(project.root(), &["status"]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    assert!(stdout(&output).contains("no server is running"));
}

#[test]
fn log_appends_and_prints_the_row() {
    let project = Project::new();
    let output = run(project.root(), &["log", &request(1)]);
    assert_eq!(code(&output), 0, "{}", stderr(&output));
    let written = std::fs::read_to_string(project.log()).unwrap();
    assert_eq!(stdout(&output), written);
    let fields = written.split_once(',').unwrap();
    assert!(now_s().abs_diff(fields.0.parse().unwrap()) < 60);
    assert_eq!(fields.1, "1,1-1,dev-story,implement,start,\"row 1, \"\"quoted\"\"\"\n");
}

#[test]
fn log_reads_standard_input_and_keeps_a_row_one_line() {
    let project = Project::new();
    project.append(b"1700000000,1,1-1,dev-story,tests,start,\"no newline\"");
    let mut child = command(project.root(), &["log", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let wanted = json!({"epic_id": 1, "story_id": "3a-1,3a-2", "command": "commit", "task_id": "stage",
                        "status": "end", "message": "two\nlines", "metrics": {"files": 2}});
    child.stdin.take().unwrap().write_all(wanted.to_string().as_bytes()).unwrap();
    assert_eq!(code(&output_of(child)), 0);
    let text = std::fs::read_to_string(project.log()).unwrap();
    let rows: Vec<&str> = text.lines().collect();
    assert_eq!(rows.len(), 2, "{text}");
    assert!(
        rows[1].ends_with(",1,\"3a-1,3a-2\",commit,stage,end,\"two\\nlines (files:2)\""),
        "{}",
        rows[1]
    );
}

#[test]
fn log_refuses_what_it_cannot_use() {
    let project = Project::new();
    for (wanted, part) in [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ("{\"epic_id\":\"1\"}", "story_id"),
        (
            "{\"epic_id\":\"1\",\"story_id\":[],\"command\":\"c\",\"task_id\":\"t\",\"status\":\"s\"}",
            "story_id",
        ),
    ] {
        let output = run(project.root(), &["log", wanted]);
        assert_eq!(code(&output), 1, "{wanted}");
        assert!(stderr(&output).contains(part), "{wanted}: {}", stderr(&output));
    }
    assert!(!project.log().exists());
}

#[test]
fn fifty_writers_at_once_leave_fifty_whole_rows() {
    let project = Project::new();
    let writers: Vec<Child> = (0..50)
        .map(|n| {
            command(project.root(), &["log", &request(n)]).stdout(Stdio::null()).spawn().unwrap()
        })
        .collect();
    for mut writer in writers {
        assert!(ended(&mut writer).success());
    }
    let text = std::fs::read_to_string(project.log()).unwrap();
    let mut rows: Vec<&str> = text.lines().map(|row| row.split_once(',').unwrap().1).collect();
    rows.sort_unstable();
    rows.dedup();
    assert_eq!(rows.len(), 50, "{text}");
    assert!(rows.iter().all(|row| row.ends_with("\"\"quoted\"\"\"")), "{text}");
}

#[test]
fn check_is_content_with_a_good_sprint() {
    let project = Project::new();
    project.append(row(now_s() - 100, 0).as_bytes());
    let output = run(project.root(), &["check"]);
    assert_eq!(code(&output), 0, "{}{}", stdout(&output), stderr(&output));
    assert!(!project.root().join(".sprint-runner").exists());
}

#[test]
fn check_names_every_broken_place() {
    let project = Project::new();
    project.write(
        "sprint-status.yaml",
        b"development_status:\n  epic-1: backlog\n   1-1-x: done\n  1-2-y: : no\n",
    );
    project.append(b"1700000000,1,1-1,dev-story,tests,start,\"ok\"\nnot a row at all\n");
    let output = run(project.root(), &["check"]);
    assert_eq!(code(&output), 1);
    let text = stdout(&output);
    assert!(text.contains("implementation-artifacts/sprint-status.yaml:"), "{text}");
    assert!(text.contains("implementation-artifacts/sprint-runner.csv:2:"), "{text}");
    assert!(text.contains(": error: "), "{text}");
    let output = run(project.root(), &["check", "--json"]);
    assert_eq!(code(&output), 1);
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(report["errors"].as_u64().unwrap() >= 1, "{report}");
    let issues = report["issues"].as_array().unwrap();
    assert!(
        issues
            .iter()
            .any(|issue| issue["line"] == 2 && issue["file"].as_str().unwrap().contains(".csv"))
    );
}

#[test]
fn a_second_server_is_told_where_the_first_is() {
    let project = Project::new();
    let mut first = Server::start(&project);
    let output = run(project.root(), &["serve", "--port", "0"]);
    assert_eq!(code(&output), 1);
    assert!(output.stdout.is_empty());
    let address = format!("http://127.0.0.1:{}/", first.port());
    assert!(stderr(&output).contains(&address), "{}", stderr(&output));
    assert!(first.terminate().success());
    let mut third = Server::start(&project);
    assert!(third.terminate().success());
    assert_eq!(third.rest_of_output(), "");
}

#[test]
fn a_port_in_use_is_told_with_what_to_do() {
    let project = Project::new();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let output = run(project.root(), &["serve", "--port", &port]);
    assert_eq!(code(&output), 1);
    let text = stderr(&output);
    assert!(text.contains(&port) && text.contains("--port"), "{text}");
}

#[test]
fn a_named_folder_is_served_before_its_sprint_exists() {
    let project = Project::empty();
    let server = Server::start(&project);
    project.write("sprint-status.yaml", crate::support::project::STATUS.as_bytes());
    eventually("the stories", || {
        let snapshot = server.json("/api/snapshot");
        (snapshot["sprint"]["stories"].as_array().unwrap().len() == 5).then_some(())
    });
}

#[test]
fn the_state_folder_is_private_and_hidden_from_git() {
    let project = Project::new();
    let _server = Server::start(&project);
    let state = project.root().join(".sprint-runner");
    assert_eq!(std::fs::read_to_string(state.join(".gitignore")).unwrap(), "*\n");
    assert!(state.join("sprint-runner.db").is_file());
    let mode = std::os::unix::fs::MetadataExt::mode(&std::fs::metadata(&state).unwrap());
    assert_eq!(mode & 0o777, 0o700);
}

#[test]
fn on_the_network_a_token_is_made_and_the_command_line_knows_it() {
    let project = Project::new();
    let mut child = command(project.root(), &["serve", "--port", "0", "--host", "0.0.0.0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let _watchdog = Watchdog::over(&child);
    let first = first_line(&mut child);
    assert!(first.starts_with("Sprint Runner listening on http://127.0.0.1:"), "{first}");
    let token = BufReader::new(child.stderr.take().unwrap())
        .lines()
        .map_while(Result::ok)
        .find_map(|line| line.strip_prefix("token: ").map(str::to_owned))
        .unwrap();
    assert!(token.len() >= 32);
    let status: Value =
        serde_json::from_slice(&run(project.root(), &["status", "--json"]).stdout).unwrap();
    assert!(status["server"].is_string(), "{status}");
    child.kill().unwrap();
    child.wait().unwrap();
}

#[test]
fn events_come_from_the_server_and_then_from_the_database() {
    let project = Project::new();
    let base = now_s() - 1000;
    let output = run(project.root(), &["events"]);
    assert_eq!(code(&output), 1, "nothing was recorded yet");
    assert!(!project.root().join(".sprint-runner").exists());

    let mut server = Server::start(&project);
    for n in 0..20 {
        project.append(row(base, n).as_bytes());
    }
    eventually("the rows", || {
        let rows = server.json("/api/events?type=command:*&limit=1000");
        (rows["events"].as_array().unwrap().len() == 20).then_some(())
    });
    let arguments = ["events", "--json", "--since", "0"];
    let live = stdout(&run(project.root(), &arguments));
    let newest = stdout(&run(project.root(), &["events", "--json", "-n", "3"]));
    let starts = stdout(&run(
        project.root(),
        &["events", "--json", "--type", "command:start", "--story", "1-2"],
    ));
    assert!(server.terminate().success());
    let stored = stdout(&run(project.root(), &arguments));
    let left = stdout(&run(
        project.root(),
        &["events", "--json", "--type", "command:start", "--story", "1-2"],
    ));

    let ids = |text: &str| -> Vec<u64> {
        text.lines()
            .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap())
            .collect()
    };
    assert!(ids(&live).is_sorted() && ids(&live).len() >= 20);
    assert!(live.ends_with(&newest) && ids(&newest).len() == 3, "{newest}");
    assert_eq!(ids(&starts).len(), 10);
    assert_eq!(starts, left);
    assert!(stored.starts_with(&live), "the database says what the server said");
    let people = stdout(&run(project.root(), &["events", "-n", "5"]));
    assert_eq!(people.lines().count(), 5, "{people}");
    assert!(people.contains("dev-story/task"), "{people}");
}

#[test]
fn a_message_cannot_drive_the_terminal() {
    let project = Project::new();
    project.append(format!("{},1,1-2,dev-story,tests,start,\"a\x1b[2Jb\"\n", now_s()).as_bytes());
    let server = Server::start(&project);
    eventually("the row", || {
        let rows = server.json("/api/events?type=command:*");
        (rows["events"].as_array().unwrap().len() == 1).then_some(())
    });
    let text = stdout(&run(project.root(), &["events", "--type", "command:*"]));
    assert!(text.contains("a\\x1b[2Jb"), "{text}");
}

#[test]
fn follow_goes_on_over_a_killed_server_without_loss() {
    let project = Project::new();
    let base = now_s() - 1000;
    let server = Server::start(&project);
    let mut child = command(
        project.root(),
        &["events", "--follow", "--since", "0", "--json", "--type", "command:*"],
    )
    .stdout(Stdio::piped())
    .stderr(Stdio::null())
    .spawn()
    .unwrap();
    let watchdog = Watchdog::over(&child);
    let mut lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let mut messages = Vec::new();
    let mut take = |count: usize| {
        for _ in 0..count {
            let event: Value = serde_json::from_str(&lines.next().unwrap().unwrap()).unwrap();
            messages.push(event["payload"]["message"].as_str().unwrap().to_owned());
        }
    };
    for n in 0..5 {
        project.append(row(base, n).as_bytes());
    }
    take(5);
    server.kill();
    for n in 5..10 {
        project.append(row(base, n).as_bytes());
    }
    let mut server = Server::start(&project);
    take(5);
    for n in 10..15 {
        project.append(row(base, n).as_bytes());
    }
    take(5);
    let wanted: Vec<String> = (0..15).map(|n| format!("row {n}")).collect();
    assert_eq!(messages, wanted);
    drop(watchdog);
    interrupt(&child);
    assert_eq!(ended(&mut child).code(), Some(0), "Ctrl-C ends it well");
    assert!(server.terminate().success());
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let project = Project::new();
    for n in 0..2000 {
        project.append(row(now_s() - 1000, n).as_bytes());
    }
    let mut server = Server::start(&project);
    eventually("the rows", || (server.log_after(0).len() >= 2000).then_some(()));
    assert!(server.terminate().success());
    let mut child = command(project.root(), &["events", "--since", "0"])
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    first_line(&mut child);
    drop(child.stdout.take());
    let output = output_of(child);
    assert_eq!((code(&output), stderr(&output)), (0, String::new()));
}

#[test]
fn demo_needs_nothing_moves_by_itself_and_leaves_nothing() {
    let temporary = tempfile::tempdir().unwrap();
    let mut command = binary();
    command
        .args(["demo", "--port", "0"])
        .env("TMPDIR", temporary.path())
        .current_dir(temporary.path());
    let mut server = Server::spawn(command);
    eventually("a command under way", || {
        let snapshot = server.json("/api/snapshot");
        let is_alive = !snapshot["active"].as_array().unwrap().is_empty()
            && snapshot["batch"]["origin"] == "managed"
            && snapshot["orchestrator"]["cycle_number"] == 1
            && snapshot["sprint"]["stories"].as_array().unwrap().len() > 5;
        is_alive.then_some(())
    });
    assert!(server.terminate().success());
    assert_eq!(
        std::fs::read_dir(temporary.path()).unwrap().count(),
        0,
        "the project stayed behind"
    );
}

fn first_line(child: &mut Child) -> String {
    // Byte by byte, so that nothing behind the line is taken from whoever reads on.
    let _watchdog = Watchdog::over(child);
    let output = child.stdout.as_mut().unwrap();
    let mut line = Vec::new();
    let mut byte = [0];
    while output.read(&mut byte).unwrap() == 1 && byte != *b"\n" {
        line.push(byte[0]);
    }
    String::from_utf8(line).unwrap()
}

#[test]
fn nohup_outlives_its_terminal() {
    let project = Project::new();
    let mut command = Command::new("nohup");
    command
        .arg(env!("CARGO_BIN_EXE_sprint-runner"))
        .args(["serve", "--port", "0", "-C"])
        .arg(project.root());
    let mut server = Server::spawn(command);
    let pid = rustix::process::Pid::from_raw(server.pid().cast_signed()).unwrap();
    rustix::process::kill_process(pid, rustix::process::Signal::HUP).unwrap();
    assert_eq!(server.get("/healthz").status, 200);
    assert!(server.terminate().success());
}

fn interrupt(child: &Child) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, rustix::process::Signal::INT).unwrap();
}
