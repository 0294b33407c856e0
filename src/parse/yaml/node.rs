//! A YAML value that keeps what the library's own would lose: the order of keys and their repeats,
//! and texts as texts.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

use crate::domain::issue::shown;

/// A value; scalars that are not texts keep their type for the JSON of the document.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node {
    Null,
    Scalar(Value),
    Sequence(Vec<Node>),
    Mapping(Vec<(String, Node)>),
}

/// Where and why a text is no YAML.
#[derive(Debug)]
pub(super) struct Broken {
    pub(super) line: Option<u64>,
    pub(super) column: Option<u64>,
    pub(super) message: String,
}

impl Node {
    pub(super) fn parse(text: &str) -> Result<Self, Broken> {
        serde_yaml::from_str(text).map_err(|error| {
            // To the library NEL and U+2028 end lines as well, to an editor they do not: the place
            // is counted anew from the characters before it.
            let place = error.location().map(|place| place_of(text, place.index()));
            let full = error.to_string();
            // The place is told apart from the message.
            let message = full.split(" at line ").next().unwrap_or(&full);
            Broken {
                line: place.map(|(line, _)| line),
                column: place.map(|(_, column)| column),
                message: shown(message, 200),
            }
        })
    }

    /// The last value of a key.
    pub(super) fn get(&self, key: &str) -> Option<&Self> {
        match self {
            Self::Mapping(pairs) => {
                pairs.iter().rev().find(|(known, _)| known == key).map(|(_, value)| value)
            }
            _ => None,
        }
    }

    /// A scalar as text.
    pub(super) fn text(&self) -> Option<String> {
        match self {
            Self::Scalar(Value::String(text)) => Some(text.trim().to_owned()),
            Self::Scalar(value) => Some(value.to_string()),
            _ => None,
        }
    }

    /// As JSON; of repeated keys the last wins.
    pub(super) fn json(&self) -> Value {
        match self {
            Self::Null => Value::Null,
            Self::Scalar(value) => value.clone(),
            Self::Sequence(items) => Value::Array(items.iter().map(Self::json).collect()),
            Self::Mapping(pairs) => {
                let pairs = pairs.iter().map(|(key, value)| (key.clone(), value.json()));
                Value::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}

/// Line and column, from 1, of the character at `index`.
fn place_of(text: &str, index: usize) -> (u64, u64) {
    let mut place = (1, 1);
    for c in text.chars().take(index) {
        place = if c == '\n' { (place.0 + 1, 1) } else { (place.0, place.1 + 1) };
    }
    place
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;

        impl<'de> Visitor<'de> for Any {
            type Value = Node;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a YAML value")
            }
            fn visit_bool<E: Error>(self, value: bool) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_i64<E: Error>(self, value: i64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_u64<E: Error>(self, value: u64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_i128<E: Error>(self, value: i128) -> Result<Node, E> {
                Ok(Node::Scalar(value.to_string().into()))
            }
            fn visit_u128<E: Error>(self, value: u128) -> Result<Node, E> {
                Ok(Node::Scalar(value.to_string().into()))
            }
            fn visit_f64<E: Error>(self, value: f64) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_str<E: Error>(self, value: &str) -> Result<Node, E> {
                Ok(Node::Scalar(value.into()))
            }
            fn visit_unit<E: Error>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }
            fn visit_none<E: Error>(self) -> Result<Node, E> {
                Ok(Node::Null)
            }
            fn visit_some<D: Deserializer<'de>>(self, deserializer: D) -> Result<Node, D::Error> {
                Node::deserialize(deserializer)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Node, A::Error> {
                let mut out = Vec::new();
                while let Some(item) = items.next_element()? {
                    out.push(item);
                }
                Ok(Node::Sequence(out))
            }
            fn visit_map<A: MapAccess<'de>>(self, mut pairs: A) -> Result<Node, A::Error> {
                let mut out = Vec::new();
                // As a text, a plain key such as `2e-1` keeps its letters.
                while let Some(key) = pairs.next_key::<String>()? {
                    out.push((key, pairs.next_value()?));
                }
                Ok(Node::Mapping(out))
            }
            fn visit_enum<A: serde::de::EnumAccess<'de>>(self, data: A) -> Result<Node, A::Error> {
                // A value with a tag of its own (`!x y`): the tag says nothing to us.
                let (_, value): (serde::de::IgnoredAny, _) = data.variant()?;
                serde::de::VariantAccess::newtype_variant(value)
            }
        }

        deserializer.deserialize_any(Any)
    }
}
