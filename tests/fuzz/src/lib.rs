//! The laws, for the fuzz targets.

#[path = "../../laws/mod.rs"]
mod laws;

/// Holds an input against the law of that name.
pub fn hold(name: &str, data: &[u8]) {
    laws::named(name)(data);
}
