//! SQLite: the log, its projections, and small things kept beside it in the same transaction.
//!
//! One writer ([`Log`]), many readers ([`Queries`]). A commit is durable (`synchronous=FULL`)
//! before it returns; ids are `AUTOINCREMENT`, so that they are never used twice.

mod backup;
mod columns;
mod error;
mod fold;
mod import;
mod inserts;
mod inspection;
mod log;
mod migrate;
mod older;
mod place;
mod projection;
mod queries;
mod retention;
pub mod rows;
mod schema;
mod search;
mod upkeep;

pub use backup::backup;
pub use columns::Columns;
pub use error::{Moved, StoreError};
pub use fold::FOLD_VERSION;
pub use inspection::{Beside, Inspection, Whole, inspect};
pub use log::{Log, Record};
pub use older::{Adopted, Count, Listed, Progress, Source, Tally};
pub use queries::Queries;
pub use retention::Purged;
pub use schema::VERSION as SCHEMA_VERSION;
