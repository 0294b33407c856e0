//! `/metrics`: every figure is what it must be, whoever asks, whatever stands in the files.

// Figures that count are whole numbers: floats hold them exactly.
#![allow(clippy::float_cmp)]

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::support::bench::{Bench, Follower, STORIES, doing, start};
use crate::support::heavy::{Need, heavy};
use crate::support::http::{read_response, send};
use crate::support::metrics::Metrics;
use crate::support::project::{now_s, row};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

/// All of them: a name that goes breaks somebody's dashboard.
const NAMES: [&str; 27] = [
    "agent_retries_total",
    "agents_running",
    "batch_running",
    "build_info",
    "commands_active",
    "commit_duration_seconds",
    "commit_failures_total",
    "cost_usd_total",
    "database_bytes",
    "database_wal_bytes",
    "degraded",
    "events_total",
    "http_clients_dropped_total",
    "http_connections",
    "http_connections_refused_total",
    "http_requests_total",
    "ingest_delay_seconds",
    "issues",
    "issues_by_kind",
    "log_last_event_id",
    "start_time_seconds",
    "stories",
    "stream_clients",
    "stream_deliveries_total",
    "stream_delivery_lag_seconds",
    "stream_lag_events",
    "tokens_total",
];

fn names() -> Vec<String> {
    NAMES.iter().map(|name| format!("sprint_runner_{name}")).collect()
}

#[test]
fn all_figures_are_there_from_the_start_and_none_tells_of_what_is_not() {
    let project = Project::new();
    let server = Server::start(&project);
    // What was asked to know that it has begun is counted as well.
    let before = Metrics::of(&server).at("http_requests_total", "monitor 2xx");
    let metrics = Metrics::of(&server);
    assert_eq!(metrics.names(), names());
    assert_eq!(metrics.at("build_info", env!("CARGO_PKG_VERSION")), 1.0);
    let started = server.json("/healthz")["started_at"].as_f64().unwrap();
    assert_eq!(metrics.one("start_time_seconds"), started / 1000.0);
    for name in ["agents_running", "commands_active", "agent_retries_total", "cost_usd_total"] {
        assert_eq!(metrics.one(name), 0.0, "{name}");
    }
    for name in ["stream_clients", "stream_lag_events", "batch_running", "tokens_total", "degraded"]
    {
        assert!(metrics.by_label(name).values().all(|value| *value == 0.0), "{name}");
    }
    let stories = metrics.by_label("stories");
    let expected = [
        ("backlog", 2.0),
        ("done", 1.0),
        ("in-progress", 1.0),
        ("optional", 0.0),
        ("other", 0.0),
        ("ready-for-dev", 1.0),
        ("review", 0.0),
    ];
    assert_eq!(stories, expected.map(|(word, n)| (word.to_owned(), n)).into());
    assert!(metrics.one("database_bytes") > 0.0);
    // What was served so far: the question above, and the one before it.
    let metrics = Metrics::of(&server);
    let requests = metrics.by_label("http_requests_total");
    assert_eq!(requests["monitor 2xx"], before + 3.0, "{requests:?}");
    assert_eq!(requests.values().sum::<f64>(), before + 3.0, "{requests:?}");
}

