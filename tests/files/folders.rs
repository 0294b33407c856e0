//! Behaviour 19: folders that go and come back, and paths that lead to no file.

use std::fs;
use std::io::Write;
use std::os::unix::process::CommandExt;
use std::path::Path;

use super::{expect, lines, messages, states, told, until_state, within_a_second};
use crate::support::bench::chmod;
use crate::support::project::STATUS;
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

const LOG: &str = "sprint-runner.csv";
const STATUS_FILE: &str = "sprint-status.yaml";

fn fifo(path: &Path) {
    use rustix::fs::{CWD, FileType, Mode, mknodat};
    mknodat(CWD, path, FileType::Fifo, Mode::from_raw_mode(0o600), 0).unwrap();
}

/// What is told of the file comes first, what it holds right behind.
fn five_stories(server: &Server) {
    eventually("five stories", || {
        (server.json("/api/snapshot")["sprint"]["counts"]["stories"] == 5).then_some(())
    });
}

#[test]
fn b19_the_folder_is_removed_and_made_again() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut wanted = vec!["before".to_owned()];
    project.append(lines(&wanted).as_bytes());
    expect(&server, &wanted);
    fs::remove_dir_all(project.artifacts()).unwrap();
    until_state(&server, STATUS_FILE, "missing");
    until_state(&server, LOG, "missing");
    within_a_second("a row in a folder made again", |n| {
        // Its parent goes as well every other time.
        if n % 2 == 0 {
            let _ = fs::remove_dir_all(project.artifacts().parent().unwrap());
        } else {
            let _ = fs::remove_dir_all(project.artifacts());
        }
        fs::create_dir_all(project.artifacts()).unwrap();
        project.write(STATUS_FILE, STATUS.as_bytes());
        for name in [format!("again {n}"), format!("and again {n}")] {
            project.append(lines([&name]).as_bytes());
            wanted.push(name);
            expect(&server, &wanted);
        }
    });
    until_state(&server, STATUS_FILE, "ok");
    let rises = server.log_after(0).iter().filter(|event| event["type"] == "story:status").count();
    assert_eq!(rises, 5, "the same stories with the same words are no news");
}

#[test]
fn b19_the_folder_is_moved_away_and_another_put_in_its_place() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut wanted = vec!["before".to_owned()];
    project.append(lines(&wanted).as_bytes());
    expect(&server, &wanted);
    let mut moved = Vec::new();
    within_a_second("a row in the other folder", |n| {
        let mut old = fs::OpenOptions::new().append(true).open(project.log()).unwrap();
        let away = project.root().join(format!("_bmad-output/away-{n}"));
        fs::rename(project.artifacts(), &away).unwrap();
        fs::create_dir_all(project.artifacts()).unwrap();
        project.write(STATUS_FILE, STATUS.as_bytes());
        for name in [format!("other {n}"), format!("and other {n}")] {
            project.append(lines([&name]).as_bytes());
            wanted.push(name);
            expect(&server, &wanted);
        }
        old.write_all(lines([format!("stray {n}")]).as_bytes()).unwrap();
        moved.push(old);
    });
    // Rows of the moved ones are nobody's: those behind them are seen, they are not.
    for (n, old) in moved.iter_mut().enumerate() {
        old.write_all(lines([format!("stray again {n}")]).as_bytes()).unwrap();
        wanted.push(format!("after {n}"));
        project.append(lines(&wanted[wanted.len() - 1..]).as_bytes());
        expect(&server, &wanted);
    }
    server.kill();
    let server = Server::start(&project);
    expect(&server, &wanted);
}

#[test]
fn b19_missing_at_the_start() {
    let project = Project::empty();
    fs::remove_dir_all(project.artifacts()).unwrap();
    let server = Server::start(&project);
    until_state(&server, STATUS_FILE, "missing");
    assert_eq!(server.json("/api/snapshot")["sprint"]["stories"], serde_json::json!([]));
    fs::create_dir_all(project.artifacts()).unwrap();
    project.write(STATUS_FILE, STATUS.as_bytes());
    project.append(lines(["a"]).as_bytes());
    expect(&server, &["a"]);
    until_state(&server, STATUS_FILE, "ok");
    five_stories(&server);
}

