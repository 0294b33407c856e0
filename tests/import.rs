//! Databases of the older server: served where they lie, and taken over by `import`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Output, Stdio};

use rusqlite::Connection;
use serde_json::Value;

use crate::support::process::{ended, output_of};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

const SHAPES: &[&str] = &[
    "whole",
    "no-event-type",
    "no-payload",
    "seconds",
    "no-batch-key",
    "no-foreign-keys",
    "broken",
];

/// How often something is killed until it was killed on its way.
const TRIES: u32 = 8;

/// When the first batch of all shapes began.
const T0: i64 = 1_706_112_000_000;

/// An older database of a shape, in a folder of its own.
fn older(folder: &Path, shape: &str) -> PathBuf {
    let path = folder.join("older.db");
    let sql = format!("{}/fixtures/older/{shape}.sql", env!("CARGO_MANIFEST_DIR"));
    let sql = fs::read_to_string(sql).unwrap();
    Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
    path
}

/// A whole one, its second batch with so many events more.
fn long(folder: &Path, events: u32) -> PathBuf {
    let path = older(folder, "whole");
    let sql = format!(
        "WITH RECURSIVE n(i) AS (SELECT 100 UNION ALL SELECT i + 1 FROM n WHERE i < {events} + 99)
         INSERT INTO events (id, batch_id, story_id, command_id, timestamp, event_type, epic_id,
             story_key, command, task_id, status, message, payload_json)
         SELECT i, 2, 3, 4, 1706119300000 + i, 'command:progress', '2a', '2a-1-editor', 'dev-story',
             'implement', 'progress', 'row ' || i, '{{\"message\": \"row ' || i || '\"}}' FROM n"
    );
    Connection::open(&path).unwrap().execute_batch(&sql).unwrap();
    path
}

fn import(project: &Project, database: &Path) -> Output {
    output_of(import_child(project, database))
}

fn import_child(project: &Project, database: &Path) -> Child {
    let mut command = binary();
    command.arg("import").arg(database).arg("-C").arg(project.root());
    command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).trim().to_owned()
}

fn beside(path: &Path, end: &str) -> PathBuf {
    PathBuf::from(format!("{}{end}", path.display()))
}

fn backups(folder: &Path) -> Vec<PathBuf> {
    let paths = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    paths.filter(|path| path.extension().is_some_and(|end| end == "bak")).collect()
}

/// What whoever looks at the history must see, whatever the shape.
fn shows_history(server: &Server, shape: &str) {
    // What our own log left open long ago is ended soon after the start.
    let snapshot = eventually(&format!("{shape}: nothing runs"), || {
        let snapshot = server.json("/api/snapshot");
        snapshot["batch"].is_null().then_some(snapshot)
    });
    assert_eq!(snapshot["active"], serde_json::json!([]), "{shape}");
    assert_eq!(snapshot["orchestrator"]["status"], "idle", "{shape}");
    let batches = server.json("/api/batches?limit=100");
    let rows = batches["batches"].as_array().unwrap();
    let row = |started: i64| {
        rows.iter()
            .find(|row| row["started_at"] == T0 + started)
            .unwrap_or_else(|| panic!("{shape}: no batch of {started} in {batches}"))
    };
    let (first, second, third) = (row(0), row(7_200_000), row(86_400_000));
    assert_eq!((&first["status"], &first["max_cycles"]), (&"completed".into(), &2.into()));
    assert_eq!((&second["status"], &second["max_cycles"]), (&"stopped".into(), &Value::Null));
    assert_eq!(third["status"], "lost", "{shape}");
    assert!(third["ended_at"].is_i64(), "{shape}: {third}");
    assert!(rows.iter().all(|row| row["status"] != "running"), "{shape}: {batches}");
    let id = first["id"].as_i64().unwrap();
    let detail = server.json(&format!("/api/batches/{id}"));
    assert_eq!(detail["stats"]["stories_done"], 2, "{shape}");
    assert_eq!(detail["stories"][0]["commands"][0]["command"], "create-story", "{shape}");
    assert_eq!(detail["stories"][1]["commands"][0]["status"], "failed", "{shape}");
    let timeline = server.json(&format!("/api/timeline?batch_id={id}"));
    assert_eq!(timeline["segments"].as_array().unwrap().len(), 3, "{shape}");
    let events = server.json(&format!("/api/events?batch_id={id}"));
    let events = events["events"].as_array().unwrap();
    assert_eq!(events.len(), 6, "{shape}");
    for event in events {
        assert_eq!(event["payload"]["imported"], true, "{shape}");
    }
    assert_eq!(events[3]["type"], "command:end", "{shape}");
    assert_eq!(events[3]["payload"]["story_key"], "1-1-skeleton", "{shape}");
    assert_eq!(events[3]["timestamp"], T0 + 70_000, "{shape}");
    let of_story = server.json("/api/events?story=1-1&type=command:*");
    assert_eq!(of_story["events"].as_array().unwrap().len(), 3, "{shape}: by its short id");
    let found = server.json("/api/events?q=findings");
    assert_eq!(found["events"].as_array().unwrap().len(), 1, "{shape}");
    assert_eq!(server.get("/api/stories/1-2-database").status, 200, "{shape}");
}

