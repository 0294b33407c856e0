//! The log taken away: from the command line and over HTTP, as lines and as one page.

use std::io::{BufReader, Write};
use std::path::Path;
use std::process::{Command, Output, Stdio};

use serde_json::{Value, json};

use crate::support::http::{connect, read_chunk, read_head, read_response};
use crate::support::process::{ended, output_of};
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

const EVIL: &str = "</script><!--<script> \u{2028} 完了";

fn command(root: &Path, arguments: &[&str]) -> Command {
    let mut command = binary();
    command.arg("export").args(arguments).arg("-C").arg(root);
    command
}

fn export(root: &Path, arguments: &[&str]) -> Output {
    command(root, arguments).output().unwrap()
}

fn stdout(output: &Output) -> String {
    assert_eq!(output.status.code(), Some(0), "{}", stderr(output));
    String::from_utf8(output.stdout.clone()).unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn events(lines: &str) -> Vec<Value> {
    lines.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The archive in a page: between its tags, up to the first thing that could end it.
fn archive(page: &str) -> Value {
    let (_, rest) = page.split_once("<script type=\"application/json\" id=\"archive\">").unwrap();
    let (archive, rest) = rest.split_once('<').unwrap();
    assert_eq!(format!("<{rest}"), "</script>\n</body>\n</html>\n");
    serde_json::from_str(archive).unwrap()
}

/// A project with two batches and a message that would like to be markup; the second one goes on.
fn worked() -> (Project, Server) {
    let project = Project::new();
    let base = now_s();
    let mut rows = String::new();
    for (at, status) in [(9000, "start"), (8990, "end"), (100, "start")] {
        rows += &format!("{},1,1-2,dev-story,implement,{status},\"{EVIL}\"\n", base - at);
    }
    project.append(rows.as_bytes());
    let server = Server::start(&project);
    eventually("both batches", || {
        let batches = server.json("/api/batches");
        (batches["total"] == 2 && batches["batches"][0]["story_count"] == 1).then_some(())
    });
    eventually("the index", || {
        let page = server.json("/api/events?q=dev-story&limit=1");
        (page["indexed"] == page["head"]).then_some(())
    });
    (project, server)
}

#[test]
fn lines_are_the_events_of_the_api_with_a_server_and_without() {
    let (project, mut server) = worked();
    let api = server.log_after(0);
    let live = stdout(&export(project.root(), &[]));
    assert_eq!(events(&live), api);
    let response = server.get("/api/export");
    assert_eq!(response.text(), live);
    for (arguments, path) in [
        (&["--since", "5"][..], "after=5"),
        (&["--batch", "1"], "batch_id=1"),
        (&["--type", "command:*"], "type=command:*"),
        (&["--type", "command:end,batch:*", "--since", "2"], "type=command:end,batch:*&after=2"),
        (&["--story", "1-2"], "story=1-2"),
    ] {
        let expected = server.json(&format!("/api/events?limit=1000&{path}"));
        let page = expected["events"].as_array().unwrap();
        assert_eq!(&events(&stdout(&export(project.root(), arguments))), page, "{arguments:?}");
        assert!(!page.is_empty(), "{path}");
    }
    assert!(server.terminate().success());
    assert!(stdout(&export(project.root(), &[])).starts_with(&live));
}

#[test]
fn the_page_holds_the_log_and_the_state_before_it() {
    let (project, server) = worked();
    let page = stdout(&export(project.root(), &["--html"]));
    assert_eq!(page.matches(EVIL).count(), 0);
    let whole = archive(&page);
    assert_eq!(whole["events"], json!(server.log_after(0)));
    let snapshot = server.json("/api/snapshot");
    for (key, expected) in [
        ("format", json!(1)),
        ("version", json!(env!("CARGO_PKG_VERSION"))),
        ("epoch", snapshot["epoch"].clone()),
        ("first", whole["events"][0]["id"].clone()),
        ("last", snapshot["last_event_id"].clone()),
        ("left_out", json!(0)),
    ] {
        assert_eq!(whole[key], expected, "{key}");
    }
    assert!(whole["exported_at"].as_i64().unwrap() / 1000 >= now_s() - 60);
    assert_eq!(whole["base"]["last_event_id"], 0);
    assert_eq!(whole["base"]["sprint"]["stories"], json!([]));
    for (path, query) in
        [("api/batches", "?limit=100"), ("api/timeline", "?batch_id=all"), ("api/settings", "")]
    {
        assert_eq!(whole["answers"][path], server.json(&format!("/{path}{query}")), "{path}");
    }

    let second = archive(&stdout(&export(project.root(), &["--html", "--batch", "2"])));
    let of_batch = server.json("/api/events?batch_id=2&limit=1000");
    let ids: Vec<&Value> =
        of_batch["events"].as_array().unwrap().iter().map(|event| &event["id"]).collect();
    assert_eq!(&second["first"], ids[0]);
    assert_eq!(&second["last"], *ids.last().unwrap());
    assert_eq!(second["base"]["last_event_id"], second["first"].as_u64().unwrap() - 1);
    assert_eq!(second["base"]["batch"], Value::Null, "the first batch has ended");
    assert_eq!(second["answers"]["api/timeline"]["batch"]["id"], 2);
    assert_eq!(second["answers"]["api/batches"], whole["answers"]["api/batches"]);

    let rest = archive(&stdout(&export(project.root(), &["--html", "--since", "3"])));
    assert_eq!((&rest["first"], &rest["base"]["last_event_id"]), (&json!(4), &json!(3)));
    let none = archive(&stdout(&export(project.root(), &["--html", "--since", "999999"])));
    assert_eq!(none["events"], json!([]));
    assert_eq!(none["base"]["sprint"], snapshot["sprint"]);

    let mut download = archive(&server.get("/api/export?format=html&batch_id=2").text());
    download["exported_at"] = second["exported_at"].clone();
    assert_eq!(download, second);
}

#[test]
fn a_file_is_whole_or_not_there_and_is_replaced_only_when_told() {
    let (project, _server) = worked();
    let out = tempfile::tempdir().unwrap();
    let path = out.path().join("sprint.ndjson");
    let file = path.to_str().unwrap();
    assert_eq!(stdout(&export(project.root(), &["--output", file])), "");
    let first = std::fs::read_to_string(&path).unwrap();
    assert_eq!(first, stdout(&export(project.root(), &[])));
    let refused = export(project.root(), &["-o", file, "--batch", "1"]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("--force"), "{}", stderr(&refused));
    assert_eq!(std::fs::read_to_string(&path).unwrap(), first);
    stdout(&export(project.root(), &["-o", file, "--batch", "1", "--force"]));
    assert!(std::fs::read_to_string(&path).unwrap().len() < first.len());
    let below = out.path().join("no/such/folder.html");
    for wrong in [out.path().to_str().unwrap(), below.to_str().unwrap()] {
        let output = export(project.root(), &["--html", "--force", "-o", wrong]);
        assert_eq!(output.status.code(), Some(1), "{wrong}");
    }
    let left: Vec<_> = std::fs::read_dir(out.path()).unwrap().collect();
    assert_eq!(left.len(), 1, "nothing but the file is left: {left:?}");
    // A name without a folder is one in the current folder.
    let here = command(project.root(), &["-o", "x.ndjson"]).current_dir(out.path()).output();
    stdout(&here.unwrap());
    assert!(out.path().join("x.ndjson").exists());
}

/// Held in the middle of its writing: it has a word to say on a standard error that takes nothing.
#[cfg(target_os = "linux")]
#[test]
fn an_interrupted_export_leaves_nothing_behind() {
    use rustix::process::Signal;
    let (project, server) = worked();
    drop(server);
    std::fs::write(project.root().join(".sprint-runner/settings.json"), "{").unwrap();
    for signal in [Signal::INT, Signal::TERM] {
        let out = tempfile::tempdir().unwrap();
        let path = out.path().join("sprint.html");
        let (_reader, full) = full_pipe();
        let mut child = command(project.root(), &["--html", "-o", path.to_str().unwrap()])
            .stderr(full)
            .spawn()
            .unwrap();
        let names = || -> Vec<_> {
            std::fs::read_dir(out.path()).unwrap().map(|entry| entry.unwrap().file_name()).collect()
        };
        eventually("the unfinished file", || (names().len() == 1).then_some(()));
        rustix::process::kill_process(rustix::process::Pid::from_child(&child), signal).unwrap();
        assert_eq!(ended(&mut child).code(), Some(130));
        assert!(names().is_empty(), "{:?}", names());
    }
}

/// A pipe that takes nothing more until somebody reads.
#[cfg(target_os = "linux")]
fn full_pipe() -> (std::io::PipeReader, std::io::PipeWriter) {
    use rustix::fs::{OFlags, fcntl_setfl};
    let (reader, mut writer) = std::io::pipe().unwrap();
    fcntl_setfl(&writer, OFlags::NONBLOCK).unwrap();
    while writer.write(b"x").is_ok() {}
    fcntl_setfl(&writer, OFlags::empty()).unwrap();
    (reader, writer)
}

#[test]
fn wrong_wishes_are_told() {
    let project = Project::new();
    let nothing = export(project.root(), &[]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(stderr(&nothing).contains("nothing was recorded"), "{}", stderr(&nothing));
    assert!(!project.root().join(".sprint-runner").exists());
    for arguments in [
        &["--html", "--type", "x"][..],
        &["--html", "--story", "x"],
        &["--force"],
        &["--batch", "0"],
        &["--batch", "x"],
        &["--since", "-1"],
    ] {
        let output = export(project.root(), arguments);
        assert_eq!(output.status.code(), Some(2), "{arguments:?}");
    }
    let (project, server) = worked();
    for arguments in [&["--batch", "99"][..], &["--html", "--batch", "99"]] {
        let output = export(project.root(), arguments);
        assert_eq!(output.status.code(), Some(1), "{arguments:?}");
        assert_eq!(stderr(&output), "sprint-runner: there is no batch 99\n");
        assert!(output.stdout.is_empty());
    }
    for (path, status) in [
        ("format=xml", 400),
        ("after=x", 400),
        ("batch_id=x", 400),
        ("batch_id=99", 404),
        ("format=html&batch_id=99", 404),
        ("format=html&batch_id=99999999999999999999", 400),
    ] {
        assert_eq!(server.get(&format!("/api/export?{path}")).status, status, "{path}");
    }
    assert_eq!(server.post("/api/export", "{}").status, 405);
}

#[test]
fn a_reader_that_has_had_enough_is_no_error() {
    let (project, _server) = worked();
    for arguments in [&[][..], &["--html"]] {
        let mut child = command(project.root(), arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let output = output_of(child);
        assert_eq!((output.status.code(), stderr(&output)), (Some(0), String::new()));
    }
}

#[test]
fn a_download_says_what_it_is_and_may_do_nothing_here() {
    let project = Project::new();
    let status = String::from_utf8(std::fs::read(project.path("sprint-status.yaml")).unwrap());
    let status = status.unwrap().replace("project: lantern", "project: 'a\"; x=\\../日本.exe'");
    project.write("sprint-status.yaml", status.as_bytes());
    let server = Server::start(&project);
    eventually("the project", || {
        server.json("/api/snapshot")["sprint"]["project"].is_string().then_some(())
    });
    let lines = server.get("/api/export");
    let page = server.get("/api/export?format=html");
    assert_eq!(lines.header("content-type"), Some("application/x-ndjson; charset=utf-8"));
    assert_eq!(page.header("content-type"), Some("text/html; charset=utf-8"));
    for (response, name) in [(&lines, "a-x-exe-sprint.ndjson"), (&page, "a-x-exe-sprint.html")] {
        let disposition = format!("attachment; filename=\"{name}\"");
        assert_eq!(response.header("content-disposition"), Some(disposition.as_str()));
        assert_eq!(response.header("x-content-type-options"), Some("nosniff"));
        assert_eq!(response.header("cache-control"), Some("no-store"));
    }
    let policy = page.header("content-security-policy").unwrap();
    for part in ["default-src 'none'", "frame-ancestors 'none'", "sandbox allow-scripts"] {
        assert!(policy.contains(part), "{policy}");
    }
    for part in ["connect-src", "'self'", "'unsafe-eval'", "script-src 'unsafe-inline'"] {
        assert!(!policy.contains(part), "{policy}");
    }
    // The file carries the same policy, but for what a meta element cannot say.
    let own = policy.split("; frame-ancestors").next().unwrap();
    assert!(page.text().contains(&format!("Content-Security-Policy\" content=\"{own}\">")));
    let request = format!(
        "HEAD /api/export?format=html HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n\r\n",
        server.port()
    );
    let mut stream = connect(server.port());
    stream.write_all(request.as_bytes()).unwrap();
    let head = read_response(&mut BufReader::new(stream), true).unwrap();
    assert_eq!(head.status, 200);
    assert_eq!(head.header("content-disposition"), page.header("content-disposition"));
}

#[test]
fn at_most_two_exports_at_a_time() {
    let project = Project::new();
    // More than the sockets between us hold.
    let base = now_s() - 90_000;
    let message = "m".repeat(2000);
    let rows: String = (0..8000).map(|n| row(base, n).replace("row", &message)).collect();
    project.append(rows.as_bytes());
    let server = Server::start(&project);
    eventually("the rows", || {
        let newest = server.json("/api/events?type=command:*&limit=1&after=7990");
        (!newest["events"].as_array().unwrap().is_empty()).then_some(())
    });
    let begin = || {
        let mut stream = connect(server.port());
        let request = format!(
            "GET /api/export HTTP/1.1\r\nHost: 127.0.0.1:{}\r\nConnection: close\r\n\r\n",
            server.port()
        );
        stream.write_all(request.as_bytes()).unwrap();
        let mut reader = BufReader::new(stream);
        let (status, _) = read_head(&mut reader).unwrap();
        (status, reader)
    };
    let (first, mut reading) = begin();
    let (second, idle) = begin();
    let (third, _) = begin();
    assert_eq!((first, second, third), (200, 200, 503));
    let refusal = server.get("/api/export?format=html");
    assert_eq!(refusal.json()["code"], "busy");
    assert!(refusal.header("retry-after").is_some());
    // Who has read to the end, and who has gone, makes room.
    let mut length = 0;
    while let Some(chunk) = read_chunk(&mut reading) {
        length += chunk.len();
    }
    assert!(length > 16_000_000, "{length}");
    drop(idle);
    eventually("room for another", || {
        (server.get("/api/export?after=999999").status == 200).then_some(())
    });
}
