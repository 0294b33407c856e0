//! Behaviours 14-23 through the real server: whatever happens to the files, each row counts once.

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use serde_json::Value;

use crate::support::project::{STATUS, now_s};
use crate::support::{Project, Server, eventually};

/// A row that carries a name of its own.
fn named(name: &str) -> String {
    format!("{},1,1-2,dev-story,setup,progress,\"{name}\"\n", now_s())
}

fn lines(names: impl IntoIterator<Item = impl AsRef<str>>) -> String {
    names.into_iter().map(|name| named(name.as_ref())).collect()
}

/// The messages of all rows in the log, in order.
fn messages(server: &Server) -> Vec<String> {
    server
        .log_after(0)
        .iter()
        .filter(|event| event["type"].as_str().is_some_and(|kind| kind.starts_with("command:")))
        .filter_map(|event| event["payload"]["message"].as_str().map(str::to_owned))
        .collect()
}

/// Waits until the log's rows are exactly these.
fn expect(server: &Server, names: &[&str]) {
    let mut last = Vec::new();
    eventually(&format!("the rows {names:?}; last seen {last:?}"), || {
        last = messages(server);
        (last == names).then_some(())
    });
}

/// The states told of a file, in order.
fn states(server: &Server, file: &str) -> Vec<String> {
    server
        .log_after(0)
        .iter()
        .filter(|event| {
            event["type"] == "source:state"
                && event["payload"]["file"].as_str().is_some_and(|name| name.ends_with(file))
        })
        .map(|event| event["payload"]["state"].as_str().unwrap().to_owned())
        .collect()
}

#[test]
fn b14_half_a_row_waits_for_its_newline_also_over_kill_9() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(lines(["a"]).as_bytes());
    expect(&server, &["a"]);
    let row = named("b");
    project.append(&row.as_bytes()[..row.len() - 8]);
    project.append(b"");
    server.kill();
    let server = Server::start(&project);
    expect(&server, &["a"]);
    project.append(&row.as_bytes()[row.len() - 8..]);
    expect(&server, &["a", "b"]);
    server.kill();
    let server = Server::start(&project);
    expect(&server, &["a", "b"]);
}

#[test]
fn b15_replaced_by_rename_only_new_rows_count() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut content = String::new();
    let mut names = Vec::new();
    for n in 0..100 {
        if n % 3 != 0 {
            content += &named(&format!("r{n}"));
            names.push(format!("r{n}"));
        }
        project.replace("sprint-runner.csv", content.as_bytes());
    }
    let wanted: Vec<&str> = names.iter().map(String::as_str).collect();
    expect(&server, &wanted);
    assert!(!states(&server, "sprint-runner.csv").contains(&"reset".to_owned()));
    // A shorter one with an equal beginning, then one that goes another way.
    let shorter: String = content.split_inclusive('\n').take(10).collect();
    project.replace("sprint-runner.csv", shorter.as_bytes());
    eventually("a reset", || {
        states(&server, "sprint-runner.csv").contains(&"reset".to_owned()).then_some(())
    });
    assert_eq!(messages(&server).len(), names.len(), "a shorter file is no news");
    let other: String =
        content.split_inclusive('\n').take(5).collect::<String>() + &lines(["x", "y"]);
    project.replace("sprint-runner.csv", other.as_bytes());
    let mut wanted = wanted;
    wanted.extend(["x", "y"]);
    expect(&server, &wanted);
}

#[test]
fn b16_truncated_and_regrown_while_the_server_is_down() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(lines(["a", "b", "c"]).as_bytes());
    expect(&server, &["a", "b", "c"]);
    server.kill();
    // In place, and beyond the old length.
    project.write("sprint-runner.csv", lines(["d", "e", "f", "g", "h"]).as_bytes());
    let server = Server::start(&project);
    expect(&server, &["a", "b", "c", "d", "e", "f", "g", "h"]);
    assert!(states(&server, "sprint-runner.csv").contains(&"reset".to_owned()));
    // Again while it runs.
    project.write("sprint-runner.csv", lines(["i", "j", "k", "l", "m", "n"]).as_bytes());
    expect(&server, &["a", "b", "c", "d", "e", "f", "g", "h", "i", "j", "k", "l", "m", "n"]);
}

#[test]
fn b17_deleted_and_made_anew() {
    let project = Project::new();
    let server = Server::start(&project);
    let header = "unix_timestamp,epicid,storyid,command,result\n";
    project.append((header.to_owned() + &lines(["a", "b"])).as_bytes());
    expect(&server, &["a", "b"]);
    let inode = fs::metadata(project.log()).unwrap().ino();
    fs::remove_file(project.log()).unwrap();
    project.append((header.to_owned() + &lines(["c", "d", "e"])).as_bytes());
    let same = fs::metadata(project.log()).unwrap().ino() == inode;
    println!("the file system gave the same inode again: {same}");
    expect(&server, &["a", "b", "c", "d", "e"]);
}

