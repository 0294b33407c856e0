//! What streams deliver: all of it, once, in order, from anywhere.

use serde_json::{Value, json};

use super::client::{Sse, Ws};
use super::stage::{Stage, command_event, error_event};

fn message(event: &Value) -> &str {
    event["payload"]["message"].as_str().expect("an error event")
}

#[tokio::test]
async fn both_begin_with_init_and_go_on_alike() {
    let stage = Stage::new();
    stage.append(0, 3).await;
    let mut sse = Sse::open(stage.address, "/sse", b"").await;
    let mut ws = Ws::open(stage.address, "/ws").await;
    assert_eq!(sse.status, 200);
    let head = sse.head.to_lowercase();
    for line in [
        "content-type: text/event-stream\r\n",
        "cache-control: no-cache",
        "x-accel-buffering: no\r\n",
        "x-content-type-options: nosniff\r\n",
    ] {
        assert!(head.contains(line), "{head}");
    }
    assert!(!head.contains("access-control") && !head.contains("content-encoding"), "{head}");

    let begin = sse.block().await.expect("init");
    assert_eq!(begin.retry, Some(1000), "not in a block of its own");
    let epoch = stage.hub.epoch();
    assert_eq!(begin.id, Some(format!("{epoch}:3")));
    let init = begin.json();
    assert_eq!(init, ws.json().await);
    assert_eq!((&init["type"], &init["last_event_id"]), (&json!("init"), &json!(3)));
    assert_eq!(init["epoch"], epoch);
    assert!(init.get("id").is_none());
    assert_eq!(init["payload"]["batch"], Value::Null);
    assert_eq!(init["payload"]["snapshot"]["last_event_id"], 3);
    let events = init["payload"]["events"].as_array().expect("events");
    assert_eq!(events.iter().map(message).collect::<Vec<_>>(), ["m2", "m1", "m0"]);

    stage.append(3, 100).await;
    for n in 3..103u64 {
        let block = sse.event().await.expect("an event");
        let event = ws.json().await;
        assert_eq!(block.json(), event);
        assert_eq!(block.id, Some(format!("{epoch}:{}", n + 1)));
        assert_eq!((message(&event), &event["id"]), (format!("m{n}").as_str(), &json!(n + 1)));
    }
}

#[tokio::test]
async fn init_shows_the_running_batch_and_its_events_alone() {
    let stage = Stage::new();
    stage.append(0, 60).await;
    stage.publish(vec![command_event("2a-1")]).await;
    let init = Ws::open(stage.address, "/ws").await.json().await;
    let batch = &init["payload"]["batch"];
    assert_eq!(batch["status"], "running");
    assert_eq!(batch["origin"], "observed");
    assert_eq!(batch["id"], init["payload"]["snapshot"]["batch"]["id"]);
    let events = init["payload"]["events"].as_array().expect("events");
    assert!(!events.is_empty() && events.iter().all(|event| event["batch_id"] == batch["id"]));
    let types: Vec<_> = events.iter().map(|event| event["type"].as_str().unwrap()).collect();
    assert_eq!(types, ["command:start", "batch:start"]);
}

#[tokio::test]
async fn a_cursor_gives_exactly_what_was_missed() {
    let stage = Stage::new();
    stage.append(0, 20).await;
    let epoch = stage.hub.epoch().to_owned();
    for (target, line) in [
        ("/sse".to_owned(), format!("Last-Event-ID: {epoch}:15\r\n")),
        ("/sse".to_owned(), "Last-Event-ID: 15\r\n".to_owned()),
        (format!("/sse?last_event_id={epoch}%3A15"), String::new()),
        ("/sse?last_event_id=15".to_owned(), String::new()),
        // The header wins.
        ("/sse?last_event_id=3".to_owned(), "Last-Event-ID: 15\r\n".to_owned()),
        (
            "/sse?last_event_id=abc".to_owned(),
            "Last-Event-ID: 15\r\nLast-Event-ID: 15\r\n".to_owned(),
        ),
    ] {
        let mut sse = Sse::open(stage.address, &target, line.as_bytes()).await;
        for id in 16..=20u64 {
            assert_eq!(sse.event().await.expect("an event").json()["id"], id, "{target} {line}");
        }
    }
    let mut ws = Ws::open(stage.address, &format!("/ws?last_event_id={epoch}:18")).await;
    assert_eq!(
        (ws.json().await["id"].clone(), ws.json().await["id"].clone()),
        (json!(19), json!(20))
    );
    // Back, to the very first, and forwards; each without init.
    for (cursor, first) in [(json!(0), 1), (json!(format!("{epoch}:12")), 13), (json!("19"), 20)] {
        ws.say(&json!({ "type": "resume", "last_event_id": cursor }).to_string()).await;
        for id in first..=20u64 {
            assert_eq!(ws.json().await["id"], id, "{cursor}");
        }
    }
    stage.append(20, 1).await;
    assert_eq!(ws.json().await["id"], 21);
}

