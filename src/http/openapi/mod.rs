//! The documents of the API, made from the code itself: `OpenAPI` 3.1 of all addresses, `AsyncAPI`
//! 3.0 of the streams.
//!
//! ```text
//!  table::ROUTES ─► paths/ (what is told of an address) ─┐
//!  the answers' own types (derive JsonSchema) ─► schemas ┴─► openapi.json, asyncapi.json ─► /api
//! ```
//!
//! - Types, doc comments and the table are all there is to keep true: a field, an event type, an
//!   error code that is added stands in the documents at once. What is read by hand has its schema
//!   by hand, in `bodies`.
//! - A document is made when it is first asked for, and kept.
//!
//! To add a route: its row in [`super::table`], what is told of it in the file of its tag in `paths/`.

mod asyncapi;
mod bodies;
pub(super) mod describe;
mod examples;
mod messages;
pub(super) mod paths;
mod schemas;
#[cfg(test)]
mod tests;

use serde_json::{Map, Value, json};

use self::describe::{Answer, Content, JSON, Operation, Parameter, Place, Shape, Version};
use self::schemas::{Schemas, reference};
use super::error::{Code, Refusal};
use super::table::ROUTES;

pub(super) use asyncapi::document as streams;

/// What is true of the server that shows the document.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// The cookie that carries the token.
    pub(super) cookie: &'a str,
    /// Whether a token is asked.
    pub(super) token: bool,
}

const ABOUT: &str = "Times are integers, milliseconds since the epoch. Errors are `{\"error\", \
    \"code\"}` with the codes of the schema `Error` and no others. HEAD works where GET does; \
    OPTIONS answers 204 with `Allow`; any other method 405 with `Allow`. Objects may get more keys \
    in later versions: ignore what you do not know. POST and PUT want `Content-Type: \
    application/json`, also with an empty body, and bodies of at most 64 KiB. Query parameters that \
    are not named here are ignored; an empty one counts as absent. The streams' messages stand in \
    `/api/asyncapi.json` as well.";

/// The whole document.
pub(super) fn document(facts: Facts<'_>) -> Value {
    let mut schemas = Schemas::new();
    let mut paths = Map::new();
    for route in ROUTES {
        let mut methods = Map::new();
        for (method, told) in route.operations() {
            methods.insert(method.to_owned(), operation(told, method, &mut schemas));
        }
        let upgrades = methods.get("get").is_some_and(|get| !get["responses"]["101"].is_null());
        if let Some(head) = methods.get("get").filter(|_| !upgrades).map(head) {
            methods.insert("head".to_owned(), head);
        }
        paths.insert(route.path.to_owned(), methods.into());
    }
    let refusals = refusals(&mut schemas);
    let mut security = vec![json!({ "bearer": [] }), json!({ "cookie": [] })];
    if !facts.token {
        security.push(json!({}));
    }
    let tags =
        paths::TAGS.iter().map(|(name, about)| json!({ "name": name, "description": about }));
    // What clients say over a WebSocket has no place among the paths.
    schemas.read::<super::stream::shapes::ClientMessage>();
    json!({
        "openapi": "3.1.1",
        "info": {
            "title": "Sprint Runner",
            "summary": "What a sprint of a BMAD-method project does, live and looked up, and its \
                managed batches",
            "description": ABOUT,
            "version": env!("CARGO_PKG_VERSION"),
            "license": { "name": "MIT", "identifier": "MIT" },
        },
        "tags": tags.collect::<Vec<_>>(),
        "security": security,
        "paths": paths,
        "components": {
            "schemas": schemas.finish(),
            "responses": refusals,
            "parameters": {
                "IfNoneMatch": header_asked("If-None-Match", "an ETag that the client has; `*` for any"),
                "Range": header_asked(
                    "Range",
                    "one range of bytes, `bytes=0-99`, `bytes=100-` or `bytes=-100`; others are ignored",
                ),
                "IfRange": header_asked(
                    "If-Range",
                    "the range holds for this ETag only, else all is sent",
                ),
            },
            "headers": {
                "ETag": header("names this version of the body"),
                "ContentRange": header(
                    "`bytes FROM-TO/LENGTH`; `bytes */LENGTH` where the range lies outside",
                ),
                "Allow": header("the methods of this address"),
                "RetryAfter": { "description": "seconds", "schema": { "type": "integer" } },
            },
            "securitySchemes": {
                "bearer": {
                    "type": "http",
                    "scheme": "bearer",
                    "description": "the token of `--token`, or the one made and printed at the start; \
                        asked only where the server listens beyond loopback or was given one",
                },
                "cookie": {
                    "type": "apiKey",
                    "in": "cookie",
                    "name": facts.cookie,
                    "description": "set by `GET /?token=…`; named with the server's port, HttpOnly, \
                        SameSite=Strict",
                },
            },
        },
    })
}