#[test]
fn b18_rows_written_to_a_renamed_file_count_once() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(lines(["a"]).as_bytes());
    expect(&server, &["a"]);
    let mut old = fs::OpenOptions::new().append(true).open(project.log()).unwrap();
    fs::rename(project.log(), project.path("sprint-runner.csv.1")).unwrap();
    old.write_all(lines(["b"]).as_bytes()).unwrap();
    expect(&server, &["a", "b"]);
    project.append(lines(["c"]).as_bytes());
    expect(&server, &["a", "b", "c"]);
    server.kill();
    let server = Server::start(&project);
    expect(&server, &["a", "b", "c"]);
}

#[test]
fn b19_the_folder_goes_and_comes_back() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(lines(["a"]).as_bytes());
    expect(&server, &["a"]);
    fs::remove_dir_all(project.artifacts()).unwrap();
    eventually("missing", || {
        states(&server, "sprint-status.yaml").contains(&"missing".to_owned()).then_some(())
    });
    fs::create_dir_all(project.artifacts()).unwrap();
    project.write("sprint-status.yaml", STATUS.as_bytes());
    project.append(lines(["b"]).as_bytes());
    expect(&server, &["a", "b"]);
    // Moved away, and another put in its place: rows of the moved one are nobody's.
    let mut old = fs::OpenOptions::new().append(true).open(project.log()).unwrap();
    let away = project.root().join("_bmad-output/away");
    fs::rename(project.artifacts(), away).unwrap();
    fs::create_dir_all(project.artifacts()).unwrap();
    project.write("sprint-status.yaml", STATUS.as_bytes());
    project.append(lines(["c"]).as_bytes());
    expect(&server, &["a", "b", "c"]);
    old.write_all(lines(["stray"]).as_bytes()).unwrap();
    project.append(lines(["d"]).as_bytes());
    expect(&server, &["a", "b", "c", "d"]);
}

#[test]
fn b19_what_is_no_file_is_said_and_recovers() {
    let project = Project::empty();
    fs::create_dir(project.path("sprint-status.yaml")).unwrap();
    let fifo = project.log();
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::from_raw_mode(0o600),
        0,
    )
    .unwrap();
    let server = Server::start(&project);
    for file in ["sprint-status.yaml", "sprint-runner.csv"] {
        eventually(file, || states(&server, file).contains(&"unreadable".to_owned()).then_some(()));
    }
    fs::remove_dir(project.path("sprint-status.yaml")).unwrap();
    fs::remove_file(fifo).unwrap();
    project.write("sprint-status.yaml", STATUS.as_bytes());
    project.append(lines(["a"]).as_bytes());
    expect(&server, &["a"]);
    eventually("ok", || (states(&server, "sprint-status.yaml").last()? == "ok").then_some(()));
    assert_eq!(server.json("/api/snapshot")["sprint"]["counts"]["stories"], 5);
}

#[test]
fn b20_links_and_a_full_queue() {
    let project = Project::new();
    let elsewhere = project.root().join("elsewhere.csv");
    fs::write(&elsewhere, lines(["a"])).unwrap();
    std::os::unix::fs::symlink(&elsewhere, project.log()).unwrap();
    let server = Server::start(&project);
    expect(&server, &["a"]);
    let append = |path: &Path, name: &str| {
        fs::OpenOptions::new()
            .append(true)
            .open(path)
            .unwrap()
            .write_all(lines([name]).as_bytes())
            .unwrap();
    };
    append(&elsewhere, "b");
    expect(&server, &["a", "b"]);
    let hard = project.root().join("hard.csv");
    fs::hard_link(&elsewhere, &hard).unwrap();
    append(&hard, "c");
    expect(&server, &["a", "b", "c"]);
    for n in 0..30_000 {
        fs::write(project.path(&format!("noise-{}", n % 50)), b"x").unwrap();
    }
    append(&hard, "d");
    expect(&server, &["a", "b", "c", "d"]);
}

#[test]
fn b20_a_link_that_leaves_the_project_is_not_followed() {
    let outside = tempfile::tempdir().unwrap();
    let secret = outside.path().join("secret.csv");
    fs::write(&secret, lines(["secret"])).unwrap();
    let project = Project::new();
    std::os::unix::fs::symlink(&secret, project.log()).unwrap();
    let server = Server::start(&project);
    eventually("unreadable", || {
        states(&server, "sprint-runner.csv").contains(&"unreadable".to_owned()).then_some(())
    });
    assert!(messages(&server).is_empty());
    assert_eq!(server.get("/sprint-runner.csv").status, 404);
}

