//! The write-ahead log stays short although there is never a moment in which nobody reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::{end, hub};
use crate::domain::payload::Payload;
use crate::hub::Publication;

fn big(n: i64) -> Publication {
    let mut event = end(n * 1000, "1-1", "dev-story", "end");
    if let Payload::CommandEnd(body) = &mut event.payload {
        body.message = Some("x".repeat(1_000_000));
    }
    Publication::events(vec![event])
}

#[test]
fn b38_a_wal_that_one_long_reader_made_long_is_short_again_by_itself() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    let conn = Connection::open(dir.path().join("test.db")).unwrap();
    let look = conn.unchecked_transaction().unwrap();
    let _: i64 = look.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    for n in 0..30 {
        hub.publish_blocking(big(n)).unwrap();
    }
    let wal = || std::fs::metadata(dir.path().join("test.db-wal")).unwrap().len();
    assert!(wal() > 24 << 20, "{} bytes", wal());
    drop(look);
    // Nothing is written meanwhile.
    let begun = std::time::Instant::now();
    while wal() > 2 << 20 {
        assert!(begun.elapsed() < Duration::from_secs(120), "{} bytes", wal());
        thread::park_timeout(Duration::from_millis(20));
    }
    hub.shutdown();
}

#[test]
fn b38_readers_who_leave_no_moment_free_do_not_make_the_wal_grow() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    let path = dir.path().join("test.db");
    // Each reads for a while, and they begin at different times: one of them always does.
    let reading = Arc::new(AtomicU64::new(4));
    let readers: Vec<_> = (0..4)
        .map(|n| {
            let (path, reading) = (path.clone(), Arc::clone(&reading));
            thread::spawn(move || {
                let conn = Connection::open(path).unwrap();
                thread::park_timeout(Duration::from_millis(n * 8));
                while n < reading.load(Ordering::Relaxed) {
                    let look = conn.unchecked_transaction().unwrap();
                    let _: i64 = look
                        .query_row("SELECT max(id) FROM events", [], |row| row.get(0))
                        .unwrap_or(0);
                    thread::park_timeout(Duration::from_millis(30));
                    drop(look);
                }
            })
        })
        .collect();
    let wal = || std::fs::metadata(dir.path().join("test.db-wal")).unwrap().len();
    // Left to itself the file is begun anew now and then, but never gets shorter.
    let (mut longest, mut now, mut n) = (0, 0, 0);
    let begun = std::time::Instant::now();
    while now >= longest / 2 {
        longest = longest.max(now);
        let secs = begun.elapsed().as_secs();
        assert!(secs < 120, "{longest} bytes");
        // Under load readers are held up for long, and the more there are, the more tries come in
        // vain: one less every half minute.
        reading.store(4 - secs / 30, Ordering::Relaxed);
        hub.publish_blocking(big(n)).unwrap();
        n += 1;
        now = wal();
        if longest > 256 << 20 {
            thread::park_timeout(Duration::from_millis(500));
        }
    }
    reading.store(0, Ordering::Relaxed);
    for reader in readers {
        reader.join().unwrap();
    }
    hub.shutdown();
}
