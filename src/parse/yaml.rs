//! sprint-status.yaml: read whatever the wild holds, and write one status without losing a byte.
//!
//! ```text
//!  bytes ─► precheck (refuse) ─► node (the YAML library) ─► read (entries, issues) ─► Reading
//!                │                        │ not valid
//!                └─► scan (places) ◄──────┴──────► recover (what the lines still say)
//!                       └─► write (one value on one line)
//! ```
//!
//! The library gives no places and no duplicate keys, and types what is text (`2e-1`), so an own
//! scan of the `key: value` lines stands beside it; keys and values are always the file's text.

mod entries;
mod node;
mod precheck;
mod read;
mod recover;
mod remarks;
mod scan;
#[cfg(test)]
mod tests;
mod write;

pub use read::read_status;
pub use write::{WriteError, write_status};

/// Files larger than this are refused; the largest real one has 873 kB.
pub const MAX_BYTES: usize = 1024 * 1024;
