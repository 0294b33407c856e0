//! The database: whole at every moment, whole as a copy, and small.

use std::fs;
use std::io::Read as _;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::bench::{Bench, Follower, STORIES, start};
use crate::support::heavy::{Need, heavy};
use crate::support::process::Stopped;
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::{Dice, Project, Server, eventually, http, sse::Sse};

fn database(project: &Project) -> PathBuf {
    project.root().join(".sprint-runner/sprint-runner.db")
}

fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

/// Appends rows on a thread of its own until it is told to stop; gives how many.
fn appending(project: &Project, pause: Duration) -> impl FnOnce() -> usize + use<> {
    let stop = Arc::new(AtomicBool::new(false));
    let stopped = Arc::clone(&stop);
    let (log, base) = (project.log(), now_s());
    let thread = thread::spawn(move || {
        let mut n = 0;
        while !stopped.load(Ordering::Relaxed) {
            let rows: String = (n..n + 5).map(|n| row(base, n)).collect();
            let mut file = fs::OpenOptions::new().create(true).append(true).open(&log).unwrap();
            std::io::Write::write_all(&mut file, rows.as_bytes()).unwrap();
            n += 5;
            thread::park_timeout(pause);
        }
        n
    });
    move || {
        stop.store(true, Ordering::Relaxed);
        thread.thread().unpark();
        thread.join().unwrap()
    }
}

