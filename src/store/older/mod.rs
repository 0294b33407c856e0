//! Databases of the older server: known by their shape, read as they are, taken over row by row.
//!
//! ```text
//!  a file named to `import` ─► source (read-only, or a private copy) ─┐
//!                                                                     ├─► shape ─► take ─► our tables
//!  the project's own database (`--db`) ─► adopt (backup, in place) ───┘    │
//!                                                           values, words, payload
//! ```
//!
//! What is taken over is history: its events carry `"imported": true` and never touch the live
//! state. Each row is remembered (table `imported`), so that nothing is taken twice.

mod adopt;
mod payload;
mod places;
mod shape;
mod source;
mod take;
mod take_events;
mod take_rows;
mod take_stories;
mod tally;
#[cfg(test)]
mod tests;
mod values;
mod words;

pub(super) use adopt::adopt;
pub(super) use shape::{Kind, kind_of};
pub use source::Source;
pub(super) use take::{Ids, take_over};
pub use tally::{Adopted, Count, Listed, Progress, Tally};
