//! The schema of events: a union by `type`, one member a type of the domain.
//!
//! Each member is [`Wire`] with its own `type` and its own payload: what is added to either appears
//! here by itself, and a new type in the table of payloads as a new member.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde_json::{Map, Value, json};

use super::Wire;
use crate::domain::payload::Payload;

/// Any event: of a type of this version, of another one's, or of imported history.
#[derive(Debug)]
pub struct AnyEvent;

/// An event of one of the types of this version.
#[derive(Debug)]
pub struct KnownEvent;

/// What an older version left in the log, or a newer one.
struct UnknownEvent;

/// Imported history: its payload is as the older server wrote it.
struct ImportedEvent;

/// The name of the schema of one type of events.
pub fn schema_name(kind: &str) -> String {
    format!("Event.{}", kind.replace(':', "."))
}

impl JsonSchema for AnyEvent {
    fn schema_name() -> Cow<'static, str> {
        "Event".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let any = [
            generator.subschema_for::<KnownEvent>(),
            generator.subschema_for::<UnknownEvent>(),
            generator.subschema_for::<ImportedEvent>(),
        ];
        json_schema!({
            "description": "One thing that happened. Readers pass over types they do not know.",
            "anyOf": any,
        })
    }
}

impl JsonSchema for KnownEvent {
    fn schema_name() -> Cow<'static, str> {
        "KnownEvent".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let (mut members, mut mapping) = (Vec::new(), Map::new());
        for (kind, payload) in Payload::SCHEMAS {
            let payload = payload(generator);
            let about = description(generator, &payload);
            let member = event(generator, json!({ "const": kind }), payload.into(), about);
            let name = schema_name(kind);
            let path = format!("#{}/{name}", generator.settings().definitions_path);
            generator.definitions_mut().insert(name, member);
            mapping.insert((*kind).to_owned(), path.clone().into());
            members.push(json!({ "$ref": path }));
        }
        json_schema!({
            "description": "An event of a type of this version; `type` says which.",
            "oneOf": members,
            "discriminator": { "propertyName": "type", "mapping": mapping },
        })
    }
}

impl JsonSchema for UnknownEvent {
    fn schema_name() -> Cow<'static, str> {
        "UnknownEvent".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let about = "What another version left in the log, kept and passed on as it is.";
        let kind = json!({
            "type": "string",
            "description": "None of the types of this version.",
            "not": { "enum": Payload::KINDS },
        });
        let payload = json!({ "description": "As it was stored." });
        event(generator, kind, payload, about.to_owned()).try_into().unwrap_or_default()
    }
}

impl JsonSchema for ImportedEvent {
    fn schema_name() -> Cow<'static, str> {
        "ImportedEvent".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        let about = "Imported history: the payload is as the older server wrote it.";
        let payload = json!({
            "type": "object",
            "description": "As the older server wrote it, or as it could be made from its columns.",
            "required": ["imported"],
            "properties": { "imported": { "const": true } },
            "additionalProperties": true,
        });
        let kind = json!({ "type": "string", "description": "As the older server named it." });
        event(generator, kind, payload, about.to_owned()).try_into().unwrap_or_default()
    }
}

/// What is common to all events, with this type and this payload.
fn event(generator: &mut SchemaGenerator, kind: Value, payload: Value, about: String) -> Value {
    let mut event = Value::from(Wire::json_schema(generator));
    event["description"] = about.into();
    event["properties"]["type"] = kind;
    event["properties"]["payload"] = payload;
    event
}

/// What the payload's own schema says of it.
fn description(generator: &SchemaGenerator, payload: &Schema) -> String {
    let reference = payload.get("$ref").and_then(Value::as_str).unwrap_or_default();
    let name = reference.rsplit('/').next().unwrap_or_default();
    let about = generator.definitions().get(name).and_then(|schema| schema["description"].as_str());
    about.unwrap_or_default().to_owned()
}
