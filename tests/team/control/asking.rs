//! What may be asked, and what comes of it.

use std::io::Write as _;

use serde_json::json;

use super::hub::{Hub, OWN};
use super::{SETTINGS, START, STOP, audit, audited, configured, controlled, serve};
use crate::support::bench::{Follower, doing};
use crate::support::eventually;
use crate::support::http::Response;
use crate::support::nats::Nats;

#[test]
fn a_sprint_is_started_seen_and_stopped_through_a_hub() {
    let nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    bench.plan("hang", "");
    let server = serve(&bench, &hub);
    let mut follower = Follower::open(&server);

    let started = hub.post(START, "{\"batch_size\":1}");
    assert_eq!(started.status, 200, "{}", started.text());
    assert_eq!(started.json()["status"], "started");
    let batch_id = started.json()["batch_id"].as_i64().unwrap();
    assert_eq!(doing(&server), "running");
    let again = hub.post(START, "{\"batch_size\":1}");
    assert_eq!((again.status, &again.json()["code"]), (409, &json!("conflict")));
    let wrong = hub.post(START, "{\"batch_size\":0}");
    assert_eq!((wrong.status, &wrong.json()["code"]), (400, &json!("bad_request")));

    let agent = eventually("an agent in the list", || {
        let listed = hub.get("/api/agents").json();
        listed["agents"][0]["agent_id"].as_str().map(str::to_owned)
    });
    let stopped = hub.post(&format!("/api/agents/{agent}/stop"), "{}");
    assert_eq!(stopped.status, 200, "{}", stopped.text());
    let ended = hub.post(STOP, "{\"mode\":\"now\"}");
    assert!([200, 409].contains(&ended.status), "{}", ended.text());
    follower.end_of(batch_id);
    assert_eq!(doing(&server), "idle");
    assert_eq!(hub.post(STOP, "{}").status, 409);

    let told = audited(&server, 6);
    let by = "by 127.0.0.1 through the hub lookout";
    assert_eq!(told[0], format!("asked from afar: POST {START} {{\"batch_size\":1}}, {by}"));
    assert!(
        told.iter().any(|line| {
            line.starts_with(&format!("refused from afar: POST {START}, {by}: 409 "))
        })
    );
    assert!(told.iter().any(|line| line.contains(&format!("{agent}/stop"))), "{told:?}");
    // It stands before what came of it.
    let events = server.log_after(0);
    let place = |is_it: &dyn Fn(&serde_json::Value) -> bool| events.iter().position(is_it).unwrap();
    let asked = place(&|event| event["payload"]["warning_type"] == "from_afar");
    assert!(asked < place(&|event| event["type"] == "batch:start"));
    assert_eq!(events[asked]["source"], "server");
}

#[test]
fn settings_are_read_and_set_and_reading_leaves_no_trace() {
    let nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    let server = serve(&bench, &hub);
    let own = server.json(SETTINGS);
    assert_eq!(hub.get(SETTINGS).json(), own);
    assert_eq!(hub.ask("HEAD", SETTINGS, "", "").status, 200);
    let sources = hub.get("/api/settings/sources").json();
    assert_eq!(sources["server"], server.json("/api/settings/sources")["server"]);
    assert_eq!(audit(&server), [""; 0]);

    let set = hub.put(SETTINGS, "{\"default_max_cycles\":7}");
    assert_eq!((set.status, &set.json()["default_max_cycles"]), (200, &json!(7)));
    assert_eq!(server.json(SETTINGS)["default_max_cycles"], 7);
    let refused = hub.put(SETTINGS, "{\"nonsense\":7}");
    assert_eq!((refused.status, &refused.json()["code"]), (400, &json!("bad_request")));
    let told = audited(&server, 3);
    assert_eq!(told.len(), 3, "{told:?}");
    assert!(told[0].contains("PUT /api/settings {\"default_max_cycles\":7}"), "{told:?}");
    assert!(told[1].starts_with("asked") && told[2].starts_with("refused"), "{told:?}");
    let changed = server.log_after(0);
    let changed = changed.iter().find(|event| event["type"] == "settings:changed").unwrap();
    assert_eq!(changed["payload"]["changed"], json!({"default_max_cycles": [2, 7]}));
}

