//! What fails outside is told in plain words, loses nothing and shows nothing that is not stored,
//! and is over by itself.

use std::collections::BTreeSet;
use std::fs;
use std::io::{BufReader, Write as _};
use std::net::TcpStream;
use std::path::{Path, PathBuf};
use std::process::Command;

use rusqlite::Connection;
use serde_json::Value;

use crate::support::heavy::{Need, heavy};
use crate::support::project::{now_s, row};
use crate::support::sse::Sse;
use crate::support::{Project, Server, eventually, http};

/// A server whose log is kept, and one that listens to it.
struct Scene {
    project: Project,
    server: Server,
    stream: Sse,
    told: PathBuf,
    rows: usize,
    _place: tempfile::TempDir,
}

impl Scene {
    /// `limits`: what the shell does before it becomes the server; `state`: where that is kept.
    fn new(limits: &str, state: Option<&Path>) -> Self {
        let place = tempfile::tempdir().unwrap();
        let project = Project::new();
        let told = place.path().join("told");
        let state = state.map_or_else(|| project.root().join(".sprint-runner"), Path::to_path_buf);
        let mut command = Command::new("sh");
        command
            .arg("-c")
            .arg(format!("{limits}\nexec \"$0\" serve -C \"$1\" --state \"$2\" --port 0 2>\"$3\""))
            .arg(env!("CARGO_BIN_EXE_sprint-runner"))
            .args([project.root(), &state, &told])
            .env("NO_COLOR", "1")
            .env_remove("RUST_LOG");
        let server = Server::spawn(command);
        let mut stream = server.sse("?types=command:*");
        assert_eq!(stream.next().unwrap().json["type"], "init");
        let mut scene = Self { project, server, stream, told, rows: 0, _place: place };
        scene.append(3);
        scene.all_arrive();
        scene
    }

    fn append(&mut self, count: usize) {
        let rows: String = (self.rows..self.rows + count).map(|n| row(now_s(), n)).collect();
        self.project.append(rows.as_bytes());
        self.rows += count;
    }

    fn degraded(&self, words: &str) -> Value {
        eventually(&format!("health to say {words:?}"), || {
            let health = self.server.json("/healthz");
            let said = health["reasons"].to_string();
            (health["status"] == "degraded" && said.contains(words)).then(|| {
                assert!(
                    !said.contains(".db") && !said.contains('/'),
                    "no path of the machine: {said}"
                );
                health
            })
        })
    }

    fn well(&self) {
        eventually("health to be well", || {
            (self.server.json("/healthz")["status"] == "ok").then_some(())
        });
    }

    /// All rows stand in the log once, in order, and the stream has brought each of them once.
    fn all_arrive(&mut self) {
        let log = eventually("all rows", || {
            let log = self.server.log_after(0);
            (rows_of(&log).len() >= self.rows).then_some(log)
        });
        let expected: Vec<String> = (0..self.rows).map(|n| format!("row {n}")).collect();
        assert_eq!(rows_of(&log), expected);
        let ids: Vec<u64> = log.iter().map(|event| event["id"].as_u64().unwrap()).collect();
        assert!(ids.windows(2).all(|pair| pair[0] < pair[1]));
    }

    /// Reads the stream up to the last row: nothing twice, nothing that is not in the log.
    fn stream_has_all(&mut self) {
        let last = format!("row {}", self.rows - 1);
        let mut seen = Vec::new();
        while seen.last() != Some(&last) {
            let message = self.stream.next().expect("the stream goes on").json;
            seen.extend(message["payload"]["message"].as_str().map(str::to_owned));
        }
        let expected: Vec<String> = (0..self.rows).map(|n| format!("row {n}")).collect();
        assert_eq!(seen, expected);
    }

    fn times_told(&self, words: &str) -> usize {
        fs::read_to_string(&self.told).unwrap().matches(words).count()
    }

    /// It begins and ends once in the server's own log, and no cause is told twice.
    fn told_once(&self) {
        eventually("the end to be told", || {
            (self.times_told("can be written again") > 0).then_some(())
        });
        assert_eq!(self.times_told("can be written again"), 1);
        let text = fs::read_to_string(&self.told).unwrap();
        let begun: Vec<&str> = text.lines().filter(|line| line.contains("ERROR")).collect();
        let different: BTreeSet<&str> =
            begun.iter().filter_map(|line| line.split("ERROR").nth(1)).collect();
        assert!(!begun.is_empty() && begun.len() == different.len() && begun.len() <= 3, "{text}");
        assert!(text.lines().count() < 30, "{text}");
    }
}

