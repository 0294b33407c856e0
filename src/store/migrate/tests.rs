//! A database of an older schema is opened with all that is in it, or left as it was.

use std::path::PathBuf;

use super::*;
use crate::domain::event::{Event, Source};
use crate::domain::payload::{AgentStart, BatchStart, Payload};
use crate::store::rows::{EventFilter, Range, Stretch, Whose};
use crate::store::{Log, Queries, Record};

/// A database as schema 1 left it, with a batch and an event, still in WAL mode.
fn version_1(folder: &Path) -> PathBuf {
    let path = folder.join("old.db");
    let conn = Connection::open(&path).unwrap();
    conn.pragma_update(None, "auto_vacuum", "INCREMENTAL").unwrap();
    conn.pragma_update(None, "journal_mode", "WAL").unwrap();
    conn.execute_batch(include_str!("schema-1.sql")).unwrap();
    conn.execute_batch(
        r#"INSERT INTO meta VALUES ('epoch', '1a2b3c4d');
           INSERT INTO kept VALUES ('tail/a', x'01');
           INSERT INTO fold VALUES (1, 1, 1, '{"last_event_id": 1}');
           INSERT INTO batches (id, started_at, status) VALUES (4, 1000, 'completed');
           INSERT INTO background_tasks (batch_id, story_key, task_type, spawned_at)
               VALUES (4, '1-1', 'story-review', 1000);
           INSERT INTO events (id, batch_id, timestamp, event_type, epic_id, story_key, command,
                   task_id, status, payload_json, source)
               VALUES (1, 4, 1000, 'batch:start', '', '', '', '', '', '{"batch_id": 4,
                   "max_cycles": null, "batch_mode": "observed", "origin": "observed",
                   "started_at": 1000}', 'server');"#,
    )
    .unwrap();
    conn.pragma_update(None, "user_version", 1).unwrap();
    path
}

/// The same, brought to a later schema as the versions in between would have.
fn at_version(folder: &Path, version: i64) -> PathBuf {
    let path = version_1(folder);
    let conn = Connection::open(&path).unwrap();
    for step in &schema::STEPS[..usize::try_from(version - 1).unwrap()] {
        conn.execute_batch(step).unwrap();
    }
    conn.pragma_update(None, "user_version", version).unwrap();
    path
}

fn version(path: &Path) -> i64 {
    let conn = Connection::open(path).unwrap();
    conn.pragma_query_value(None, "user_version", |row| row.get(0)).unwrap()
}

fn schema_of(path: &Path) -> Vec<(String, String)> {
    let conn = Connection::open(path).unwrap();
    let mut tables = conn
        .prepare(
            "SELECT m.name, c.name FROM sqlite_schema m, pragma_table_info(m.name) c
             WHERE m.type = 'table' AND m.name NOT LIKE 'search%' ORDER BY 1, c.cid",
        )
        .unwrap();
    let rows = tables.query_map([], |row| Ok((row.get(0)?, row.get(1)?))).unwrap();
    rows.map(Result::unwrap).collect()
}

#[test]
fn b38_a_version_1_database_opens_with_all_that_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = version_1(dir.path());
    let (mut log, queries) = Log::open(&path).unwrap();
    assert_eq!((log.epoch(), log.head(), log.next_batch_id()), ("1a2b3c4d", 1, 5));
    assert_eq!(queries.kept("tail/").unwrap().len(), 1);
    let page = queries.events(Range::After(0), &EventFilter::default(), 10).unwrap();
    assert_eq!(page.events[0].kind, "batch:start");
    let state = log.load_state().unwrap();
    assert_eq!(state.batch.unwrap().id, 4, "an older stored state is folded anew");
    let payload = Payload::BatchStart(BatchStart {
        batch_id: 5,
        origin: "managed".to_owned(),
        ..BatchStart::default()
    });
    let agent = Payload::AgentStart(AgentStart {
        background_task: Some("task".to_owned()),
        ..AgentStart::default()
    });
    for (id, payload) in [(2, payload), (3, agent)] {
        let payload_json = serde_json::value::to_raw_value(&payload).unwrap();
        let (source, batch_id) = (Source::Orchestrator, Some(5));
        let event = Event { id, timestamp_ms: 0, source, batch_id, payload };
        log.append(&[Record { event, payload_json }], &[]).unwrap();
    }
    drop((log, queries));
    assert_eq!(version(&path), schema::VERSION);
    let fresh = dir.path().join("fresh.db");
    drop(Log::open(&fresh).unwrap());
    assert_eq!(schema_of(&path), schema_of(&fresh), "migrated and made anew are alike");
    let (again, _) = Log::open(&path).unwrap();
    assert_eq!(again.head(), 3);
}

