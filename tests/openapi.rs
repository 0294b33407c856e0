//! The `OpenAPI` document against a running server: its routes and methods, every kind of answer,
//! the messages of both streams. No key is sent that it does not name.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use crate::support::bench::{Bench, Follower, doing, start};
use crate::support::openapi::{Api, Streams, ask};
use crate::support::project::now_s;
use crate::support::{Project, Server, eventually};

const STATUS: &str = "\
generated: 2026-11-01
project: lantern
development_status:
  # Epic 1: Groundwork
  epic-1: in-progress
  1-1-skeleton: ready-for-dev
  1-2-database: backlog
  epic-1-retrospective: optional
  epic-2: backlog
  2-1-editor: dreaming
";

/// A path of the document with something real for its names.
fn real(path: &str) -> String {
    path.replace("{key}", "1-1-skeleton")
        .replace("/batches/{id}", "/batches/1")
        .replace("/agents/{id}", "/agents/1-1")
}

/// An old run in the log, its notes, and a finished batch by agents.
fn lived_in() -> Bench {
    let bench = Bench::new(STATUS);
    let project = &bench.project;
    project.write("1-1-skeleton.md", b"# 1-1\n\n## Story\n\nAs a writer, I want a page.\n");
    project.write(
        "orchestrator.md",
        b"# Log\n\n## Story: 1-1-skeleton\n\n| 1 | code-review #2 | ok | ~3m |\n\nA note.\n\n=== BATCH COMPLETE: 1 ===\n",
    );
    project.write("orchestrator-sample.md", b"# Log\n");
    let at = now_s() - 86_400;
    let rows = format!(
        "{at},1,1-1,create-story,write,start,\"Writing\"\n\
         {at},1,1-1,create-story,write,progress,\"half\"\n\
         {},1,1-1,create-story,write,end,\"Written (files:1, lines:85)\"\n\
         {},1,1-1,1-2,commit,all,failed,\"both\"\n\
         no row at all\n\
         {},1,1-2,dev-story,setup,start,\"left open\"\n",
        at + 4,
        at + 5,
        at + 6
    );
    project.write("sprint-runner.csv", rows.as_bytes());
    bench
}

#[test]
fn every_described_address_is_there_with_its_methods_and_says_so() {
    let project = Project::new();
    let server = Server::start(&project);
    let api = Api::of(&server);
    let own = api.document["paths"].as_object().unwrap();
    assert!(own.len() > 25, "{}", own.len());
    for (path, operations) in own {
        let target = real(path);
        let described: BTreeSet<String> = operations
            .as_object()
            .unwrap()
            .keys()
            .map(|method| method.to_uppercase())
            .chain(["OPTIONS".to_owned()])
            .collect();
        let allowed = |allow: Option<&str>| -> BTreeSet<String> {
            allow.unwrap_or_default().split(", ").map(str::to_owned).collect()
        };
        // Nothing of the table is told that nobody serves: what no route takes is looked for among
        // the page's files. A list is no body that anybody takes.
        for method in described.iter().filter(|method| *method != "OPTIONS" && path != "/sse") {
            let body = ["POST", "PUT"].contains(&method.as_str()).then_some("[]");
            let answer = ask(&server, method, &target, "", body);
            assert_ne!(answer.status, 405, "{method} {path}");
            assert!(!answer.text().contains("nothing at this address"), "{method} {path}");
        }
        for method in ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE"] {
            if described.contains(method) && method != "OPTIONS" {
                continue;
            }
            // Neither with a body of the right type nor without one.
            for body in [None, Some("{}")] {
                let answer = ask(&server, method, &target, "", body);
                let status = if method == "OPTIONS" { 204 } else { 405 };
                assert_eq!(answer.status, status, "{method} {path} {body:?}");
                assert_eq!(allowed(answer.header("allow")), described, "{method} {path}");
                if method != "OPTIONS" && method != "HEAD" {
                    api.fits_named("Error", &answer.json());
                    assert_eq!(answer.json()["code"], "method_not_allowed", "{method} {path}");
                }
            }
        }
    }
}

