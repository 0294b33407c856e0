//! The one writer of the log.

/// The one writer.
pub struct Log {}