fn operation(told: &Operation, method: &str, schemas: &mut Schemas) -> Value {
    let mut out = json!({
        "tags": [told.tag],
        "operationId": told.id,
        "summary": told.summary,
    });
    if !told.about.is_empty() {
        out["description"] = told.about.into();
    }
    let mut parameters: Vec<Value> = told.parameters.iter().map(parameter).collect();
    let names: &[&str] = match told.version {
        Version::None => &[],
        Version::Tagged => &["IfNoneMatch"],
        Version::Ranges => &["IfNoneMatch", "Range", "IfRange"],
    };
    parameters.extend(names.iter().map(|name| reference("parameters", name)));
    if !parameters.is_empty() {
        out["parameters"] = parameters.into();
    }
    if let Some(body) = &told.body {
        out["requestBody"] = json!({
            "required": true,
            "description": body.about,
            "content": { JSON: { "schema": schemas.make(body.schema) } },
        });
    }
    let mut responses = Map::new();
    for answer in told.answers {
        responses.insert(answer.status.to_string(), self::answer(answer, told, schemas));
        if answer.status == 200 {
            later(&mut responses, answer, told.version);
        }
    }
    let with_body = matches!(method, "post" | "put");
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
        if everywhere || (of_bodies && with_body) || told.refusals.contains(code) {
            let status = code.status().as_str().to_owned();
            responses.insert(status, reference("responses", code.word()));
        }
    }
    responses.sort_keys();
    out["responses"] = responses.into();
    out
}

/// What a client that has the answer may get instead.
fn later(responses: &mut Map<String, Value>, answer: &Answer, version: Version) {
    if version == Version::None {
        return;
    }
    responses.insert("304".to_owned(), reference("responses", "not_modified"));
    if version == Version::Ranges {
        let contents: Map<String, Value> = answer
            .contents
            .iter()
            .map(|(kind, _)| ((*kind).to_owned(), json!({ "schema": {} })))
            .collect();
        let part = json!({
            "description": "the range asked for",
            "headers": {
                "ETag": reference("headers", "ETag"),
                "Content-Range": reference("headers", "ContentRange"),
            },
            "content": contents,
        });
        responses.insert("206".to_owned(), part);
        responses.insert("416".to_owned(), reference("responses", "outside"));
    }
}

fn answer(answer: &Answer, told: &Operation, schemas: &mut Schemas) -> Value {
    let mut out = json!({ "description": answer.about });
    let mut headers: Map<String, Value> =
        answer.headers.iter().map(|(name, about)| ((*name).to_owned(), header(about))).collect();
    if told.version != Version::None && answer.status == 200 {
        headers.insert("ETag".to_owned(), reference("headers", "ETag"));
    }
    if !headers.is_empty() {
        out["headers"] = headers.into();
    }
    if !answer.contents.is_empty() {
        let contents: Map<String, Value> = answer
            .contents
            .iter()
            .map(|(kind, content)| ((*kind).to_owned(), self::content(content, schemas)))
            .collect();
        out["content"] = contents.into();
    }
    out
}

fn content(content: &Content, schemas: &mut Schemas) -> Value {
    match content {
        Content::Json(maker) => json!({ "schema": schemas.make(*maker) }),
        Content::Bytes => json!({ "schema": {} }),
        Content::Text("") => json!({ "schema": { "type": "string" } }),
        Content::Text(about) => json!({ "schema": { "type": "string", "description": about } }),
        Content::Carrying(about, name, maker) => json!({
            "schema": { "type": "string", "description": about },
            *name: schemas.make(*maker),
        }),
    }
}

fn parameter(told: &Parameter) -> Value {
    let place = match told.place {
        Place::Path => "path",
        Place::Query => "query",
        Place::Header => "header",
    };
    let mut out = json!({
        "name": told.name,
        "in": place,
        "description": told.about,
        "schema": shape(&told.shape),
    });
    if told.required {
        out["required"] = true.into();
    }
    if matches!(told.shape, Shape::List(..)) {
        out["explode"] = false.into();
    }
    // An empty one counts as absent; of texts the schema says it.
    let text = matches!(told.shape, Shape::Text | Shape::Plain { .. });
    let may_be_empty_by_schema = text || matches!(told.shape, Shape::List(_, None));
    if told.place == Place::Query && !may_be_empty_by_schema {
        out["allowEmptyValue"] = true.into();
    }
    out
}

fn shape(told: &Shape) -> Value {
    match told {
        Shape::Text => json!({ "type": "string" }),
        Shape::Plain { least, most, pattern } => {
            let mut out = json!({ "type": "string" });
            if *least > 0 {
                out["minLength"] = (*least).into();
            }
            if let Some(most) = most {
                out["maxLength"] = (*most).into();
            }
            if let Some(pattern) = pattern {
                out["pattern"] = (*pattern).into();
            }
            out
        }
        Shape::Number(least, most, default) => {
            let mut out = json!({ "type": "integer", "minimum": least, "maximum": most });
            if let Some(default) = default {
                out["default"] = (*default).into();
            }
            out
        }
        Shape::Words(words) => json!({ "type": "string", "enum": words }),
        Shape::NumberOr(word) => {
            json!({ "anyOf": [shape(&describe::COUNT), { "const": word }] })
        }
        Shape::List(items, most) => {
            let mut out = json!({ "type": "array", "items": shape(items) });
            if let Some(most) = most {
                out["maxItems"] = (*most).into();
            }
            out
        }
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

/// One answer a code, by the code's word.
fn refusals(schemas: &mut Schemas) -> Map<String, Value> {
    let any = schemas.make(describe::of::<Refusal>());
    let mut out = Map::new();
    for code in Code::ALL {
        let own = json!({
            "allOf": [any.clone()],
            "properties": { "code": { "const": code.word() } },
        });
        let mut refusal = refusal(code.meaning(), &own);
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
    let mut outside = refusal("the range lies outside the body", &any);
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
    json!({ "description": description, "content": { JSON: { "schema": schema } } })
}

fn header(about: &str) -> Value {
    json!({ "description": about, "schema": { "type": "string" } })
}

fn header_asked(name: &str, about: &str) -> Value {
    json!({ "name": name, "in": "header", "description": about, "schema": { "type": "string" } })
}
