//! What may stand in the body of a start, and what is answered to all else.

use serde_json::json;

use crate::support::Server;
use crate::support::bench::{Bench, Follower, STORIES};

const PATH: &str = "/api/orchestrator/start";
const JSON: &str = "Content-Type: application/json\r\n";

/// Runs a small batch to its end: the server is none the worse for what it was sent.
fn a_good_start_works(bench: &Bench, server: &Server, follower: &mut Follower, after: &str) {
    bench.project.replace("sprint-status.yaml", STORIES.as_bytes());
    let answer = server.post(PATH, "{\"batch_size\":1}");
    assert_eq!(answer.status, 200, "after {after}: {}", answer.text());
    let end = follower.end_of(answer.json()["batch_id"].as_i64().unwrap());
    assert_eq!((&end["status"], &end["reason"]), (&json!("completed"), &json!("max_cycles")));
}

fn bench() -> Bench {
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    bench
}

#[test]
fn sizes_that_are_none_are_400_and_the_next_start_works() {
    let bench = bench();
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let many = format!("{{\"batch_size\":1,\"x\":{}1{}}}", "[".repeat(20_000), "]".repeat(20_000));
    for body in [
        "{\"batch_size\":0}",
        "{\"batch_size\":-1}",
        "{\"batch_size\":2.5}",
        "{\"batch_size\":true}",
        "{\"batch_size\":null}",
        "{\"batch_size\":[]}",
        "{\"batch_size\":{}}",
        "{\"batch_size\":\"x\"}",
        "{\"batch_size\":\"\"}",
        "{\"batch_size\":100000000000000000000}",
        "{\"batch_size\":2147483648}",
        "{\"batch_size\":\"100000000000000000000\"}",
        "{\"batch_size\":1",
        "[1]",
        "1",
        "null",
        "\u{0}",
        "",
        &many,
    ] {
        let before = bench.starts();
        let answer = server.post(PATH, body);
        let shown: String = body.chars().take(60).collect();
        assert_eq!(answer.status, 400, "{shown}: {}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["code"], "bad_request", "{shown}");
        assert!(answer["error"].as_str().unwrap().len() > 10, "{shown}: {answer}");
        assert_eq!(bench.starts(), before, "{shown}");
        a_good_start_works(&bench, &server, &mut follower, &shown);
    }
}

#[test]
fn sizes_that_are_some() {
    let bench = bench();
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    // Body, what the answer says, the cycles that three stories allow.
    for (body, size, cycles, reason) in [
        ("{\"batch_size\":2}", json!(2), 2, "max_cycles"),
        ("{\"batch_size\":\"3\"}", json!(3), 2, "all_done"),
        ("{\"batch_size\":\"all\"}", json!("all"), 2, "all_done"),
        ("{\"batch_size\":2147483647}", json!(2_147_483_647), 2, "all_done"),
        ("{}", json!(2), 2, "max_cycles"),
        ("{\"other\":1}", json!(2), 2, "max_cycles"),
    ] {
        bench.project.replace("sprint-status.yaml", STORIES.as_bytes());
        let answer = server.post(PATH, body);
        assert_eq!(answer.status, 200, "{body}: {}", answer.text());
        let answer = answer.json();
        assert_eq!(answer["batch_size"], size, "{body}");
        let id = answer["batch_id"].as_i64().unwrap();
        let row = server.json(&format!("/api/batches/{id}"))["batch"].clone();
        assert_eq!(row["id"], id, "the row is there when the answer is");
        let all = size == "all";
        assert_eq!(row["max_cycles"], if all { json!(null) } else { size.clone() }, "{body}");
        let end = follower.end_of(id);
        assert_eq!(
            (&end["status"], &end["cycles_completed"], &end["reason"]),
            (&json!("completed"), &json!(cycles), &json!(reason)),
            "{body}"
        );
    }
}

#[test]
fn a_wrong_type_comes_before_a_body_too_large_before_a_bad_one_before_a_conflict() {
    let bench = bench();
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let large = vec![b' '; 65 * 1024];
    let form = "Content-Type: application/x-www-form-urlencoded\r\n";
    let send = |headers: &str, body: &[u8]| server.post_with(PATH, headers, body).map(|a| a.status);
    for busy in [false, true] {
        if busy {
            bench.plan("slow", "");
            assert_eq!(send(JSON, b"{\"batch_size\":1}"), Some(200));
        }
        for kind in
            [form, "Content-Type: text/plain\r\n", "Content-Type: application/jsonx\r\n", ""]
        {
            assert_eq!(send(kind, b"{\"batch_size\":1}"), Some(415), "{kind}");
            assert_eq!(send(kind, &large), Some(415), "{kind}");
        }
        assert_eq!(send(JSON, &large), Some(413));
        assert_eq!(send(JSON, b"{\"batch_size\":0}"), Some(400));
        assert_eq!(send(JSON, b""), Some(400));
        if busy {
            assert_eq!(send(JSON, b"{\"batch_size\":1}"), Some(409));
            assert_eq!(send(JSON, b"{}"), Some(409));
            let stopped = server.post("/api/orchestrator/stop", "{\"mode\":\"now\"}");
            assert_eq!(stopped.status, 200, "{}", stopped.text());
            bench.plan("quick", "");
        }
        follower.seen.clear();
    }
    let mut follower = Follower::open(&server);
    a_good_start_works(&bench, &server, &mut follower, "all of it");
    let with_charset = "Content-Type: application/json; charset=utf-8\r\n";
    assert_eq!(send(with_charset, b"{\"batch_size\":0}"), Some(400));
    bench.nothing_alive();
}

#[test]
fn without_a_status_file_that_can_be_read_nothing_starts() {
    let bench = bench();
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let path = bench.project.path("sprint-status.yaml");
    for what in ["missing", "a list", "empty", "half", "a folder"] {
        // What is there at the moment is a file.
        std::fs::remove_file(&path).unwrap();
        match what {
            "missing" => {}
            "a list" => bench.project.write("sprint-status.yaml", b"- 1\n- 2\n"),
            "empty" => bench.project.write("sprint-status.yaml", b""),
            "half" => bench.project.write("sprint-status.yaml", b"development_status: {1-1-a: [\n"),
            _ => std::fs::create_dir(&path).unwrap(),
        }
        let answer = server.post(PATH, "{}");
        assert_eq!(answer.status, 409, "{what}: {}", answer.text());
        assert_eq!(answer.json()["code"], "conflict");
        let root = bench.project.root().to_str().unwrap().to_owned();
        assert!(!answer.text().contains(&root), "a path of the machine: {}", answer.text());
        assert_eq!(server.json("/api/orchestrator/status")["status"], "idle");
        if what == "a folder" {
            std::fs::remove_dir(&path).unwrap();
        }
        a_good_start_works(&bench, &server, &mut follower, what);
    }
}