fn exports(project: &Project, more: &[&str], shape: &str) {
    let run = |format: &str| {
        let mut command = binary();
        command.args(["export", "--format", format, "-C"]).arg(project.root()).args(more);
        command.output().unwrap()
    };
    let page = run("html");
    assert!(page.status.success(), "{shape}: {}", text(&page.stderr));
    let html = text(&page.stdout);
    assert!(html.contains("2a-1-editor") && html.contains("\"imported\":true"), "{shape}");
    let lines = text(&run("ndjson").stdout);
    let first: Value = serde_json::from_str(lines.lines().next().unwrap()).unwrap();
    assert_eq!(first["timestamp"], T0, "{shape}: {first}");
}

#[test]
fn b38_every_older_shape_is_served_where_it_lies_after_a_copy() {
    for shape in SHAPES {
        let project = Project::new();
        let folder = tempfile::tempdir().unwrap();
        let path = older(folder.path(), shape);
        let as_it_was = fs::read(&path).unwrap();
        let db = ["--db", path.to_str().unwrap()];
        let mut server = Server::start_with(project.root(), &db);
        shows_history(&server, shape);
        exports(&project, &db, shape);
        let made = backups(folder.path());
        assert_eq!(made.len(), 1, "{shape}: {made:?}");
        // All but the first page's head, which counts changes of the file.
        let copy = fs::read(&made[0]).unwrap();
        assert!(copy[100..] == as_it_was[100..], "{shape}: a whole copy");
        assert!(server.terminate().success());
        let server = Server::start_with(project.root(), &db);
        shows_history(&server, shape);
        assert_eq!(backups(folder.path()), made, "{shape}: once");
    }
}

#[test]
fn every_older_shape_is_taken_over_once_beside_what_is_there() {
    for shape in SHAPES {
        let project = Project::new();
        project.append(b"1700000000,1,1-2,dev-story,setup,start,\"ours\"\n");
        let mut server = Server::start(&project);
        eventually("our own batch", || {
            let total = server.json("/api/batches")["total"].as_i64()?;
            (total > 0).then_some(())
        });
        let folder = tempfile::tempdir().unwrap();
        let path = older(folder.path(), shape);
        let as_it_was = fs::read(&path).unwrap();
        let refused = import(&project, &path);
        assert_eq!(refused.status.code(), Some(1), "{shape}");
        let told = text(&refused.stderr);
        assert!(told.contains("already has a server at") && told.contains("stop it"), "{told}");
        let before = server.log_after(0);
        assert!(server.terminate().success());

        let done = import(&project, &path);
        let (told, code) = (text(&done.stdout), i32::from(*shape == "no-foreign-keys"));
        assert_eq!(done.status.code(), Some(code), "{shape}: {told} {}", text(&done.stderr));
        assert!(told.contains("taken:") && told.contains("renumbered:    batch 1 is"), "{told}");
        assert_eq!(told.contains("payload of event 12, 13"), *shape == "broken", "{told}");
        for _ in 0..2 {
            let again = text(&import(&project, &path).stdout);
            assert!(again.ends_with("nothing new") || code == 1, "{shape}: {again}");
            assert!(again.contains("taken:         0 batches, 0 stories, 0 commands"), "{again}");
        }
        assert_eq!(fs::read(&path).unwrap(), as_it_was, "{shape}: it is only read");
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "{shape}");

        let server = Server::start(&project);
        shows_history(&server, shape);
        let after = server.log_after(0);
        assert_eq!(after[..before.len()], before, "{shape}: what was there stands as it stood");
        let mut ids = after.iter().map(|event| event["id"].as_u64().unwrap());
        assert!(ids.clone().zip(ids.by_ref().skip(1)).all(|(one, next)| one < next), "{shape}");
        // By time: ours was before theirs.
        let batches = server.json("/api/batches");
        let rows = batches["batches"].as_array().unwrap();
        assert_eq!(rows.last().unwrap()["origin"], "observed", "{shape}: {batches}");
        // The log goes on.
        project.append(b"1700000060,1,1-2,dev-story,setup,end,\"goes on\"\n");
        eventually("the next row", || {
            let newest = server.json("/api/events?limit=5&type=command:*");
            let newest = newest["events"].as_array()?.clone();
            newest.iter().any(|event| event["payload"]["message"] == "goes on").then_some(())
        });
    }
}

