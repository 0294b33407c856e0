//! `run` as its users meet it: one batch in the terminal, here or through a live server, and its
//! rehearsal.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::support::process::{Watchdog, ended, output_of};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

const STATUS: &str = "project: lantern\ndevelopment_status:\n  epic-1: in-progress\n  \
    1-1-skeleton: done\n  1-2-database: review\n  1-3-search: ready-for-dev\n";

/// A project whose agent is this binary's own scripted one.
fn project(pace: &str) -> Project {
    project_with(env!("CARGO_BIN_EXE_sprint-runner"), pace)
}

fn project_with(program: &str, pace: &str) -> Project {
    let project = Project::new();
    project.write("sprint-status.yaml", STATUS.as_bytes());
    let program = serde_json::to_string(program).unwrap();
    let text = format!(
        "[agents.scripted]\npreset = \"claude\"\nprogram = {program}\nargs = [\"scripted-agent\", \
         \"--pace\", \"{pace}\", \"it's\", \"{{context_file}}\"]\n[workflow]\ndefault = \"scripted\"\n\
         retry_seconds = 0.01\n"
    );
    std::fs::write(project.root().join("sprint-runner.toml"), text).unwrap();
    let planning = project.root().join("_bmad-output/planning-artifacts");
    std::fs::create_dir_all(&planning).unwrap();
    std::fs::write(planning.join("project-context.md"), "# The context of lantern\n").unwrap();
    project
}

