//! Versions of the schema.
