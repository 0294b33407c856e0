//! Two projects side by side: streams, batches, databases, command line, each its own.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Value, json};

use crate::support::bench::{Bench, PATIENCE, STORIES};
use crate::support::http;
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::sse::Sse;
use crate::support::ws::Ws;
use crate::support::{Server, eventually, eventually_in};

use super::{Side, names, roots, serve, told};

/// Rows of `name`, told apart by their message.
fn rows(name: &str, from: usize, count: usize) -> Vec<u8> {
    let rows = (from..from + count).map(|n| row(now_s(), n).replace("row ", &format!("{name} ")));
    rows.collect::<String>().into_bytes()
}

fn log_of(server: &Server, name: &str) -> Vec<Value> {
    let mut events = Vec::new();
    let mut after = 0;
    loop {
        let page = server.json(&format!("/p/{name}/api/events?after={after}&limit=1000"));
        events.extend(page["events"].as_array().unwrap().iter().cloned());
        match page["next"].as_u64() {
            Some(next) => after = next,
            None => return events,
        }
    }
}

fn message(event: &Value) -> &str {
    event["payload"]["message"].as_str().unwrap_or_default()
}

#[test]
fn no_event_of_one_is_ever_in_the_other() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &[]);
    let open = |name: &str| {
        let mut sse =
            Sse::at(server.port(), &format!("/p/{name}/sse?types=command:*"), None).unwrap();
        let mut ws = Ws::at(server.port(), &format!("/p/{name}/ws?types=command:*")).unwrap();
        assert_eq!(sse.next().unwrap().json["type"], "init");
        assert_eq!(ws.next().unwrap()["type"], "init");
        (sse, ws)
    };
    let mut both = [("a", open("a")), ("b", open("b"))];
    // Neither knows how many the other has: ids are each log's own.
    for (n, count) in [(0, 30), (30, 5), (35, 200)] {
        side.append("a", &rows("a", n, count));
        side.append("b", &rows("b", n, count));
    }
    side.append("b", &rows("b", 235, 65));
    let mut epochs = BTreeSet::new();
    for (name, (sse, ws)) in &mut both {
        let count = if *name == "a" { 235 } else { 300 };
        let mut last = 0;
        for n in 0..count {
            let event = sse.next().unwrap();
            let id = event.json["id"].as_u64().unwrap();
            assert!(id > last, "ids rise");
            last = id;
            assert_eq!(message(&event.json), format!("{name} {n}"));
            let twin = ws.next().unwrap();
            assert_eq!((&twin["id"], message(&twin)), (&event.json["id"], message(&event.json)));
            epochs.insert(event.id.split(':').next().unwrap().to_owned());
        }
        let log = log_of(&server, name);
        let own =
            log.iter().filter(|event| event["type"].as_str().unwrap().starts_with("command:"));
        assert!(own.clone().all(|event| message(event).starts_with(&format!("{name} "))));
        assert_eq!(own.count(), count);
        assert_eq!(
            server.json(&format!("/p/{name}/healthz"))["clients"],
            json!({"sse": 1, "ws": 1})
        );
    }
    assert_eq!(epochs.len(), 2, "each log has a name of its own");
    assert_eq!(server.json("/healthz")["clients"], json!({"sse": 2, "ws": 2}));
}

