//! Opening a database: made when it is empty, brought up to date after a copy was put aside when it
//! is older, refused when it is not ours to read.

#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::Backup;
use rusqlite::{Connection, ErrorCode, OpenFlags};

use super::older::{self, Adopted, Kind, kind_of};
use super::schema;
use super::upkeep::{CACHE_KIB, LOCK_PATIENCE, WRITTEN_BACK_AT};
use super::{StoreError, backup};

/// Opens the database for its one writer and brings it to this version's schema; says what became of
/// the older server's, where it was that.
pub(super) fn open_writer(path: &Path) -> Result<(Connection, Option<Adopted>), StoreError> {
    make_private(path)?;
    let mut conn = Connection::open(path)?;
    conn.busy_timeout(LOCK_PATIENCE)?;
    let mut adopted = None;
    let mut is_new = false;
    match kind_of(&conn)? {
        Kind::Newer(found) => return Err(StoreError::Newer { found, known: schema::VERSION }),
        Kind::Foreign => return Err(StoreError::Foreign),
        Kind::Empty => {
            is_new = true;
            // Must come before the first table: pages freed by deleting old events can then be given
            // back.
            conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
        }
        Kind::Ours(schema::VERSION) => {}
        Kind::Ours(found) => {
            upgrade(&conn, path, found)?;
            conn = reopened(conn, path)?;
        }
        Kind::Older(_) => {
            adopted = Some(older::adopt(&conn, path)?);
            conn = reopened(conn, path)?;
        }
    }
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // FULL, not NORMAL: an event that was shown must still be there after a power cut.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    conn.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    conn.pragma_update(None, "wal_autocheckpoint", WRITTEN_BACK_AT)?;
    // Pages when positive, KiB when negative.
    conn.pragma_update(None, "cache_size", -CACHE_KIB)?;
    if is_new {
        create(&conn)?;
    } else {
        backup::settle(&conn)?;
    }
    Ok((conn, adopted))
}

/// A new connection: the first one would keep the file for itself.
fn reopened(conn: Connection, path: &Path) -> Result<Connection, StoreError> {
    conn.close().map_err(|(_, error)| error)?;
    let conn = Connection::open(path)?;
    conn.busy_timeout(LOCK_PATIENCE)?;
    Ok(conn)
}

/// Opens the database for reading alone.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(Duration::from_secs(5))?;
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found != schema::VERSION {
        match kind_of(&conn)? {
            Kind::Ours(_) => {}
            Kind::Newer(found) => return Err(StoreError::Newer { found, known: schema::VERSION }),
            Kind::Older(_) => return Err(StoreError::Older),
            Kind::Empty | Kind::Foreign => return Err(StoreError::Foreign),
        }
    }
    conn.pragma_update(None, "query_only", "ON")?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

/// Brings an older schema to this version's. The copy put aside before lies beside the file.
fn upgrade(conn: &Connection, path: &Path, found: i64) -> Result<(), StoreError> {
    take_for_oneself(conn)
        .map_err(|error| in_use(error, StoreError::InUse { found, known: schema::VERSION }))?;
    let (aside, part) = (format!(".v{found}.bak"), format!(".v{found}.bak.part"));
    put_aside(conn, &beside(path, &aside), &beside(path, &part), true)?;
    let steps = usize::try_from(found - 1).ok().and_then(|done| schema::STEPS.get(done..));
    conn.execute_batch("BEGIN IMMEDIATE")?;
    for step in steps.ok_or(StoreError::Foreign)? {
        conn.execute_batch(step)?;
    }
    conn.pragma_update(None, "user_version", schema::VERSION)?;
    conn.execute_batch("COMMIT")?;
    tracing::info!(from = found, to = schema::VERSION, "the database was brought up to date");
    Ok(())
}

/// Leaving WAL needs the file for oneself: who has it open would go on with the older schema.
pub(super) fn take_for_oneself(conn: &Connection) -> rusqlite::Result<()> {
    conn.busy_timeout(Duration::from_millis(200))?;
    conn.pragma_update(None, "locking_mode", "EXCLUSIVE")?;
    conn.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    conn.execute_batch("BEGIN EXCLUSIVE; COMMIT")
}

/// `told`, where the error is that somebody else has the file open.
pub(super) fn in_use(error: rusqlite::Error, told: StoreError) -> StoreError {
    match error.sqlite_error_code() {
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => told,
        _ => error.into(),
    }
}

/// A whole copy of the database, on the disk before this returns; marked where a copy that is opened
/// must be known as one.
pub(super) fn put_aside(
    conn: &Connection,
    aside: &Path,
    part: &Path,
    marked: bool,
) -> Result<(), StoreError> {
    let failed = |cause| StoreError::File {
        what: "cannot put a copy of the older database aside".to_owned(),
        cause,
    };
    match std::fs::remove_file(part) {
        Err(error) if error.kind() != ErrorKind::NotFound => return Err(failed(error)),
        _ => {}
    }
    make_private(part)?;
    let mut copy = Connection::open(part)?;
    Backup::new(conn, &mut copy)?.run_to_completion(1024, Duration::ZERO, None)?;
    if marked {
        backup::mark(&copy)?;
    }
    copy.close().map_err(|(_, error)| error)?;
    std::fs::File::open(part).and_then(|file| file.sync_all()).map_err(failed)?;
    std::fs::rename(part, aside).map_err(failed)?;
    if let Some(folder) = aside.parent().filter(|folder| !folder.as_os_str().is_empty()) {
        std::fs::File::open(folder).and_then(|folder| folder.sync_all()).map_err(failed)?;
    }
    Ok(())
}

pub(super) fn beside(path: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(ending);
    PathBuf::from(name)
}

/// A name for a log: 8 hex digits.
pub(super) fn draw_epoch() -> Result<String, StoreError> {
    let mut bytes = [0_u8; 4];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).map_err(
        |error| StoreError::File {
            what: "cannot draw the log's name".to_owned(),
            cause: error.into(),
        },
    )?;
    Ok(format!("{:08x}", u32::from_be_bytes(bytes)))
}

fn create(conn: &Connection) -> Result<(), StoreError> {
    let epoch = draw_epoch()?;
    conn.execute_batch("BEGIN IMMEDIATE")?;
    schema::create(conn, &epoch)?;
    conn.pragma_update(None, "user_version", schema::VERSION)?;
    conn.execute_batch("COMMIT")?;
    Ok(())
}

/// The log holds what agents say: nobody else's to read.
fn make_private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        let opened = std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path);
        opened.map_err(|cause| StoreError::File {
            what: match cause.kind() {
                ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => {
                    "this user may not write the database file: make it and its folder writable, \
                     or name another one with --db"
                }
                _ => "cannot open the database file",
            }
            .to_owned(),
            cause,
        })?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
