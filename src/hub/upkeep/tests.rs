//! What the thread does when it has nothing to do, step by step.

use std::path::Path;

use rusqlite::Connection;

use super::*;
use crate::domain::attribution::Rules;
use crate::domain::event::{Event, Source};
use crate::domain::payload::{BatchWarning, Payload};
use crate::domain::twins::Twins;
use crate::hub::pace::Pace;
use crate::hub::shared::Shared;
use crate::store::{Log, Moved, Queries, Record};

const NOW_MS: i64 = 1_000_000;

fn writer(dir: &Path) -> (Writer, Queries) {
    let (mut log, queries) = Log::open(&dir.join("test.db")).unwrap();
    let state = log.load_state().unwrap();
    let shared = Shared::new(&log, state.clone()).unwrap();
    let twins = Twins::load(&[]);
    let clock = Box::new(|| NOW_MS);
    let pace = Pace::new(NOW_MS, Instant::now());
    let writer = Writer::new(log, state, twins, Rules::default(), clock, pace, shared.into());
    (writer, queries)
}

/// Appends so many old events of so many bytes.
fn append(log: &mut Log, count: u64, bytes: usize) {
    let head = log.head();
    let record = |n| {
        let message = "x".repeat(bytes);
        let payload = Payload::BatchWarning(BatchWarning { message, ..BatchWarning::default() });
        let payload_json = serde_json::value::to_raw_value(&payload).unwrap();
        let source = Source::Orchestrator;
        let event = Event { id: head + n, timestamp_ms: 1000, source, batch_id: None, payload };
        Record { event, payload_json }
    };
    log.append(&(1..=count).map(record).collect::<Vec<_>>(), &[]).unwrap();
}

/// Index and stored state are as far as the log.
fn settle(log: &mut Log) {
    let state = log.load_state().unwrap();
    log.save_state(&state).unwrap();
    while log.index_some(1000).unwrap() {}
}

#[test]
fn b36_a_log_that_cannot_be_written_is_waited_for_not_spun_on() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, _queries) = writer(dir.path());
    writer.upkeep.keep_for(Some(1000));
    // What is due is not done now, and stays due.
    for _ in 0..3 {
        // Anew, and still it may be over where this thread is held up for long.
        writer.has_failed(&StoreError::Moved(Moved::Gone));
        assert!(!writer.upkeep_step());
        assert!(writer.upkeep.purge_at <= Instant::now());
        if !writer.trouble.is_there() {
            continue;
        }
        let idle = writer.idle_for();
        assert!(idle <= PROBE, "{idle:?}");
        let tried_again = Instant::now() >= writer.upkeep.probe_at;
        assert!(idle > Duration::ZERO || tried_again, "{idle:?}");
    }
}

#[test]
fn b08_a_purge_is_told_to_readers_before_it_is_done() {
    let dir = tempfile::tempdir().unwrap();
    let (mut writer, queries) = writer(dir.path());
    append(&mut writer.log, 10, 10);
    settle(&mut writer.log);
    let conn = Connection::open(dir.path().join("test.db")).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER stop BEFORE DELETE ON events BEGIN SELECT RAISE(ABORT, 'here'); END",
    )
    .unwrap();
    writer.upkeep.keep_for(Some(1000));
    assert_eq!(writer.shared.first_available(), 1);
    // It goes no further than to the deletion itself.
    writer.upkeep_step();
    assert!(writer.trouble.is_there());
    assert_eq!(queries.base_id().unwrap(), 0);
    assert_eq!(queries.events_after(0, 10_000).unwrap().len(), 10);
    assert_eq!(writer.shared.first_available(), 11);
}

#[test]
fn b38_a_checkpoint_that_achieves_nothing_is_not_tried_each_time() {
    for idle in [false, true] {
        let dir = tempfile::tempdir().unwrap();
        let (mut writer, _queries) = writer(dir.path());
        let conn = Connection::open(dir.path().join("test.db")).unwrap();
        let look = conn.unchecked_transaction().unwrap();
        let _: i64 = look.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
        for _ in 0..13 {
            append(&mut writer.log, 2, 1_000_000);
        }
        let look_at = |writer: &mut Writer| {
            if idle {
                writer.rest();
            } else {
                writer.upkeep_under_load();
            }
            writer.upkeep.wal_at
        };
        let begun = Instant::now();
        let first = look_at(&mut writer);
        assert!(first >= begun + WAL_AGAIN, "it was tried");
        // The test is as slow as it may be: the next try lies far ahead.
        let hour = Duration::from_secs(3600);
        let later = first + hour;
        writer.upkeep.wal_at = later;
        for _ in 0..3 {
            assert_eq!(look_at(&mut writer), later, "not again");
            append(&mut writer.log, 1, 10);
        }
        assert!(writer.upkeep.wal_long && writer.idle_for() <= hour + WAL_AGAIN * 2);
        append(&mut writer.log, 2, WAL_GROWN as usize / 2);
        let grown = look_at(&mut writer);
        assert!(grown < later, "it has grown");
        assert!(look_at(&mut writer) >= grown);
        writer.upkeep.wal_at = begun;
        assert!(look_at(&mut writer) >= begun + WAL_AGAIN, "its time has come");
        drop(look);
        writer.upkeep.wal_at = begun;
        look_at(&mut writer);
        assert_eq!(writer.log.wal_bytes(), 0, "nobody reads");
        // From here on it is looked at each time.
        assert_eq!((writer.upkeep.wal_at, writer.upkeep.wal_from), (begun, 0));
        writer.rest();
        assert!(!writer.upkeep.wal_long);
    }
}