#[test]
fn a_client_resumes_under_its_prefix_over_a_kill() {
    let side = Side::of(&["a", "b"]);
    let mut server = side.serve(&["a", "b"], &[]);
    let (mut seen, mut cursor) = (Vec::new(), None::<String>);
    let mut written = 0;
    for round in 0..4 {
        side.append("a", &rows("a", written, 40));
        side.append("b", &rows("b", written, 70));
        written += 40;
        let path = "/p/a/sse?types=command:*";
        let mut sse = Sse::at(server.port(), path, cursor.as_deref()).unwrap();
        // Without a cursor the state comes first; what stands in it has been told with it.
        if cursor.is_none() {
            let init = sse.next().unwrap();
            assert_eq!(init.json["type"], "init");
            let first = Some("0");
            sse = Sse::at(server.port(), path, first).unwrap();
        }
        while seen.len() < written {
            let event = sse.next().unwrap();
            assert_ne!(event.json["type"], "reset", "round {round}");
            seen.push(message(&event.json).to_owned());
            cursor = Some(event.id);
        }
        if round % 2 == 1 {
            server.kill();
            server = side.serve(&["a", "b"], &[]);
        }
    }
    let expected: Vec<_> = (0..written).map(|n| format!("a {n}")).collect();
    assert_eq!(seen, expected);
    // The cursor of one log says nothing to the other.
    let mut foreign = Sse::at(server.port(), "/p/b/sse", cursor.as_deref()).unwrap();
    assert_eq!(foreign.next().unwrap().json["type"], "reset");
}

#[test]
fn batches_run_in_two_projects_at_once_and_stop_apart() {
    let (one, two) = (Bench::new(STORIES), Bench::new(STORIES));
    let real = roots(&[&one.project, &two.project]);
    let named = |name: &str, root: &Path| format!("{name}={}", root.display());
    let arguments = [named("one", &real[0]), named("two", &real[1])];
    let server = serve(&[arguments[0].as_ref(), arguments[1].as_ref()], &[]);
    // Both are held in the middle of their first agent.
    one.plan("hang", "");
    two.plan("hang", "");
    for name in ["one", "two"] {
        let answer =
            server.post(&format!("/p/{name}/api/orchestrator/start"), "{\"batch_size\":1}");
        assert_eq!(answer.status, 200, "{}", answer.text());
    }
    for (name, bench) in [("one", &one), ("two", &two)] {
        eventually(&format!("an agent of {name}"), || (!bench.alive().is_empty()).then_some(()));
        eventually(&format!("{name} to run"), || {
            let one = told(&server, name);
            (one["state"] == "running" && one["agents"].as_u64() > Some(0)).then_some(())
        });
    }
    let stopped = server.post("/p/one/api/orchestrator/stop", "{\"mode\":\"now\"}");
    assert_eq!(stopped.status, 200, "{}", stopped.text());
    assert_eq!(stopped.json()["status"], "stopped");
    one.nothing_alive();
    // What is stopped in one project is nothing to the other.
    assert!(!two.alive().is_empty());
    assert_ne!(told(&server, "one")["state"], "running");
    assert_eq!(told(&server, "two")["state"], "running");
    assert_eq!(server.json("/p/two/api/orchestrator/status")["status"], "running");
    assert_eq!(server.json("/p/one/api/orchestrator/status")["status"], "idle");
    one.plan("good", "");
    let again = server.post("/p/one/api/orchestrator/start", "{\"batch_size\":1}");
    assert_eq!(again.status, 200, "{}", again.text());
    eventually_in(PATIENCE, "the second batch's end", || {
        let batches = server.json("/p/one/api/batches");
        (batches["batches"][0]["status"] == "completed").then_some(())
    });
    assert_eq!(server.json("/p/two/api/batches")["total"], 1);
    // An ordered end ends the other's agent as well.
    let mut server = server;
    assert!(server.terminate().success());
    two.nothing_alive();
    // It was ended, and did not merely go down with the server.
    let mut log = binary();
    log.args(["events", "--type", "batch:end", "--json"]).current_dir(&real[1]);
    let told = String::from_utf8(log.output().unwrap().stdout).unwrap();
    assert!(told.contains("server_stopped"), "{told}");
}

fn git(folder: &Path, arguments: &[&str]) {
    let quiet = ["-c", "user.name=t", "-c", "user.email=t@example.org"];
    let done =
        Command::new("git").args(quiet).args(arguments).current_dir(folder).output().unwrap();
    assert!(done.status.success(), "{arguments:?}: {done:?}");
}

