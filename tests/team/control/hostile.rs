//! Who may publish on the subjects, but is no hub.

use std::time::Duration;

use bytes::Bytes;
use serde_json::{Value, json};

use super::hub::Hub;
use super::{SETTINGS, START, audit, audited, controlled, serve};
use crate::support::bench::doing;
use crate::support::nats::{Nats, client, within};

/// A message as it stands; what came back, status and all of it. None where nobody answers.
fn send(nats: &Nats, subject: &str, text: &[u8]) -> Option<(Value, Bytes)> {
    within(async {
        let client = client(&nats.url()).await?;
        let request = async_nats::Request::new()
            .payload(Bytes::copy_from_slice(text))
            .timeout(Some(Duration::from_secs(3)));
        let answer = client.send_request(subject.to_owned(), request).await.ok()?.payload;
        let end = answer.iter().position(|byte| *byte == b'\n')?;
        Some((serde_json::from_slice(&answer[..end]).ok()?, answer.slice(end + 1..)))
    })
}

fn order(method: &str, path: &str, more: &Value) -> Vec<u8> {
    let mut head = json!({
        "v": 1, "method": method, "path": path, "content_type": "application/json",
        "who": {"hub": "evil\nhub", "client": "10.\u{1b}[31m6.6.6"},
    });
    for (key, value) in more.as_object().unwrap() {
        head[key] = value.clone();
    }
    format!("{head}\n{{\"batch_size\":1}}").into_bytes()
}

const SUBJECT: &str = "sprint-control.red.lantern";

#[test]
fn what_is_not_on_the_list_is_refused_and_told() {
    let nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    bench.plan("hang", "");
    let server = serve(&bench, &hub);
    let large = [order("POST", START, &json!({})), vec![b' '; 600_000]].concat();
    let none = json!({});
    for (verb, text) in [
        ("start", order("GET", "/api/export", &none)),
        ("start", order("POST", "/api/settings", &none)),
        ("start", order("GET", "/sprint-status.yaml", &none)),
        ("start", order("POST", "/api/orchestrator/../orchestrator/start", &none)),
        ("start", order("POST", "/api/orchestrator/start?x", &none)),
        ("start", order("POST", "/api/orchestrator/start\0", &none)),
        ("start", order("POST", "/api/orchestrator/start HTTP/1.1\r\nHost: evil", &none)),
        ("start", order("DELETE", START, &none)),
        ("start", order("post", START, &none)),
        ("settings", order("POST", START, &none)),
        ("agents", order("GET", "/api/agents/../../etc/passwd/log", &none)),
        ("agents", order("GET", "/api/agents/1-1/log", &json!({"range": [0, 1e15]}))),
        ("start", order("POST", START, &json!({"content_type": "a\r\nX-Y: z"}))),
        ("start", order("POST", START, &json!({"v": 2}))),
        ("start", order("POST", START, &json!({"who": 7}))),
        ("start", large),
        ("start", b"POST /api/orchestrator/start HTTP/1.1\r\n\r\n".to_vec()),
        ("start", vec![0; 5000]),
        ("start", Vec::new()),
        ("anything", order("POST", START, &none)),
    ] {
        let shown = String::from_utf8_lossy(&text[..text.len().min(200)]).into_owned();
        let (head, body) = send(&nats, &format!("{SUBJECT}.{verb}"), &text).expect(&shown);
        assert_eq!(head["status"], 403, "{shown}");
        assert_eq!(head.get("ticket"), None, "{shown}");
        assert!(body.starts_with(b"{"), "{shown}");
    }
    // Other subjects are nobody's.
    let good = order("POST", START, &none);
    for subject in [
        "sprint-control.blue.lantern.start",
        "sprint-control.red.other.start",
        "sprint-control.red.lantern",
        "sprint-control.red.lantern.start.start",
    ] {
        assert!(send(&nats, subject, &good).is_none(), "{subject}");
    }
    assert_eq!(doing(&server), "idle");
    let told = audited(&server, 10);
    assert_eq!(told.len(), 10, "a flood of refusals does not fill the log");
    assert!(told.iter().all(|line| line.starts_with("refused from afar: ")), "{told:?}");
    assert!(
        told[0].contains("GET /api/export, by 10.[31m6.6.6 through the hub evilhub"),
        "{told:?}"
    );
    assert!(!told.iter().any(|line| line.contains(char::is_control)), "{told:?}");
    // It works on.
    assert_eq!(hub.get(SETTINGS).status, 200);
}

#[test]
fn an_order_needs_a_ticket_and_a_ticket_is_good_once() {
    let nats = Nats::start();
    let (bench, hub) = (controlled(&nats), Hub::new(&nats));
    bench.plan("hang", "");
    let server = serve(&bench, &hub);
    let subject = format!("{SUBJECT}.start");
    let ask = |more: Value| send(&nats, &subject, &order("POST", START, &more));
    let (head, _) = ask(json!({})).unwrap();
    let ticket = head["ticket"].as_str().unwrap().to_owned();
    assert_eq!((doing(&server).as_str(), audit(&server).len()), ("idle", 0));
    // Given for a start, it stops nothing.
    let stop = order("POST", super::STOP, &json!({"ticket": ticket}));
    assert_eq!(send(&nats, &format!("{SUBJECT}.stop"), &stop).unwrap().0["status"], 409);
    assert_eq!(ask(json!({"ticket": ticket})).unwrap().0["status"], 409, "it was used up");
    let (head, _) = ask(json!({})).unwrap();
    let ticket = head["ticket"].as_str().unwrap().to_owned();
    let (head, body) = ask(json!({"ticket": ticket})).unwrap();
    assert_eq!(head["status"], 200, "{body:?}");
    assert_eq!(ask(json!({"ticket": ticket})).unwrap().0["status"], 409);
    // What another server of this name would have given is that one's to answer.
    assert!(ask(json!({"ticket": format!("0123456789abcdef-{ticket}")})).is_none());
    let started = |line: &&String| line.starts_with("asked from afar: ");
    assert_eq!(audited(&server, 4).iter().filter(started).count(), 1);
    assert_eq!(hub.post(super::STOP, "{\"mode\":\"now\"}").status, 200);
}