fn run(project: &Project, arguments: &[&str]) -> Command {
    let mut command = binary();
    command.args(arguments).arg("-C").arg(project.root());
    command.stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

fn code(output: &Output) -> i32 {
    output.status.code().unwrap_or(-1)
}

fn events(output: &Output) -> Vec<Value> {
    text(&output.stdout).lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

fn signal(child: &Child, signal: Signal) {
    kill_process(Pid::from_child(child), signal).unwrap();
}

/// Waits until an agent of the newest batch is at work, by its log.
fn agent_is_at_work(project: &Project) {
    eventually("an agent at work", || {
        let folder = project.root().join(".sprint-runner/agents");
        let logs = std::fs::read_dir(folder).ok()?.flatten();
        let of_batch = logs.filter_map(|batch| std::fs::read_dir(batch.path()).ok());
        let is_log = |path: &PathBuf| path.extension().is_some_and(|kind| kind == "log");
        let mut files = of_batch.flatten().flatten().map(|entry| entry.path()).filter(is_log);
        files.any(|path| std::fs::metadata(path).is_ok_and(|it| it.len() > 0)).then_some(())
    });
}

#[test]
fn a_batch_without_a_server_ends_well_and_says_so() {
    let project = project("0");
    let output = run(&project, &["run", "1"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let out = text(&output.stdout);
    for part in
        ["batch:start", "cycle 1", "review → done", "completed (max_cycles)", "1 story done"]
    {
        assert!(out.contains(part), "{part} is missing in:\n{out}");
    }
    assert!(!out.contains('\x1b'), "colours in a pipe");
    let file = std::fs::read_to_string(project.path("sprint-status.yaml")).unwrap();
    assert_eq!(file, STATUS.replace("1-2-database: review", "1-2-database: done"));
    assert!(
        !project
            .root()
            .join(".sprint-runner/sprint-runner.lock")
            .metadata()
            .is_ok_and(|it| it.len() > 0)
    );
}

#[test]
fn events_as_json_are_whole_and_rows_told_twice_count_once() {
    let project = project("0");
    let output = run(&project, &["run", "all", "--json"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let events = events(&output);
    assert_eq!(events.first().unwrap()["type"], "batch:start");
    assert_eq!(events.last().unwrap()["payload"]["reason"], "all_done");
    assert!(events.is_sorted_by_key(|event| event["id"].as_u64()));
    let mut rows: BTreeMap<String, (u32, u32)> = BTreeMap::new();
    for event in &events {
        let body = &event["payload"];
        let name = format!("{} {} {}", body["story_key"], body["command"], body["task_id"]);
        match event["type"].as_str() {
            Some("command:start") => rows.entry(name).or_default().0 += 1,
            Some("command:end") => rows.entry(name).or_default().1 += 1,
            _ => {}
        }
    }
    assert!(rows.len() > 20 && rows.values().all(|counts| *counts == (1, 1)), "{rows:?}");
    let log = std::fs::read_to_string(project.log()).unwrap();
    assert!(log.lines().count() > 5, "the file was to have some of the rows");
}

#[test]
fn ctrl_c_ends_gracefully_and_twice_now() {
    let project = project("0.3");
    let child = run(&project, &["run", "all"]).spawn().unwrap();
    agent_is_at_work(&project);
    signal(&child, Signal::INT);
    let output = output_of(child);
    assert_eq!(code(&output), 1);
    let (out, err) = (text(&output.stdout), text(&output.stderr));
    assert!(err.contains("what runs may end") && err.contains("stopped: stop"), "{err}");
    assert!(out.contains("code-review-1/agent  end"), "its agent was to end by itself: {out}");

    let slow = project_with(env!("CARGO_BIN_EXE_sprint-runner"), "60");
    let child = run(&slow, &["run", "all"]).spawn().unwrap();
    agent_is_at_work(&slow);
    signal(&child, Signal::INT);
    eventually("the first answer", || {
        let output = run(&slow, &["events", "--type", "batch:warning"]).output().unwrap();
        text(&output.stdout).contains("stopping").then_some(())
    });
    signal(&child, Signal::INT);
    let output = output_of(child);
    let err = text(&output.stderr);
    assert_eq!(code(&output), 1);
    assert!(err.contains("1 processes ended") && err.contains("0 left"), "{err}");
    assert!(err.contains("stop_now"), "{err}");
}

#[test]
fn a_hang_up_ends_it_now() {
    let project = project("60");
    let child = run(&project, &["run"]).spawn().unwrap();
    agent_is_at_work(&project);
    signal(&child, Signal::HUP);
    let output = output_of(child);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stdout).contains("stop_now"));
}

#[test]
fn a_server_started_meanwhile_is_refused_with_a_sentence() {
    let project = project("60");
    let child = run(&project, &["run"]).spawn().unwrap();
    agent_is_at_work(&project);
    for command in [&["serve", "--port", "0"][..], &["run"]] {
        let output = run(&project, command).output().unwrap();
        assert_eq!(code(&output), 1);
        assert!(text(&output.stderr).contains("running on this project in a terminal"));
    }
    signal(&child, Signal::HUP);
    output_of(child);
}

#[test]
fn a_live_server_runs_it() {
    let project = project("0");
    let mut server = Server::start_with(project.root(), &["--token", "a-long-enough-token"]);
    let output = run(&project, &["run", "1", "--json"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(&format!("127.0.0.1:{}", server.port())));
    let events = events(&output);
    assert_eq!(events.first().unwrap()["type"], "batch:start");
    assert_eq!(events.last().unwrap()["payload"]["status"], "completed");
    assert!(server.terminate().success());
}

#[test]
fn a_server_on_a_unix_socket_runs_it_too() {
    let project = project("0");
    let place = tempfile::tempdir().unwrap();
    let socket = place.path().join("s.sock");
    let mut command = run(&project, &["serve", "--unix", socket.to_str().unwrap()]);
    let mut server = command.spawn().unwrap();
    let mut first = String::new();
    let watchdog = Watchdog::over(&server);
    let out = server.stdout.as_mut().unwrap();
    std::io::BufRead::read_line(&mut std::io::BufReader::new(out), &mut first).unwrap();
    drop(watchdog);
    assert!(first.contains(socket.to_str().unwrap()), "{first}");
    let output = run(&project, &["run", "1", "--json"]).output().unwrap();
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    assert!(text(&output.stderr).contains(&format!("unix:{}", socket.display())));
    let events = events(&output);
    assert_eq!(events.first().unwrap()["type"], "batch:start");
    assert_eq!(events.last().unwrap()["payload"]["status"], "completed");
    assert!(server.try_wait().unwrap().is_none(), "the server goes on");
    signal(&server, Signal::TERM);
    assert!(ended(&mut server).success());
}

#[test]
fn through_a_live_server_ctrl_c_stops_the_batch_and_not_the_server() {
    let project = project("60");
    let mut server = Server::start(&project);
    let child = run(&project, &["run", "all"]).spawn().unwrap();
    agent_is_at_work(&project);
    let second = run(&project, &["run"]).output().unwrap();
    assert_eq!(code(&second), 1);
    assert!(text(&second.stderr).contains("already running"), "{}", text(&second.stderr));
    signal(&child, Signal::INT);
    eventually("a graceful stop", || {
        (server.json("/api/orchestrator/status")["status"] == "stopping").then_some(())
    });
    signal(&child, Signal::INT);
    let output = output_of(child);
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("0 left"), "{}", text(&output.stderr));
    assert_eq!(server.json("/api/orchestrator/status")["status"], "idle");
    assert!(server.terminate().success());
}

#[test]
fn what_cannot_begin_is_said() {
    let missing = project_with("no-such-agent-program", "0");
    let output = run(&missing, &["run"]).output().unwrap();
    assert_eq!((code(&output), output.stdout.len()), (1, 0));
    assert!(text(&output.stderr).contains("no program \"no-such-agent-program\""));
    let broken = project("0");
    broken.write("sprint-status.yaml", b"development_status: [\n");
    let output = run(&broken, &["run"]).output().unwrap();
    assert_eq!(code(&output), 1);
    assert!(text(&output.stderr).contains("sprint-status.yaml"), "{}", text(&output.stderr));
    for wrong in ["0", "-1", "1.5", "some", "2147483648"] {
        let output = run(&broken, &["run", wrong]).output().unwrap();
        assert_eq!(code(&output), 2, "{wrong}");
    }
}

/// Every file with its content.
fn tree(root: &Path) -> BTreeMap<PathBuf, Vec<u8>> {
    let mut files = BTreeMap::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.clone(), std::fs::read(path).unwrap());
            }
        }
    }
    files
}

