//! The `OpenAPI` 3.1 document: one file a resource, put together with what the code itself knows.
//!
//! The files hold paths and schemas as people write them. From the code come the closed list of
//! error codes, the refusals that any request may meet, HEAD beside every GET, the event types as
//! a union by `type`, the version, the cookie's name. `tests/openapi.rs` holds all of it to a
//! running server.
//!
//! To add a route: its row in [`super::table`], its path in the file of its resource.

#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use super::error::Code;

/// The files, in the order in which they are shown.
const FILES: &[&str] = &[
    include_str!("streams.json"),
    include_str!("log.json"),
    include_str!("snapshot.json"),
    include_str!("sprint.json"),
    include_str!("batches.json"),
    include_str!("managed.json"),
    include_str!("server.json"),
    include_str!("projects.json"),
    include_str!("files.json"),
];

const SHARED: &str = include_str!("shared.json");

/// The event types with the name of their payload's schema, and those schemas.
const EVENTS: &str = include_str!("events.json");

/// What is true of the server that shows the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// The cookie that carries the token.
    pub(super) cookie: &'a str,
    /// Whether a token is asked.
    pub(super) token: bool,
}

/// The whole document. The files are part of the binary and tested: what could not be read of
/// them would be missing here.
pub(super) fn document(facts: Facts<'_>) -> Value {
    let mut document = object(SHARED);
    let mut taken = |name: &str| document.shift_remove(name).unwrap_or_default();
    let (parameters, headers) = (taken("parameters"), taken("headers"));
    let mut schemes = taken("securitySchemes");
    schemes["cookie"]["name"] = facts.cookie.into();

    let (mut paths, mut shapes) = (Map::new(), Map::new());
    for file in FILES {
        let mut file = object(file);
        paths.extend(inner(&mut file, "paths"));
        shapes.extend(inner(&mut file, "schemas"));
    }
    for path in paths.values_mut().filter_map(Value::as_object_mut) {
        complete(path);
    }
    events(&mut shapes);
    shapes.insert("Error".to_owned(), error(Code::ALL));

    document["info"]["version"] = env!("CARGO_PKG_VERSION").into();
    let mut security = vec![json!({ "bearer": [] }), json!({ "cookie": [] })];
    if !facts.token {
        security.push(json!({}));
    }
    document.insert("security".to_owned(), security.into());
    document.insert("paths".to_owned(), paths.into());
    let components = json!({
        "schemas": shapes,
        "responses": refusals(),
        "parameters": parameters,
        "headers": headers,
        "securitySchemes": schemes,
    });
    document.insert("components".to_owned(), components);
    document.into()
}

fn object(text: &str) -> Map<String, Value> {
    serde_json::from_str(text).unwrap_or_default()
}

fn inner(file: &mut Map<String, Value>, name: &str) -> Map<String, Value> {
    match file.shift_remove(name) {
        Some(Value::Object(inner)) => inner,
        _ => Map::new(),
    }
}

/// What the guard and the caps may answer to any request, HEAD where GET is; and that an empty
/// query parameter counts as absent.
fn complete(path: &mut Map<String, Value>) {
    for (method, operation) in path.iter_mut() {
        let parameters = operation.get_mut("parameters").and_then(Value::as_array_mut);
        for parameter in parameters.into_iter().flatten() {
            // Of texts and lists the schema says it.
            let text = ["string", "array"].iter().any(|kind| parameter["schema"]["type"] == *kind);
            let words = parameter["schema"].get("enum").is_some();
            if parameter["in"] == "query" && (!text || words) {
                parameter["allowEmptyValue"] = true.into();
            }
        }
        let with_body = matches!(method.as_str(), "post" | "put");
        for code in Code::ALL {
            let everywhere = matches!(
                code,
                Code::BadRequest
                    | Code::Unauthorized
                    | Code::Forbidden
                    | Code::Misdirected
                    | Code::Internal
            );
            let of_bodies = matches!(code, Code::TooLarge | Code::UnsupportedMediaType);
            let status = code.status().as_str().to_owned();
            if (everywhere || (of_bodies && with_body)) && operation["responses"][&status].is_null()
            {
                operation["responses"][&status] = reference("responses", code.word());
            }
        }
    }
    let upgrades = path.get("get").is_some_and(|get| !get["responses"]["101"].is_null());
    if let Some(head) = path.get("get").filter(|_| !upgrades).map(head) {
        path.insert("head".to_owned(), head);
    }
}

