//! `[[notifications]]` of the file: whom to tell what, and where the secrets come from.
//!
//! Nothing but the file and the environment names a target. A message about a wrong value never
//! repeats it: it may be a secret in the wrong place.

mod address;
mod secret;
mod table;
mod target;
mod values;
mod words;

pub(super) use address::public_url;
pub use address::{check_url, parse_public_url};
pub use secret::Secret;
pub use table::NotificationTable;
pub(super) use table::{check, variables};
pub use target::NotificationConfig;
pub(super) use target::resolved;
pub use values::is_topic;
pub use words::{BATCH_ENDS, Kind, Rule};

#[cfg(test)]
mod tests;
