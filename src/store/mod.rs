//! SQLite: the log, its projections, and small things kept beside it in the same transaction.
//!
//! One writer ([`Log`]), many readers ([`Queries`]). A commit is durable (`synchronous=FULL`)
//! before it returns; ids are `AUTOINCREMENT`, so that they are never used twice.

pub mod error;
pub mod log;
pub mod migrate;
pub mod projection;
pub mod queries;
pub mod rows;
pub mod schema;
pub mod search;

pub use error::StoreError;
pub use log::Log;
pub use queries::Queries;
