//! What the server tells about its own work: as text or JSON, with spans, and nothing that is
//! secret or forged.

use std::fs;

use serde_json::{Value, json};

use crate::attack::Serving;
use crate::support::bench::{Bench, PATIENCE, STORIES, Toml};
use crate::support::http::{self, Response};
use crate::support::server::binary;
use crate::support::sse::Sse;
use crate::support::{Project, eventually, eventually_in};

const TOKEN: &str = "correct-horse-battery-staple-0816";

/// Each line, an object with just these keys.
fn lines(log: &str) -> Vec<Value> {
    let object = |line: &str| {
        let value: Value = serde_json::from_str(line).unwrap_or_else(|_| panic!("{line:?}"));
        let keys: Vec<&str> = value.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(keys, ["timestamp", "level", "target", "message", "fields", "spans"], "{line}");
        let time = value["timestamp"].as_str().unwrap();
        assert!(time.parse::<jiff::Timestamp>().is_ok(), "{time}");
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{202e}'), "{line:?}");
        value
    };
    log.lines().map(object).collect()
}

fn ask(port: u16, method: &str, target: &str, more: &str) -> Response {
    let head = format!("{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
    http::send(port, format!("{head}{more}Connection: close\r\n\r\n")).unwrap()
}

#[test]
fn a_request_has_a_span_that_says_all_but_what_is_secret() {
    let project = Project::new();
    let mut command = binary();
    command.env("SPRINT_RUNNER_TOKEN", TOKEN);
    command.args(["serve", "--port", "0", "--log-format", "json", "--log-level", "trace", "-C"]);
    command.arg(project.root());
    let mut server = Serving::spawn(command);
    let port = server.port();
    let bearer = format!("Authorization: Bearer {TOKEN}\r\n");
    let asked = [
        ("GET", format!("/?token={TOKEN}"), "", "/", 303),
        ("GET", format!("/api/batches/7?token={TOKEN}"), &*bearer, "/api/batches/{id}", 404),
        ("GET", format!("/api/batches/7?x={TOKEN}"), "", "/api/batches/{id}", 401),
        ("HEAD", "/healthz".to_owned(), &*bearer, "/healthz", 200),
        ("DELETE", "/metrics".to_owned(), &*bearer, "/metrics", 405),
        ("GET", format!("/{TOKEN}"), &*bearer, "/*", 404),
    ];
    for (method, target, more, _, status) in &asked {
        if *method == "HEAD" {
            let head = format!("HEAD {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{more}\r\n");
            let mut stream = http::connect(port);
            std::io::Write::write_all(&mut stream, head.as_bytes()).unwrap();
            // Who has gone before is not answered.
            let answer = http::read_head(&mut std::io::BufReader::new(stream)).unwrap();
            assert_eq!(answer.0, *status, "{method} {target}");
        } else {
            assert_eq!(ask(port, method, target, more).status, *status, "{method} {target}");
        }
    }
    let spans = |log: &str| -> Vec<Value> {
        let answered = |line: &Value| line["message"] == "answered";
        lines(log).into_iter().filter(answered).map(|line| line["spans"][0].clone()).collect()
    };
    let told = eventually("all requests", || {
        let told = spans(&whole_lines(&server.log()));
        (told.len() >= asked.len()).then_some(told)
    });
    for (method, _, _, route, status) in &asked {
        let is_it = |span: &&Value| {
            span["method"] == *method && span["route"] == *route && span["status"] == *status
        };
        let span = told.iter().find(is_it).unwrap_or_else(|| panic!("{route} {status}: {told:?}"));
        assert_eq!(span["name"], "request");
        assert!(span["client"].as_str().unwrap().starts_with("127.0.0.1:"), "{span}");
        assert!(span["duration_ms"].as_f64().unwrap() > 0.0, "{span}");
        assert_eq!(span.as_object().unwrap().len(), 6, "{span}");
    }
    server.terminate();
    assert!(!server.log().contains(TOKEN), "{}", server.log());
    assert_eq!(told.len(), asked.len(), "one a request");
}

/// The log up to its last newline: the server may be writing.
fn whole_lines(log: &str) -> String {
    log.rsplit_once('\n').map_or(String::new(), |(whole, _)| format!("{whole}\n"))
}

#[test]
fn a_stream_is_told_with_its_request_when_it_begins_and_when_it_has_ended() {
    let project = Project::new();
    let server = Serving::start(
        project.root(),
        &["--port", "0", "--log-format", "json", "--log-level", "sprint_runner::http=debug"],
    );
    let mut sse = Sse::open(server.port(), "", None);
    sse.next().unwrap();
    drop(sse);
    let told = eventually("the end of the stream", || {
        let told = lines(&whole_lines(&server.log()));
        told.iter().any(|line| line["message"] == "the stream has ended").then_some(told)
    });
    let messages: Vec<&str> = told.iter().map(|line| line["message"].as_str().unwrap()).collect();
    assert_eq!(messages, ["answered", "the stream has ended"]);
    assert_eq!(told[0]["spans"], told[1]["spans"]);
    assert_eq!(told[1]["spans"][0]["route"], "/sse");
}

#[test]
fn what_is_told_of_an_agent_stands_in_its_span_and_in_that_of_its_batch() {
    let bench = Bench::new(STORIES);
    let server = Serving::start(
        bench.project.root(),
        &[
            "--port",
            "0",
            "--log-format",
            "json",
            "--log-level",
            "info,sprint_runner::orchestrator=debug",
        ],
    );
    let body = "{\"batch_size\":1}";
    let more = format!("Content-Type: application/json\r\nContent-Length: {}\r\n", body.len());
    let start = format!(
        "POST /api/orchestrator/start HTTP/1.1\r\nHost: 127.0.0.1:{}\r\n{more}\
         Connection: close\r\n\r\n{body}",
        server.port()
    );
    assert_eq!(http::send(server.port(), start).unwrap().status, 200);
    let told = eventually_in(PATIENCE, "the end of the batch", || {
        let told = lines(&whole_lines(&server.log()));
        told.iter().any(|line| line["message"] == "the batch ends").then_some(told)
    });
    let of = |message: &str| -> Vec<&Value> {
        told.iter().filter(|line| line["message"] == message).collect()
    };
    assert_eq!(of("the batch begins").len(), 1);
    assert_eq!(of("the batch ends")[0]["fields"]["status"], "completed");
    assert_eq!(of("the batch ends")[0]["spans"], json!([{"name": "batch", "batch_id": 1}]));
    let (begun, ended) = (of("the agent has started"), of("the agent has ended"));
    assert_eq!(begun.len(), bench.starts());
    assert_eq!(ended.len(), bench.starts());
    for line in begun.iter().chain(&ended) {
        let [batch, agent] = &line["spans"].as_array().unwrap()[..] else { panic!("{line}") };
        assert_eq!(*batch, json!({"name": "batch", "batch_id": 1}));
        assert!(agent["agent_id"].as_str().unwrap().starts_with("1-"), "{line}");
        assert!(agent["story"].is_string() && agent["command"].is_string(), "{line}");
    }
    // Two begin at once.
    let is_first = |line: &&&Value| line["spans"][1]["command"] == "create-story";
    let first = begun.iter().find(is_first).unwrap();
    assert_eq!(first["spans"][1]["story"], "1-1-skeleton,1-2-database");
    assert!(first["fields"]["pid"].is_u64());
    assert_eq!(ended[0]["fields"]["exit_code"], 0);
}

/// Neither requests nor a batch that goes well make a line of their own.
#[test]
fn as_it_comes_the_server_is_quiet() {
    for arguments in [&["--port", "0"][..], &["--port", "0", "--log-format", "json"]] {
        let bench = Bench::new(STORIES);
        let mut server = Serving::start(bench.project.root(), arguments);
        let port = server.port();
        for path in ["/", "/metrics", "/nothing", "/api/snapshot"] {
            http::get(port, path);
        }
        let body = "{\"batch_size\":1}";
        let start = format!(
            "POST /api/orchestrator/start HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
             Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
            body.len()
        );
        assert_eq!(http::send(port, start).unwrap().status, 200);
        eventually_in(PATIENCE, "the end of the batch", || {
            let status = http::get(port, "/api/orchestrator/status").json();
            (status["status"] == "idle").then_some(())
        });
        server.terminate();
        assert_eq!(server.log(), "");
    }
}

#[test]
fn no_text_of_a_file_forges_a_line() {
    forge("text");
}

#[test]
fn no_text_of_a_file_forges_an_object() {
    forge("json");
}

/// Whatever stands in settings, configuration, status file and query, each line begins as ours do.
fn forge(format: &str) {
    const EVIL: &str = "a\n2026-01-01T00:00:00Z ERROR forged\r\n{\"level\":\"ERROR\",\"forged\":1}\
                        \u{1b}[2J\u{9b}2J\u{202e}\u{2028}\"}";
    let toml =
        Toml { agent: "model = \"m\\n2026-01-01T00:00:00Z ERROR forged\"", ..Toml::default() };
    let bench = Bench::with(STORIES, &toml);
    bench.plan("quick", "");
    let settings = bench.project.root().join(".sprint-runner/settings.json");
    fs::create_dir_all(settings.parent().unwrap()).unwrap();
    // The message of what is wrong with it holds the key.
    fs::write(&settings, json!({ EVIL: 1 }).to_string()).unwrap();
    let key = format!("1-3-{}", "x\\u2028\\n2026-01-01T00:00:00Z ERROR forged");
    let status = format!("{STORIES}  \"{key}\": ready-for-dev\n");
    bench.project.write("sprint-status.yaml", status.as_bytes());
    let mut server = Serving::start(
        bench.project.root(),
        &["--port", "0", "--log-format", format, "--log-level", "trace"],
    );
    let port = server.port();
    let target = "/api/events?q=%0a2026-01-01T00:00:00Z%20ERROR%20forged";
    http::get(port, target);
    let body = "{\"batch_size\":\"all\"}";
    let start = format!(
        "POST /api/orchestrator/start HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    );
    http::send(port, start).unwrap();
    eventually_in(PATIENCE, "agents, then none", || {
        let told = server.log().contains("the batch ends");
        told.then_some(())
    });
    server.terminate();
    let log = server.log();
    assert!(log.contains("forged"), "nothing was tried: {log}");
    for line in log.lines() {
        assert!(!line.starts_with("2026-01-01T00:00:00Z ERROR forged"), "{log}");
        assert!(!line.starts_with("{\"level\":\"ERROR\""), "{log}");
        assert!(line.chars().all(|c| !c.is_control() && c != '\u{2028}'), "{line:?}");
    }
    if format == "json" {
        assert!(lines(&log).len() > 5);
    }
}

#[test]
fn form_and_level_are_named_by_flag_or_environment() {
    let project = Project::new();
    let serve = |environment: &[(&str, &str)], arguments: &[&str]| {
        let mut command = binary();
        command.envs(environment.iter().copied());
        command.args(["serve", "--port", "0", "-C"]).arg(project.root()).args(arguments);
        let mut server = Serving::spawn(command);
        http::get(server.port(), "/healthz");
        server.terminate();
        server.log()
    };
    let debug = ("RUST_LOG", "sprint_runner=debug");
    let told = serve(&[debug], &[]);
    assert!(told.contains("request{method=\"GET\" route=\"/healthz\" client=127.0.0.1:"), "{told}");
    assert!(told.contains("status=200 duration_ms="), "{told}");
    assert_eq!(serve(&[debug], &["--log-level", "warn"]), "");
    let json = ("SPRINT_RUNNER_LOG_FORMAT", "json");
    assert!(lines(&serve(&[debug, json], &[])).iter().any(|line| line["message"] == "answered"));
    let text = serve(&[debug, json], &["--log-format", "text"]);
    assert!(text.contains("answered") && !text.starts_with('{'), "{text}");

    let refused = |environment: &[(&str, &str)], arguments: &[&str]| {
        let mut command = binary();
        command.envs(environment.iter().copied());
        let output = command
            .args(["serve", "--port", "0", "-C"])
            .arg(project.root())
            .args(arguments)
            .output()
            .unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (code, told) = refused(&[("SPRINT_RUNNER_LOG_FORMAT", "xml")], &[]);
    assert_eq!(code, Some(1));
    assert!(told.contains("SPRINT_RUNNER_LOG_FORMAT is \"xml\"; it may be text or json"), "{told}");
    assert_eq!(refused(&[], &["--log-format", "xml"]).0, Some(2));
    // An end with an error is a record as well.
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = taken.local_addr().unwrap().port().to_string();
    let mut command = binary();
    command.args(["serve", "--log-format", "json", "--port", &port, "-C"]).arg(project.root());
    let output = command.output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    let told = lines(&String::from_utf8(output.stderr).unwrap());
    assert!(told[0]["message"].as_str().unwrap().starts_with("sprint-runner: "), "{told:?}");
}
