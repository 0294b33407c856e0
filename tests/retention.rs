//! Old events go, ids stay, and whoever asks for what is gone is told where the log begins.

use serde_json::{Value, json};

use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::ws::Ws;
use crate::support::{Project, Server, eventually, http, sse::Sse};

const DAY_S: i64 = 86_400;
/// A bit more than 4 s: it is looked for old events every second.
const SHORT: &str = "0.00005";

/// A project whose log holds an old run of 60 rows and one that has just begun.
fn project() -> Project {
    let project = Project::new();
    let old: String = (0..60).map(|n| row(now_s() - 3 * DAY_S, n)).collect();
    let new: String = (60..70).map(|n| row(now_s() - 1, n)).collect();
    project.append((old + &new).as_bytes());
    project
}

fn wait_for_rows(server: &Server, last: &str) {
    eventually("the rows", || {
        let newest = server.json("/api/events?limit=5&type=command:*");
        let rows = newest["events"].as_array().unwrap();
        rows.iter().any(|event| event["payload"]["message"] == last).then_some(())
    });
}

/// The first event kept, once the old run has gone.
fn first_kept(server: &Server) -> u64 {
    eventually("the purge", || {
        let first = server.json("/healthz")["first_available"].as_u64().unwrap();
        let oldest = server.json("/api/events?after=0&limit=1");
        let begins = oldest["events"][0]["type"] == "batch:start";
        (first > 60 && begins && oldest["events"][0]["id"] == first).then_some(first)
    })
}

fn without_changing(mut snapshot: Value) -> Value {
    snapshot["sprint"]["issues"].take();
    snapshot
}

#[test]
fn b08_an_id_older_than_what_is_kept_gets_a_gap_and_then_the_rest() {
    let project = project();
    let mut server = Server::start(&project);
    wait_for_rows(&server, "row 69");
    let all = server.log_after(0);
    let whole = server.json("/api/snapshot");
    assert!(server.terminate().success());

    let server = Server::start_with(project.root(), &["--retention-days", SHORT]);
    // Behind the purge of a running server: this one has resumed while all was there, or not.
    let first = first_kept(&server);
    let expected: Vec<&Value> =
        all.iter().filter(|event| event["id"].as_u64().unwrap() >= first).collect();
    assert!(expected.len() >= 10 && expected.len() < 20, "{}", expected.len());
    let epoch = whole["epoch"].as_str().unwrap();

    for cursor in ["1".to_owned(), format!("{epoch}:1"), format!("{epoch}:{}", first - 2)] {
        let mut stream = Sse::open(server.port(), "", Some(&cursor));
        let gap = stream.next().unwrap();
        assert_eq!(gap.json, json!({"type": "gap", "first_available": first}), "{cursor}");
        assert_eq!(gap.id, format!("{epoch}:{}", first - 1));
        for event in &expected {
            assert_eq!(&&stream.next().unwrap().json, event);
        }
        let mut socket = Ws::open(server.port(), &format!("?last_event_id={cursor}"));
        assert_eq!(socket.next().unwrap()["type"], "gap");
        assert_eq!(&&socket.next().unwrap(), &expected[0]);
    }
    let kept = format!("{epoch}:{}", first - 1);
    let mut stream = Sse::open(server.port(), "", Some(&kept));
    assert_eq!(&&stream.next().unwrap().json, &expected[0], "nothing is missing: no gap");

    // What the whole log added up to has not changed, and the rest of the API tells what is gone.
    let now = server.json("/api/snapshot");
    assert_eq!(without_changing(now), without_changing(whole));
    assert_eq!(server.log_after(0).len(), expected.len());
    let gone = server.get("/api/snapshot?at=3");
    assert_eq!(gone.status, 404);
    let said = gone.json()["error"].as_str().unwrap().to_owned();
    assert!(said.contains("not kept any more") && !said.contains('/'), "{said}");
    let base = server.json(&format!("/api/snapshot?at={}", first - 1));
    assert_eq!(base["last_event_id"], first - 1);
    assert_eq!(base["batch"], Value::Null, "the old run had ended");
    let batches = server.json("/api/batches");
    assert_eq!(batches["total"], 2, "rows of batches stay: {batches}");
    let old = &batches["batches"][1];
    assert!(old["purged_events"].as_u64().unwrap() >= 60, "{old}");
    assert_eq!(batches["batches"][0].get("purged_events"), None);
    let detail = server.json("/api/batches/1");
    assert_eq!(detail["stories"][0]["command_count"], 30);
    assert_eq!(server.json("/api/timeline?batch_id=1")["segments"].as_array().unwrap().len(), 30);
    assert_eq!(server.json("/api/events?q=%22row%205%22")["events"], json!([]));
    assert_eq!(
        server.json("/api/events?q=%22row%2065%22")["events"][0]["payload"]["message"],
        "row 65"
    );
    assert_eq!(server.json(&format!("/api/events?before={first}"))["events"], json!([]));

    let lines = http::get(server.port(), "/api/export").text();
    let ids: Vec<u64> = lines
        .lines()
        .map(|line| serde_json::from_str::<Value>(line).unwrap()["id"].as_u64().unwrap())
        .collect();
    assert_eq!((ids[0], ids.len()), (first, expected.len()));
    let page = http::get(server.port(), "/api/export?format=html");
    assert_eq!(page.status, 200);
    assert!(page.text().contains(&format!("\"first\":{first}")));

    // The files are read on as before: nothing that was purged comes back.
    project.append(row(now_s(), 70).as_bytes());
    wait_for_rows(&server, "row 70");
    assert_eq!(server.log_after(0).len(), expected.len() + 1);
}

#[test]
fn b08_a_running_server_moves_its_beginning_and_an_open_stream_goes_on() {
    let project = Project::new();
    let server = Server::start_with(project.root(), &["--retention-days", SHORT]);
    let mut stream = server.sse("");
    assert_eq!(stream.next().unwrap().json["type"], "init");
    let old: String = (0..60).map(|n| row(now_s() - 3 * DAY_S, n)).collect();
    let new: String = (60..70).map(|n| row(now_s() - 1, n)).collect();
    project.append((old + &new).as_bytes());
    let first = first_kept(&server);
    let mut rows = 0;
    while rows < 70 {
        let message = stream.next().unwrap().json;
        assert_ne!(message["type"], "gap", "whoever listened has seen all of it");
        let is_row =
            message["payload"]["message"].as_str().is_some_and(|it| it.starts_with("row "));
        rows += usize::from(is_row);
    }
    let mut late = Sse::open(server.port(), "", Some("2"));
    assert_eq!(late.next().unwrap().json, json!({"type": "gap", "first_available": first}));
    // Who comes anew is shown nothing that is gone.
    let mut fresh = server.sse("");
    let init = fresh.next().unwrap().json;
    let events = init["payload"]["events"].as_array().unwrap();
    assert!(events.iter().all(|event| event["id"].as_u64().unwrap() >= first), "{events:?}");
}

#[test]
fn an_age_that_cannot_be_meant_is_refused() {
    let project = Project::new();
    let output = binary()
        .args(["serve", "--retention-days", "0", "-C"])
        .arg(project.root())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(2));
    assert!(String::from_utf8_lossy(&output.stderr).contains("retention_days must be"));
}