#[test]
fn after_a_batch_every_figure_is_what_the_log_says() {
    let bench = Bench::new(STORIES);
    let state = bench.path("calls");
    bench.plan("flaky", &format!("export AGENT_STATE='{}'", state.display()));
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    let end = follower.end_of(batch_id);
    assert_eq!(end["status"], "completed", "{end}");
    eventually("the batch to be over", || (doing(&server) == "idle").then_some(()));
    let (events, metrics) = eventually("all events to have gone out", || {
        let events = server.log_after(0);
        let metrics = Metrics::of(&server);
        let sent = metrics.at("stream_deliveries_total", "sse") == events.len() as f64;
        (sent && metrics.at("stream_lag_events", "sse") == 0.0).then_some((events, metrics))
    });

    let mut by_type: BTreeMap<&str, f64> = BTreeMap::new();
    for event in &events {
        *by_type.entry(event["type"].as_str().unwrap()).or_default() += 1.0;
    }
    for (kind, count) in metrics.by_label("events_total") {
        assert_eq!(count, by_type.remove(&*kind).unwrap_or(0.0), "{kind}");
    }
    assert!(by_type.is_empty(), "not counted: {by_type:?}");
    assert_eq!(metrics.one("log_last_event_id"), events.last().unwrap()["id"].as_f64().unwrap());

    let ends: Vec<&Value> = events
        .iter()
        .filter(|event| event["type"] == "agent:end")
        .map(|event| &event["payload"])
        .collect();
    let sum = |key: &str| ends.iter().filter_map(|end| end[key].as_f64()).sum::<f64>();
    assert!(sum("output_tokens") >= 210.0 && ends.len() > 3, "{ends:?}");
    assert_eq!(metrics.at("tokens_total", "input"), sum("input_tokens"));
    assert_eq!(metrics.at("tokens_total", "output"), sum("output_tokens"));
    assert!((metrics.one("cost_usd_total") - sum("cost_usd")).abs() < 1e-9);
    assert_eq!(metrics.one("agent_retries_total"), 2.0, "the agent fails twice");
    for name in ["agents_running", "commands_active", "commit_failures_total"] {
        assert_eq!(metrics.one(name), 0.0, "{name}");
    }
    assert!(metrics.by_label("batch_running").values().all(|value| *value == 0.0));
    let done = metrics.at("stories", "done");
    assert_eq!(done, 2.0, "{}", bench.status_file());

    let commits = metrics.count("commit_duration_seconds", &[]);
    assert!(commits > 5.0 && commits <= events.len() as f64, "{commits}");
    assert!(metrics.count("ingest_delay_seconds", &["agent"]) >= 3.0);
    assert!(metrics.count("ingest_delay_seconds", &["file"]) >= 1.0);
    assert_eq!(metrics.at("stream_clients", "sse"), 1.0);
    assert_eq!(metrics.at("stream_lag_events", "sse"), 0.0);
    assert_eq!(metrics.at("stream_deliveries_total", "sse"), events.len() as f64);
    assert!(metrics.at("http_requests_total", "control 2xx") >= 1.0);

    // Over a restart: what is of the log stays, what is of the process begins anew.
    let (tokens, cost) = (metrics.at("tokens_total", "input"), metrics.one("cost_usd_total"));
    server.kill();
    let server = bench.serve();
    let metrics = Metrics::of(&server);
    assert_eq!(metrics.at("tokens_total", "input"), tokens);
    assert_eq!(metrics.one("cost_usd_total"), cost);
    assert_eq!(metrics.at("events_total", "agent:end"), 0.0);
    assert_eq!(metrics.one("agent_retries_total"), 0.0);
    assert_eq!(metrics.at("stream_deliveries_total", "sse"), 0.0);
}

#[test]
fn an_agent_at_work_is_seen_and_after_its_end_it_is_not() {
    let bench = Bench::new(STORIES);
    bench.plan("hang", "");
    let server = bench.serve();
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    follower.kind("agent:start");
    // How many there are at once is the workflow's matter.
    let metrics = eventually("all that were started", || {
        let metrics = Metrics::of(&server);
        let running = metrics.one("agents_running");
        (running > 0.0 && running == bench.starts() as f64).then_some(metrics)
    });
    assert_eq!(metrics.at("batch_running", "managed"), 1.0);
    assert_eq!(metrics.at("batch_running", "observed"), 0.0);
    assert_eq!(server.post("/api/orchestrator/stop", "{\"mode\":\"now\"}").status, 200);
    follower.end_of(batch_id);
    eventually("nothing at work", || {
        let metrics = Metrics::of(&server);
        let batch = metrics.at("batch_running", "managed");
        (metrics.one("agents_running") == 0.0 && batch == 0.0).then_some(())
    });
}

