//! SQLite: the log, its projections, and small things kept beside it in the same transaction.
//!
//! One writer ([`Log`]), many readers ([`Queries`]). A commit is durable (`synchronous=FULL`)
//! before it returns; ids are `AUTOINCREMENT`, so that they are never used twice.

mod columns;
mod error;
mod fold;
mod log;
mod migrate;
mod projection;
mod queries;
pub mod rows;
mod schema;
mod search;

pub use columns::Columns;
pub use error::StoreError;
pub use fold::FOLD_VERSION;
pub use log::{Log, Record};
pub use queries::Queries;
pub use schema::VERSION as SCHEMA_VERSION;