#[test]
fn every_answer_is_as_described() {
    let bench = lived_in();
    bench.plan("quick", "");
    let server = bench.serve();
    let api = Api::of(&server);
    let mut follower = Follower::open(&server);
    let refused = api.ask("POST", "/api/orchestrator/stop", Some("{}"));
    assert_eq!(refused.status, 409);
    let settings = "{\"default_max_cycles\":3}";
    assert_eq!(api.ask("PUT", "/api/settings", Some(settings)).status, 200);
    let started = api.ask("POST", "/api/orchestrator/start", Some("{\"batch_size\":\"all\"}"));
    let batch = started.json()["batch_id"].as_i64().unwrap();
    assert_eq!(follower.end_of(batch)["status"], "completed");

    // A second one that goes on, so that there is something under way.
    let gate = bench.path("gate");
    std::fs::write(&gate, "").unwrap();
    bench.plan("quick", &format!("export AGENT_GATE='{}'", gate.display()));
    let mut text = bench.status_file();
    text += "  2-2-next: ready-for-dev\n";
    bench.project.replace("sprint-status.yaml", text.as_bytes());
    eventually("the new story", || {
        let known = server.json("/api/snapshot").to_string().contains("2-2-next");
        known.then_some(())
    });
    let second = start(&server, "2");
    follower.agent("dev-story");
    let agents = api.ask("GET", "/api/agents", None).json();
    let agent = agents["agents"][0]["agent_id"].as_str().unwrap().to_owned();
    api.ask("GET", &format!("/api/batches/{second}"), None);
    reads(&api, batch, &agent);

    assert_eq!(api.ask("POST", "/api/orchestrator/start", Some("{}")).status, 409);
    assert_eq!(api.ask("POST", &format!("/api/agents/{agent}/stop"), Some("")).status, 200);
    api.ask("POST", "/api/agents/none/stop", Some("{}"));
    let answer = api.ask("POST", "/api/orchestrator/stop", Some("{}"));
    // The stopped agent's story may have been the last.
    assert!([200, 409].contains(&answer.status), "{}", answer.text());
    std::fs::remove_file(&gate).unwrap();
    follower.end_of(second);
    eventually("the end", || (doing(&server) == "idle").then_some(()));

    // Everything that was sent live, event by event.
    for event in &follower.seen {
        api.fits_named("KnownEvent", event);
    }
    let kinds: BTreeSet<&str> =
        follower.seen.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert!(kinds.len() >= 12, "{kinds:?}");
    let all: BTreeSet<String> = api.document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .flat_map(|(path, methods)| {
            let methods = methods.as_object().unwrap().keys();
            methods.map(move |method| format!("{} {path}", method.to_uppercase()))
        })
        .collect();
    let good = |seen: &String| {
        let (what, status) = seen.rsplit_once(' ').unwrap();
        status.starts_with('2').then(|| what.to_owned())
    };
    let seen: BTreeSet<String> = api.seen.borrow().iter().filter_map(good).collect();
    let missed: Vec<&String> = all.difference(&seen).collect();
    // The streams and the log's older name, which this project does not have.
    let elsewhere = ["GET /orchestrator.csv", "GET /sse", "GET /ws", "HEAD /orchestrator.csv"];
    assert_eq!(missed, elsewhere);
}

