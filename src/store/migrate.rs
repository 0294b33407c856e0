//! Opening a database: made when it is empty, refused when it is not ours to read.

use std::path::Path;

use rusqlite::{Connection, OpenFlags};

use super::StoreError;
use super::schema;

/// Opens the database for its one writer and brings it to this version's schema.
pub(super) fn open_writer(path: &Path) -> Result<Connection, StoreError> {
    make_private(path)?;
    let conn = Connection::open(path)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > schema::VERSION {
        return Err(StoreError::Newer { found, known: schema::VERSION });
    }
    if found == 0 {
        let tables: i64 =
            conn.query_row("SELECT count(*) FROM sqlite_schema", [], |row| row.get(0))?;
        if tables > 0 {
            return Err(StoreError::Foreign);
        }
        // Must come before the first table: pages freed by deleting old events can then be given back.
        conn.pragma_update(None, "auto_vacuum", "INCREMENTAL")?;
    }
    conn.pragma_update(None, "journal_mode", "WAL")?;
    // FULL, not NORMAL: an event that was shown must still be there after a power cut.
    conn.pragma_update(None, "synchronous", "FULL")?;
    conn.pragma_update(None, "foreign_keys", "ON")?;
    conn.pragma_update(None, "journal_size_limit", 16 * 1024 * 1024)?;
    conn.pragma_update(None, "temp_store", "MEMORY")?;
    if found == 0 {
        create(&conn)?;
    }
    Ok(conn)
}

/// Opens the database for reading alone.
pub(super) fn open_reader(path: &Path) -> Result<Connection, StoreError> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let conn = Connection::open_with_flags(path, flags)?;
    conn.busy_timeout(std::time::Duration::from_secs(5))?;
    let found: i64 = conn.pragma_query_value(None, "user_version", |row| row.get(0))?;
    if found > schema::VERSION {
        return Err(StoreError::Newer { found, known: schema::VERSION });
    }
    if found == 0 {
        return Err(StoreError::Foreign);
    }
    conn.pragma_update(None, "query_only", "ON")?;
    conn.set_prepared_statement_cache_capacity(32);
    Ok(conn)
}

fn create(conn: &Connection) -> Result<(), StoreError> {
    let mut bytes = [0_u8; 4];
    rustix::rand::getrandom(&mut bytes, rustix::rand::GetRandomFlags::empty()).map_err(
        |error| StoreError::File {
            what: "cannot draw the log's name".to_owned(),
            source: error.into(),
        },
    )?;
    let epoch = format!("{:08x}", u32::from_be_bytes(bytes));
    conn.execute_batch("BEGIN IMMEDIATE")?;
    conn.execute_batch(schema::CREATE)?;
    conn.execute("INSERT INTO meta (key, value) VALUES ('epoch', ?1)", [epoch])?;
    conn.pragma_update(None, "user_version", schema::VERSION)?;
    conn.execute_batch("COMMIT")?;
    Ok(())
}

/// The log holds what agents say: nobody else's to read.
fn make_private(path: &Path) -> Result<(), StoreError> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        std::fs::OpenOptions::new().create(true).append(true).mode(0o600).open(path).map_err(
            |source| StoreError::File { what: "cannot open the database file".to_owned(), source },
        )?;
    }
    #[cfg(not(unix))]
    let _ = path;
    Ok(())
}
