//! Behaviours 22 and 23: status files that are broken, hostile, or saved all the time.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use serde_json::Value;

use super::{states, told, until_state};
use crate::support::process::{forget_peak, peak_mib};
use crate::support::project::STATUS;
use crate::support::{LENIENCE, Project, Server, eventually};

const FILE: &str = "sprint-status.yaml";

/// Each alias ten times the one before.
fn alias_bomb() -> String {
    let mut text = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
    for n in 1..10 {
        let before = format!("*a{}", n - 1);
        text += &format!("b{n}: &a{n} [{}]\n", vec![before; 10].join(", "));
    }
    text + STATUS
}

fn hostile() -> Vec<(&'static str, Vec<u8>)> {
    let half = STATUS.len() / 2;
    vec![
        ("half-written", STATUS.as_bytes()[..STATUS.len() - 15].to_vec()),
        ("cut in the middle of a key", STATUS.as_bytes()[..half].to_vec()),
        ("invalid", b"project: a: b\n".to_vec()),
        ("an alias bomb", alias_bomb().into_bytes()),
        ("100,000 nested brackets", "[".repeat(100_000).into_bytes()),
        ("100,000 nested mappings", "{a: ".repeat(100_000).into_bytes()),
        (
            "merge markers",
            STATUS.replace("  1-2-database", "<<<<<<< HEAD\n  1-2-database").into_bytes(),
        ),
        ("100 MB", vec![b'#'; 100 * 1024 * 1024]),
        ("nothing but NULs", vec![0; 4096]),
    ]
}

#[test]
fn b22_a_hostile_status_file_keeps_the_last_good_state() {
    let project = Project::new();
    let server = Server::start(&project);
    until_state(&server, FILE, "ok");
    let before = server.json("/api/snapshot")["sprint"]["stories"].clone();
    assert_eq!(before.as_array().unwrap().len(), 5);
    forget_peak(server.pid());
    let memory = peak_mib(server.pid());
    let mut count = told(&server, FILE).len();
    for (what, bytes) in hostile() {
        let mut took = Vec::new();
        // A busy machine is given another try; what is slow by itself is so each time.
        for n in 0..10 {
            let bound = Duration::from_secs(1) * if n < 5 { 1 } else { LENIENCE };
            let start = Instant::now();
            project.replace(FILE, &bytes);
            let (start, written) = (Instant::now(), start.elapsed());
            until_state(&server, FILE, "invalid");
            took.push(start.elapsed());
            count += 1;
            assert_eq!(told(&server, FILE).len(), count, "{what}: one word on it");
            assert_eq!(server.json("/api/snapshot")["sprint"]["stories"], before, "{what}");
            // It is told by the event first, by the answer right behind.
            let answer = eventually("the stale answer", || {
                let answer = server.json("/api/sprint-status");
                (answer["stale"] == true).then_some(answer)
            });
            assert_eq!(answer["stories"].as_array().unwrap().len(), 5, "{what}");
            let start = Instant::now();
            project.replace(FILE, STATUS.as_bytes());
            until_state(&server, FILE, "ok");
            took.push(start.elapsed());
            count += 1;
            assert_eq!(told(&server, FILE).len(), count, "{what}: one word on its recovery");
            eventually("the fresh answer", || {
                (server.json("/api/sprint-status")["stale"] == false).then_some(())
            });
            println!("{what}: written in {written:?}, told and recovered in {took:?}");
            if took[took.len() - 2..].iter().all(|took| *took < bound) {
                took.clear();
                break;
            }
        }
        assert!(took.is_empty(), "{what} took more than a second: {took:?}");
    }
    let changes =
        server.log_after(0).iter().filter(|event| event["type"] == "story:status").count();
    assert_eq!(changes, 5, "broken files make no story events");
    let after = peak_mib(server.pid());
    println!("hostile status files: {memory} MiB before, {after} MiB at most");
    assert!(after < memory + 24, "{memory} MiB became {after} MiB");
}

