//! The schemas of the types, collected while a document is put together.

use schemars::generate::SchemaSettings;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Map, Value, json};

use super::describe::Maker;
use super::examples;

/// Where schemas lie, in both documents.
const PLACE: &str = "/components/schemas";

/// A document's schemas.
pub(super) struct Schemas {
    /// Of what the server says.
    said: SchemaGenerator,
    /// Of what it is told.
    heard: SchemaGenerator,
}

impl Schemas {
    pub(super) fn new() -> Self {
        let settings = || {
            SchemaSettings::draft2020_12().with(|settings| {
                settings.definitions_path = PLACE.into();
                settings.meta_schema = None;
            })
        };
        Self {
            said: settings().for_serialize().into_generator(),
            heard: settings().for_deserialize().into_generator(),
        }
    }

    /// The schema where it is used: a reference, or the schema itself where it has no name.
    pub(super) fn make(&mut self, maker: Maker) -> Value {
        let mut made = Value::from(maker(&mut self.said));
        tidy(&mut made, true);
        made
    }

    /// The same of what a client sends and a type of ours reads.
    pub(super) fn read<T: JsonSchema>(&mut self) -> Value {
        self.heard.subschema_for::<T>().into()
    }

    /// All of them by name.
    pub(super) fn finish(mut self) -> Map<String, Value> {
        let (said, heard) = (self.said.take_definitions(true), self.heard.take_definitions(true));
        let mut all: Map<String, Value> = Map::new();
        for (name, mut schema) in said {
            tidy(&mut schema, true);
            all.insert(name, schema);
        }
        for (name, mut schema) in heard {
            tidy(&mut schema, false);
            all.entry(name).or_insert(schema);
        }
        for (name, example) in examples::by_schema() {
            if let Some(schema) = all.get_mut(&name) {
                schema["examples"] = json!([example]);
            }
        }
        all.sort_keys();
        all
    }
}

/// Makes of what stands beside a type in the code what readers of the document need: what may be
/// left out is never null (it is left out instead), comments are one paragraph without links into
/// the code, and defaults of what was stored by older versions are nobody's business.
fn tidy(schema: &mut Value, said: bool) {
    match schema {
        Value::Object(map) => {
            if let Some(Value::String(about)) = map.get_mut("description") {
                *about = plain(about);
            }
            let required: Vec<String> = map
                .get("required")
                .and_then(Value::as_array)
                .map(|all| all.iter().filter_map(Value::as_str).map(str::to_owned).collect())
                .unwrap_or_default();
            if let Some(Value::Object(properties)) = map.get_mut("properties") {
                for (name, property) in properties {
                    let is_setting = property.get("maximum").is_some();
                    if let Some(property) = property.as_object_mut()
                        && !is_setting
                    {
                        property.shift_remove("default");
                    }
                    if said && !required.contains(name) {
                        never_null(property);
                    }
                }
            }
            // What an example holds is no schema.
            map.iter_mut()
                .filter(|(key, _)| *key != "examples")
                .for_each(|(_, one)| tidy(one, said));
        }
        Value::Array(items) => items.iter_mut().for_each(|one| tidy(one, said)),
        _ => {}
    }
}

/// Takes null out of what a schema allows.
fn never_null(schema: &mut Value) {
    let null = json!("null");
    if let Some(kinds) = schema.get_mut("type").and_then(Value::as_array_mut) {
        kinds.retain(|kind| *kind != null);
        if let [only] = kinds.as_slice() {
            schema["type"] = only.clone();
        }
    }
    if let Some(words) = schema.get_mut("enum").and_then(Value::as_array_mut) {
        words.retain(|word| !word.is_null());
    }
    let Some(any) = schema.get_mut("anyOf").and_then(Value::as_array_mut) else { return };
    any.retain(|one| one["type"] != null);
    if let [Value::Object(only)] = any.as_slice() {
        let only = only.clone();
        if let Some(schema) = schema.as_object_mut() {
            schema.shift_remove("anyOf");
            schema.extend(only);
        }
    }
}

/// A comment as one paragraph; links into the code become names.
fn plain(comment: &str) -> String {
    let one = comment.split_whitespace().collect::<Vec<_>>().join(" ");
    one.replace("[`", "`").replace("`]", "`")
}

pub(super) fn reference(kind: &str, name: &str) -> Value {
    json!({ "$ref": format!("#/components/{kind}/{name}") })
}