/// All that is only read: whole, by its head, by what the client has, by range; and its refusals.
fn reads(api: &Api, batch: i64, agent: &str) {
    let (detail, log) = (format!("/api/batches/{batch}"), format!("/api/agents/{agent}/log"));
    let segments = format!("/api/timeline?batch_id={batch}");
    for target in [
        "/",
        "/api",
        "/api/agents",
        &log,
        "/api/asyncapi.json",
        "/api/batches",
        "/api/batches?limit=1&offset=1",
        "/api/batches/1",
        &detail,
        "/api/events",
        "/api/events?limit=1000&after=0",
        "/api/events?type=command:*,batch:*&story=1-1&batch_id=1",
        "/api/events?q=Writing",
        "/api/events?before=5&limit=2",
        "/api/export",
        "/api/export?format=csv",
        "/api/export?format=html",
        "/api/openapi.json",
        "/api/orchestrator-status",
        "/api/orchestrator/status",
        "/api/settings",
        "/api/projects",
        "/api/settings/sources",
        "/api/snapshot",
        "/api/snapshot?at=5",
        "/api/sprint-status",
        "/api/stories?key=1-1-skeleton",
        "/api/stories/1-1-skeleton",
        "/api/timeline",
        "/api/timeline?batch_id=all",
        &segments,
        "/healthz",
        "/metrics",
        "/orchestrator-sample.md",
        "/orchestrator.md",
        "/sprint-runner.csv",
        "/sprint-status.yaml",
        "/sse",
        "/story-descriptions.json",
    ] {
        let head = api.ask("HEAD", target, None);
        assert_eq!(head.status, 200, "{target}");
        if target == "/sse" {
            continue;
        }
        let answer = api.ask("GET", target, None);
        assert_eq!(answer.status, 200, "{target}: {}", answer.text());
        assert_eq!(head.header("content-type"), answer.header("content-type"), "{target}");
        let Some(etag) = answer.header("etag") else { continue };
        // What moves on meanwhile has another one by now.
        let line = format!("If-None-Match: {etag}, *\r\n");
        assert_eq!(api.ask_with("GET", target, &line, None).status, 304, "{target}");
        // What lies in a file has ranges; what is made for the answer is sent whole.
        let files = answer.header("accept-ranges").is_some();
        assert_ne!(files, answer.header("content-type") == Some("application/json"), "{target}");
        for (range, status) in [("0-0", 206), ("999999999-", 416)] {
            let line = format!("Range: bytes={range}\r\nAccept-Encoding: gzip, br\r\n");
            let status = if files { status } else { 200 };
            let part = api.ask_with("GET", target, &line, None);
            assert_eq!(part.status, status, "{target}");
            assert_eq!(part.header("content-encoding"), None, "half of a packed body is nothing");
        }
    }
    for (target, status) in [
        ("/api/agents/none/log", 404),
        ("/api/batches?limit=x", 400),
        ("/api/batches/999999", 404),
        ("/api/batches/x", 400),
        ("/api/batches/+1", 400),
        ("/api/events?after=1&before=2", 400),
        ("/api/events?batch_id=-1", 400),
        ("/api/events?batch_id=%2B1", 400),
        ("/api/events?limit=0", 400),
        ("/api/events?type=a%20b", 400),
        ("/api/export?batch_id=999999", 404),
        ("/api/export?format=pdf", 400),
        ("/api/snapshot?at=999999", 404),
        ("/api/stories", 400),
        ("/api/stories/none", 404),
        ("/api/timeline?batch_id=999999", 404),
        ("/api/timeline?from=x", 400),
        ("/orchestrator.csv", 404),
        ("/sse?types=a,,b", 400),
        ("/ws", 426),
        ("/ws?batch_id=0", 426),
    ] {
        assert_eq!(api.ask("GET", target, None).status, status, "{target}");
    }
}

