//! The page's files, embedded in the binary, and all of them as one.

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

/// One file of the page. A debug binary reads it from the tree it was built in.
pub fn file(name: &str) -> Option<Cow<'static, [u8]>> {
    Embedded::get(name).map(|file| file.data)
}

/// All of them.
pub fn files() -> Files {
    Embedded::iter().filter_map(|name| Some((name.to_string(), file(&name)?))).collect()
}
