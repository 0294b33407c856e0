//! Behaviours 14-18: half rows, and logs that are replaced, truncated, deleted and renamed.

use std::fs;
use std::io::Write;
use std::os::unix::fs::MetadataExt;
use std::time::Duration;

use super::{expect, lines, messages, named, silence, states};
use crate::support::process::Stopped;
use crate::support::project::now_s;
use crate::support::{Project, Server, eventually};

const LOG: &str = "sprint-runner.csv";

#[test]
fn b14_half_a_row_waits_two_seconds_for_its_newline() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(lines(["a"]).as_bytes());
    expect(&server, &["a"]);
    let row = named("b");
    let (half, rest) = row.as_bytes().split_at(row.len() - 8);
    let mut sse = server.sse("");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    project.append(half);
    silence(&mut sse, Duration::from_secs(2));
    project.append(rest);
    assert_eq!(sse.next().unwrap().json["payload"]["message"], "b");
    expect(&server, &["a", "b"]);
}

#[test]
fn b14_half_a_row_waits_over_kill_9() {
    let project = Project::new();
    let mut server = Server::start(&project);
    let mut wanted = vec!["0".to_owned()];
    project.append(named("0").as_bytes());
    expect(&server, &wanted);
    // Cut behind the first byte, in the middle of a letter, before the quote, before the newline.
    let row = |name: &str| named(&format!("{name} ✓"));
    let len = row("1").len();
    for (name, cut) in [("1", 1), ("2", len - 4), ("3", len - 2), ("4", len - 1)] {
        let row = row(name);
        let (half, rest) = row.as_bytes().split_at(cut);
        // A good row before it proves that the half was seen.
        let before = format!("before {name}");
        project.append(&[named(&before).as_bytes(), half].concat());
        wanted.push(before);
        expect(&server, &wanted);
        server.kill();
        server = Server::start(&project);
        expect(&server, &wanted);
        project.append(rest);
        wanted.push(format!("{name} ✓"));
        expect(&server, &wanted);
        server.kill();
        server = Server::start(&project);
        expect(&server, &wanted);
    }
}

#[test]
fn b15_replaced_by_rename_a_hundred_times_only_new_rows_count() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut content = String::new();
    let mut names = Vec::new();
    for n in 0..100 {
        // Every third time by the same content; one half is seen one by one, the other is not.
        if n % 3 != 0 {
            content += &named(&format!("r{n}"));
            names.push(format!("r{n}"));
        }
        project.replace(LOG, content.as_bytes());
        if n < 50 {
            expect(&server, &names);
        }
    }
    expect(&server, &names);
    assert!(!states(&server, LOG).contains(&"reset".to_owned()));
    let resets = || states(&server, LOG).iter().filter(|state| *state == "reset").count();
    // A shorter one with an equal beginning: told, and nothing in it is new.
    let shorter: String = content.split_inclusive('\n').take(10).collect();
    project.replace(LOG, shorter.as_bytes());
    eventually("a reset", || (resets() == 1).then_some(()));
    assert_eq!(messages(&server), names, "a shorter file is no news");
    // One that goes another way, then one with nothing in common.
    let other: String =
        content.split_inclusive('\n').take(5).collect::<String>() + &lines(["x", "y"]);
    project.replace(LOG, other.as_bytes());
    names.extend(["x", "y"].map(str::to_owned));
    expect(&server, &names);
    project.replace(LOG, lines(["z1", "z2", "z3"]).as_bytes());
    names.extend(["z1", "z2", "z3"].map(str::to_owned));
    expect(&server, &names);
    eventually("a reset for each", || (resets() >= 2).then_some(()));
    server.kill();
    let server = Server::start(&project);
    expect(&server, &names);
}

/// Copied away and truncated in the same file, as `copytruncate` of logrotate does.
fn copy_and_truncate(project: &Project, new: &str) {
    fs::copy(project.log(), project.path("sprint-runner.csv.1")).unwrap();
    let inode = fs::metadata(project.log()).unwrap().ino();
    fs::OpenOptions::new().write(true).open(project.log()).unwrap().set_len(0).unwrap();
    project.append(new.as_bytes());
    assert_eq!(fs::metadata(project.log()).unwrap().ino(), inode);
}

/// Rows that all begin with the same bytes, as the rows of one second do.
fn rows_of(second: i64, names: &[&str]) -> String {
    let row = |name: &&str| format!("{second},1,1-2,dev-story,setup,progress,\"{name}\"\n");
    names.iter().map(row).collect()
}