#[test]
fn the_older_database_is_put_aside_whole_and_private() {
    let dir = tempfile::tempdir().unwrap();
    let path = version_1(dir.path());
    // What a broken attempt left is no hindrance.
    std::fs::write(dir.path().join("old.db.v1.bak.part"), b"half of it").unwrap();
    drop(Log::open(&path).unwrap());
    let aside = dir.path().join("old.db.v1.bak");
    assert_eq!(version(&aside), 1);
    let conn = Connection::open(&aside).unwrap();
    let events: i64 = conn.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    assert_eq!(events, 1);
    assert!(!dir.path().join("old.db.v1.bak.part").exists());
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(&aside).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600);
    }
}

#[test]
fn a_database_that_is_open_elsewhere_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = version_1(dir.path());
    let other = Connection::open(&path).unwrap();
    let _: i64 = other.query_row("SELECT count(*) FROM events", [], |row| row.get(0)).unwrap();
    let refused = Log::open(&path).map(drop);
    assert!(matches!(refused, Err(StoreError::InUse { found: 1, .. })), "{refused:?}");
    assert_eq!(version(&path), 1);
    assert!(!dir.path().join("old.db.v1.bak").exists());
    // Whoever has it open goes on.
    other.execute("INSERT INTO kept VALUES ('b', x'02')", []).unwrap();
    drop(other);
    drop(Log::open(&path).unwrap());
    assert_eq!(version(&path), schema::VERSION);
}

#[test]
fn without_a_copy_nothing_is_changed() {
    let dir = tempfile::tempdir().unwrap();
    let path = version_1(dir.path());
    // Nothing can be renamed over a folder.
    std::fs::create_dir(dir.path().join("old.db.v1.bak")).unwrap();
    assert!(matches!(Log::open(&path), Err(StoreError::File { .. })));
    assert_eq!(version(&path), 1);
}

#[test]
fn b38_databases_of_schema_2_and_3_are_read_as_they_are_and_open_with_all_that_is_in_them() {
    for found in [2, 3] {
        let dir = tempfile::tempdir().unwrap();
        let path = at_version(dir.path(), found);
        let all = |queries: &Queries| {
            let page = queries.events(Range::After(0), &EventFilter::default(), 10).unwrap();
            let (batches, total) = queries.batches(10, 0).unwrap();
            let timeline = queries.timeline(Whose::All, Stretch::default()).unwrap();
            let state = queries.state_at(1).unwrap();
            let segments = timeline.segments.len();
            (page.events[0].kind.clone(), batches[0].id, total, segments, state.batch.unwrap().id)
        };
        let before = all(&Queries::open(&path).unwrap());
        assert_eq!(before, ("batch:start".to_owned(), 4, 1, 0, 4), "schema {found}");
        assert_eq!(version(&path), found, "who reads changes nothing");
        let (mut log, queries) = Log::open(&path).unwrap();
        assert_eq!((log.epoch(), log.head(), log.next_batch_id()), ("1a2b3c4d", 1, 5));
        assert_eq!(log.load_state().unwrap().batch.unwrap().id, 4);
        assert_eq!(all(&queries), before);
        assert_eq!(queries.kept("tail/").unwrap().len(), 1);
        drop((log, queries));
        assert_eq!(version(&path), schema::VERSION);
        let aside = dir.path().join(format!("old.db.v{found}.bak"));
        assert_eq!(version(&aside), found);
        let fresh = dir.path().join("fresh.db");
        drop(Log::open(&fresh).unwrap());
        assert_eq!(schema_of(&path), schema_of(&fresh), "from schema {found}");
    }
}