fn rows_of(log: &[Value]) -> Vec<String> {
    log.iter()
        .filter_map(|event| event["payload"]["message"].as_str())
        .filter(|message| message.starts_with("row "))
        .map(str::to_owned)
        .collect()
}

#[test]
fn b36_a_database_locked_by_another_program_is_told_and_got_over() {
    let mut scene = Scene::new("", None);
    let path = scene.project.root().join(".sprint-runner/sprint-runner.db");
    let other = Connection::open(&path).unwrap();
    other.execute_batch("BEGIN IMMEDIATE").unwrap();
    let head = scene.server.json("/healthz")["head"].clone();
    scene.append(5);
    let health = scene.degraded("locked");
    assert_eq!(health["head"], head, "nothing is shown that is not stored");
    scene.append(5);
    other.execute_batch("ROLLBACK").unwrap();
    drop(other);
    scene.all_arrive();
    scene.well();
    scene.stream_has_all();
    scene.told_once();
}

#[test]
fn b36_a_state_folder_that_is_gone_and_back_is_told_and_got_over() {
    let mut scene = Scene::new("", None);
    let folder = scene.project.root().join(".sprint-runner");
    let away = scene.project.root().join("away");
    fs::rename(&folder, &away).unwrap();
    scene.append(5);
    scene.degraded("the database file is gone");
    fs::rename(&away, &folder).unwrap();
    scene.all_arrive();
    scene.well();
    scene.stream_has_all();
    scene.told_once();
}

#[test]
fn b36_another_file_in_the_place_of_the_database_is_not_written() {
    let mut scene = Scene::new("", None);
    let path = scene.project.root().join(".sprint-runner/sprint-runner.db");
    let first = scene.project.root().join("first.db");
    fs::rename(&path, &first).unwrap();
    fs::write(&path, b"something else").unwrap();
    scene.append(5);
    scene.degraded("another file");
    assert_eq!(fs::read(&path).unwrap(), b"something else");
    fs::rename(&first, &path).unwrap();
    scene.all_arrive();
    scene.well();
    scene.stream_has_all();
    scene.told_once();
}