#[test]
fn b16_truncated_and_regrown_while_the_server_is_stopped_or_down() {
    let now = now_s();
    let project = Project::new();
    let server = Server::start(&project);
    let mut wanted = vec!["a", "b", "c"];
    project.append(rows_of(now, &wanted).as_bytes());
    expect(&server, &wanted);
    // Stopped; the rows up to the old offset have the lengths of the old ones.
    let stopped = Stopped::new(&server);
    copy_and_truncate(&project, &rows_of(now, &["d", "e", "f", "g", "h"]));
    drop(stopped);
    wanted.extend(["d", "e", "f", "g", "h"]);
    expect(&server, &wanted);
    assert!(states(&server, LOG).contains(&"reset".to_owned()));
    // Down.
    server.kill();
    copy_and_truncate(&project, &rows_of(now, &["i", "j", "k", "l", "m", "n", "o"]));
    let server = Server::start(&project);
    wanted.extend(["i", "j", "k", "l", "m", "n", "o"]);
    expect(&server, &wanted);
    // Down, and the first line is the old one: that one is no news, all behind it are.
    server.kill();
    copy_and_truncate(&project, &rows_of(now, &["i", "p", "q", "r", "s", "t", "u", "v"]));
    let server = Server::start(&project);
    wanted.extend(["p", "q", "r", "s", "t", "u", "v"]);
    expect(&server, &wanted);
    // Awake.
    let more = ["0", "1", "2", "3", "4", "5", "6", "7", "8"];
    copy_and_truncate(&project, &rows_of(now, &more));
    wanted.extend(more);
    expect(&server, &wanted);
}

/// Makes the log anew until the file system has given it this inode again.
fn with_inode(project: &Project, inode: u64, content: &str) -> bool {
    let mut others = Vec::new();
    for n in 0..2_000 {
        let path = project.path(&format!("try-{n}"));
        fs::write(&path, content).unwrap();
        if fs::metadata(&path).unwrap().ino() == inode {
            fs::rename(&path, project.log()).unwrap();
            break;
        }
        others.push(path);
    }
    for path in &others {
        fs::remove_file(path).unwrap();
    }
    others.len() < 2_000
}

#[test]
fn b17_deleted_and_made_anew_with_the_same_inode_and_first_bytes() {
    const HEADER: &str = "unix_timestamp,epicid,storyid,command,result\n";
    let now = now_s();
    let project = Project::new();
    let server = Server::start(&project);
    project.append((HEADER.to_owned() + &rows_of(now, &["a", "b"])).as_bytes());
    expect(&server, &["a", "b"]);
    // While it is read: the file we hold keeps its inode for itself.
    fs::remove_file(project.log()).unwrap();
    project.append((HEADER.to_owned() + &rows_of(now, &["c", "d", "e"])).as_bytes());
    expect(&server, &["a", "b", "c", "d", "e"]);
    server.kill();
    let inode = fs::metadata(project.log()).unwrap().ino();
    fs::remove_file(project.log()).unwrap();
    let anew = HEADER.to_owned() + &rows_of(now, &["f", "g", "h", "i"]);
    if !with_inode(&project, inode, &anew) {
        println!(
            "left out: b17_deleted_and_made_anew_with_the_same_inode_and_first_bytes: the file \
             system gives no inode out again"
        );
        return;
    }
    let server = Server::start(&project);
    expect(&server, &["a", "b", "c", "d", "e", "f", "g", "h", "i"]);
}

#[test]
fn b18_rows_written_to_a_renamed_file_count_once() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(lines(["a"]).as_bytes());
    expect(&server, &["a"]);
    let open = || fs::OpenOptions::new().append(true).open(project.log()).unwrap();
    let mut old = open();
    fs::rename(project.log(), project.path("sprint-runner.csv.1")).unwrap();
    old.write_all(lines(["b"]).as_bytes()).unwrap();
    expect(&server, &["a", "b"]);
    project.append(lines(["c"]).as_bytes());
    expect(&server, &["a", "b", "c"]);
    // One who has not noticed yet.
    old.write_all(lines(["late"]).as_bytes()).unwrap();
    expect(&server, &["a", "b", "c", "late"]);
    // All of it at once, while nobody looks: both are read, whichever is first.
    let mut second = open();
    let stopped = Stopped::new(&server);
    fs::rename(project.log(), project.path("sprint-runner.csv.2")).unwrap();
    second.write_all(lines(["last of the old"]).as_bytes()).unwrap();
    project.append(lines(["first of the new"]).as_bytes());
    drop(stopped);
    eventually("both", || (messages(&server).len() == 6).then_some(()));
    let mut seen = messages(&server).split_off(4);
    seen.sort_unstable();
    assert_eq!(seen, ["first of the new", "last of the old"]);
    // And while it is down.
    let mut third = open();
    server.kill();
    fs::rename(project.log(), project.path("sprint-runner.csv.3")).unwrap();
    third.write_all(lines(["written while down"]).as_bytes()).unwrap();
    project.append(lines(["new"]).as_bytes());
    let server = Server::start(&project);
    eventually("both", || (messages(&server).len() == 8).then_some(()));
    let mut seen = messages(&server).split_off(6);
    seen.sort_unstable();
    assert_eq!(seen, ["new", "written while down"]);
    let all = messages(&server);
    server.kill();
    let server = Server::start(&project);
    expect(&server, &all);
}
