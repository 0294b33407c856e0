//! The document against what the code knows: routes, error codes, event types; and against itself.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use serde_json::Value;

use super::*;
use crate::domain::payload::Payload;
use crate::domain::settings::{RANGES, Settings};
use crate::domain::words;
use crate::http::table::ROUTES;

fn whole() -> Value {
    document(Facts { cookie: "sprint_runner_8080", token: false })
}

#[test]
fn document_and_table_name_the_same_routes_and_methods() {
    let document = whole();
    let paths = document["paths"].as_object().unwrap();
    let described: BTreeSet<&str> = paths.keys().map(String::as_str).collect();
    let routed: BTreeSet<&str> = ROUTES.iter().map(|route| route.path).collect();
    assert_eq!(described, routed);
    assert_eq!(routed.len(), ROUTES.len());
    for route in ROUTES {
        let (path, allow) = (route.path, route.allow());
        let mut methods: Vec<String> =
            paths[path].as_object().unwrap().keys().map(|method| method.to_uppercase()).collect();
        methods.push("OPTIONS".to_owned());
        let sorted = |mut list: Vec<String>| {
            list.sort();
            list
        };
        let allowed = allow.split(", ").map(str::to_owned).collect();
        assert_eq!(sorted(methods), sorted(allowed), "{path}");
    }
}

#[test]
fn every_reference_leads_somewhere_and_every_part_is_used() {
    let document = whole();
    let mut used = BTreeSet::new();
    references(&document, &mut used);
    for reference in &used {
        let pointer = reference.strip_prefix('#').expect("a reference inside");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    for kind in ["schemas", "parameters", "headers"] {
        for name in document["components"][kind].as_object().unwrap().keys() {
            // What a client sends over a WebSocket has no place among the paths.
            let by_itself = ["Message", "ClientMessage"].contains(&name.as_str());
            let used = used.contains(&format!("#/components/{kind}/{name}"));
            assert!(used || by_itself, "nobody refers to {kind}/{name}");
        }
    }
}

/// An index that finds nothing while it may write leaves a null behind.
#[test]
fn nothing_is_null_but_a_word_of_an_enum() {
    fn nulls(value: &Value, at: &str, into: &mut Vec<String>) {
        match value {
            Value::Null => into.push(at.to_owned()),
            Value::Object(map) => {
                let inner =
                    map.iter().filter(|(key, _)| !["enum", "examples"].contains(&key.as_str()));
                inner.for_each(|(key, value)| nulls(value, &format!("{at}/{key}"), into));
            }
            Value::Array(items) => items.iter().for_each(|value| nulls(value, at, into)),
            _ => {}
        }
    }
    let mut found = Vec::new();
    nulls(&whole(), "", &mut found);
    assert!(found.is_empty(), "{found:#?}");
}

fn references(value: &Value, into: &mut BTreeSet<String>) {
    match value {
        Value::Object(map) => {
            into.extend(map.get("$ref").and_then(Value::as_str).map(str::to_owned));
            map.values().for_each(|value| references(value, into));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, into)),
        _ => {}
    }
}

#[test]
fn operations_have_names_of_their_own_and_their_path_s_parameters() {
    let document = whole();
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let name = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(name.to_owned()), "{name} stands twice");
            let parameters = operation["parameters"].as_array().cloned().unwrap_or_default();
            let inside = parameters.iter().filter(|parameter| parameter["in"] == "path");
            let named: Vec<_> =
                inside.map(|one| format!("{{{}}}", one["name"].as_str().unwrap())).collect();
            let parts: Vec<_> = path.split('/').filter(|part| part.starts_with('{')).collect();
            assert_eq!(named, parts, "{method} {path}");
        }
    }
}

#[test]
fn the_events_are_those_of_the_code() {
    let document = whole();
    let schemas = &document["components"]["schemas"];
    let mapping = schemas["KnownEvent"]["discriminator"]["mapping"].as_object().unwrap();
    let named: Vec<&str> = mapping.keys().map(String::as_str).collect();
    assert_eq!(named, Payload::KINDS);
    assert_eq!(schemas["KnownEvent"]["oneOf"].as_array().unwrap().len(), Payload::KINDS.len());
}