/// All of a log, by its database: ids and payloads. Fails on a database that is not whole.
fn log_of(path: &Path) -> Vec<(i64, String)> {
    let conn = Connection::open(path).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok", "{}", path.display());
    let mut rows = conn.prepare("SELECT id, payload_json FROM events ORDER BY id").unwrap();
    let rows = rows.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

fn wait_for_row(server: &Server, n: usize) {
    eventually("the last row", || {
        let newest = server.json("/api/events?limit=1&type=command:*");
        (newest["events"][0]["payload"]["message"] == format!("row {n}")).then_some(())
    });
}

/// The process stands still while both files are copied: what lies there is what a crash would
/// leave at that moment.
#[test]
fn b37_database_and_wal_copied_at_100_random_moments_are_whole_prefixes_of_the_log() {
    let project = Project::new();
    let server = Server::start(&project);
    let stop = appending(&project, Duration::from_millis(3));
    let copies = tempfile::tempdir().unwrap();
    let mut dice = Dice::new(37);
    let path = database(&project);
    let mut head = Value::Null;
    for n in 0..100 {
        // However little a busy machine lets it do in between.
        if n % 10 == 0 {
            head = eventually("a log that grows", || {
                let now = server.json("/healthz")["head"].clone();
                (now != head).then_some(now)
            });
        }
        thread::park_timeout(Duration::from_micros(dice.below(20_000) as u64));
        let stopped = Stopped::new(&server);
        let copy = copies.path().join(format!("{n}.db"));
        fs::copy(&path, &copy).unwrap();
        // It may have been written back whole just now.
        if beside(&path, "-wal").exists() {
            fs::copy(beside(&path, "-wal"), beside(&copy, "-wal")).unwrap();
        }
        drop(stopped);
    }
    let rows = stop();
    wait_for_row(&server, rows - 1);
    let whole = log_of(&path);
    let mut lengths = Vec::new();
    for n in 0..100 {
        let part = log_of(&copies.path().join(format!("{n}.db")));
        assert_eq!(part, whole[..part.len()], "copy {n}");
        lengths.push(part.len());
    }
    assert!(lengths.is_sorted() && lengths[0] < lengths[99], "{lengths:?}");
}

fn backup(project: &Project, arguments: &[&str]) -> Output {
    binary().arg("backup").args(arguments).arg("-C").arg(project.root()).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

#[test]
fn b38_a_backup_under_writes_is_whole_and_a_restored_one_has_a_new_epoch() {
    let project = Project::new();
    let none = backup(&project, &[]);
    assert_eq!(none.status.code(), Some(1));
    assert!(text(&none.stderr).contains("nothing was recorded yet"), "{}", text(&none.stderr));
    assert!(!project.root().join(".sprint-runner").exists(), "it makes nothing");

    let mut server = Server::start(&project);
    let stop = appending(&project, Duration::from_millis(3));
    wait_for_some(&server);
    let mut copies = Vec::new();
    for _ in 0..4 {
        let made = backup(&project, &[]);
        assert!(made.status.success(), "{}", text(&made.stderr));
        let copy = PathBuf::from(text(&made.stdout));
        assert!(
            copy.starts_with(
                fs::canonicalize(project.root()).unwrap().join(".sprint-runner/backups")
            )
        );
        assert_eq!(fs::metadata(&copy).unwrap().permissions().mode() & 0o777, 0o600);
        assert!(!beside(&copy, "-wal").exists() && !beside(&copy, "-journal").exists());
        copies.push(copy);
    }
    let rows = stop();
    wait_for_row(&server, rows - 1);
    let whole = log_of(&database(&project));
    for copy in &copies {
        let part = log_of(copy);
        assert!(!part.is_empty());
        assert_eq!(part, whole[..part.len()], "a prefix of the log");
    }
    let folder = copies[0].parent().unwrap();
    assert_eq!(fs::read_dir(folder).unwrap().count(), 4, "nothing half-made is left");
    let again = backup(&project, &[copies[0].to_str().unwrap()]);
    assert_eq!(again.status.code(), Some(1));
    assert!(text(&again.stderr).contains("is there already"));

    let epoch = server.json("/api/snapshot")["epoch"].as_str().unwrap().to_owned();
    let seen = whole.last().unwrap().0;
    assert!(server.terminate().success());
    // As the README says.
    let path = database(&project);
    for end in ["-wal", "-shm"] {
        drop(fs::remove_file(beside(&path, end)));
    }
    fs::copy(&copies[0], &path).unwrap();
    let mut server = Server::start(&project);
    let restored = server.json("/api/snapshot")["epoch"].as_str().unwrap().to_owned();
    assert_ne!(restored, epoch);
    for cursor in [format!("{epoch}:1"), format!("{epoch}:{seen}")] {
        let mut stream = Sse::open(server.port(), "", Some(&cursor));
        assert_eq!(stream.next().unwrap().json["type"], "reset", "{cursor}");
        assert_eq!(stream.next().unwrap().json["type"], "init");
    }
    // The rows that the copy lacks are in the file: they are read again, once.
    wait_for_row(&server, rows - 1);
    let messages: Vec<String> = server
        .log_after(0)
        .iter()
        .filter_map(|event| event["payload"]["message"].as_str().map(str::to_owned))
        .filter(|message| message.starts_with("row "))
        .collect();
    assert_eq!(messages, (0..rows).map(|n| format!("row {n}")).collect::<Vec<_>>());
    assert!(server.terminate().success());
    let server = Server::start(&project);
    assert_eq!(server.json("/api/snapshot")["epoch"], restored, "drawn once");
}

fn wait_for_some(server: &Server) {
    eventually("some rows", || {
        (server.json("/api/events?limit=1")["head"].as_u64()? > 20).then_some(())
    });
}

/// Appends rows of 4 KiB while clients read from the first event on, a little at a time; gives the
/// longest the write-ahead log has been, and how many rows there were.
fn longest_wal(
    project: &Project,
    server: &Server,
    clients: usize,
    most: usize,
    time: Duration,
) -> (u64, usize) {
    let stop = Arc::new(AtomicBool::new(false));
    let readers: Vec<_> = (0..clients)
        .map(|_| {
            let (stop, port) = (Arc::clone(&stop), server.port());
            thread::spawn(move || {
                let mut socket = http::connect(port);
                let ask =
                    format!("GET /sse?last_event_id=0 HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
                std::io::Write::write_all(&mut socket, ask.as_bytes()).unwrap();
                let mut buffer = vec![0; 64 * 1024];
                while !stop.load(Ordering::Relaxed) {
                    // A reader that was let go for its slowness comes no more: it has done its part.
                    if socket.read(&mut buffer).unwrap_or(0) == 0 {
                        return;
                    }
                    thread::park_timeout(Duration::from_millis(50));
                }
            })
        })
        .collect();
    let message = "m".repeat(4000);
    let (begun, base) = (Instant::now(), now_s());
    let (mut longest, mut rows) = (0, 0);
    while begun.elapsed() < time && rows < most {
        let mut text = String::new();
        for n in rows..rows + 200 {
            text += &format!(
                "{},1,1-2,dev-story,task,progress,\"{n} {message}\"\n",
                base + (n / 1000) as i64
            );
        }
        project.append(text.as_bytes());
        rows += 200;
        eventually("these rows", || {
            let wal = fs::metadata(beside(&database(project), "-wal")).map_or(0, |file| file.len());
            longest = longest.max(wal);
            let newest = server.json("/api/events?limit=1&type=command:*");
            let said = newest["events"][0]["payload"]["message"].as_str()?.to_owned();
            said.starts_with(&format!("{} ", rows - 1)).then_some(())
        });
    }
    stop.store(true, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    (longest, rows)
}

#[test]
fn b38_slow_readers_far_behind_leave_the_wal_short() {
    let project = Project::new();
    let server = Server::start(&project);
    let (longest, rows) = longest_wal(&project, &server, 4, 4000, Duration::from_secs(20));
    assert!(longest > 0 && longest < 64 << 20, "{longest} bytes after {rows} rows");
}

#[test]
fn b38_slow_readers_for_a_minute_under_load_leave_the_wal_below_64_mib() {
    if !heavy("b38_slow_readers_for_a_minute_under_load_leave_the_wal_below_64_mib", &[]) {
        return;
    }
    let project = Project::new();
    let server = Server::start(&project);
    let (longest, rows) = longest_wal(&project, &server, 32, usize::MAX, Duration::from_secs(60));
    println!("{rows} rows of 4 kB, 32 slow readers: the wal was {longest} bytes at most");
    assert!(longest > 0 && longest < 64 << 20, "{longest} bytes after {rows} rows");
}

#[test]
fn b35_the_commit_is_synced_before_the_first_socket_hears_of_it() {
    let name = "b35_the_commit_is_synced_before_the_first_socket_hears_of_it";
    if !heavy(name, &[Need::Program("strace")]) {
        return;
    }
    let project = Project::new();
    let folder = tempfile::tempdir().unwrap();
    let trace = folder.path().join("trace");
    let mut command = Command::new("strace");
    command
        .args(["-D", "-f", "-y", "-s", "8000", "-e", "signal=none", "-e"])
        .arg("trace=fsync,fdatasync,write,writev,sendto,sendmsg,pwrite64")
        .arg("-o")
        .arg(&trace)
        .arg(env!("CARGO_BIN_EXE_sprint-runner"))
        .arg("serve")
        .arg("-C")
        .arg(project.root())
        .args(["--port", "0"])
        .env("NO_COLOR", "1");
    let mut server = Server::spawn(command);
    let mut stream = server.sse("");
    assert_eq!(stream.next().unwrap().json["type"], "init");
    project.append(row(now_s(), 0).as_bytes());
    let event = loop {
        let message = stream.next().unwrap();
        if message.json["payload"]["message"] == "row 0" {
            break message;
        }
    };
    // The traced one is our child, not the tracer: what was traced is written out at its end.
    assert!(server.terminate().success());
    let frame = frame_of(&event.id);
    let text = eventually("the trace", || {
        let text = String::from_utf8_lossy(&fs::read(&trace).ok()?).into_owned();
        text.contains(&frame).then_some(text)
    });
    order(&text, &event.id, &event.json);
}

/// How a trace shows the beginning of an event's frame.
fn frame_of(id: &str) -> String {
    format!("id: {id}\\ndata: ")
}

/// The last write into the write-ahead log before the frame went out was synced in between.
fn order(trace: &str, id: &str, event: &Value) {
    let lines: Vec<&str> = trace.lines().collect();
    let sent = lines
        .iter()
        .position(|line| line.contains(&frame_of(id)))
        .unwrap_or_else(|| panic!("{event} was not sent"));
    let is_wal = |line: &str| line.contains("sprint-runner.db-wal>");
    let written = lines[..sent]
        .iter()
        .rposition(|line| is_wal(line) && line.contains("pwrite64("))
        .expect("a write into the log");
    let thread = |line: &str| line.split_whitespace().next().unwrap_or_default().to_owned();
    let begun = lines[written..sent]
        .iter()
        .position(|line| is_wal(line) && line.contains("sync("))
        .unwrap_or_else(|| {
            panic!(
                "no sync between the write and the socket:\n{}",
                lines[written..=sent].join("\n")
            )
        })
        + written;
    let done = lines[begun].ends_with("= 0")
        || lines[begun..sent].iter().any(|line| {
            thread(line) == thread(lines[begun])
                && line.contains("sync resumed>")
                && line.ends_with("= 0")
        });
    assert!(done, "the sync had not ended:\n{}", lines[written..=sent].join("\n"));
}

#[test]
fn after_an_orderly_end_the_file_alone_is_whole() {
    let project = Project::new();
    let mut server = Server::start(&project);
    project.append((0..50).map(|n| row(now_s(), n)).collect::<String>().as_bytes());
    let log = eventually("the rows", || {
        let log = server.log_after(0);
        (log.len() >= 50).then_some(log)
    });
    let last = log.last().unwrap()["id"].as_i64().unwrap();
    assert!(server.terminate().success());
    let copy = tempfile::tempdir().unwrap();
    let file = copy.path().join("copy.db");
    fs::copy(database(&project), &file).unwrap();
    assert_eq!(log_of(&file).last().unwrap().0, last);
}

#[test]
fn after_a_restored_backup_new_batches_leave_the_logs_of_others_alone() {
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    let logs = |batch: i64| {
        let folder = bench.project.root().join(format!(".sprint-runner/agents/{batch}"));
        let mut files: Vec<_> = fs::read_dir(folder).into_iter().flatten().flatten().collect();
        files.sort_by_key(fs::DirEntry::file_name);
        let read = |entry: fs::DirEntry| (entry.file_name(), fs::read(entry.path()).unwrap());
        files.into_iter().map(read).collect::<Vec<_>>()
    };
    let run = |server: &Server| {
        let mut follower = Follower::open(server);
        let batch = start(server, "1");
        follower.end_of(batch);
        batch
    };
    let mut server = bench.serve();
    let first = run(&server);
    let copy = PathBuf::from(text(&backup(&bench.project, &[]).stdout));
    let second = run(&server);
    assert!(second > first);
    assert!(server.terminate().success());
    let before = (logs(first), logs(second));
    assert!(!before.0.is_empty() && !before.1.is_empty());
    let path = database(&bench.project);
    for end in ["-wal", "-shm"] {
        drop(fs::remove_file(beside(&path, end)));
    }
    fs::copy(&copy, &path).unwrap();
    bench.project.write("sprint-status.yaml", STORIES.as_bytes());
    let server = bench.serve();
    let third = run(&server);
    assert!(third > second, "{third} was given before");
    assert_eq!((logs(first), logs(second)), before, "they are other batches' logs");
    assert!(!logs(third).is_empty());
}

/// Root may write everything: then the server is another user's.
#[test]
fn a_database_that_may_not_be_written_is_told_with_what_to_do() {
    use std::os::unix::fs::chown;
    use std::os::unix::process::CommandExt as _;
    const NOBODY: u32 = 65_534;
    let project = Project::new();
    drop(Server::start(&project));
    let path = database(&project);
    let state = path.parent().unwrap().to_owned();
    let is_root = rustix::process::geteuid().is_root();
    if is_root {
        let mut all = vec![project.root().to_owned(), state.clone()];
        all.extend(fs::read_dir(&state).unwrap().flatten().map(|entry| entry.path()));
        for path in all {
            chown(path, Some(NOBODY), Some(NOBODY)).unwrap();
        }
    }
    fs::set_permissions(&path, fs::Permissions::from_mode(0o444)).unwrap();
    let mut command = binary();
    command.args(["serve", "--port", "0", "-C"]).arg(project.root());
    if is_root {
        command.uid(NOBODY).gid(NOBODY);
    }
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = text(&output.stderr);
    for part in ["sprint-runner.db", "may not write", "make it and its folder writable", "--db"] {
        assert!(told.contains(part), "{told}");
    }
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o400,
        "nothing is given"
    );
    assert!(!log_of(&path).is_empty(), "it is whole");
}
