//! The `OpenAPI` document as a judge of a running server's answers.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::io::{BufReader, Write};

use serde_json::{Value, json};

use super::Server;
use super::http::{Response, connect, read_response};

/// The document that a server shows, and that server.
pub(crate) struct Api<'a> {
    pub(crate) server: &'a Server,
    pub(crate) document: Value,
    /// Its schemas, taking no key that they do not name.
    strict: Value,
    /// `METHOD path status` of what was answered.
    pub(crate) seen: RefCell<BTreeSet<String>>,
}

impl<'a> Api<'a> {
    pub(crate) fn of(server: &'a Server) -> Self {
        Self::with_head(server, "")
    }

    /// Where a token is asked, a header line carries it.
    pub(crate) fn with_head(server: &'a Server, head: &str) -> Self {
        let document = ask(server, "GET", "/api/openapi.json", head, None).json();
        let mut strict = document["components"].clone();
        tighten(&mut strict);
        Self { server, document, strict, seen: RefCell::default() }
    }

    /// Asks, and holds status, headers and body to what the document says.
    pub(crate) fn ask(&self, method: &str, target: &str, body: Option<&str>) -> Response {
        self.ask_with(method, target, "", body)
    }

    pub(crate) fn ask_with(
        &self,
        method: &str,
        target: &str,
        head: &str,
        body: Option<&str>,
    ) -> Response {
        let answer = ask(self.server, method, target, head, body);
        self.judge(method, target, &answer);
        answer
    }

    /// Whether the answer is one that the document foresees.
    pub(crate) fn judge(&self, method: &str, target: &str, answer: &Response) {
        let path = target.split('?').next().unwrap_or_default();
        let known = self.path_of(path);
        let label = format!("{method} {target}: {}", answer.status);
        let operation = &self.document["paths"][&known][method.to_lowercase()];
        assert!(operation.is_object(), "{label}: {known} is not described");
        let told = &operation["responses"][answer.status.to_string()];
        assert!(told.is_object(), "{label} is not described: {}", answer.text());
        let told = self.resolve(told);
        for name in told["headers"].as_object().into_iter().flat_map(|headers| headers.keys()) {
            // A busy server says when to come again, one that is ending does not.
            assert!(name == "Retry-After" || answer.header(name).is_some(), "{label}: no {name}");
        }
        self.seen.borrow_mut().insert(format!("{method} {known} {}", answer.status));
        if method == "HEAD" {
            assert!(answer.body.is_empty(), "{label} has a body");
            return;
        }
        let Some(content) = told["content"].as_object() else {
            assert!(answer.body.is_empty(), "{label} has a body: {}", answer.text());
            return;
        };
        let kind = answer.header("content-type").unwrap_or_else(|| panic!("{label}: no type"));
        let kind = kind.split(';').next().unwrap_or_default();
        let schema = content.get(kind).unwrap_or_else(|| panic!("{label} is {kind}"));
        // A part of a JSON text is none.
        if kind == "application/json" && answer.status != 206 {
            self.fits(&schema["schema"], &answer.json(), &label);
        }
    }

    /// A value against a schema of the document's.
    pub(crate) fn fits_named(&self, name: &str, value: &Value) {
        let schema = json!({ "$ref": format!("#/components/schemas/{name}") });
        self.fits(&schema, value, name);
    }

    fn fits(&self, schema: &Value, value: &Value, label: &str) {
        let mut root = schema.clone();
        tighten(&mut root);
        root["components"] = self.strict.clone();
        let validator = jsonschema::validator_for(&root).unwrap();
        let wrong: Vec<String> = validator
            .iter_errors(value)
            .map(|error| format!("{} at {}", error.masked(), error.instance_path()))
            .collect();
        assert!(wrong.is_empty(), "{label}: {wrong:#?}\n{value:#}");
    }

    /// The documented path behind a real one.
    fn path_of(&self, path: &str) -> String {
        let paths = self.document["paths"].as_object().unwrap();
        if paths.contains_key(path) {
            return path.to_owned();
        }
        let fits = |known: &&String| {
            let (known, parts) = (known.split('/'), path.split('/'));
            known.clone().count() == parts.clone().count()
                && known.zip(parts).all(|(known, part)| known == part || known.starts_with('{'))
        };
        paths.keys().find(fits).unwrap_or_else(|| panic!("{path} is not described")).clone()
    }

    fn resolve(&self, value: &'a Value) -> Value {
        match value["$ref"].as_str() {
            Some(reference) => self.document.pointer(&reference[1..]).unwrap().clone(),
            None => value.clone(),
        }
    }
}

/// The document of the streams as a judge of their messages.
pub(crate) struct Streams {
    document: Value,
}

impl Streams {
    pub(crate) fn of(server: &Server) -> Self {
        Self { document: ask(server, "GET", "/api/asyncapi.json", "", None).json() }
    }

    /// Whether a message is one of those that are told, by its own type.
    pub(crate) fn say(&self, message: &Value) -> bool {
        let messages = self.document["components"]["messages"].as_object().unwrap();
        let told = messages.values().find(|told| told["title"] == message["type"]);
        let Some(told) = told else { return false };
        let mut root = told["payload"].clone();
        root["components"] = self.document["components"].clone();
        jsonschema::validator_for(&root).unwrap().is_valid(message)
    }
}

/// Objects whose keys are named take no others: a key that is sent and not told is found.
fn tighten(schema: &mut Value) {
    match schema {
        Value::Object(map) => {
            if map.get("properties").is_some_and(Value::is_object)
                && map.get("type").is_some_and(|kind| kind == "object")
                && !map.contains_key("additionalProperties")
            {
                map.insert("additionalProperties".to_owned(), false.into());
            }
            map.values_mut().for_each(tighten);
        }
        Value::Array(items) => items.iter_mut().for_each(tighten),
        _ => {}
    }
}

/// One request on a connection of its own; a body is sent as JSON.
pub(crate) fn ask(
    server: &Server,
    method: &str,
    target: &str,
    head: &str,
    body: Option<&str>,
) -> Response {
    let port = server.port();
    let mut request = format!(
        "{method} {target} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{head}"
    );
    if let Some(body) = body {
        let length = body.len();
        request += &format!("Content-Type: application/json\r\nContent-Length: {length}\r\n");
        request += &format!("\r\n{body}");
    } else {
        request += "\r\n";
    }
    let mut socket = connect(port);
    socket.write_all(request.as_bytes()).unwrap();
    read_response(&mut BufReader::new(socket), method == "HEAD")
        .unwrap_or_else(|| panic!("no answer to {method} {target}"))
}