fn rehearsal(project: &Project, temporary: &Path) -> Output {
    let mut command = run(project, &["run", "--dry-run", "--json"]);
    command.env("TMPDIR", temporary).output().unwrap()
}

#[test]
fn a_dry_run_shows_all_nine_commands_and_writes_nothing() {
    let project = project("0");
    project.write("sprint-status.yaml", STATUS.replace("review", "ready-for-dev").as_bytes());
    project.write("1-2-database.md", b"# Story 1.2\n\nSecret ink.\n");
    let temporary = tempfile::tempdir().unwrap();
    let before = tree(project.root());
    let output = rehearsal(&project, temporary.path());
    assert_eq!(code(&output), 0, "{}", text(&output.stderr));
    let plain =
        run(&project, &["run", "--dry-run"]).env("TMPDIR", temporary.path()).output().unwrap();
    assert_eq!(tree(project.root()), before);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let commands = shown["commands"].as_array().unwrap();
    assert_eq!(commands.len(), 9);
    assert_eq!(shown["stories"][1]["story_key"], "1-3-search");
    let plain = text(&plain.stdout);
    for (at, command) in commands.iter().enumerate() {
        let name = command["command"].as_str().unwrap();
        assert!(plain.contains(&format!("═══ {}/9 {name} ═══", at + 1)), "{plain}");
        let each = matches!(name, "sprint-dev-story" | "sprint-code-review");
        let runs = command["runs"].as_array().unwrap();
        assert_eq!(runs.len(), if each { 2 } else { 1 }, "{name}");
        let run = &runs[0];
        assert_eq!(run["argv"][1], "scripted-agent");
        assert_eq!(run["argv"][5], run["context_file"]);
        assert!(run["prompt"].as_str().unwrap().starts_with(name));
        let context = run["context"].as_str().unwrap();
        assert_eq!(
            std::fs::read_to_string(run["context_file"].as_str().unwrap()).unwrap(),
            context
        );
        assert_eq!(context.contains("The context of lantern"), at > 0 && at < 8, "{name}");
        assert_eq!(context.contains("Secret ink"), at > 2, "{name}");
    }
    assert!(plain.contains("'it'\\''s'"), "arguments are quoted for reading");
}

#[test]
fn a_dry_run_shows_what_is_then_run() {
    let project = project("0");
    let temporary = tempfile::tempdir().unwrap();
    let output = rehearsal(&project, temporary.path());
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let review = &shown["commands"][7]["runs"][0];
    assert_eq!(code(&run(&project, &["run", "1"]).output().unwrap()), 0);
    let context = project.root().join(".sprint-runner/agents/1/1-sprint-code-review.context.md");
    assert_eq!(std::fs::read_to_string(context).unwrap(), review["context"].as_str().unwrap());
}

#[test]
fn a_dry_run_says_at_each_command_what_is_in_the_way() {
    let temporary = tempfile::tempdir().unwrap();
    let project = project_with("no-such-agent-program", "0");
    project.write("1-2-database.md", "x".repeat(200 * 1024).as_bytes());
    let output = rehearsal(&project, temporary.path());
    assert_eq!(code(&output), 1);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    let problems = |at: usize| shown["commands"][at]["runs"][0]["problems"].to_string();
    assert!(problems(0).contains("no-such-agent-program") && !problems(0).contains("KiB"));
    assert!(
        problems(7).contains("no-such-agent-program") && problems(7).contains("1-2-database.md")
    );
    project.write("sprint-status.yaml", b"development_status: [\n");
    let output = rehearsal(&project, temporary.path());
    assert_eq!(code(&output), 1);
    let shown: Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(shown["problem"].as_str().unwrap().contains("sprint-status.yaml"));
}