#[test]
fn b22_written_in_place_in_two_halves_no_half_is_believed() {
    let project = Project::new();
    let server = Server::start(&project);
    until_state(&server, FILE, "ok");
    let new = STATUS.replace("2a-2-photos: backlog", "2a-2-photos: review");
    for cut in [new.len() - 4, new.len() - 30, new.len() / 2, 3] {
        project.write(FILE, &new.as_bytes()[..cut]);
        let bad = |state: &String| state != "ok";
        let before = states(&server, FILE).len();
        // The half is seen, and told or waited for; in no case is it the truth.
        eventually("a look at the half", || {
            let stale = server.json("/api/sprint-status")["stale"] == true;
            (stale || states(&server, FILE)[before..].iter().any(bad)).then_some(())
        });
        project.write(FILE, new.as_bytes());
        eventually("the whole", || {
            (server.json("/api/sprint-status")["stale"] == false).then_some(())
        });
        until_state(&server, FILE, "ok");
    }
    let events = server.log_after(0);
    let changes = |event: &&Value| event["type"] == "story:status";
    let keys: Vec<&Value> =
        events.iter().filter(changes).skip(5).map(|event| &event["payload"]["story_key"]).collect();
    assert_eq!(keys, ["2a-2-photos"], "one change, and no story came or went");
}

#[test]
fn b22_a_key_twice_is_warned_of_and_the_last_one_counts() {
    let project = Project::new();
    let server = Server::start(&project);
    let twice = format!("{STATUS}  1-2-database: review\n");
    project.replace(FILE, twice.as_bytes());
    eventually("the last word", || {
        let sprint = server.json("/api/snapshot")["sprint"].clone();
        let stories = sprint["stories"].as_array()?;
        let mut of_key = stories.iter().filter(|story| story["story_key"] == "1-2-database");
        let (one, other) = (of_key.next()?, of_key.next());
        let warned = sprint["issues"].to_string().contains("1-2-database");
        (one["status"] == "review" && other.is_none() && warned).then_some(())
    });
    assert!(states(&server, FILE).iter().all(|state| state == "ok"), "it is a good file");
    project.replace(FILE, STATUS.as_bytes());
    eventually("no warning", || {
        let issues = server.json("/api/snapshot")["sprint"]["issues"].to_string();
        (!issues.contains("1-2-database")).then_some(())
    });
}

/// Saves a hundred states within a second, each with a word of its own, by `save`.
fn a_hundred_saves(save: impl Fn(&Project, &[u8])) {
    let project = Project::new();
    let server = Server::start(&project);
    until_state(&server, FILE, "ok");
    let word = |n: usize| format!("word-{n:03}");
    let start = Instant::now();
    for n in 0..100_usize {
        let text = STATUS.replace("1-10-backup: backlog", &format!("1-10-backup: {}", word(n)));
        save(&project, text.as_bytes());
        // Spread over the second, so that some are seen.
        let next = start + Duration::from_millis(10 * (n as u64 + 1));
        while let Some(left) = next.checked_duration_since(Instant::now()) {
            std::thread::park_timeout(left);
        }
    }
    let of_key = || -> Vec<(Value, Value)> {
        let log = server.log_after(0).into_iter();
        log.filter(|event| event["payload"]["story_key"] == "1-10-backup")
            .map(|event| event["payload"].clone())
            .map(|payload| (payload["old_status"].clone(), payload["new_status"].clone()))
            .collect()
    };
    eventually("the last word", || (of_key().last()?.1 == word(99)).then_some(()));
    let changes = &of_key()[1..];
    println!("a hundred saves made {} events", changes.len());
    assert!(changes.len() <= 100 && !changes.is_empty());
    let words: Vec<String> =
        changes.iter().map(|(_, new)| new.as_str().unwrap().to_owned()).collect();
    assert!(words.is_sorted(), "states in the order of the saves: {words:?}");
    assert_eq!(words.iter().collect::<HashSet<_>>().len(), words.len(), "each at most once");
    assert!(words.iter().all(|it| (0..100).any(|n| word(n) == *it)), "{words:?}");
    for pair in changes.windows(2) {
        assert_eq!(pair[0].1, pair[1].0, "no step is missing between two events");
    }
    let story = |it: &&Value| it["story_key"] == "1-10-backup";
    eventually("the last word in the state", || {
        let stories = server.json("/api/snapshot")["sprint"]["stories"].clone();
        (stories.as_array()?.iter().find(story)?["status"] == word(99)).then_some(())
    });
}

#[test]
fn b23_the_last_of_a_hundred_saves_in_a_second_arrives() {
    a_hundred_saves(|project, bytes| project.replace(FILE, bytes));
}

#[test]
fn b23_the_last_of_a_hundred_saves_in_place_arrives() {
    a_hundred_saves(|project, bytes| project.write(FILE, bytes));
}
