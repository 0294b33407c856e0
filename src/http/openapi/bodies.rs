//! Schemas by hand: of what the server reads by hand, so that it can say what is wrong with it.
//!
//! `tests/openapi.rs` sends what they allow and what they do not; Schemathesis does the same.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};

use crate::domain::settings::Settings;

macro_rules! by_hand {
    ($($(#[$doc:meta])* $name:ident, $inline:literal, |$generator:ident| $schema:expr;)*) => {
        $(
            $(#[$doc])*
            pub(super) struct $name;

            impl JsonSchema for $name {
                fn inline_schema() -> bool {
                    $inline
                }

                fn schema_name() -> Cow<'static, str> {
                    stringify!($name).into()
                }

                fn json_schema($generator: &mut SchemaGenerator) -> Schema {
                    $schema
                }
            }
        )*
    };
}

/// 1 to 2147483647 as a text, as `asked_size` takes it.
const NUMBER: &str = "^(all|0*([1-9][0-9]{0,8}|1[0-9]{9}|20[0-9]{8}|21[0-3][0-9]{7}\
    |214[0-6][0-9]{6}|2147[0-3][0-9]{5}|21474[0-7][0-9]{4}|214748[0-2][0-9]{3}\
    |2147483[0-5][0-9]{2}|21474836[0-3][0-9]|214748364[0-7]))$";

by_hand! {
    /// What a start sends; read by `asked_size`.
    StartBody, false, |_generator| json_schema!({
        "type": "object",
        "description": "What a start sends.",
        "examples": [{ "batch_size": 2 }],
        "properties": {
            "batch_size": {
                "description": "Cycles, or `all`; absent = the setting `default_max_cycles`.",
                "oneOf": [
                    { "type": "integer", "minimum": 1, "maximum": i32::MAX },
                    { "type": "string", "pattern": NUMBER },
                ],
            },
        },
    });

    /// What a stop sends; read by `asked_mode`.
    StopBody, false, |_generator| json_schema!({
        "type": "object",
        "description": "What a stop sends.",
        "examples": [{ "mode": "graceful" }],
        "properties": {
            "mode": {
                "type": "string",
                "description": "Absent = graceful: running commands end first.",
                "enum": ["graceful", "now"],
            },
        },
    });

    /// Nobody looks at it.
    Anything, true, |_generator| json_schema!({});

    /// Any of the settings and nothing else.
    SettingsChange, false, |generator| {
        let mut schema = Settings::json_schema(generator);
        schema.remove("required");
        schema.insert("additionalProperties".to_owned(), false.into());
        schema.insert("description".to_owned(), "Any of the settings and nothing else.".into());
        schema.insert("examples".to_owned(), serde_json::json!([{ "default_max_cycles": 3 }]));
        schema
    };

    /// The document itself.
    OpenApiDocument, true, |_generator| json_schema!({
        "type": "object",
        "required": ["openapi", "info", "paths"],
    });

    /// The document of the streams.
    AsyncApiDocument, true, |_generator| json_schema!({
        "type": "object",
        "required": ["asyncapi", "info", "channels", "operations"],
    });
}
