//! The document of the streams: `AsyncAPI` 3.0, from the same types and rows as `OpenAPI`'s.

use serde_json::{Map, Value, json};

use super::describe::{Operation, Place, of};
use super::paths::live;
use super::schemas::{Schemas, reference};
use super::{examples, shape};
use crate::domain::event::{AnyEvent, schema_name};
use crate::domain::payload::Payload;
use crate::http::stream::shapes::{ClientMessage, Connection, Init};

/// The messages of the connection.
const CONNECTION: &[(&str, &str)] = &[
    ("reset", "The client's cursor is not of this log; `init` follows."),
    ("gap", "What lies before is not kept any more; the rest follows."),
    (
        "server",
        "What is known of the server that works on the project, where that is another one (a hub's \
         projects): first of all, and whenever it changes.",
    ),
    ("pong", "The answer to `ping`."),
];

/// What clients say.
const SAID: &[(&str, &str)] = &[
    ("ping", "Wants a `pong`."),
    ("resume", "Wants to go on behind another event: back or forwards, without a new `init`."),
];

const ABOUT: &str = "Both streams carry the same messages in the same order; one message is one JSON \
    object. The first is `init`, or what a client that comes back has missed. An event that is of no \
    type of this version (`Event`, beside the types named here) is passed on as it was stored: pass \
    over types that you do not know. A filter never holds back what is no event.";

/// The whole document.
pub(in crate::http) fn document() -> Value {
    let mut schemas = Schemas::new();
    let (any, init) = (schemas.make(of::<AnyEvent>()), schemas.make(of::<Init<'static>>()));
    schemas.make(of::<Connection<'static>>());
    schemas.read::<ClientMessage>();
    let mut messages = Map::new();
    let mut examples = examples::events();
    for kind in Payload::KINDS {
        let name = schema_name(kind);
        let mut told = message(kind, &reference("schemas", &name), "An event of the log.");
        if let Some(example) = examples.remove(*kind) {
            told["examples"] = json!([{ "payload": example }]);
        }
        messages.insert(name, told);
    }
    let others = "An event of a type of another version, or imported history.";
    messages.insert("Event".to_owned(), message("any other event", &any, others));
    messages.insert(
        "init".to_owned(),
        message("init", &init, "All that a client needs to show the sprint; events follow."),
    );
    for (kind, about) in CONNECTION {
        let payload = part(&reference("schemas", "Connection"), kind);
        messages.insert((*kind).to_owned(), message(kind, &payload, about));
    }
    let from_server: Vec<String> = messages.keys().cloned().collect();
    for (kind, about) in SAID {
        let payload = part(&reference("schemas", "ClientMessage"), kind);
        messages.insert((*kind).to_owned(), message(kind, &payload, about));
    }
    let from_client: Vec<String> = SAID.iter().map(|(kind, _)| (*kind).to_owned()).collect();
    let mut shapes: Value = schemas.finish().into();
    in_this_dialect(&mut shapes);
    let on_sse = |name: &String| name != "pong";
    let sse: Vec<String> = from_server.iter().filter(|name| on_sse(name)).cloned().collect();
    let ws: Vec<String> = from_server.iter().chain(&from_client).cloned().collect();
    let mut send_sse = does(
        "send",
        "sse",
        "Each `data:` is one message on one line; `id:` is `<epoch>:<id>`.",
        &sse,
    );
    send_sse["bindings"] = json!({ "http": {
        "method": "GET",
        "query": query(&live::SSE),
        "bindingVersion": "0.3.0",
    } });
    json!({
        "asyncapi": "3.0.0",
        "info": {
            "title": "Sprint Runner: the streams",
            "version": env!("CARGO_PKG_VERSION"),
            "description": ABOUT,
            "license": { "name": "MIT" },
        },
        "defaultContentType": "application/json",
        "channels": {
            "ws": channel("/ws", &live::WS, &ws, &json!({ "ws": {
                "method": "GET",
                "query": query(&live::WS),
                "bindingVersion": "0.1.0",
            } })),
            "sse": channel("/sse", &live::SSE, &sse, &json!({})),
        },
        "operations": {
            "sendOverWebSocket": does("send", "ws", "Each text frame is one message.", &from_server),
            "hearOverWebSocket": does(
                "receive",
                "ws",
                "What a client may say; anything else is ignored.",
                &from_client,
            ),
            "sendOverSse": send_sse,
        },
        "components": { "messages": messages, "schemas": shapes },
    })
}

fn message(title: &str, payload: &Value, about: &str) -> Value {
    json!({ "name": title, "title": title, "summary": about, "payload": payload })
}

/// The member of a union by `type`.
fn part(union: &Value, kind: &str) -> Value {
    json!({ "allOf": [union], "type": "object", "properties": { "type": { "const": kind } } })
}

fn channel(address: &str, told: &Operation, messages: &[String], bindings: &Value) -> Value {
    let messages: Map<String, Value> =
        messages.iter().map(|name| (name.clone(), reference("messages", name))).collect();
    json!({
        "address": address,
        "title": told.summary,
        "description": told.about,
        "messages": messages,
        "bindings": bindings,
    })
}

fn does(action: &str, channel: &str, about: &str, messages: &[String]) -> Value {
    let messages: Vec<Value> = messages
        .iter()
        .map(|name| json!({ "$ref": format!("#/channels/{channel}/messages/{name}") }))
        .collect();
    json!({
        "action": action,
        "channel": { "$ref": format!("#/channels/{channel}") },
        "summary": about,
        "messages": messages,
    })
}

/// The query's parameters as one object, as bindings have them; lists are written with commas.
fn query(told: &Operation) -> Value {
    let asked = told.parameters.iter().filter(|one| one.place == Place::Query);
    let properties: Map<String, Value> = asked
        .map(|one| {
            let mut property = shape(&one.shape);
            property["description"] = one.about.into();
            (one.name.to_owned(), property)
        })
        .collect();
    json!({ "type": "object", "properties": properties })
}

/// A union's `discriminator` is a name here, an object there.
fn in_this_dialect(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if let Some(told) = map.get_mut("discriminator")
                && let Some(name) = told.get("propertyName").cloned()
            {
                *told = name;
            }
            map.values_mut().for_each(in_this_dialect);
        }
        Value::Array(items) => items.iter_mut().for_each(in_this_dialect),
        _ => {}
    }
}