/// Every event once, with its own message, in its own order.
fn is_whole(path: &Path, events: u32) {
    let conn = Connection::open(path).unwrap();
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    let mut read =
        conn.prepare("SELECT message FROM events WHERE message LIKE 'row %' ORDER BY id").unwrap();
    let found: Vec<String> =
        read.query_map([], |row| row.get(0)).unwrap().map(Result::unwrap).collect();
    let expected: Vec<String> = (100..events + 100).map(|n| format!("row {n}")).collect();
    assert!(found == expected, "{} of {events}", found.len());
}

#[test]
fn an_import_that_is_killed_on_its_way_leaves_nothing_and_the_next_one_takes_all() {
    const EVENTS: u32 = 40_000;
    let project = Project::new();
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path(), EVENTS);
    // Read through a copy, which a kill leaves behind.
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    drop(conn);
    let ours = project.root().join(".sprint-runner/sprint-runner.db");
    let mut killed = 0;
    for _ in 0..TRIES {
        let mut child = import_child(&project, &path);
        // What does not fit into memory is in the log before the end.
        eventually("rows on the disk", || {
            let wal = fs::metadata(beside(&ours, "-wal")).map_or(0, |file| file.len());
            (wal > 2_000_000 || child.try_wait().unwrap().is_some()).then_some(())
        });
        child.kill().unwrap();
        if ended(&mut child).success() {
            // It was quicker than we are: once more from the beginning.
            fs::remove_dir_all(ours.parent().unwrap()).unwrap();
            continue;
        }
        killed += 1;
        let conn = Connection::open(&ours).unwrap();
        for table in ["events", "batches", "imported"] {
            let sql = format!("SELECT count(*) FROM {table}");
            let rows: i64 = conn.query_row(&sql, [], |row| row.get(0)).unwrap();
            assert_eq!(rows, 0, "{table}");
        }
        if killed == 2 {
            break;
        }
    }
    assert!(killed > 0, "it was never killed on its way");
    let done = import(&project, &path);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stdout).contains(&format!("{} events", EVENTS + 11)));
    is_whole(&ours, EVENTS);
    let again = text(&import(&project, &path).stdout);
    assert!(again.ends_with("nothing new"), "{again}");
    is_whole(&ours, EVENTS);
    let left = fs::read_dir(ours.parent().unwrap()).unwrap().flatten();
    let left: Vec<_> = left.map(|entry| entry.file_name()).collect();
    assert!(!left.iter().any(|name| name.to_string_lossy().starts_with(".import-")), "{left:?}");
}

