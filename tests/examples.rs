//! The examples in `examples/` do what their first lines say, each started as a user would.

use std::io::{BufRead as _, BufReader};
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::support::bench::{Bench, Follower, PATIENCE, STORIES, start};
use crate::support::process::output_of;
use crate::support::project::{now_s, row};
use crate::support::{Project, Server};

fn example(name: &str) -> Command {
    let mut command =
        Command::new(Path::new(env!("CARGO_MANIFEST_DIR")).join("examples").join(name));
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

/// What it needs, or says that this test is left out.
fn has(program: &str, test: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    if !there {
        println!("left out: {test}: needs {program}");
    }
    there
}

/// One that runs until it is ended.
struct Running {
    child: Child,
    lines: Receiver<String>,
}

impl Running {
    fn start(mut command: Command) -> Self {
        let mut child = command.process_group(0).stderr(Stdio::null()).spawn().unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        let (send, lines) = channel();
        std::thread::spawn(move || {
            for line in output.lines().map_while(Result::ok) {
                if send.send(line).is_err() {
                    return;
                }
            }
        });
        Self { child, lines }
    }

    fn next(&self) -> String {
        self.lines.recv_timeout(PATIENCE).expect("a line in time")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // With what it has started: its group is its own.
        let _ = kill_process_group(Pid::from_child(&self.child), Signal::KILL);
        let _ = self.child.wait();
    }
}

/// The message of the next row.
fn message(running: &Running) -> String {
    loop {
        let event: Value = serde_json::from_str(&running.next()).unwrap();
        if event["type"].as_str().unwrap().starts_with("command:") {
            return event["payload"]["message"].as_str().unwrap().to_owned();
        }
    }
}

#[test]
fn the_shell_example_goes_on_where_it_stopped() {
    if !has("curl", "the_shell_example_goes_on_where_it_stopped") {
        return;
    }
    let project = Project::new();
    let server = Server::start(&project);
    let place = tempfile::tempdir().unwrap();
    let follow = || {
        let mut command = example("follow.sh");
        command
            .args([&format!("http://127.0.0.1:{}", server.port()), "last"])
            .current_dir(place.path())
            .env("SPRINT_RUNNER_TOKEN", "a-long-enough-token");
        Running::start(command)
    };
    let first = follow();
    let init: Value = serde_json::from_str(&first.next()).unwrap();
    assert_eq!(init["type"], "init");
    let base = now_s() - 1000;
    project.append(row(base, 0).as_bytes());
    assert_eq!(message(&first), "row 0");
    crate::support::eventually("the place", || {
        let last = std::fs::read_to_string(place.path().join("last")).ok()?;
        let head = server.log_after(0).last()?["id"].as_u64()?;
        last.trim().ends_with(&format!(":{head}")).then_some(())
    });
    drop(first);
    project.append(row(base, 1).as_bytes());
    crate::support::eventually("the row", || {
        server.log_after(0).iter().any(|event| event["payload"]["message"] == "row 1").then_some(())
    });
    // What came while it did not run, then what comes now.
    let second = follow();
    assert_eq!(message(&second), "row 1");
    project.append(row(base, 2).as_bytes());
    assert_eq!(message(&second), "row 2");
}

#[test]
fn the_python_example_tells_a_blocked_story_and_the_end_of_a_batch() {
    if !has("python3", "the_python_example_tells_a_blocked_story_and_the_end_of_a_batch") {
        return;
    }
    let bench = Bench::new(STORIES);
    let server = bench.serve();
    let mut command = example("follow.py");
    command.arg(format!("http://127.0.0.1:{}/", server.port()));
    let running = Running::start(command);
    // It has to listen before anything happens: it tells only what is new.
    crate::support::eventually("a listener", || {
        (server.json("/healthz")["clients"]["sse"].as_u64()? >= 1).then_some(())
    });
    let batch = start(&server, "1");
    Follower::open(&server).end_of(batch);
    assert_eq!(running.next(), format!("batch {batch} ended: completed, 1 cycles"));
    let blocked = bench.status_file().replace("2-1-editor: ready-for-dev", "2-1-editor: blocked");
    bench.project.replace("sprint-status.yaml", blocked.as_bytes());
    assert_eq!(running.next(), "2-1-editor is blocked");
}

#[test]
fn the_node_example_ends_as_the_batch_does() {
    if !has("node", "the_node_example_ends_as_the_batch_does") {
        return;
    }
    let bench = Bench::new(STORIES);
    let server = bench.serve();
    let run = || {
        let mut command = example("run-batch.mjs");
        command.args([&format!("http://127.0.0.1:{}", server.port()), "1"]);
        output_of(command.spawn().unwrap())
    };
    let output = run();
    let text = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{text}{}", String::from_utf8_lossy(&output.stderr));
    assert!(text.starts_with("batch 1 started\n"), "{text}");
    assert!(text.contains("dev-story: 1-1-skeleton"), "{text}");
    assert!(text.ends_with("batch 1 ended: completed\n"), "{text}");
    // What cannot begin is said.
    bench.project.replace("sprint-status.yaml", b"development_status: [\n");
    crate::support::eventually("a broken status file", || {
        let output = run();
        let text = String::from_utf8_lossy(&output.stderr);
        (output.status.code() == Some(1) && text.contains("not started: ")).then_some(())
    });
}
