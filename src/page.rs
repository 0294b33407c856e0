//! The page's files, embedded in the binary, and all of them as one.

mod lean;
pub mod modules;
pub mod single;

use std::borrow::Cow;
use std::collections::BTreeMap;

use rust_embed::RustEmbed;

/// The page's files by their name below `public/`.
pub type Files = BTreeMap<String, Cow<'static, [u8]>>;

#[derive(RustEmbed)]
#[folder = "public/"]
struct Embedded;

/// One file of the page, as it is served. A debug binary reads it from the tree it was built in.
pub fn file(name: &str) -> Option<Cow<'static, [u8]>> {
    Some(lean::lean(name, Embedded::get(name)?.data))
}

/// All of them, as they are served.
pub fn files() -> Files {
    Embedded::iter().filter_map(|name| Some((name.to_string(), file(&name)?))).collect()
}

/// All of them, as they were written.
#[cfg(test)]
fn sources() -> Files {
    let written = |name: &str| Some(Embedded::get(name)?.data);
    Embedded::iter().filter_map(|name| Some((name.to_string(), written(&name)?))).collect()
}