#[test]
fn every_example_of_an_event_is_one_of_its_own_type_and_of_no_other() {
    let document = whole();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire/events");
    let mut seen = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut example: Value = serde_json::from_str(&text).unwrap();
        let kind = example["type"].as_str().unwrap().to_owned();
        let fits = |name: &str, value: &Value| validator(&document, name).is_valid(value);
        let own = format!("Event.{}", kind.replace(':', "."));
        let errors: Vec<String> = validator(&document, &own)
            .iter_errors(&example)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{kind}: {errors:#?}");
        assert!(fits("KnownEvent", &example) && fits("Message", &example), "{kind}");
        assert!(!fits("UnknownEvent", &example), "{kind}");
        // Each key is asked for: without it the payload is no such payload.
        let payload = example["payload"].as_object().unwrap().clone();
        let schema = &document["components"]["schemas"][&own]["properties"]["payload"]["$ref"];
        let schema = document.pointer(&schema.as_str().unwrap()[1..]).unwrap();
        for key in schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str) {
            let mut less = payload.clone();
            less.shift_remove(key).unwrap_or_else(|| panic!("{kind} has no {key}"));
            example["payload"] = less.into();
            assert!(!fits("Event", &example), "{kind} without {key}");
        }
        example["payload"] = payload.into();
        example["type"] = "story:dreamt".into();
        assert!(fits("UnknownEvent", &example) && !fits("KnownEvent", &example));
        seen.insert(kind);
    }
    assert_eq!(seen, Payload::KINDS.iter().map(|&kind| kind.to_owned()).collect());
}