#[test]
fn deliveries_are_counted_for_each_client_and_clients_that_go_are_gone() {
    const ROWS: usize = 500;
    let project = Project::new();
    let server = Server::start(&project);
    let head = server.json("/healthz")["head"].as_u64().unwrap();
    let mut sse: Vec<_> = (0..3).map(|_| server.sse("")).collect();
    let mut filtered = server.sse("?types=command:start");
    let mut ws: Vec<_> = (0..2).map(|_| server.ws("")).collect();
    let init = |kind: &Value| assert_eq!(kind["type"], "init");
    for client in &mut sse {
        init(&client.next().unwrap().json);
    }
    for client in &mut ws {
        init(&client.next().unwrap());
    }
    init(&filtered.next().unwrap().json);
    let base = now_s();
    for n in 0..ROWS {
        project.append(row(base, n).as_bytes());
    }
    // The rows and the start of the batch they make.
    let last = |json: &Value| json["payload"]["message"] == format!("row {}", ROWS - 1);
    let mut seen = 0;
    for client in &mut sse {
        seen = 1;
        while !last(&client.next().unwrap().json) {
            seen += 1;
        }
    }
    for client in &mut ws {
        while !last(&client.next().unwrap()) {}
    }
    let starts = eventually("all to have everything", || {
        let metrics = Metrics::of(&server);
        let sent = metrics.by_label("stream_deliveries_total");
        let starts = sent["sse"] - 3.0 * f64::from(seen);
        // They are counted once they have gone out.
        let all = sent["ws"] == 2.0 * f64::from(seen)
            && metrics.by_label("stream_lag_events").values().all(|lag| *lag == 0.0);
        (all && starts == metrics.at("events_total", "command:start")).then_some(starts)
    });
    assert_eq!(starts, ROWS as f64 / 2.0);
    let metrics = Metrics::of(&server);
    let clients = |metrics: &Metrics| {
        let clients = metrics.by_label("stream_clients");
        (clients["sse"], clients["ws"])
    };
    assert_eq!(clients(&metrics), (4.0, 2.0));
    assert_eq!(metrics.at("stream_deliveries_total", "ws"), 2.0 * f64::from(seen));
    assert_eq!(f64::from(seen), metrics.one("log_last_event_id") - head as f64);
    assert!(metrics.count("stream_delivery_lag_seconds", &["sse"]) >= 3.0);
    assert!(metrics.by_label("stream_lag_events").values().all(|lag| *lag == 0.0));
    assert!(metrics.one("http_connections") >= 6.0);
    drop((sse, ws, filtered));
    eventually("all to be gone", || {
        let metrics = Metrics::of(&server);
        let gone = clients(&metrics) == (0.0, 0.0) && metrics.one("http_connections") <= 1.0;
        gone.then(|| {
            // What they were given stays counted.
            assert_eq!(metrics.at("stream_deliveries_total", "ws"), 2.0 * f64::from(seen));
        })
    });
}

/// A client that reads nothing is far behind, and it is seen how far.
#[test]
fn the_slowest_client_is_seen() {
    let project = Project::new();
    let server = Server::start(&project);
    let message = "x".repeat(60_000);
    let client = server.sse("?last_event_id=0");
    // It keeps up: there is nothing for it.
    let _quick = server.sse("?types=cycle:start");
    for n in 0..200 {
        let row = format!("{},1,1-2,dev-story,t{n},start,\"{message}\"\n", now_s());
        project.append(row.as_bytes());
    }
    eventually("it to lie behind", || {
        let metrics = Metrics::of(&server);
        let whole = metrics.at("events_total", "command:start") == 200.0;
        (whole && metrics.at("stream_lag_events", "sse") > 20.0).then_some(())
    });
    assert_eq!(Metrics::of(&server).at("stream_lag_events", "ws"), 0.0);
    drop(client);
}

