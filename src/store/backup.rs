//! A whole copy of a database while it is written, and what marks it as a copy.
//!
//! Whoever opens a copy as a project's database goes on from an earlier moment: ids are given a
//! second time, to other events. So a copy carries a mark, and the first server that opens it draws
//! a new name for the log: a client that has seen the first one is told to begin anew.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, OpenFlags, OptionalExtension};

use super::older::{Kind, kind_of};
use super::{StoreError, migrate};

/// The mark's key in `meta`.
const MARK: &str = "copy";

/// Pages copied in one go; the writer is let in between.
const PAGES: i32 = 1024;
/// How long it waits for a writer that holds the database.
const BUSY: Duration = Duration::from_millis(20);
const TRIES: u32 = 500;

/// Copies the database at `from` into a new file at `to`, also while it is written. What is there
/// afterwards is whole, was checked, is on the disk, and is its owner's alone to read. Refuses to
/// replace a file.
pub fn backup(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |cause| StoreError::File { what: "cannot write the backup".to_owned(), cause };
    let folder = match to.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder.to_owned(),
        _ => PathBuf::from("."),
    };
    let conn = Connection::open_with_flags(
        from,
        OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX,
    )?;
    conn.busy_timeout(Duration::from_secs(5))?;
    let is_ours = match kind_of(&conn)? {
        Kind::Empty | Kind::Foreign => return Err(StoreError::Foreign),
        // Whoever opens it makes it into a new log anyway.
        Kind::Older(_) => false,
        Kind::Ours(_) | Kind::Newer(_) => true,
    };
    // Readable by its owner alone from its first byte on.
    let part = tempfile::Builder::new()
        .prefix(".sprint-runner-backup-")
        .tempfile_in(&folder)
        .map_err(failed)?;
    let mut copy = Connection::open(part.path())?;
    copy_pages(&conn, &mut copy)?;
    // One file, without a log beside it that could be forgotten.
    copy.query_row("PRAGMA journal_mode = DELETE", [], |_| Ok(()))?;
    if is_ours {
        mark(&copy)?;
    }
    let verdict: String = copy.query_row("PRAGMA integrity_check(1)", [], |row| row.get(0))?;
    if verdict != "ok" {
        return Err(failed(std::io::Error::other(format!("the copy is not whole: {verdict}"))));
    }
    copy.close().map_err(|(_, error)| error)?;
    part.as_file().sync_all().map_err(failed)?;
    part.persist_noclobber(to).map_err(|error| failed(error.error))?;
    std::fs::File::open(&folder).and_then(|folder| folder.sync_all()).map_err(failed)
}

fn copy_pages(conn: &Connection, copy: &mut Connection) -> Result<(), StoreError> {
    // One look at the database from the first page to the last: else each commit meanwhile would
    // have the copy begin again, and under load it would never end.
    let look = conn.unchecked_transaction()?;
    look.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    let backup = Backup::new(&look, copy)?;
    let mut tries = 0;
    loop {
        match backup.step(PAGES)? {
            StepResult::Done => return Ok(()),
            StepResult::More => {}
            _ if tries < TRIES => {
                tries += 1;
                std::thread::sleep(BUSY);
            }
            _ => {
                return Err(StoreError::File {
                    what: "cannot read the database".to_owned(),
                    cause: std::io::Error::other("another program holds it locked"),
                });
            }
        }
    }
}

/// Marks a copy.
pub(super) fn mark(copy: &Connection) -> Result<(), StoreError> {
    copy.execute("INSERT OR REPLACE INTO meta (key, value) VALUES (?1, 'yes')", [MARK])?;
    Ok(())
}

/// Where a database is a copy that nobody has opened yet: a new name for its log, and no mark.
pub(super) fn settle(conn: &Connection) -> Result<(), StoreError> {
    let marked = conn
        .query_row("SELECT 1 FROM meta WHERE key = ?1", [MARK], |_| Ok(()))
        .optional()?
        .is_some();
    if !marked {
        return Ok(());
    }
    let epoch = migrate::draw_epoch()?;
    let change = conn.unchecked_transaction()?;
    change.execute("UPDATE meta SET value = ?1 WHERE key = 'epoch'", [&epoch])?;
    change.execute("DELETE FROM meta WHERE key = ?1", [MARK])?;
    change.commit()?;
    tracing::info!(epoch, "a backup was restored: its log has a new name from here on");
    Ok(())
}