#[tokio::test]
async fn nonsense_has_a_defined_start_and_never_an_error() {
    let stage = Stage::new();
    stage.append(0, 5).await;
    let huge = "18446744073709551616";
    for (line, expected) in [
        (b"Last-Event-ID: abc\r\n".to_vec(), "reset"),
        (b"Last-Event-ID: -1\r\n".to_vec(), "reset"),
        (format!("Last-Event-ID: {huge}\r\n").into_bytes(), "reset"),
        (b"Last-Event-ID: 6\r\n".to_vec(), "reset"),
        (b"Last-Event-ID: ffffffff:2\r\n".to_vec(), "reset"),
        (b"Last-Event-ID: 2\r\nLast-Event-ID: 3\r\n".to_vec(), "reset"),
        (b"Last-Event-ID: 2\0\r\n".to_vec(), "reset"),
        (b"Last-Event-ID: \xff\xfe\r\n".to_vec(), "reset"),
        (b"Last-Event-ID:\r\n".to_vec(), "init"),
        (b"Last-Event-ID:   \r\n".to_vec(), "init"),
        (Vec::new(), "init"),
    ] {
        let mut sse = Sse::open(stage.address, "/sse", &line).await;
        let shown = String::from_utf8_lossy(&line).into_owned();
        assert_eq!(sse.status, 200, "{shown}");
        let first = sse.event().await.expect("a start").json();
        assert_eq!(first["type"], expected, "{shown}");
        if expected == "reset" {
            assert_eq!(first["epoch"], stage.hub.epoch());
            assert_eq!(sse.event().await.expect("init").json()["type"], "init");
        }
    }
    for query in ["abc", "-1", huge, "%00", "%ff", "6", "1&last_event_id=2"] {
        let mut ws = Ws::open(stage.address, &format!("/ws?last_event_id={query}")).await;
        assert_eq!(ws.json().await["type"], "reset", "{query}");
        assert_eq!(ws.json().await["type"], "init", "{query}");
        ws.say(r#"{"type":"resume","last_event_id":{"a":1}}"#).await;
        assert_eq!(ws.json().await["type"], "reset");
        assert_eq!(ws.json().await["type"], "init");
    }
}

#[tokio::test]
async fn filters_hold_back_events_and_nothing_else() {
    let stage = Stage::new();
    let events =
        vec![error_event("m0"), command_event("2a-1"), error_event("m1"), command_event("2a-2")];
    stage.publish(events).await;
    for (query, stories) in [
        ("types=command:*", vec!["2a-1", "2a-2"]),
        ("type=command:start&story=2a-2", vec!["2a-2"]),
        ("story=2a-1-long-key,2a-2", vec!["2a-1", "2a-2"]),
        ("types=command:*&batch_id=1", vec!["2a-1", "2a-2"]),
    ] {
        let mut sse = Sse::open(stage.address, &format!("/sse?{query}&last_event_id=0"), b"").await;
        let mut ws = Ws::open(stage.address, &format!("/ws?{query}&last_event_id=0")).await;
        for story in stories {
            let event = sse.event().await.expect("an event").json();
            assert_eq!(event["payload"]["story_id"], story, "{query}");
            assert_eq!(ws.json().await, event);
        }
    }
    let mut ws = Ws::open(stage.address, "/ws?types=nothing").await;
    assert_eq!(ws.json().await["type"], "init");
    ws.say(r#"{"type":"ping"}"#).await;
    assert_eq!(ws.json().await, json!({ "type": "pong" }));
}

#[tokio::test]
async fn a_filtered_stream_at_rest_is_told_the_head() {
    let stage = Stage::with(|limits| limits.heartbeat = std::time::Duration::from_millis(50));
    stage.append(0, 5).await;
    let mut sse = Sse::open(stage.address, "/sse?types=nothing&last_event_id=2", b"").await;
    let head = format!("{}:5", stage.hub.epoch());
    loop {
        let block = sse.block().await.expect("a heartbeat");
        assert!(block.data.is_none());
        if block.id.as_ref() == Some(&head) {
            assert!(!block.comment, "the id alone");
            break;
        }
    }
    assert!(sse.block().await.expect("a heartbeat").comment, "what is known is not said again");
}

/// Clients come, at any moment of a storm of appends, and read it to its end.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn history_flows_into_live_without_a_seam() {
    const LAST: u64 = 3_000;
    let stage = Stage::new();
    stage.append(0, 1).await;
    let mut clients = tokio::task::JoinSet::new();
    let address = stage.address;
    let mut appended = 1;
    while appended < LAST {
        let count = (1 + appended % 37).min(LAST - appended);
        stage.append(appended, count).await;
        appended += count;
        let after = appended / 2;
        if appended % 2 == 0 {
            clients.spawn(async move {
                let mut sse = Sse::open(address, &format!("/sse?last_event_id={after}"), b"").await;
                for id in after + 1..=LAST {
                    assert_eq!(sse.event().await.expect("an event").json()["id"], id);
                }
            });
        } else {
            clients.spawn(async move {
                let mut ws = Ws::open(address, "/ws").await;
                let init = ws.json().await["last_event_id"].as_u64().expect("an id");
                for id in init + 1..=LAST {
                    assert_eq!(ws.json().await["id"], id);
                }
            });
        }
    }
    while let Some(client) = clients.join_next().await {
        client.expect("a client saw everything once");
    }
}

#[tokio::test]
async fn large_and_odd_texts_arrive_whole() {
    let stage = Stage::new();
    let mut sse = Sse::open(stage.address, "/sse?last_event_id=0", b"").await;
    let mut ws = Ws::open(stage.address, "/ws?last_event_id=0").await;
    for text in [
        "a\r\nb\rc\nd\0e",
        "data: x\n\nid: 999\n\n",
        " \u{2028}\u{feff}\u{1f600}",
        &"x".repeat(1 << 20),
    ] {
        stage.publish(vec![error_event(text)]).await;
        let event = sse.event().await.expect("an event").json();
        assert_eq!(message(&event), text);
        assert_eq!(ws.json().await, event);
    }
}
