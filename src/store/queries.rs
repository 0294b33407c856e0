//! The readers: a small pool of read-only connections, and what they are asked.

mod batches;
mod events;
mod past;
mod timeline;

use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};

use rusqlite::Connection;

use super::StoreError;
use super::migrate;
use super::place::Place;

/// Readers at once; more wait. Two cores read no faster than this many.
const CONNECTIONS: usize = 4;

/// A pool of read-only connections. All calls block; a clone shares the pool.
#[derive(Debug, Clone)]
pub struct Queries {
    pool: Arc<Pool>,
}

#[derive(Debug)]
struct Pool {
    path: PathBuf,
    /// Another file of that name is not opened beside the first.
    place: Place,
    idle: Mutex<Idle>,
    returned: Condvar,
}

#[derive(Debug)]
struct Idle {
    connections: Vec<Connection>,
    out: usize,
}

impl Queries {
    /// Opens a database that exists.
    pub fn open(path: &Path) -> Result<Self, StoreError> {
        let place = Place::of(path);
        let first = migrate::open_reader(path)?;
        Ok(Self {
            pool: Arc::new(Pool {
                path: path.to_owned(),
                place,
                idle: Mutex::new(Idle { connections: vec![first], out: 0 }),
                returned: Condvar::new(),
            }),
        })
    }

    /// The log's name: 8 hex digits.
    pub fn epoch(&self) -> Result<String, StoreError> {
        self.with(|conn| {
            Ok(conn.query_row("SELECT value FROM meta WHERE key = 'epoch'", [], |row| row.get(0))?)
        })
    }

    /// How long the database file and its write-ahead log are, in bytes. Asks the file system.
    pub fn sizes(&self) -> (u64, u64) {
        (self.pool.place.bytes(), self.pool.place.wal_bytes())
    }

    /// What was kept under keys that begin with `prefix`, in order of the keys.
    pub fn kept(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, StoreError> {
        self.with(|conn| {
            let mut statement = conn.prepare_cached(
                "SELECT key, value FROM kept WHERE key >= ?1 AND substr(key, 1, length(?1)) = ?1
                 ORDER BY key",
            )?;
            let rows = statement.query_map([prefix], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// Lends a connection. It comes back even when `ask` panics.
    fn with<T>(
        &self,
        ask: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let lent = Lent { pool: &self.pool, conn: Some(self.pool.take()?) };
        match &lent.conn {
            Some(conn) => ask(conn),
            None => unreachable!("a lent connection is there until it is dropped"),
        }
    }
}

impl Pool {
    fn take(&self) -> Result<Connection, StoreError> {
        let mut idle = self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        while idle.connections.is_empty() && idle.out >= CONNECTIONS {
            idle = self.returned.wait(idle).unwrap_or_else(PoisonError::into_inner);
        }
        let conn = if let Some(conn) = idle.connections.pop() {
            conn
        } else {
            let conn = migrate::open_reader(&self.path)?;
            self.place.check()?;
            conn
        };
        idle.out += 1;
        Ok(conn)
    }
}

struct Lent<'a> {
    pool: &'a Pool,
    conn: Option<Connection>,
}

impl Drop for Lent<'_> {
    fn drop(&mut self) {
        let mut idle = self.pool.idle.lock().unwrap_or_else(PoisonError::into_inner);
        idle.out -= 1;
        idle.connections.extend(self.conn.take());
        self.pool.returned.notify_one();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Log, Moved};

    #[test]
    fn b36_readers_do_not_read_two_databases_of_one_name() {
        let dir = tempfile::tempdir().unwrap();
        let (state, away) = (dir.path().join("state"), dir.path().join("away"));
        let path = state.join("test.db");
        std::fs::create_dir(&state).unwrap();
        let (log, queries) = Log::open(&path).unwrap();
        let epoch = queries.epoch().unwrap();
        std::fs::rename(&state, &away).unwrap();
        std::fs::create_dir(&state).unwrap();
        let (other, _) = Log::open(&path).unwrap();
        assert_ne!(other.epoch(), epoch);
        // While one connection is lent the next question opens another.
        let second = || queries.with(|_| Ok(queries.epoch())).unwrap();
        let refused = second().unwrap_err();
        assert!(matches!(refused, StoreError::Moved(Moved::Replaced)), "{refused:?}");
        assert_eq!(queries.epoch().unwrap(), epoch, "the first is still open");
        drop(other);
        std::fs::remove_dir_all(&state).unwrap();
        std::fs::rename(&away, &state).unwrap();
        assert_eq!(second().unwrap(), epoch);
        // Those that were refused are not counted as lent.
        for _ in 0..2 * CONNECTIONS {
            queries.epoch().unwrap();
        }
        drop(log);
    }
}