#[test]
fn every_refusal_is_as_described() {
    let project = Project::new();
    let server = Server::start(&project);
    let api = Api::of(&server);
    let (start, settings) = ("/api/orchestrator/start", "/api/settings");
    let large = format!("{{\"batch_size\":1,\"x\":\"{}\"}}", "y".repeat(70_000));
    for (method, target, head, body, status) in [
        ("POST", start, "", Some("{"), 400),
        ("POST", start, "", Some("[]"), 400),
        ("POST", start, "", Some(""), 400),
        ("POST", start, "", Some("{\"batch_size\":0}"), 400),
        ("POST", start, "", Some(large.as_str()), 413),
        ("POST", start, "Content-Type: text/plain\r\n", None, 415),
        ("POST", "/api/orchestrator/stop", "", None, 415),
        ("POST", "/api/agents/1-1/stop", "", None, 415),
        ("PUT", settings, "", Some("{\"server_port\":0}"), 400),
        ("PUT", settings, "", Some("{\"nothing\":1}"), 400),
        ("PUT", settings, "", Some(large.as_str()), 413),
        ("GET", settings, "Origin: http://evil.example\r\n", None, 403),
        ("GET", "/api/stories/%2e%2e", "", None, 400),
        ("GET", "/sse", "Sec-Fetch-Site: cross-site\r\n", None, 403),
    ] {
        let answer = api.ask_with(method, target, head, body);
        assert_eq!(answer.status, status, "{method} {target}: {}", answer.text());
    }
    let foreign = crate::support::http::send(
        server.port(),
        "GET /healthz HTTP/1.1\r\nHost: evil.example\r\nConnection: close\r\n\r\n",
    )
    .unwrap();
    assert_eq!(foreign.status, 421);
    api.judge("GET", "/healthz", &foreign);

    let root = project.root();
    drop(server);
    let server = Server::start_with(root, &["--read-only"]);
    let api = Api::of(&server);
    assert_eq!(api.ask("PUT", settings, Some("{}")).status, 403);
    assert_eq!(api.ask("POST", start, Some("{}")).status, 403);
    drop(server);

    let server = Server::start_with(root, &["--token", "s3cret-s3cret-s3cret"]);
    let bearer = "Authorization: Bearer s3cret-s3cret-s3cret\r\n";
    let api = Api::with_head(&server, bearer);
    assert_eq!(api.document["security"], json!([{ "bearer": [] }, { "cookie": [] }]));
    let cookie = &api.document["components"]["securitySchemes"]["cookie"]["name"];
    assert_eq!(api.ask("GET", "/healthz", None).status, 401);
    let window = "Sec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    assert_eq!(api.ask_with("GET", "/", window, None).status, 401);
    let signed_in = api.ask("GET", "/?token=s3cret-s3cret-s3cret", None);
    assert_eq!(signed_in.status, 303);
    let pair = signed_in.header("set-cookie").unwrap().split(';').next().unwrap();
    assert_eq!(Value::from(pair.split('=').next().unwrap()), *cookie);
    let line = format!("Cookie: {pair}\r\n");
    assert_eq!(api.ask_with("GET", "/healthz", &line, None).status, 200);
}

#[test]
fn a_project_with_nothing_to_read_is_answered_as_described() {
    let project = Project::empty();
    let server = Server::start(&project);
    let api = Api::of(&server);
    for (target, status) in [
        ("/api/sprint-status", 404),
        ("/api/orchestrator-status", 200),
        ("/api/snapshot", 200),
        ("/api/timeline", 200),
        ("/api/batches", 200),
        ("/sprint-status.yaml", 404),
        ("/story-descriptions.json", 200),
    ] {
        assert_eq!(api.ask("GET", target, None).status, status, "{target}");
    }
    assert_eq!(api.ask("POST", "/api/orchestrator/start", Some("{}")).status, 409);
    // A file that is no status file, one that is half broken, one of another tool.
    for (text, state) in [
        ("{{{", "invalid"),
        ("development_status:\n  1-1-a: done\n  1-2-b: \"open\n", "recovered"),
        ("tasks:\n  - one\n", "other-schema"),
        ("project: lantern\ndevelopment_status:\n  1-1-a: done\n", "ok"),
        ("{{{", "invalid"),
    ] {
        project.replace("sprint-status.yaml", text.as_bytes());
        eventually(state, || {
            let answer = server.get("/api/sprint-status");
            (answer.status == 200 && answer.json()["state"] == state).then_some(())
        });
        api.ask("GET", "/api/sprint-status", None);
        api.ask("GET", "/api/snapshot", None);
        api.ask("GET", "/healthz", None);
    }
}

/// What the judge is for: a key that is not told, one that is missing, a wrong word.
#[test]
fn an_answer_that_is_not_as_described_is_found() {
    let project = Project::new();
    let server = Server::start(&project);
    let api = Api::of(&server);
    let right = server.json("/healthz");
    api.fits_named("Health", &right);
    let wrongs: [fn(&mut Value); 4] = [
        |health| health["more"] = 1.into(),
        |health| health["clients"]["more"] = 1.into(),
        |health| health["status"] = "fine".into(),
        |health| drop(health.as_object_mut().unwrap().shift_remove("epoch")),
    ];
    for wrong in wrongs {
        let mut health = right.clone();
        wrong(&mut health);
        let judged = std::panic::AssertUnwindSafe(|| api.fits_named("Health", &health));
        assert!(std::panic::catch_unwind(judged).is_err(), "{health}");
    }
}

