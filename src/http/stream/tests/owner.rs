//! What streams say of the server that works on a project, where that is another one.

use serde_json::{Value, json};

use super::client::{Sse, Ws};
use super::stage::{Stage, command_event};
use crate::http::Reached;

fn known(unreachable_since: Option<i64>) -> Reached {
    Reached { host: Some("ada".to_owned()), unreachable_since, control: false }
}

fn told(unreachable_since: Option<i64>) -> Value {
    json!({"type": "server", "host": "ada", "unreachable_since": unreachable_since, "control": false})
}

#[tokio::test]
async fn it_is_said_before_all_else_and_whenever_it_changes() {
    let stage = Stage::afar(known(None));
    stage.publish(vec![command_event("2a-1")]).await;
    let epoch = stage.hub.epoch().to_owned();
    let mut ws = Ws::open(stage.address, "/ws").await;
    let mut sse = Sse::open(stage.address, "/sse", b"").await;
    let mut filtered = Ws::open(stage.address, "/ws?types=story:status").await;
    let block = sse.block().await.unwrap();
    assert_eq!((block.json(), block.id), (told(None), None));
    let init = sse.block().await.unwrap().json();
    for client in [&mut ws, &mut filtered] {
        assert_eq!(client.json().await, told(None));
        assert_eq!(client.json().await, init);
    }
    assert_eq!(init["payload"]["snapshot"]["server"]["unreachable_since"], Value::Null);

    stage.context.reach.set(known(Some(1_706_112_000_000)));
    let lost = told(Some(1_706_112_000_000));
    let block = sse.block().await.unwrap();
    // No id: a browser goes on from the last event that it has seen.
    assert_eq!((block.json(), block.id), (lost.clone(), None));
    for client in [&mut ws, &mut filtered] {
        assert_eq!(client.json().await, lost);
    }

    // The same once more is no news, and the events go on where they were.
    stage.context.reach.set(known(Some(1_706_112_000_000)));
    stage.publish(vec![command_event("2a-2")]).await;
    let event = sse.event().await.unwrap();
    assert_eq!(event.json()["payload"]["story_id"], "2a-2");
    assert_eq!(event.id, Some(format!("{epoch}:{}", stage.hub.head())));
    assert_eq!(ws.json().await, event.json());

    // Who comes now hears it first, with or without a cursor; and who comes back.
    let head = stage.hub.head();
    for target in [format!("/ws?last_event_id={head}"), "/ws".to_owned()] {
        assert_eq!(Ws::open(stage.address, &target).await.json().await, lost, "{target}");
    }
    ws.say(r#"{"type":"resume","last_event_id":0}"#).await;
    assert_eq!(ws.json().await, lost);
    assert_eq!(ws.json().await["id"], 1);
    stage.context.reach.set(known(None));
    assert_eq!(filtered.json().await, told(None));
    assert_eq!(sse.block().await.unwrap().json(), told(None));
}

#[tokio::test]
async fn an_init_that_was_made_before_is_not_used_after() {
    let stage = Stage::afar(known(None));
    stage.append(0, 1).await;
    let mut first = Ws::open(stage.address, "/ws").await;
    first.json().await;
    first.json().await;
    stage.context.reach.set(known(Some(7)));
    let mut ws = Ws::open(stage.address, "/ws").await;
    assert_eq!(ws.json().await["unreachable_since"], 7);
    assert_eq!(ws.json().await["payload"]["snapshot"]["server"]["unreachable_since"], 7);
}

#[tokio::test]
async fn a_project_of_ones_own_says_nothing_of_it() {
    let stage = Stage::new();
    stage.append(0, 1).await;
    let mut ws = Ws::open(stage.address, "/ws").await;
    let init = ws.json().await;
    assert_eq!(init["type"], "init");
    assert!(init["payload"]["snapshot"].get("server").is_none());
}
