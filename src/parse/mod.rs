//! Bytes to events and issues: pure readers that never fail as a whole.
//!
//! A reader yields what it could read and an issue for each place where it could not. None of
//! them reads a clock or a file, and none panics, whatever the bytes. To add a shape that was met
//! in the wild: put a small file in its likeness into a test, then teach the reader.

pub mod agent;
pub mod csv;
pub mod csv_append;
pub mod lines;
pub mod markdown;
pub mod row_event;
pub mod story;
pub mod verdict;
pub mod yaml;