#[test]
fn nothing_that_stands_in_files_or_in_the_log_grows_a_label() {
    let project = Project::new();
    let mut server = Server::start(&project);
    let before = Metrics::of(&server).series();
    assert!(server.terminate().success());
    let state = project.root().join(".sprint-runner");
    let log = rusqlite::Connection::open(state.join("sprint-runner.db")).unwrap();
    for n in 0..50 {
        let issue = format!("{{\"severity\":\"error\",\"code\":\"mine-{n}\",\"message\":\"m\"}}");
        for (kind, payload) in [
            (format!("mystery:{n}"), "{}".to_owned()),
            (
                "source:state".to_owned(),
                format!("{{\"file\":\"f{n}\",\"state\":\"odd\",\"issues\":[{issue}]}}"),
            ),
        ] {
            log.execute(
                "INSERT INTO events (timestamp, event_type, epic_id, story_key, command, task_id,
                     status, payload_json, source) VALUES (1, ?1, '', '', '', '', '', ?2, 'csv')",
                rusqlite::params![kind, payload],
            )
            .unwrap();
        }
    }
    log.close().unwrap();
    let evil = "x\\\"} 1\\nforged_total 7";
    let mut status = "development_status:\n".to_owned();
    for n in 0..50 {
        status += &format!("  \"9-{n}-{evil}\": \"mine-{n} {evil}\"\n");
        let row = format!("{},{n}-{n},{n},cmd-{n},task-{n},word-{n},\"m\"\nno row {n}\n", now_s());
        project.append(row.as_bytes());
    }
    project.write("sprint-status.yaml", status.as_bytes());
    let server = Server::start(&project);
    let metrics = eventually("the rows and the stories", || {
        let metrics = Metrics::of(&server);
        let rows = metrics.at("issues_by_kind", "bad-row") >= 50.0;
        (rows && metrics.by_label("stories").values().sum::<f64>() == 50.0).then_some(metrics)
    });
    let added = |metrics: &Metrics| {
        metrics.series().symmetric_difference(&before).cloned().collect::<Vec<_>>()
    };
    assert_eq!(added(&metrics), [""; 0]);
    assert_eq!(metrics.at("issues_by_kind", "other"), 50.0);
    assert_eq!(metrics.at("stories", "other"), 50.0);
    assert!(metrics.at("issues", "error") >= 50.0);
    for path in ["/x", "/api/nothing", "/%22%7d", "/api/batches/9"] {
        server.get(path);
    }
    assert_eq!(added(&Metrics::of(&server)), [""; 0]);
}

#[test]
fn it_is_a_route_like_all_others() {
    let project = Project::new();
    let mut command = binary();
    command.env("SPRINT_RUNNER_TOKEN", "correct-horse-battery-staple");
    command.args(["serve", "--port", "0", "-C"]).arg(project.root());
    let server = Server::spawn(command);
    let port = server.port();
    let ask = |method: &str, host: &str, path: &str, lines: &str| {
        let head = format!("{method} {path} HTTP/1.1\r\nHost: {host}\r\n{lines}");
        send(port, format!("{head}Connection: close\r\n\r\n")).unwrap()
    };
    let own = format!("127.0.0.1:{port}");
    let token = "Authorization: Bearer correct-horse-battery-staple\r\n";
    let refused = ask("GET", &own, "/metrics", "");
    assert_eq!(refused.status, 401);
    assert!(!refused.text().contains("sprint_runner_"));
    assert_eq!(ask("GET", "evil.example", "/metrics", token).status, 421);
    let foreign = format!("{token}Origin: http://evil.example\r\n");
    assert_eq!(ask("GET", &own, "/metrics", &foreign).status, 403);
    let answer = ask("GET", &own, "/metrics", token);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("cache-control"), Some("no-store"));
    // What was refused above is counted, with what it asked for.
    let metrics = Metrics::read(&answer.text());
    assert_eq!(metrics.at("http_requests_total", "monitor 4xx"), 3.0);
    assert!(!answer.text().contains("correct-horse"));
    for method in ["POST", "PUT", "DELETE"] {
        let refused = ask(method, &own, "/metrics", token);
        assert_eq!(refused.status, 405, "{method}");
        assert_eq!(refused.header("allow"), Some("GET, HEAD, OPTIONS"));
    }
    assert_eq!(ask("OPTIONS", &own, "/metrics", token).status, 204);
    for path in ["/metrics/", "/metrics/x", "/Metrics"] {
        assert_eq!(ask("GET", &own, path, token).status, 404, "{path}");
    }
    let mut stream = crate::support::http::connect(port);
    let head = format!("HEAD /metrics HTTP/1.1\r\nHost: {own}\r\n{token}Connection: close\r\n\r\n");
    stream.write_all(head.as_bytes()).unwrap();
    let mut reader = std::io::BufReader::new(stream);
    let answer = read_response(&mut reader, true).unwrap();
    assert_eq!(answer.status, 200);
    assert!(answer.header("content-length").unwrap().parse::<usize>().unwrap() > 5000);
    assert!(crate::support::http::read_some(&mut reader).is_none(), "HEAD has no body");
}