/// The same without a body.
fn head(get: &Value) -> Value {
    let mut head = get.clone();
    let id = head["operationId"].as_str().unwrap_or_default().to_owned();
    head["operationId"] = format!("{id}Head").into();
    if let Some(responses) = head["responses"].as_object_mut() {
        for response in responses.values_mut().filter_map(Value::as_object_mut) {
            response.shift_remove("content");
        }
    }
    head
}

/// The union of all events: by `type`, and beside it what an older version left in the log.
fn events(schemas: &mut Map<String, Value>) {
    let mut file = object(EVENTS);
    schemas.extend(inner(&mut file, "schemas"));
    let kinds = inner(&mut file, "events");
    let (mut union, mut mapping) = (Vec::new(), Map::new());
    for (kind, payload) in &kinds {
        let name = format!("Event.{}", kind.replace(':', "."));
        let payload = reference("schemas", payload.as_str().unwrap_or_default());
        let own = reference("schemas", &name);
        mapping.insert(kind.clone(), own["$ref"].clone());
        union.push(own);
        schemas.insert(name, event(&json!({ "const": kind }), &payload));
    }
    let known = json!({
        "oneOf": union,
        "discriminator": { "propertyName": "type", "mapping": mapping },
    });
    let names: Vec<&String> = kinds.keys().collect();
    let unknown = json!({ "type": "string", "not": { "enum": names } });
    let imported = json!({
        "type": "object",
        "required": ["imported"],
        "properties": { "imported": { "const": true } },
        "additionalProperties": true,
    });
    let any =
        ["KnownEvent", "UnknownEvent", "ImportedEvent"].map(|name| reference("schemas", name));
    let any = json!({
        "description": "one thing that happened; readers pass over types they do not know",
        "anyOf": any,
    });
    for (name, schema) in [
        ("KnownEvent", known),
        ("UnknownEvent", event(&unknown, &json!({}))),
        ("ImportedEvent", event(&json!({ "type": "string" }), &imported)),
        ("Event", any),
    ] {
        schemas.insert(name.to_owned(), schema);
    }
}

fn event(kind: &Value, payload: &Value) -> Value {
    json!({
        "type": "object",
        "required": ["id", "type", "timestamp", "batch_id", "source", "payload"],
        "properties": {
            "id": { "type": "integer", "minimum": 1, "description": "rises, is never used twice" },
            "type": kind,
            "timestamp": { "type": "integer", "description": "when it happened" },
            "batch_id": { "type": ["integer", "null"] },
            "source": reference("schemas", "Source"),
            "payload": payload,
        },
    })
}

/// One answer a code, by the code's word.
fn refusals() -> Map<String, Value> {
    let mut out = Map::new();
    for code in Code::ALL {
        let mut refusal = refusal(code.meaning(), &error(&[*code]));
        match code {
            Code::MethodNotAllowed => refusal["headers"]["Allow"] = reference("headers", "Allow"),
            Code::Unauthorized => {
                // A window is answered by a page that says how to sign in.
                refusal["content"]["text/html"] = json!({ "schema": { "type": "string" } });
            }
            Code::Busy => refusal["headers"]["Retry-After"] = reference("headers", "RetryAfter"),
            _ => {}
        }
        out.insert(code.word().to_owned(), refusal);
    }
    let mut outside = refusal("the range lies outside the body", &reference("schemas", "Error"));
    outside["headers"]["Content-Range"] = reference("headers", "ContentRange");
    out.insert("outside".to_owned(), outside);
    let same = json!({
        "description": "the client has it",
        "headers": { "ETag": reference("headers", "ETag") },
    });
    out.insert("not_modified".to_owned(), same);
    out
}

fn refusal(description: &str, schema: &Value) -> Value {
    json!({ "description": description, "content": { "application/json": { "schema": schema } } })
}

fn error(codes: &[Code]) -> Value {
    let words: Vec<&str> = codes.iter().map(|code| code.word()).collect();
    json!({
        "type": "object",
        "required": ["error", "code"],
        "properties": {
            "error": { "type": "string", "description": "one sentence for people" },
            "code": { "type": "string", "enum": words },
        },
    })
}

fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}
