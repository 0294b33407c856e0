//! An example of every event type: those to which a test holds the running code.

use std::collections::BTreeMap;

use rust_embed::RustEmbed;
use serde_json::Value;

use crate::domain::event::schema_name;

#[derive(RustEmbed)]
#[folder = "fixtures/wire/events/"]
struct Events;

/// Events by their type.
pub(super) fn events() -> BTreeMap<String, Value> {
    let read = |name: &str| {
        let event: Value = serde_json::from_slice(&Events::get(name)?.data).ok()?;
        Some((event["type"].as_str()?.to_owned(), event))
    };
    Events::iter().filter_map(|name| read(&name)).collect()
}

/// The same by the name of their schema.
pub(super) fn by_schema() -> BTreeMap<String, Value> {
    events().into_iter().map(|(kind, event)| (schema_name(&kind), event)).collect()
}