#[test]
fn examples_of_answers_fit_their_schemas() {
    let document = whole();
    for (file, schema) in [
        ("api-batch", "BatchDetail"),
        ("api-events", "EventPage"),
        ("api-events-search", "EventPage"),
        ("api-orchestrator-status", "OrchestratorStatus"),
        ("api-orchestrator-status-files", "OrchestratorLog"),
        ("api-settings", "Settings"),
        ("api-sprint-status", "SprintStatus"),
        ("api-story", "StoryFiles"),
        ("api-timeline", "Timeline"),
        ("api-timeline-all", "Timeline"),
        ("error-bad-request", "Error"),
        ("error-not-found", "Error"),
        ("healthz", "Health"),
        ("init", "Message"),
        ("init", "Init"),
        ("reset", "Message"),
        ("snapshot", "Snapshot"),
        ("snapshot-at", "Snapshot"),
    ] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/wire/{file}.json"));
        let example: Value = serde_json::from_str(&fs::read_to_string(path).unwrap()).unwrap();
        let result = validator(&document, schema);
        let errors: Vec<String> = result
            .iter_errors(&example)
            .map(|error| format!("{error} at {}", error.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{file}: {errors:#?}");
    }
}

#[test]
fn the_settings_have_the_ranges_of_the_code() {
    let document = whole();
    let facts = Settings::default().facts();
    for name in ["Settings", "SettingsChange"] {
        let properties = document["components"]["schemas"][name]["properties"].as_object().unwrap();
        assert_eq!(properties.len(), RANGES.len());
        for fact in &facts {
            let said = &properties[fact.key];
            let said = [&said["minimum"], &said["maximum"], &said["default"]];
            assert_eq!(said, [fact.least, fact.greatest, fact.default].map(Value::from).each_ref());
        }
    }
}

#[test]
fn the_codes_are_the_closed_list() {
    let document = whole();
    let words = [
        ("bad_request", 400),
        ("unauthorized", 401),
        ("forbidden", 403),
        ("not_found", 404),
        ("method_not_allowed", 405),
        ("conflict", 409),
        ("too_large", 413),
        ("unsupported_media_type", 415),
        ("misdirected", 421),
        ("busy", 503),
        ("internal", 500),
    ];
    let codes: Vec<_> =
        Code::ALL.iter().map(|code| (code.word(), code.status().as_u16())).collect();
    assert_eq!(codes, words);
    let said = &document["components"]["schemas"]["Error"]["properties"]["code"]["enum"];
    assert_eq!(said, &Value::from(words.map(|(word, _)| word).to_vec()));
    // A code stands only under its own status.
    for (path, methods) in document["paths"].as_object().unwrap() {
        for operation in methods.as_object().unwrap().values() {
            for (status, answer) in operation["responses"].as_object().unwrap() {
                let Some(name) = answer["$ref"].as_str().and_then(|all| all.rsplit('/').next())
                else {
                    continue;
                };
                let expected = match name {
                    "not_modified" => 304,
                    "outside" => 416,
                    word => words.iter().find(|(known, _)| *known == word).expect(word).1,
                };
                assert_eq!(status, &expected.to_string(), "{path}");
            }
        }
    }
}

#[test]
fn the_token_is_optional_only_where_none_is_asked() {
    let asked = document(Facts { cookie: "sprint_runner_9", token: true });
    assert_eq!(asked["security"].as_array().unwrap().len(), 2);
    assert_eq!(whole()["security"].as_array().unwrap().len(), 3);
    assert_eq!(asked["components"]["securitySchemes"]["cookie"]["name"], "sprint_runner_9");
}

fn validator(document: &Value, name: &str) -> jsonschema::Validator {
    let mut root = reference("schemas", name);
    root["components"] = document["components"].clone();
    jsonschema::validator_for(&root).expect("a schema")
}

/// Two types of one name would stand beside each other with a number.
#[test]
fn every_schema_has_a_name_of_its_own_and_words_to_it() {
    let document = whole();
    let schemas = document["components"]["schemas"].as_object().unwrap();
    let about = |schema: &Value| -> bool {
        let named = schema["$ref"].as_str().map(|all| document.pointer(&all[1..]).unwrap());
        let items = schema["items"]["$ref"].as_str();
        [Some(schema), named].into_iter().flatten().any(|one| one["description"].is_string())
            || items.is_some()
    };
    let mut bare = Vec::new();
    for (name, schema) in schemas {
        assert!(!name.ends_with(|c: char| c.is_ascii_digit()), "{name}");
        if !about(schema) {
            bare.push(name.clone());
        }
        for (field, property) in schema["properties"].as_object().into_iter().flatten() {
            // The `type` of a union's member says itself.
            if !about(property) && property.get("const").is_none() {
                bare.push(format!("{name}.{field}"));
            }
        }
    }
    assert!(bare.is_empty(), "nothing is said of {bare:#?}");
    let text = document.to_string();
    for of_the_code in ["[`", "`]", "crate::"] {
        assert!(!text.contains(of_the_code), "{of_the_code} stands in the document");
    }
}

/// What may be left out is never sent as null.
#[test]
fn what_may_be_absent_is_never_null() {
    let document = whole();
    let warning = &document["components"]["schemas"]["BatchWarning"];
    let required: Vec<&str> =
        warning["required"].as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert_eq!(required, ["batch_id", "message", "warning_type"]);
    assert_eq!(warning["properties"]["parked_until"]["type"], "integer");
    assert_eq!(warning["properties"]["state"]["$ref"], "#/components/schemas/RunState");
    assert_eq!(warning["properties"]["batch_id"]["type"], json!(["integer", "null"]));
}

/// The words for which the code has no type are those that the database takes.
#[test]
fn the_words_of_statuses_are_those_of_the_database() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store/schema.rs");
    let text = fs::read_to_string(path).unwrap();
    let schema = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let listed =
        |column: &str, words: &[&str]| format!("CHECK ({column} IN ('{}'))", words.join("', '"));
    for check in [
        listed("status", words::BatchStatus::WORDS),
        listed("origin", words::Origin::WORDS),
        listed("status", words::StoryStatus::WORDS),
        format!("CHECK (status = '{}')", words::CommandStatus::WORDS.join("' OR status = '")),
    ] {
        assert!(schema.contains(&check), "the database has no {check}");
    }
    let ends = words::BatchStatus::WORDS.iter().filter(|word| **word != "running");
    assert_eq!(words::BatchEndStatus::WORDS, ends.copied().collect::<Vec<_>>());
}

#[test]
fn the_streams_document_is_whole_and_of_the_same_types() {
    let (requests, streams) = (whole(), streams());
    let mut used = BTreeSet::new();
    references(&streams, &mut used);
    for reference in &used {
        let pointer = reference.strip_prefix('#').expect("a reference inside");
        assert!(streams.pointer(pointer).is_some(), "{reference}");
    }
    let components = &streams["components"];
    for (name, schema) in components["schemas"].as_object().unwrap() {
        let mut same = requests["components"]["schemas"][name].clone();
        if let Some(told) = same.get_mut("discriminator") {
            *told = "type".into();
        }
        assert_eq!(*schema, same, "{name}");
    }
    for kind in Payload::KINDS {
        let name = crate::domain::event::schema_name(kind);
        let message = &components["messages"][&name];
        assert_eq!(message["payload"], reference("schemas", &name));
        let example = &message["examples"][0]["payload"];
        assert!(validator(&streams, &name).is_valid(example), "{kind}: {example}");
        for channel in ["ws", "sse"] {
            let there = &streams["channels"][channel]["messages"][&name];
            assert_eq!(*there, reference("messages", &name));
        }
    }
    // What is said on each, and asked of it.
    for (operation, many) in
        [("sendOverWebSocket", 36), ("sendOverSse", 35), ("hearOverWebSocket", 2)]
    {
        let messages = streams["operations"][operation]["messages"].as_array().unwrap();
        assert_eq!(messages.len(), many, "{operation}");
    }
    let asked = |bindings: &Value| {
        bindings["query"]["properties"].as_object().unwrap().keys().cloned().collect::<Vec<_>>()
    };
    let names = ["types", "story", "batch_id", "last_event_id"];
    assert_eq!(asked(&streams["channels"]["ws"]["bindings"]["ws"]), names);
    assert_eq!(asked(&streams["operations"]["sendOverSse"]["bindings"]["http"]), names);
}