#[test]
fn b36_storage_that_refuses_to_grow_loses_nothing_and_no_batch_is_claimed() {
    // Writes beyond a size fail as they do on a full disk; no rights are needed for it.
    let mut scene = Scene::new("trap '' XFSZ; ulimit -S -f 800", None);
    scene.append(3000);
    scene.degraded("disk");
    let head = scene.server.json("/healthz")["head"].as_u64().unwrap();
    let path = scene.project.root().join(".sprint-runner/sprint-runner.db");
    let stored: u64 = Connection::open(&path)
        .unwrap()
        .query_row("SELECT max(id) FROM events", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .cast_unsigned();
    assert!(head <= stored, "{head} was shown, {stored} is stored");
    let refused = scene.server.post("/api/orchestrator/start", r#"{"batch_size":1}"#);
    assert_ne!(refused.status, 200, "{}", refused.text());
    assert_eq!(scene.server.json("/api/orchestrator/status")["status"], "idle");
    let pid = scene.server.pid().to_string();
    let freed =
        Command::new("prlimit").args(["--fsize=unlimited:unlimited", "--pid", &pid]).status();
    assert!(freed.unwrap().success());
    scene.all_arrive();
    scene.well();
    scene.stream_has_all();
    scene.told_once();
}

#[test]
fn b36_a_full_disk_loses_nothing() {
    if !heavy("b36_a_full_disk_loses_nothing", &[Need::Root, Need::Program("mount")]) {
        return;
    }
    let disk = tempfile::tempdir().unwrap();
    let mount = |arguments: &[&str]| {
        let done = Command::new("mount").args(arguments).arg(disk.path()).status().unwrap();
        assert!(done.success());
    };
    mount(&["-t", "tmpfs", "-o", "size=2m,mode=700", "tmpfs"]);
    let result = std::panic::catch_unwind(|| {
        let mut scene = Scene::new("", Some(&disk.path().join("state")));
        scene.append(6000);
        let health = scene.degraded("disk");
        let head = health["head"].as_u64().unwrap();
        let refused = scene.server.post("/api/orchestrator/start", r#"{"batch_size":1}"#);
        assert_ne!(refused.status, 200, "{}", refused.text());
        // Only what is stored was pushed: nobody has heard of more than the log holds.
        assert!(scene.server.log_after(0).last().unwrap()["id"].as_u64().unwrap() >= head);
        mount(&["-o", "remount,size=64m"]);
        scene.all_arrive();
        scene.well();
        scene.stream_has_all();
        scene.told_once();
    });
    let gone = Command::new("umount").arg("-l").arg(disk.path()).status().unwrap();
    assert!(gone.success());
    if let Err(panic) = result {
        std::panic::resume_unwind(panic);
    }
}

#[test]
fn b43_used_up_descriptors_are_told_once_and_streams_go_on() {
    let mut scene = Scene::new("", None);
    // The cap on connections keeps clear of the limit known at the start: it is lowered afterwards,
    // as other parts of the process may use descriptors up.
    let pid = scene.server.pid().to_string();
    let open = fs::read_dir(format!("/proc/{pid}/fd")).unwrap().count();
    let few = format!("--nofile={}:", open + 20);
    assert!(Command::new("prlimit").args([&few, "--pid", &pid]).status().unwrap().success());
    // One who is connected before asks while it lasts. The crowd is more than there is room for, and
    // no more than waits in the kernel's queue at once.
    let mut asks = http::connect(scene.server.port());
    let crowd: Vec<TcpStream> = (0..60)
        .filter_map(|_| TcpStream::connect(("127.0.0.1", scene.server.port())).ok())
        .collect();
    eventually("the shortage", || {
        (scene.times_told("new connections must wait") > 0).then_some(())
    });
    let host = format!("127.0.0.1:{}", scene.server.port());
    write!(asks, "GET /healthz HTTP/1.1\r\nHost: {host}\r\nConnection: close\r\n\r\n").unwrap();
    let health = http::read_response(&mut BufReader::new(asks), false).unwrap().json();
    scene.append(5);
    scene.stream_has_all();
    drop(crowd);
    assert_eq!(health["status"], "degraded");
    assert!(health["reasons"].to_string().contains("file descriptor"), "{health}");
    scene.well();
    scene.all_arrive();
    assert_eq!(scene.times_told("new connections must wait"), 1);
    assert_eq!(scene.times_told("new connections are taken again"), 1);
}

#[test]
fn b36_a_clock_that_jumps_loses_nothing() {
    const NAME: &str = "b36_a_clock_that_jumps_loses_nothing";
    if !heavy(NAME, &[Need::Program("faketime")]) {
        return;
    }
    let place = tempfile::tempdir().unwrap();
    let clock = place.path().join("clock");
    let jump = |hours: i64| {
        let new = place.path().join("new");
        fs::write(&new, format!("{hours:+}h")).unwrap();
        fs::rename(&new, &clock).unwrap();
    };
    jump(0);
    let fake = format!(
        "export LD_PRELOAD=\"$(ls /usr/lib/*/faketime/libfaketimeMT.so.1)\" FAKETIME_NO_CACHE=1 \
         DONT_FAKE_MONOTONIC=1 NO_FAKE_STAT=1 FAKETIME_TIMESTAMP_FILE='{}'",
        clock.display()
    );
    let mut scene = Scene::new(&fake, None);
    // What others write has the jumped time as well. Each leap of more than the idle limit parts
    // two batches, as a silence does.
    for hours in [-2, 0, 3, 0] {
        jump(hours);
        let rows = (scene.rows..scene.rows + 5).map(|n| row(now_s() + hours * 3600, n));
        scene.project.append(rows.collect::<String>().as_bytes());
        scene.rows += 5;
        scene.all_arrive();
        scene.well();
        let snapshot = scene.server.json("/api/snapshot");
        assert!(snapshot["batch"]["id"].is_number(), "{hours} h: {}", snapshot["batch"]);
    }
    jump(3);
    eventually("the end of the last batch", || {
        scene.server.json("/api/snapshot")["batch"].is_null().then_some(())
    });
    let log = scene.server.log_after(0);
    let of = |kind: &str| -> Vec<Value> {
        log.iter()
            .filter(|event| event["type"] == kind)
            .map(|event| event["batch_id"].clone())
            .collect()
    };
    assert_eq!(of("batch:start").len(), 5);
    assert_eq!(of("batch:end"), of("batch:start"), "each ends once, in order");
    assert_eq!(scene.times_told("panicked"), 0);
}