#[test]
fn worktrees_of_one_repository_stand_side_by_side() {
    let side = Side::of(&["notes"]);
    let main = side.path("notes");
    git(&main, &["init", "-q", "-b", "trunk"]);
    git(&main, &["add", "."]);
    git(&main, &["commit", "-qm", "a sprint"]);
    git(&main, &["worktree", "add", "-q", "-b", "feature/search", "../notes-search"]);
    fs::create_dir(side.path("deep")).unwrap();
    git(&main, &["worktree", "add", "-q", "-b", "fix", "../deep/notes"]);
    let server = side.serve(&["notes", "notes-search", "deep/notes"], &[]);
    let above = main.parent().unwrap().file_name().unwrap().to_string_lossy().to_lowercase();
    let above = above.trim_start_matches('.');
    let all = names(&server);
    // Two folders of one name take the folder above along; the third needs nothing.
    assert_eq!(all[1..], ["notes-search", "deep-notes"]);
    assert_eq!(all[0], format!("{above}-notes").trim_start_matches('-'));
    for (name, branch) in
        [(&*all[0], "trunk"), ("notes-search", "feature/search"), ("deep-notes", "fix")]
    {
        assert_eq!(told(&server, name)["branch"], branch);
    }
    side.append("notes-search", &rows("search", 0, 4));
    eventually("the rows of one worktree", || {
        let events = log_of(&server, "notes-search");
        (events.iter().filter(|event| message(event).starts_with("search ")).count() == 4)
            .then_some(())
    });
    assert!(
        log_of(&server, "deep-notes").iter().all(|event| !message(event).starts_with("search "))
    );
    for folder in ["notes", "notes-search", "deep/notes"] {
        assert!(side.path(folder).join(".sprint-runner/sprint-runner.db").is_file(), "{folder}");
    }
}

#[test]
fn the_command_line_finds_its_project_on_the_server() {
    let (one, two) = (Bench::new(STORIES), Bench::new(STORIES));
    let real = roots(&[&one.project, &two.project]);
    let server =
        serve(&[real[0].as_path(), real[1].as_path()], &["--token", "s3cret-s3cret-s3cret"]);
    let address = |root: &Path| {
        let lock = fs::read(root.join(".sprint-runner/sprint-runner.lock")).unwrap();
        serde_json::from_slice::<Value>(&lock).unwrap()
    };
    let run = |root: &Path, arguments: &[&str]| {
        let output = binary().args(arguments).current_dir(root).output().unwrap();
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            output.status.success(),
            "{arguments:?}: {text} {:?}",
            String::from_utf8(output.stderr)
        );
        text
    };
    for (root, bench) in real.iter().zip([&one, &two]) {
        let lock = address(root);
        let prefix = lock["prefix"].as_str().unwrap();
        assert!(prefix.starts_with("/p/"), "{lock}");
        let url = format!("http://127.0.0.1:{}{prefix}/", server.port());
        assert_eq!(lock["url"], url);
        let status: Value = serde_json::from_str(&run(root, &["status", "--json"])).unwrap();
        assert_eq!(status["server"], url);
        run(root, &["run", "1"]);
        assert!(bench.starts() > 0, "its own agents ran");
        let events = run(root, &["events", "--type", "batch:*", "--json"]);
        assert!(events.contains("batch:end"), "{events}");
    }
    let token = "Authorization: Bearer s3cret-s3cret-s3cret";
    for root in &real {
        let prefix = address(root)["prefix"].as_str().unwrap().to_owned();
        let request = format!(
            "GET {prefix}/api/batches HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n{token}\r\n\r\n",
            server.port()
        );
        let batches = http::send(server.port(), request).unwrap().json();
        assert_eq!(batches["total"], 1, "one batch each: {batches}");
    }
}

#[test]
fn settings_are_each_project_s_own() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &[]);
    let body = "{\"default_max_cycles\":7}";
    let request = format!(
        "PUT /p/b/api/settings HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        server.port(),
        body.len()
    );
    assert_eq!(http::send(server.port(), request).unwrap().status, 200);
    assert_eq!(server.json("/p/a/api/settings")["default_max_cycles"], 2);
    assert_eq!(server.json("/p/b/api/settings")["default_max_cycles"], 7);
}