#[test]
fn a_server_killed_while_it_makes_an_older_database_its_own_leaves_it_as_it_was() {
    const EVENTS: u32 = 40_000;
    let project = Project::new();
    let folder = tempfile::tempdir().unwrap();
    let path = long(folder.path(), EVENTS);
    let before = fs::metadata(&path).unwrap().len();
    let mut killed = 0;
    for _ in 0..TRIES {
        let mut command = binary();
        command.args(["serve", "--port", "0", "-C"]).arg(project.root()).arg("--db").arg(&path);
        command.stdout(Stdio::null()).stderr(Stdio::null());
        let mut child = command.spawn().unwrap();
        eventually("a file that grows", || {
            let now = fs::metadata(&path).map_or(0, |file| file.len());
            (now > before || child.try_wait().unwrap().is_some()).then_some(())
        });
        child.kill().unwrap();
        ended(&mut child);
        // Whoever opens it next rolls it back.
        let conn = Connection::open(&path).unwrap();
        let ours: i64 = conn
            .query_row("SELECT count(*) FROM sqlite_schema WHERE name = 'meta'", [], |row| {
                row.get(0)
            })
            .unwrap();
        is_whole(&path, EVENTS);
        if ours == 1 {
            // It was quicker than we are: once more from the beginning.
            drop(conn);
            fs::remove_file(&path).unwrap();
            long(folder.path(), EVENTS);
            continue;
        }
        killed += 1;
        if killed == 2 {
            break;
        }
    }
    assert!(killed > 0, "it was never killed on its way");
    let db = ["--db", path.to_str().unwrap()];
    let server = Server::start_with(project.root(), &db);
    assert_eq!(server.json("/api/batches")["total"], 3);
    drop(server);
    is_whole(&path, EVENTS);
    assert!(!beside(&path, ".older.bak.part").exists());
    for copy in backups(folder.path()) {
        is_whole(&copy, EVENTS);
    }
}

#[test]
fn commands_that_only_read_make_an_older_database_ours_first_and_say_so() {
    let project = Project::new();
    let folder = tempfile::tempdir().unwrap();
    let path = older(folder.path(), "seconds");
    let events = |arguments: &[&str]| {
        let mut command = binary();
        command.args(arguments).arg("-C").arg(project.root()).arg("--db").arg(&path);
        command.output().unwrap()
    };
    let copy = folder.path().join("copy.db");
    let copied = events(&["backup", copy.to_str().unwrap()]);
    assert!(copied.status.success(), "{}", text(&copied.stderr));
    assert!(backups(folder.path()).is_empty(), "a copy changes nothing");
    let done = events(&["events", "--json", "--limit", "100"]);
    assert!(done.status.success(), "{}", text(&done.stderr));
    assert!(text(&done.stderr).contains("was made into one of this version"));
    assert_eq!(text(&done.stdout).lines().count(), 11);
    assert_eq!(backups(folder.path()).len(), 1);
    let again = events(&["events", "--json", "--limit", "100"]);
    assert_eq!(text(&again.stderr), "");
    assert_eq!(again.stdout, done.stdout);
    // The copy is still what it was, and all of it is known.
    let mut command = binary();
    command.arg("import").arg(&copy).arg("-C").arg(project.root()).arg("--db").arg(&path);
    let known = text(&command.output().unwrap().stdout);
    assert!(known.ends_with("nothing new"), "{known}");
}

#[test]
fn what_cannot_be_imported_is_told_and_leaves_the_log_alone() {
    let project = Project::new();
    let folder = tempfile::tempdir().unwrap();
    let text_file = folder.path().join("notes.txt");
    fs::write(&text_file, "no database").unwrap();
    let other = folder.path().join("other.db");
    Connection::open(&other).unwrap().execute_batch("CREATE TABLE mine (a)").unwrap();
    let pipe = folder.path().join("pipe");
    assert!(std::process::Command::new("mkfifo").arg(&pipe).status().unwrap().success());
    for (path, part) in [
        (folder.path().join("none.db"), "No such file"),
        (text_file, "no SQLite database"),
        (other, "another program"),
        (pipe, "no plain file"),
        (folder.path().to_owned(), "no plain file"),
    ] {
        let done = import(&project, &path);
        let told = text(&done.stderr);
        assert_eq!(done.status.code(), Some(1), "{told}");
        assert!(told.contains("cannot import") && told.contains(part), "{told}");
        assert!(!project.root().join(".sprint-runner/sprint-runner.db").exists(), "{told}");
    }
    let own = older(folder.path(), "whole");
    let mut command = binary();
    command.arg("import").arg(&own).arg("-C").arg(project.root()).arg("--db").arg(&own);
    let told = text(&command.output().unwrap().stderr);
    assert!(told.contains("is the project's own database"), "{told}");
    assert!(backups(folder.path()).is_empty());
    assert_eq!(binary().arg("import").output().unwrap().status.code(), Some(2));
}