#[test]
fn b21_bad_rows_cost_one_issue_each_and_the_next_one_is_read() {
    let project = Project::new();
    let mut bytes = b"\xEF\xBB\xBF".to_vec();
    bytes.extend(named("a").as_bytes());
    bytes.extend(named("b").replace('\n', "\r\n").as_bytes());
    bytes.extend(b"not a row\n");
    bytes.extend(named("c").as_bytes());
    bytes.extend(format!("{},1,1-2,dev-story,setup,end,\"open\n", now_s()).as_bytes());
    bytes.extend(named("d").as_bytes());
    bytes.extend(vec![b'x'; 50 * 1024 * 1024]);
    bytes.push(b'\n');
    bytes.extend(named("e").as_bytes());
    project.write("sprint-runner.csv", &bytes);
    let server = Server::start(&project);
    expect(&server, &["a", "b", "c", "d", "e"]);
    let told: BTreeMap<u64, String> = server
        .log_after(0)
        .iter()
        .filter(|event| event["type"] == "source:state" && event["payload"]["state"] == "invalid")
        .map(|event| {
            let payload = &event["payload"];
            (payload["line"].as_u64().unwrap(), payload["message"].as_str().unwrap().to_owned())
        })
        .collect();
    assert_eq!(told.keys().copied().collect::<Vec<_>>(), [3, 5, 7], "{told:?}");
    let issues = server.json("/api/snapshot")["sprint"]["issues"].clone();
    assert_eq!(
        issues.as_array().unwrap().iter().filter(|issue| issue["severity"] == "error").count(),
        3
    );
}

#[test]
fn b22_a_broken_status_file_keeps_the_last_good_state() {
    let project = Project::new();
    let server = Server::start(&project);
    let before = server.json("/api/snapshot")["sprint"]["stories"].clone();
    assert_eq!(before.as_array().unwrap().len(), 5);
    let hostile: [Vec<u8>; 5] = [
        b"project: a: b\n".to_vec(),
        "[".repeat(100_000).into_bytes(),
        STATUS.replace("  1-2-database", "<<<<<<< HEAD\n  1-2-database").into_bytes(),
        vec![b'#'; 100 * 1024 * 1024],
        STATUS.as_bytes()[..STATUS.len() - 15].to_vec(),
    ];
    for bytes in hostile {
        let told = states(&server, "sprint-status.yaml").len();
        project.write("sprint-status.yaml", &bytes);
        eventually("invalid", || {
            let states = states(&server, "sprint-status.yaml");
            (states.len() > told && states.last()? == "invalid").then_some(())
        });
        assert_eq!(server.json("/api/snapshot")["sprint"]["stories"], before);
        let answer = server.json("/api/sprint-status");
        assert_eq!(answer["stale"], true);
        assert_eq!(answer["stories"].as_array().unwrap().len(), 5);
        project.replace("sprint-status.yaml", STATUS.as_bytes());
        eventually("ok again", || {
            (states(&server, "sprint-status.yaml").last()? == "ok").then_some(())
        });
    }
    let changes =
        server.log_after(0).iter().filter(|event| event["type"] == "story:status").count();
    assert_eq!(changes, 5, "broken files make no story events");
}

#[test]
fn b23_the_last_of_many_saves_arrives() {
    let project = Project::new();
    let server = Server::start(&project);
    let words = ["backlog", "in-progress", "review", "done", "ready-for-dev"];
    for n in 0..=100 {
        let word = words[n % words.len()];
        let text = STATUS.replace("1-10-backup: backlog", &format!("1-10-backup: {word}"));
        project.replace("sprint-status.yaml", text.as_bytes());
    }
    let last = words[100 % words.len()];
    eventually("the last word", || {
        let stories = server.json("/api/snapshot")["sprint"]["stories"].clone();
        let story =
            stories.as_array()?.iter().find(|story| story["story_key"] == "1-10-backup")?.clone();
        (story["status"] == last).then_some(())
    });
    let changes: Vec<Value> = server
        .log_after(0)
        .into_iter()
        .filter(|event| event["payload"]["story_key"] == "1-10-backup")
        .collect();
    assert!(changes.len() <= 101);
    for pair in changes.windows(2) {
        assert_eq!(pair[0]["payload"]["new_status"], pair[1]["payload"]["old_status"]);
    }
}

#[test]
fn a_restart_on_an_unchanged_project_adds_nothing() {
    let project = Project::new();
    project.append(lines(["a", "b"]).as_bytes());
    project.append(b"a bad row\n");
    project.write("orchestrator.md", b"## Story: 1-2-database\n| 1 | dev-story | ok | ~3m |\n");
    let mut server = Server::start(&project);
    expect(&server, &["a", "b"]);
    eventually("the entries", || {
        let entries =
            server.log_after(0).iter().filter(|event| event["type"] == "activity:entry").count();
        (entries == 2).then_some(())
    });
    let head = server.json("/api/snapshot")["last_event_id"].clone();
    for _ in 0..2 {
        assert!(server.terminate().success());
        server = Server::start(&project);
        let mut sse = server.sse("");
        assert_eq!(sse.next().unwrap().json["last_event_id"], head);
    }
    // What comes next is what is new.
    let mut sse = server.sse("");
    sse.next().unwrap();
    project.append(lines(["c"]).as_bytes());
    assert_eq!(sse.next().unwrap().json["payload"]["message"], "c");
}