#[test]
fn the_dashboard_asks_only_for_what_there_is() {
    let project = Project::new();
    let server = Server::start(&project);
    let metrics = Metrics::of(&server);
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/grafana");
    let text = fs::read_to_string(folder.join("sprint-runner.json")).unwrap();
    let board: Value = serde_json::from_str(&text).unwrap();
    assert!(board["schemaVersion"].as_u64().unwrap() >= 36);
    assert!(board["id"].is_null() && board["uid"].is_string() && board["title"].is_string());
    let panels = board["panels"].as_array().unwrap();
    let mut ids = BTreeSet::new();
    let mut taken = BTreeSet::new();
    let mut asked = BTreeSet::new();
    for panel in panels {
        assert!(ids.insert(panel["id"].as_u64().unwrap()), "{panel}");
        assert!(!panel["title"].as_str().unwrap().is_empty());
        let at = |key: &str| panel["gridPos"][key].as_u64().unwrap();
        assert!(at("x") + at("w") <= 24);
        for x in at("x")..at("x") + at("w") {
            for y in at("y")..at("y") + at("h") {
                assert!(taken.insert((x, y)), "{} lies on another panel", panel["title"]);
            }
        }
        if panel["type"] == "row" {
            continue;
        }
        assert_eq!(panel["datasource"]["uid"], "${datasource}", "{panel}");
        let targets = panel["targets"].as_array().unwrap();
        assert!(!targets.is_empty());
        for target in targets {
            assert_eq!(target["datasource"]["uid"], "${datasource}");
            let query = target["expr"].as_str().unwrap();
            asked.extend(names_in(query, &metrics));
        }
    }
    for variable in board["templating"]["list"].as_array().unwrap() {
        if let Some(query) = variable["definition"].as_str() {
            asked.extend(names_in(query, &metrics));
        }
    }
    // And for all that there is.
    assert_eq!(asked.into_iter().collect::<Vec<_>>(), names());

    let scrape = fs::read_to_string(folder.join("prometheus.yml")).unwrap();
    let scrape: Value = serde_yaml::from_str(&scrape).unwrap();
    let job = &scrape["scrape_configs"][0];
    assert_eq!(job["metrics_path"], "/metrics");
    assert_eq!(job["authorization"]["type"], "Bearer");
    assert!(job["static_configs"][0]["targets"][0].is_string());
}

/// The families that a query speaks of; each must be there, with the labels and words that it is
/// asked for.
fn names_in(query: &str, metrics: &Metrics) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    let mut labels = BTreeSet::from(["job".to_owned(), "instance".to_owned(), "le".to_owned()]);
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut rest = query;
    while let Some(at) = rest.find("sprint_runner_") {
        rest = &rest[at..];
        let end = rest.find(|c| !is_word(c)).unwrap_or(rest.len());
        let (name, after) = rest.split_at(end);
        rest = after;
        assert!(metrics.values(name, "job").is_some(), "there is no {name}: {query}");
        let families = metrics.names();
        let suffixes = ["", "_bucket", "_sum", "_count"];
        let family = suffixes.iter().filter_map(|end| name.strip_suffix(end));
        found.extend(family.filter(|name| families.contains(name)).map(str::to_owned));
        for label in ["cause", "kind", "le", "origin", "reason", "route", "severity", "source"]
            .iter()
            .chain(&["status", "transport", "type", "version"])
        {
            if metrics.values(name, label).is_some_and(|values| !values.is_empty()) {
                labels.insert((*label).to_owned());
            }
        }
        let Some(inside) = after.strip_prefix('{') else { continue };
        for matcher in inside.split('}').next().unwrap().split(',') {
            let (label, word) = matcher.split_once('=').unwrap_or_else(|| panic!("{query}"));
            let word = word.trim_start_matches('~').trim_matches('"');
            if !["job", "instance"].contains(&label.trim_end_matches('!')) {
                let words = metrics.values(name, label.trim_end_matches('!')).unwrap();
                let known = word.split('|').all(|word| words.contains(word));
                assert!(known, "{label} of {name} is never {word}: {query}");
            }
        }
    }
    // What it groups by.
    for by in query.split("by (").skip(1) {
        for label in by.split(')').next().unwrap().split(',') {
            assert!(labels.contains(label.trim()), "no label {label}: {query}");
        }
    }
    assert!(!found.is_empty(), "{query}");
    found
}

#[test]
fn promtool_finds_nothing_to_object_to() {
    if !heavy("promtool_finds_nothing_to_object_to", &[Need::Program("promtool")]) {
        return;
    }
    let project = Project::new();
    let server = Server::start(&project);
    let text = server.get("/metrics").body;
    let mut child = Command::new("promtool")
        .args(["check", "metrics"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(&text).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(output.status.success() && said.is_empty(), "{said}");
}