#[test]
fn b19_a_directory_or_a_fifo_is_said_never_blocks_and_recovers() {
    for (status_is_fifo, log_is_fifo) in [(false, true), (true, false)] {
        let project = Project::empty();
        let paths = [(STATUS_FILE, status_is_fifo), (LOG, log_is_fifo)];
        for (name, is_fifo) in paths {
            if is_fifo {
                fifo(&project.path(name));
            } else {
                fs::create_dir(project.path(name)).unwrap();
            }
        }
        let server = Server::start(&project);
        for (name, is_fifo) in paths {
            until_state(&server, name, "unreadable");
            let told = told(&server, name).pop().unwrap().to_string();
            let word = if is_fifo { "not a regular file" } else { "a directory" };
            assert!(told.contains(word), "{told}");
        }
        // What is in the way of one file is not in the way of another.
        if status_is_fifo {
            fs::remove_dir(project.log()).unwrap();
            project.append(lines(["a"]).as_bytes());
            expect(&server, &["a"]);
            fs::remove_file(project.path(STATUS_FILE)).unwrap();
            project.write(STATUS_FILE, STATUS.as_bytes());
        } else {
            fs::remove_dir(project.path(STATUS_FILE)).unwrap();
            project.write(STATUS_FILE, STATUS.as_bytes());
            until_state(&server, STATUS_FILE, "ok");
            fs::remove_file(project.log()).unwrap();
            project.append(lines(["a"]).as_bytes());
            expect(&server, &["a"]);
        }
        until_state(&server, STATUS_FILE, "ok");
        five_stories(&server);
        // In the place of files that were read before, too.
        fs::remove_file(project.log()).unwrap();
        fifo(&project.log());
        until_state(&server, LOG, "unreadable");
        fs::remove_file(project.path(STATUS_FILE)).unwrap();
        fs::create_dir(project.path(STATUS_FILE)).unwrap();
        until_state(&server, STATUS_FILE, "unreadable");
        five_stories(&server);
        fs::remove_file(project.log()).unwrap();
        project.append(lines(["b"]).as_bytes());
        expect(&server, &["a", "b"]);
    }
}

/// A server to which permissions apply: root reads everything, so it becomes somebody else.
fn serve_as_a_user(project: &Project, state: &Path) -> Server {
    const NOBODY: u32 = 65_534;
    let mut command = binary();
    command.arg("serve").arg("-C").arg(project.root()).args(["--port", "0"]);
    command.arg("--state").arg(state);
    if rustix::process::geteuid().is_root() {
        chmod(project.root(), 0o755);
        std::os::unix::fs::chown(state, Some(NOBODY), Some(NOBODY)).unwrap();
        command.uid(NOBODY).gid(NOBODY);
    }
    Server::spawn(command)
}

#[test]
fn b19_what_may_not_be_read_is_said_and_recovers() {
    let project = Project::new();
    let state = tempfile::tempdir().unwrap();
    project.append(lines(["a"]).as_bytes());
    chmod(&project.log(), 0o000);
    let server = serve_as_a_user(&project, state.path());
    until_state(&server, LOG, "unreadable");
    assert!(messages(&server).is_empty());
    chmod(&project.log(), 0o644);
    expect(&server, &["a"]);
    // A file that is held open all the time.
    for name in [LOG, STATUS_FILE] {
        chmod(&project.path(name), 0o000);
        until_state(&server, name, "unreadable");
        let told = told(&server, name).pop().unwrap().to_string();
        assert!(told.contains("permission"), "{told}");
    }
    five_stories(&server);
    project.append(lines(["b"]).as_bytes());
    for name in [LOG, STATUS_FILE] {
        chmod(&project.path(name), 0o644);
        until_state(&server, name, "ok");
    }
    expect(&server, &["a", "b"]);
    // The whole folder.
    chmod(&project.artifacts(), 0o000);
    eventually("a word on it", || {
        let last = states(&server, STATUS_FILE).pop()?;
        ["unreadable", "missing"].contains(&last.as_str()).then_some(())
    });
    chmod(&project.artifacts(), 0o755);
    project.append(lines(["c"]).as_bytes());
    expect(&server, &["a", "b", "c"]);
    until_state(&server, STATUS_FILE, "ok");
}
