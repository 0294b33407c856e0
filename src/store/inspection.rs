//! A look at a database from outside: its schema, and whether it is whole. Changes nothing.

use std::path::Path;
use std::time::{Duration, Instant};

use percent_encoding::{NON_ALPHANUMERIC, percent_encode};
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::StoreError;
use super::schema;

/// Steps of SQLite between two looks at the clock; a thousand take less than a millisecond.
const STEPS: i32 = 1000;

/// Who else has the file open.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Beside {
    /// Perhaps somebody: read as any reader does.
    Somebody,
    /// Nobody: not even the files are made that readers share, unless a crash left a write-ahead log.
    Nobody,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Inspection {
    /// The file's schema; 0 where none was set.
    pub schema: i64,
    /// Whether its pages fit together.
    pub whole: Whole,
}

/// Whether the pages of a database fit together.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Whole {
    /// They do.
    Yes,
    /// They do not: the first thing that is wrong.
    No(String),
    /// Not told within the time given.
    Unfinished,
}

/// Looks at the database at `path`, for about as long as `patience` at most.
pub fn inspect(path: &Path, beside: Beside, patience: Duration) -> Result<Inspection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = match beside {
        Beside::Somebody => Connection::open_with_flags(path, flags)?,
        // What a crash left in the write-ahead log belongs to it, and is read by ordinary readers only.
        Beside::Nobody if has_wal(path) => Connection::open_with_flags(path, flags)?,
        Beside::Nobody => {
            let name = percent_encode(path.as_os_str().as_encoded_bytes(), NON_ALPHANUMERIC);
            let uri = format!("file:{name}?immutable=1");
            Connection::open_with_flags(uri, flags | OpenFlags::SQLITE_OPEN_URI)?
        }
    };
    conn.busy_timeout(patience.min(Duration::from_secs(2)))?;
    let schema = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if schema > schema::VERSION {
        return Err(StoreError::Newer { found: schema, known: schema::VERSION });
    }
    Ok(Inspection { schema, whole: whole(&conn, patience)? })
}

fn has_wal(path: &Path) -> bool {
    let mut name = path.as_os_str().to_owned();
    name.push("-wal");
    std::fs::symlink_metadata(name).is_ok_and(|meta| meta.len() > 0)
}

fn whole(conn: &Connection, patience: Duration) -> Result<Whole, StoreError> {
    let begun = Instant::now();
    // Asked by the check itself: an interruption from elsewhere is lost when it comes before it.
    conn.progress_handler(STEPS, Some(move || begun.elapsed() >= patience))?;
    let answer = conn.query_row("PRAGMA quick_check(1)", [], |row| row.get::<_, String>(0));
    match answer {
        Ok(text) if text == "ok" => Ok(Whole::Yes),
        Ok(text) => Ok(Whole::No(text)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::OperationInterrupted) => Ok(Whole::Unfinished),
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => {
                Ok(Whole::No(error.to_string()))
            }
            _ => Err(error.into()),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Log;

    #[test]
    fn a_whole_one_is_whole_and_nothing_is_made_beside_it() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a b%20?#ü.db");
        let (log, queries) = Log::open(&path).unwrap();
        // The writer goes last: it leaves the file alone and whole.
        drop(queries);
        drop(log);
        let names = || {
            let entries = std::fs::read_dir(dir.path()).unwrap();
            let mut names: Vec<_> = entries.map(|entry| entry.unwrap().file_name()).collect();
            names.sort();
            names
        };
        let before = names();
        let seen = inspect(&path, Beside::Nobody, Duration::from_secs(120)).unwrap();
        assert_eq!(seen, Inspection { schema: schema::VERSION, whole: Whole::Yes });
        assert_eq!(names(), before);
    }

    #[test]
    fn what_a_crash_left_in_the_write_ahead_log_is_seen() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a.db");
        let (log, queries) = Log::open(&path).unwrap();
        // A reader that goes last cannot write the log back.
        drop(log);
        drop(queries);
        assert!(has_wal(&path));
        let seen = inspect(&path, Beside::Nobody, Duration::from_secs(120)).unwrap();
        assert_eq!(seen, Inspection { schema: schema::VERSION, whole: Whole::Yes });
    }

    #[test]
    fn a_damaged_one_is_told_and_a_newer_one_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        drop(Log::open(&path).unwrap());
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 999).unwrap();
        let refused = inspect(&path, Beside::Nobody, Duration::from_secs(120)).unwrap_err();
        assert!(matches!(refused, StoreError::Newer { found: 999, .. }), "{refused:?}");
        Connection::open(&path).unwrap().pragma_update(None, "user_version", 1).unwrap();
        let mut bytes = std::fs::read(&path).unwrap();
        let half = bytes.len() / 2;
        bytes[half..].fill(0x5a);
        std::fs::write(&path, &bytes).unwrap();
        let seen = inspect(&path, Beside::Nobody, Duration::from_secs(120)).unwrap();
        assert!(matches!(seen.whole, Whole::No(_)), "{seen:?}");
    }

    #[test]
    fn no_time_is_an_answer_of_its_own() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.db");
        {
            let conn = Connection::open(&path).unwrap();
            conn.execute_batch(
                "CREATE TABLE t (x); CREATE INDEX i ON t (x);
                 WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 300000)
                 INSERT INTO t SELECT hex(randomblob(40)) FROM n;",
            )
            .unwrap();
        }
        let seen = inspect(&path, Beside::Nobody, Duration::ZERO).unwrap();
        assert_eq!(seen.whole, Whole::Unfinished);
    }
}
