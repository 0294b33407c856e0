//! What can go wrong with the database.

/// A failed call on the database.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// SQLite said no.
    #[error("the database answered: {0}")]
    Sqlite(#[from] rusqlite::Error),
    /// The file was written by a newer version.
    #[error(
        "the database has schema {found}, newer than this version's {known}; it was left untouched: use the version that wrote it"
    )]
    Newer {
        /// The file's schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// An older schema, and another process has the file open.
    #[error(
        "the database has schema {found} and must be brought to {known}, but another process has it open; end that one first"
    )]
    InUse {
        /// The file's schema.
        found: i64,
        /// Ours.
        known: i64,
    },
    /// A database that is not ours.
    #[error(
        "the file is a database of another program or of the older server; it was left untouched: name another one with --db"
    )]
    Foreign,
    /// A file beside the database could not be made or read.
    #[error("{what}: {source}")]
    File {
        /// What was tried.
        what: String,
        /// Why not.
        source: std::io::Error,
    },
    /// A full-text query that cannot be read.
    #[error("the search text cannot be used: {0}")]
    BadQuery(String),
}
