//! What a row of the table of routes says of its address: parameters, bodies, answers. The document
//! and the routes come from the same rows.

use schemars::{JsonSchema, Schema, SchemaGenerator};

use crate::http::error::Code;

/// Makes a type's schema, a reference where it has a name.
pub(in crate::http) type Maker = fn(&mut SchemaGenerator) -> Schema;

/// What may be done at an address with one method.
#[derive(Debug)]
pub(in crate::http) struct Operation {
    pub(super) tag: &'static str,
    pub(super) id: &'static str,
    /// One line, as in a list.
    pub(super) summary: &'static str,
    /// What there is to say beside it.
    pub(super) about: &'static str,
    pub(super) parameters: &'static [Parameter],
    pub(super) body: Option<Body>,
    pub(super) answers: &'static [Answer],
    /// Beside those that any request may meet.
    pub(super) refusals: &'static [Code],
    pub(super) version: Version,
}

impl Operation {
    /// With nothing but its names, for `..` in a row.
    pub(super) const fn new(tag: &'static str, id: &'static str, summary: &'static str) -> Self {
        Self {
            tag,
            id,
            summary,
            about: "",
            parameters: &[],
            body: None,
            answers: &[],
            refusals: &[],
            version: Version::None,
        }
    }
}

/// What a client may do with the answer that it got before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Version {
    None,
    /// Ask whether it still holds.
    Tagged,
    /// That, and ask for a part.
    Ranges,
}

/// Where a parameter stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    Path,
    Query,
    Header,
}

#[derive(Debug)]
pub(super) struct Parameter {
    pub(super) name: &'static str,
    pub(super) place: Place,
    pub(super) about: &'static str,
    pub(super) shape: Shape,
    pub(super) required: bool,
}

impl Parameter {
    pub(super) const fn query(name: &'static str, about: &'static str, shape: Shape) -> Self {
        Self { name, place: Place::Query, about, shape, required: false }
    }

    pub(super) const fn path(name: &'static str, about: &'static str, shape: Shape) -> Self {
        Self { name, place: Place::Path, about, shape, required: true }
    }
}

/// What a parameter's text may be.
#[derive(Debug)]
pub(super) enum Shape {
    Text,
    /// Text of these lengths, of this pattern.
    Plain {
        least: u64,
        most: Option<u64>,
        pattern: Option<&'static str>,
    },
    /// A whole number; the last is what an absent one means.
    Number(u64, u64, Option<u64>),
    /// One of these words.
    Words(&'static [&'static str]),
    /// A number or this word.
    NumberOr(&'static str),
    /// Any of these, with commas between, at most so many.
    List(&'static Shape, Option<u64>),
}

/// A number from 0 on.
pub(super) const COUNT: Shape = Shape::Number(0, u64::MAX, None);

/// The number of a row.
pub(super) const ROW: Shape = Shape::Number(1, i64::MAX as u64, None);

/// A name that stands in a path.
pub(super) const NAME: Shape = Shape::Plain {
    least: 1,
    most: Some(255),
    pattern: Some("^[^\\u0000-\\u001f\\u007f-\\u009f%/\\\\\\ufffd]+$"),
};

/// What a POST or a PUT sends.
#[derive(Debug)]
pub(super) struct Body {
    pub(super) about: &'static str,
    pub(super) schema: Maker,
}

#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: u16,
    pub(super) about: &'static str,
    /// Their names with what they say.
    pub(super) headers: &'static [(&'static str, &'static str)],
    /// By media type.
    pub(super) contents: &'static [(&'static str, Content)],
}

impl Answer {
    pub(super) const fn good(
        about: &'static str,
        contents: &'static [(&'static str, Content)],
    ) -> Self {
        Self { status: 200, about, headers: &[], contents }
    }
}

#[derive(Debug)]
pub(super) enum Content {
    Json(Maker),
    Text(&'static str),
    Bytes,
    /// Text that carries such values: under an extension's name.
    Carrying(&'static str, &'static str, Maker),
}

pub(super) const JSON: &str = "application/json";

/// The maker of a type's schema.
pub(super) const fn of<T: JsonSchema>() -> Maker {
    SchemaGenerator::subschema_for::<T>
}
