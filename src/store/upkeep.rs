//! Keeping the database small, and finding out whether it can be written again.

use std::time::Duration;

use super::{Log, StoreError};

/// A write-ahead log longer than this is written back at once, also under load.
const WAL_BYTES: u64 = 24 * 1024 * 1024;
/// With nothing else to do, one longer than this is.
const WAL_BYTES_IDLE: u64 = 2 * 1024 * 1024;
/// How long a checkpoint waits for readers: all writers wait with it.
const WAL_PATIENCE: Duration = Duration::from_millis(150);
/// How long the writer waits for another program's lock.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(2);
/// Pages given back to the system in one go.
const PAGES: u32 = 256;
/// Pages in the write-ahead log from which SQLite writes them back by itself: 16 MiB. Commits change
/// the same pages of the indexes again and again, and what is written back more rarely is written,
/// and waited for, less often.
pub(super) const WRITTEN_BACK_AT: u32 = 4096;
const _: () = assert!(WRITTEN_BACK_AT as u64 * 4096 < WAL_BYTES);
/// What the writer keeps of the database in memory, in KiB: the pages that a large commit changes.
/// With less, they are written and read again before it ends.
pub(super) const CACHE_KIB: i64 = 8 * 1024;

impl Log {
    /// Keeps the write-ahead log short. SQLite begins it anew only at a moment when nobody reads
    /// from it, and many readers leave no such moment: so it is made.
    /// Returns whether it is still long, because somebody reads for long.
    pub fn bound_wal(&mut self, idle: bool) -> Result<bool, StoreError> {
        let most = if idle { WAL_BYTES_IDLE } else { WAL_BYTES };
        if self.place.wal_bytes() <= most {
            return Ok(false);
        }
        self.write_back()?;
        if idle {
            // Who has written much has much in memory.
            self.conn.execute_batch("PRAGMA shrink_memory")?;
        }
        Ok(self.place.wal_bytes() > most)
    }

    /// How long the write-ahead log is, in bytes.
    pub fn wal_bytes(&self) -> u64 {
        self.place.wal_bytes()
    }

    /// Writes the write-ahead log back and empties it, unless somebody reads: then it stays as it
    /// is. Afterwards the database file alone is whole.
    pub fn write_back(&mut self) -> Result<(), StoreError> {
        self.conn.busy_timeout(WAL_PATIENCE)?;
        // The row says whether a reader was in the way.
        let done = self.conn.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()));
        self.conn.busy_timeout(LOCK_PATIENCE)?;
        Ok(done?)
    }

    /// Gives pages that purged events have left back to the system. Returns whether there are more.
    pub fn shrink_some(&mut self) -> Result<bool, StoreError> {
        let free = |log: &Self| -> Result<i64, StoreError> {
            Ok(log.conn.pragma_query_value(None, "freelist_count", |row| row.get(0))?)
        };
        if free(self)? == 0 {
            return Ok(false);
        }
        self.place.check()?;
        let before = free(self)?;
        // It gives back one page with each row that it is asked for.
        let mut vacuum = self.conn.prepare(&format!("PRAGMA incremental_vacuum({PAGES})"))?;
        let mut pages = vacuum.query([])?;
        while pages.next()?.is_some() {}
        drop(pages);
        drop(vacuum);
        let left = free(self)?;
        // A file that was made without that ability keeps its free pages, and uses them again.
        Ok(left > 0 && left < before)
    }

    /// Writes a trifle: whether the log can be written.
    pub fn probe(&mut self) -> Result<(), StoreError> {
        self.place.check()?;
        let done = self.conn.execute(
            "INSERT OR REPLACE INTO meta (key, value)
             VALUES ('probe', coalesce((SELECT value + 1 FROM meta WHERE key = 'probe'), 1))",
            [],
        );
        if done.is_err() {
            self.roll_back();
        }
        done?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn b38_free_pages_are_given_back_many_at_once() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("test.db");
        let (mut log, _queries) = Log::open(&path).unwrap();
        let free = |log: &Log| -> i64 {
            log.conn.pragma_query_value(None, "freelist_count", |row| row.get(0)).unwrap()
        };
        let mut keep = |value: Option<Vec<u8>>| {
            let kept: Vec<_> = (0..8).map(|n| (format!("k{n}"), value.clone())).collect();
            log.append(&[], &kept).unwrap();
        };
        keep(Some(vec![7; 500_000]));
        keep(None);
        let before = free(&log);
        assert!(before > 3 * i64::from(PAGES), "{before} pages");
        assert!(log.shrink_some().unwrap(), "there are more");
        assert_eq!(free(&log), before - i64::from(PAGES));
        let mut steps = 1;
        while log.shrink_some().unwrap() {
            steps += 1;
        }
        assert!(steps <= before / i64::from(PAGES) + 1, "{steps} steps");
        assert_eq!(free(&log), 0);
        log.write_back().unwrap();
        let size = std::fs::metadata(&path).unwrap().len();
        assert!(size < 1_000_000, "{size} bytes");
    }
}