#[test]
fn both_streams_say_only_what_is_described() {
    let project = Project::new();
    let server = Server::start(&project);
    let api = Api::of(&server);
    let streams = Streams::of(&server);
    let head =
        eventually("the file", || server.json("/healthz")["head"].as_u64().filter(|n| *n > 5));
    for (query, kinds) in [
        ("", &["init"][..]),
        ("?last_event_id=nonsense", &["reset", "init"]),
        ("?last_event_id=0", &["event"]),
    ] {
        let mut sse = server.sse(query);
        let mut ws = server.ws(query);
        for kind in kinds {
            for message in [sse.next().unwrap().json, ws.next().unwrap()] {
                api.fits_named("Message", &message);
                assert!(streams.say(&message), "{message}");
                let is_event = message["id"].is_u64();
                assert_eq!(message["type"] == *kind, !is_event, "{query}: {message}");
                assert_eq!(is_event, *kind == "event", "{query}: {message}");
            }
        }
    }
    let (mut wrong, right) = (json!({ "type": "gap" }), json!({ "type": "pong" }));
    assert!(!streams.say(&wrong) && streams.say(&right));
    wrong["type"] = "waltz".into();
    assert!(!streams.say(&wrong));
    let mut ws = server.ws("");
    ws.next().unwrap();
    for (said, kind) in [
        (json!({ "type": "ping" }), "pong"),
        (json!({ "type": "resume", "last_event_id": head + 1000 }), "reset"),
    ] {
        api.fits_named("ClientMessage", &said);
        assert!(streams.say(&said), "{said}");
        ws.send(&said);
        let answer = ws.next().unwrap();
        assert_eq!(answer["type"], kind);
        api.fits_named("Message", &answer);
        assert!(streams.say(&answer), "{answer}");
    }
}

/// Made once for all and kept packed: a client that takes no packed body gets it plain, and the
/// same document every time.
#[test]
fn the_documents_are_sent_packed_where_that_is_taken() {
    let project = Project::new();
    let server = Server::start(&project);
    for target in ["/api/openapi.json", "/api/asyncapi.json"] {
        let plain = ask(&server, "GET", target, "", None);
        assert_eq!(plain.header("content-encoding"), None);
        assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
        for coding in ["br", "gzip"] {
            let packed =
                ask(&server, "GET", target, &format!("Accept-Encoding: {coding}\r\n"), None);
            assert_eq!(packed.header("content-encoding"), Some(coding), "{target}");
            assert_eq!(packed.header("content-type"), plain.header("content-type"));
            assert!(packed.body.len() * 4 < plain.body.len(), "{}", packed.body.len());
            assert_ne!(packed.header("etag"), plain.header("etag"), "{target}");
        }
        let again = ask(&server, "GET", target, "", None);
        assert_eq!((again.header("etag"), &again.body), (plain.header("etag"), &plain.body));
    }
}

/// A link in a chat leads to the page, whatever the server asks for; nothing else of ours opens so.
#[test]
fn the_page_for_people_stands_behind_the_guard_like_all_else() {
    let project = Project::new();
    let root = project.root();
    let server = Server::start_with(root, &["--token", "s3cret-s3cret-s3cret"]);
    let link =
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document\r\n";
    let cookie = ask(&server, "GET", "/?token=s3cret-s3cret-s3cret", "", None);
    let pair = cookie.header("set-cookie").unwrap().split(';').next().unwrap().to_owned();
    let signed_in = format!("Cookie: {pair}\r\n");
    for target in ["/api", "/reference/main.js", "/api/openapi.json", "/api/asyncapi.json"] {
        assert_eq!(ask(&server, "GET", target, "", None).status, 401, "{target}");
        assert_eq!(ask(&server, "GET", target, &signed_in, None).status, 200, "{target}");
        let linked = ask(&server, "GET", target, &format!("{link}{signed_in}"), None);
        assert_eq!(linked.status, if target == "/api" { 200 } else { 403 }, "{target}");
    }
    // A browser keeps its cookie back on that way: one step brings it along, to the same page.
    let step = ask(&server, "GET", "/api", link, None);
    assert_eq!(step.status, 401);
    assert!(step.text().contains("content=\"0;url=/api\""), "{}", step.text());
    let answer = ask(&server, "GET", "/api", &signed_in, None);
    assert_eq!(answer.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(answer.header("content-security-policy").unwrap().contains("default-src 'none'"));
}
