//! What can go wrong with the database.

use rusqlite::ErrorCode;

/// What became of the database file under the running program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moved {
    /// It was deleted, or its folder was moved away.
    Gone,
    /// Another file has its name.
    Replaced,
}

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
        "the file is a database of another program; it was left untouched: name another one with --db"
    )]
    Foreign,
    /// The older server's, to be opened by whoever may change it.
    #[error(
        "the file is a database of the older server: start `sprint-runner serve` on it once, or take its history over with `sprint-runner import`"
    )]
    Older,
    /// The older server's, and another process has it open.
    #[error(
        "the file is a database of the older server and must be made into one of this version, but another process has it open; end that one first"
    )]
    OlderInUse,
    /// A file that cannot be taken over.
    #[error("nothing was taken over: {0}")]
    Source(&'static str),
    /// A database that SQLite cannot read through.
    #[error(
        "the database is damaged ({0}) and was left untouched: put a backup in its place, or mend it with: sqlite3 FILE .recover"
    )]
    Damaged(String),
    /// A file beside the database could not be made or read.
    #[error("{what}: {cause}")]
    File {
        /// What was tried.
        what: String,
        /// Why not; told in the sentence, so not once more as the error's source.
        cause: std::io::Error,
    },
    /// The event lies before what is kept.
    #[error("the events up to {first} are not kept any more")]
    Purged {
        /// The earliest moment that is still known: right after this event.
        first: u64,
    },
    /// What the purged events added up to cannot be read.
    #[error(
        "what the purged events added up to (table `base` of the database) cannot be read: {0}; \
         nothing was changed: put a backup in the database's place, or use the version that wrote \
         it; or move the database away, and a new one is made from the project's files"
    )]
    Base(String),
    /// The file is not where it was opened.
    #[error("{}", match .0 {
        Moved::Gone => "the database file is gone",
        Moved::Replaced => "another file lies in the database's place",
    })]
    Moved(Moved),
    /// A full-text query that cannot be read.
    #[error("the search text cannot be used: {0}")]
    BadQuery(String),
}

impl StoreError {
    /// Why the log cannot be written, and what to do about it, in words that name no path.
    pub fn plain(&self) -> String {
        let text = match self {
            Self::Moved(Moved::Gone) => {
                "the database file is gone from its place; put it back (it is taken up by itself), \
                 or restart the server to begin a new one"
            }
            Self::Moved(Moved::Replaced) => {
                "another file was put in the database's place; restart the server to use it, or put \
                 the first one back"
            }
            Self::Sqlite(error) => match error.sqlite_error_code() {
                Some(ErrorCode::DiskFull) => {
                    "the disk is full; free some space where the database lies, and what waits is \
                     stored by itself"
                }
                Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                    "another program holds the database locked; end that program, and what waits is \
                     stored by itself"
                }
                Some(ErrorCode::ReadOnly | ErrorCode::PermissionDenied) => {
                    "the database is read-only; make its file and its folder writable for the user \
                     who runs this server"
                }
                Some(ErrorCode::CannotOpen) => {
                    "the database or its folder cannot be opened; put it back, or make it readable"
                }
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                    "the database is damaged; stop the server and put a backup in its place"
                }
                Some(ErrorCode::SystemIoFailure) => {
                    "the disk refuses to write; see whether it is full or failing, and what waits is \
                     stored by itself"
                }
                _ => return self.to_string(),
            },
            _ => return self.to_string(),
        };
        text.to_owned()
    }
}
