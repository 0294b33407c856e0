//! Behaviour 20: writes that make no file event, or too many of them.

use std::fs;
use std::io::Write;
use std::path::Path;
use std::process::{Command, Stdio};

use super::{expect, lines, messages, named, until_state, within_a_second};
use crate::support::heavy::{Need, heavy};
use crate::support::process::{Stopped, ended};
use crate::support::project::STATUS;
use crate::support::{Project, Server, eventually};

fn append(path: &Path, name: &str) {
    let mut file = fs::OpenOptions::new().append(true).open(path).unwrap();
    file.write_all(named(name).as_bytes()).unwrap();
}

/// Rows by way of `path`, each of them within a second.
fn seen_through(path: &Path, name: &str, server: &Server, wanted: &mut Vec<String>) {
    within_a_second(name, |n| {
        wanted.push(format!("{name} {n}"));
        append(path, &format!("{name} {n}"));
        expect(server, wanted);
    });
}

#[test]
fn b20_writes_through_a_hard_link_and_a_symlinks_target_are_seen() {
    let project = Project::new();
    let elsewhere = project.root().join("elsewhere.csv");
    fs::write(&elsewhere, lines(["a"])).unwrap();
    std::os::unix::fs::symlink(&elsewhere, project.log()).unwrap();
    let server = Server::start(&project);
    let mut wanted = vec!["a".to_owned()];
    expect(&server, &wanted);
    seen_through(&elsewhere, "target", &server, &mut wanted);
    let hard = project.root().join("hard.csv");
    fs::hard_link(&elsewhere, &hard).unwrap();
    seen_through(&hard, "hard link", &server, &mut wanted);
    // The link leads elsewhere now.
    let third = project.root().join("third.csv");
    fs::write(&third, named("third")).unwrap();
    fs::remove_file(project.log()).unwrap();
    std::os::unix::fs::symlink(&third, project.log()).unwrap();
    wanted.push("third".to_owned());
    expect(&server, &wanted);
    seen_through(&third, "third target", &server, &mut wanted);
}

#[test]
fn b20_a_link_that_leaves_the_project_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.csv");
    fs::write(&secret, lines(["secret"])).unwrap();
    let project = Project::new();
    std::os::unix::fs::symlink(&secret, project.log()).unwrap();
    let server = Server::start(&project);
    until_state(&server, "sprint-runner.csv", "unreadable");
    assert!(messages(&server).is_empty());
    assert_eq!(server.get("/sprint-runner.csv").status, 404);
}

/// A row is put into a mapped file: its length stays, and no file event is made.
const THROUGH_A_MAPPING: &str = "
import mmap, sys
with open(sys.argv[1], 'r+b') as file:
    with mmap.mmap(file.fileno(), 0) as memory:
        row = sys.argv[2].encode() + b'\\n'
        at = memory.find(b'\\0')
        memory[at:at + len(row)] = row
        sys.stdin.read()
";

#[test]
fn b20_writes_through_a_mapping_are_seen() {
    const NAME: &str = "b20_writes_through_a_mapping_are_seen";
    if !heavy(NAME, &[Need::Program("python3")]) {
        return;
    }
    let project = Project::new();
    let mut wanted = vec!["a".to_owned()];
    project.append(lines(&wanted).as_bytes());
    project.append(&[0; 4096]);
    let server = Server::start(&project);
    expect(&server, &wanted);
    within_a_second("a row in a mapped file", |n| {
        let name = format!("mapped {n}");
        let mut python = Command::new("python3");
        python.args(["-c", THROUGH_A_MAPPING]).arg(project.log()).arg(named(&name).trim_end());
        // It holds the mapping until its input ends: nothing is flushed or closed before.
        let mut writer = python.stdin(Stdio::piped()).spawn().unwrap();
        wanted.push(name);
        expect(&server, &wanted);
        drop(writer.stdin.take());
        assert!(ended(&mut writer).success());
    });
}

#[test]
fn b20_without_file_events_the_poll_sees_everything() {
    const NAME: &str = "b20_without_file_events_the_poll_sees_everything";
    // In a user namespace of its own that allows not one inotify instance.
    const NONE: &str = "echo 0 >/proc/sys/user/max_inotify_instances && exec \"$@\"";
    let shut = |command: &mut Command| {
        command.args(["--user", "--map-root-user", "sh", "-c", NONE, "sh"]).stdin(Stdio::null());
    };
    let mut probe = Command::new("unshare");
    shut(&mut probe);
    if !probe.arg("true").stderr(Stdio::null()).status().is_ok_and(|status| status.success()) {
        println!("left out: {NAME}: no user namespace can be made");
        return;
    }
    let project = Project::new();
    let log = project.root().join("server.log");
    let mut command = Command::new("sh");
    command.args(["-c", "exec \"$@\" 2>\"$LOG\"", "sh", "unshare"]).env("LOG", &log);
    shut(&mut command);
    command.arg(env!("CARGO_BIN_EXE_sprint-runner")).args(["serve", "--port", "0", "-C"]);
    command.arg(project.root()).env("NO_COLOR", "1").env_remove("RUST_LOG");
    let server = Server::spawn(command);
    eventually("a word on it", || {
        fs::read_to_string(&log).ok()?.contains("file events are not available").then_some(())
    });
    let mut wanted = Vec::new();
    project.append(b"");
    seen_through(&project.log(), "row", &server, &mut wanted);
    within_a_second("a change of the status file", |n| {
        let word = ["review", "done", "backlog", "in-progress"][n % 4];
        let text = STATUS.replace("1-2-database: in-progress", &format!("1-2-database: {word}"));
        project.replace("sprint-status.yaml", text.as_bytes());
        eventually("the change", || {
            let stories = server.json("/api/snapshot")["sprint"]["stories"].clone();
            let story = stories.as_array()?.iter().find(|it| it["story_key"] == "1-2-database")?;
            (story["status"] == word).then_some(())
        });
    });
}

/// A write in the folder that is nobody's row. Never emptied first: some file systems then write
/// through to the disk.
fn noise(project: &Project, n: usize) {
    let path = project.path(&format!("noise-{}", n % 50));
    let mut file = fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
    file.write_all(b"x").unwrap();
}

#[test]
fn b20_a_queue_that_overflows_loses_no_row() {
    let project = Project::new();
    project.append(b"");
    let server = Server::start(&project);
    // While the server stands still the system's queue fills up: 16,384 events where nothing else
    // is set, and each of these writes makes several, of another name each time. The rows come when
    // it is full.
    let names: Vec<String> = (0..1_000).map(|n| format!("row {n}")).collect();
    let stopped = Stopped::new(&server);
    for n in 0..30_000 {
        noise(&project, n);
        if n >= 20_000 && n % 10 == 0 {
            project.append(named(&names[(n - 20_000) / 10]).as_bytes());
        }
    }
    let last = STATUS.replace("1-2-database: in-progress", "1-2-database: done");
    project.replace("sprint-status.yaml", last.as_bytes());
    drop(stopped);
    expect(&server, &names);
    eventually("the last state", || {
        let stories = server.json("/api/snapshot")["sprint"]["stories"].clone();
        stories
            .as_array()?
            .iter()
            .any(|it| it["story_key"] == "1-2-database" && it["status"] == "done")
            .then_some(())
    });
    // And while it is awake.
    for n in 0..30_000 {
        noise(&project, n);
    }
    let mut wanted = names;
    seen_through(&project.log(), "after", &server, &mut wanted);
}
