//! The file that `import` reads: opened for reading alone, and never written, whatever lies beside
//! it.
//!
//! SQLite itself writes beside a database that has a write-ahead log, and rolls an interrupted
//! change back. Such a file is copied first, with what lies beside it, and the copy is read.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::shape::{Kind, Shape, kind_of};
use crate::store::StoreError;

/// How long somebody else's lock is waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// How often a file that changes under the copying is copied again.
const TRIES: u32 = 5;

/// Begins the names of the copies; what a killed import left goes with the next.
const COPY: &str = ".import-";

/// What every database file begins with.
const MAGIC: &[u8] = b"SQLite format 3\0";

/// An older database, open.
#[derive(Debug)]
pub struct Source {
    pub(in crate::store) conn: Connection,
    pub(in crate::store) shape: Shape,
    /// Deleted when this is dropped, after the connection.
    _copy: Option<tempfile::TempDir>,
}

impl Source {
    /// Opens the file; `scratch` is a folder for a copy, where one is needed.
    pub fn open(path: &Path, scratch: &Path) -> Result<Self, StoreError> {
        forget_copies(scratch);
        let path = fs::canonicalize(path).map_err(unread)?;
        let has_wal = read_head(&path)?;
        let opened = if has_wal { None } else { direct(&path)? };
        let (conn, copy) = if let Some(conn) = opened {
            (conn, None)
        } else {
            let (conn, folder) = copied(&path, scratch)?;
            (conn, Some(folder))
        };
        conn.pragma_update(None, "query_only", "ON")?;
        let shape = match kind_of(&conn).map_err(damaged)? {
            Kind::Older(shape) => shape,
            Kind::Empty => return Err(StoreError::Source("it is an empty database")),
            Kind::Ours(_) => {
                return Err(StoreError::Source(
                    "it is a database of this version, not of the older server; serve it with \
                     --db, or see: sprint-runner export",
                ));
            }
            Kind::Newer(found) => {
                return Err(StoreError::Newer { found, known: crate::store::schema::VERSION });
            }
            Kind::Foreign => {
                return Err(StoreError::Source(
                    "it is a database of another program: it lacks the older server's tables \
                     batches and events",
                ));
            }
        };
        check_whole(&conn)?;
        Ok(Self { conn, shape, _copy: copy })
    }
}

/// An error unless all of a database can be read.
pub(super) fn check_whole(conn: &Connection) -> Result<(), StoreError> {
    let verdict: String = conn
        .query_row("PRAGMA quick_check(1)", [], |row| row.get(0))
        .map_err(|e| damaged(e.into()))?;
    if verdict == "ok" { Ok(()) } else { Err(StoreError::Damaged(verdict)) }
}

/// Says of a damaged file that it is.
fn damaged(error: StoreError) -> StoreError {
    match error {
        StoreError::Sqlite(error)
            if matches!(
                error.sqlite_error_code(),
                Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase)
            ) =>
        {
            StoreError::Damaged(error.to_string())
        }
        other => other,
    }
}

fn unread(cause: std::io::Error) -> StoreError {
    StoreError::File { what: "cannot read the file".to_owned(), cause }
}

/// Looks at the file's first bytes; returns whether it has a write-ahead log. Nothing that is no
/// plain file is opened: a pipe would be waited for.
fn read_head(path: &Path) -> Result<bool, StoreError> {
    let found = fs::metadata(path).map_err(unread)?;
    if !found.is_file() {
        return Err(StoreError::Source("it is no plain file"));
    }
    if found.len() == 0 {
        return Err(StoreError::Source("it is empty"));
    }
    let mut head = Vec::with_capacity(100);
    File::open(path).and_then(|file| file.take(100).read_to_end(&mut head)).map_err(unread)?;
    if !head.starts_with(MAGIC) {
        return Err(StoreError::Source("it is no SQLite database"));
    }
    Ok(head.get(18..20) == Some(&[2, 2]))
}

/// The file itself, held at one moment; `None` where SQLite would have to write.
fn direct(path: &Path) -> Result<Option<Connection>, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let opened = Connection::open_with_flags(path, flags).and_then(|conn| {
        conn.busy_timeout(PATIENCE)?;
        conn.execute_batch("BEGIN")?;
        // The lock is taken with the first look.
        conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
        Ok(conn)
    });
    match opened {
        Ok(conn) => Ok(Some(conn)),
        Err(error) => match error.sqlite_error_code() {
            Some(ErrorCode::ReadOnly | ErrorCode::CannotOpen) => Ok(None),
            Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
                Err(StoreError::Source("another program holds it locked; end that program first"))
            }
            _ => Err(damaged(error.into())),
        },
    }
}

/// A copy of the file and of what lies beside it, all of one moment.
fn copied(path: &Path, scratch: &Path) -> Result<(Connection, tempfile::TempDir), StoreError> {
    let failed = |cause| StoreError::File { what: "cannot copy the file".to_owned(), cause };
    let folder = tempfile::Builder::new().prefix(COPY).tempdir_in(scratch).map_err(failed)?;
    let copy = folder.path().join("older.db");
    let parts = ["", "-wal", "-journal"].map(|end| (beside(path, end), beside(&copy, end)));
    for _ in 0..TRIES {
        let before = parts.each_ref().map(|(from, _)| state_of(from));
        for ((from, to), state) in parts.iter().zip(&before) {
            if state.is_some() {
                fs::copy(from, to).map_err(failed)?;
                make_writable(to).map_err(failed)?;
            } else {
                let _ = fs::remove_file(to);
            }
        }
        if before == parts.each_ref().map(|(from, _)| state_of(from)) {
            let conn = Connection::open(&copy)?;
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))
                .map_err(|error| damaged(error.into()))?;
            return Ok((conn, folder));
        }
    }
    Err(StoreError::Source("another program is writing it; end that program first"))
}

/// The source may be read-only, its copy must not be.
fn make_writable(path: &Path) -> std::io::Result<()> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o600))
    }
    #[cfg(not(unix))]
    {
        let mut permissions = fs::metadata(path)?.permissions();
        permissions.set_readonly(false);
        fs::set_permissions(path, permissions)
    }
}

fn state_of(path: &Path) -> Option<(u64, Option<SystemTime>)> {
    fs::metadata(path).ok().map(|found| (found.len(), found.modified().ok()))
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

fn forget_copies(scratch: &Path) {
    for entry in fs::read_dir(scratch).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(COPY) {
            // It only takes room.
            let _ = fs::remove_dir_all(entry.path());
        }
    }
}