#[test]
fn a_log_of_any_length_comes_as_it_is() {
    let nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    bench.plan("hang", "");
    let server = serve(&bench, &hub);
    assert_eq!(hub.post(START, "{\"batch_size\":1}").status, 200);
    let agent = eventually("an agent that said something", || {
        let listed = server.json("/api/agents");
        let agent = listed["agents"][0]["agent_id"].as_str()?.to_owned();
        let log = server.get(&format!("/api/agents/{agent}/log"));
        (!log.body.is_empty()).then_some(agent)
    });
    let path = format!("/api/agents/{agent}/log");
    let file = find(&bench.project.root().join(".sprint-runner/agents"), &agent);
    // No text, no whole piece, and longer than an answer may be.
    let more: Vec<u8> =
        (0..1_500_007_u32).map(|n| (n.wrapping_mul(2_654_435_761) >> 24) as u8).collect();
    std::fs::OpenOptions::new().append(true).open(file).unwrap().write_all(&more).unwrap();
    let whole = server.get(&path);
    let length = whole.body.len();
    assert!(length > 1_500_007);

    let same = |asked: &str, headers: &str| {
        let direct = super::hub::ask(server.port(), "GET", asked, headers, "");
        let afar = hub.ask("GET", asked, headers, "");
        assert_eq!(afar.status, direct.status, "{asked} {headers}");
        assert!(afar.body == direct.body, "{asked} {headers}: {} bytes", afar.body.len());
        for name in ["content-type", "content-length", "content-range", "etag", "accept-ranges"] {
            assert_eq!(afar.header(name), direct.header(name), "{name} of {asked} {headers}");
        }
        afar
    };
    assert!(same(&path, "").body == whole.body);
    same(&format!("{path}?tail=100"), "");
    same(&format!("{path}?tail=900000"), "");
    same(&format!("{path}?tail=x"), "");
    same(&path, "Range: bytes=0-0\r\n");
    same(&path, "Range: bytes=17-700000\r\n");
    same(&path, "Range: bytes=-300001\r\n");
    same(&path, &format!("Range: bytes={}-\r\n", length - 5));
    assert_eq!(same(&path, &format!("Range: bytes={length}-\r\n")).status, 416);
    same(&path, "Range: bytes=0-1,5-6\r\n");
    let etag = whole.header("etag").unwrap();
    assert_eq!(same(&path, &format!("If-None-Match: {etag}\r\n")).status, 304);
    same(&path, &format!("Range: bytes=5-9\r\nIf-Range: {etag}\r\n"));
    same(&path, "Range: bytes=5-9\r\nIf-Range: \"other\"\r\n");
    let head: Response = hub.ask("HEAD", &path, "", "");
    assert_eq!(head.header("content-length"), Some(length.to_string().as_str()));
    same("/api/agents/77-7/log", "");
    assert_eq!(hub.post(STOP, "{\"mode\":\"now\"}").status, 200);
}

/// The log's file of an agent.
fn find(folder: &std::path::Path, agent: &str) -> std::path::PathBuf {
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let name = name.to_string_lossy();
            let run = agent.split_once('-').unwrap().1;
            if path.is_dir() {
                folders.push(path);
            } else if name.ends_with(".log") && (name.contains(agent) || name.contains(run)) {
                return path;
            }
        }
    }
    panic!("no log of {agent}");
}

#[test]
fn off_on_either_end_nothing_is_done() {
    let nats = Nats::start();
    let bench = controlled(&nats);
    let hub = Hub::new(&nats);
    let server = serve(&bench, &hub);
    let refused = |hub: &Hub, status: u16, code: &str, word: &str| {
        for answer in [
            hub.post(START, "{\"batch_size\":1}"),
            hub.post(STOP, "{}"),
            hub.put(SETTINGS, "{\"default_max_cycles\":9}"),
            hub.post("/api/agents/1-1/stop", "{}"),
            hub.get("/api/agents/1-1/log"),
        ] {
            assert_eq!((answer.status, &answer.json()["code"]), (status, &json!(code)));
            assert!(answer.text().contains(word), "{}", answer.text());
        }
        // What the hub knows something of itself.
        assert_eq!(hub.get("/api/agents").text(), OWN);
    };
    let off = Hub::at(&nats.url(), false);
    refused(&off, 403, "forbidden", "--control");
    assert_eq!(off.get(SETTINGS).text(), OWN);
    hub.knows(None, false);
    refused(&hub, 403, "forbidden", "tower");
    assert_eq!(hub.get(SETTINGS).status, 403, "the hub's own settings are nobody's");
    hub.knows(Some(1), true);
    refused(&hub, 503, "busy", "not heard");
    hub.knows(None, true);
    // The hub's own guard speaks first.
    let foreign = "Content-Type: application/json\r\nOrigin: http://evil.example\r\n";
    assert_eq!(hub.ask("POST", START, foreign, "{}").status, 403);
    assert_eq!(hub.ask("POST", START, "Content-Type: text/plain\r\n", "{}").status, 415);
    assert_eq!(hub.ask("DELETE", SETTINGS, "", "").status, 405);
    assert_eq!(audit(&server), [""; 0], "nothing of all that was asked");
    assert_eq!(hub.get("/api/snapshot").text(), OWN);
    drop(server);

    // A server that was not told to, and one that changes nothing for anybody.
    let deaf = configured(&nats.url(), "");
    let server = deaf.serve();
    refused(&hub, 503, "busy", "nobody takes orders");
    drop(server);
    let bench = controlled(&nats);
    let server = crate::support::Server::start_with(bench.project.root(), &["--read-only"]);
    super::listened(&hub);
    let answer = hub.post(START, "{\"batch_size\":1}");
    assert_eq!(answer.status, 403);
    assert!(answer.text().contains("read-only"), "{}", answer.text());
    assert!(audited(&server, 2)[1].contains("read-only"));
    assert_eq!(doing(&server), "idle");
}
