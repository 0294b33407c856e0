//! Databases of the older server in every shape, made into ours and taken into ours.

use std::fs;
use std::path::{Path, PathBuf};

use rusqlite::Connection;
use rusqlite::types::Value;

use super::*;
use crate::domain::event::{Event, Source as Told};
use crate::domain::payload::{BatchEnd, BatchStart, Payload};
use crate::store::rows::{EventFilter, Range, Stretch, Whose};
use crate::store::{Log, Queries, Record, StoreError};

const SHAPES: &[&str] = &[
    "whole",
    "no-event-type",
    "no-payload",
    "seconds",
    "no-batch-key",
    "no-foreign-keys",
    "broken",
];

/// 2024-01-24 16:00 UTC, when the first batch of all shapes began.
const T0: i64 = 1_706_112_000_000;

fn sql(shape: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/older/{shape}.sql"));
    fs::read_to_string(path).unwrap()
}

/// An older database of a shape.
fn older(folder: &Path, shape: &str) -> PathBuf {
    let path = folder.join(format!("{shape}.db"));
    Connection::open(&path).unwrap().execute_batch(&sql(shape)).unwrap();
    path
}

fn import(log: &mut Log, path: &Path) -> Result<Tally, StoreError> {
    let source = Source::open(path, path.parent().unwrap())?;
    log.import(&source, T0, |_| {})
}

/// All rows of all tables that tell something, as text.
fn dump(path: &Path) -> Vec<String> {
    let conn = Connection::open(path).unwrap();
    let mut out = Vec::new();
    for table in
        ["batches", "stories", "commands", "background_tasks", "events", "imported", "fold"]
    {
        let mut read = conn.prepare(&format!("SELECT * FROM {table} ORDER BY 1, 2, 3")).unwrap();
        let columns = read.column_count();
        let mut rows = read.query([]).unwrap();
        while let Some(row) = rows.next().unwrap() {
            let values: Vec<Value> = (0..columns).map(|column| row.get(column).unwrap()).collect();
            out.push(format!("{table} {values:?}"));
        }
    }
    let broken: i64 = conn
        .query_row("SELECT count(*) FROM pragma_foreign_key_check", [], |row| row.get(0))
        .unwrap();
    assert_eq!(broken, 0, "{}", path.display());
    let verdict: String = conn.query_row("PRAGMA integrity_check", [], |row| row.get(0)).unwrap();
    assert_eq!(verdict, "ok");
    out
}

/// What lies in a folder, byte for byte.
fn listing(folder: &Path) -> Vec<(PathBuf, Vec<u8>)> {
    let mut all: Vec<_> = fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .map(|path| (path.clone(), fs::read(path).unwrap_or_default()))
        .collect();
    all.sort();
    all
}

fn record(id: u64, batch_id: i64, payload: Payload) -> Record {
    let payload_json = serde_json::value::to_raw_value(&payload).unwrap();
    let source = Told::Orchestrator;
    let event = Event { id, timestamp_ms: T0 * 2, source, batch_id: Some(batch_id), payload };
    Record { event, payload_json }
}

/// A log of our own with one batch that is over.
fn ours(path: &Path) -> Log {
    let (mut log, _) = Log::open(path).unwrap();
    let start = BatchStart { batch_id: 1, started_at: T0 * 2, ..BatchStart::default() };
    let start = BatchStart { origin: "managed".to_owned(), batch_mode: "all".to_owned(), ..start };
    let end = BatchEnd { batch_id: 1, status: "completed".to_owned(), ..BatchEnd::default() };
    let records = [record(1, 1, Payload::BatchStart(start)), record(2, 1, Payload::BatchEnd(end))];
    log.append(&records, &[]).unwrap();
    log
}

/// Number, status, beginning and end behind [`T0`], bound.
type BatchTold = (i64, String, i64, Option<i64>, Option<i64>);

fn batches(queries: &Queries) -> Vec<BatchTold> {
    let rows = queries.batches(100, 0).unwrap().0;
    let told = rows.into_iter().map(|row| {
        let ended = row.ended_at.map(|ended| ended - T0);
        (row.id, row.status, row.started_at - T0, ended, row.max_cycles)
    });
    told.collect()
}

#[test]
fn b38_every_shape_opens_in_place_and_becomes_what_an_import_makes_of_it() {
    for shape in SHAPES {
        let dir = tempfile::tempdir().unwrap();
        let source = older(dir.path(), shape);
        let fresh = dir.path().join("fresh.db");
        let (mut log, _) = Log::open(&fresh).unwrap();
        let imported = import(&mut log, &source).unwrap();
        drop(log);
        let as_it_was = fs::read(&source).unwrap();
        let (mut log, queries) = Log::open(&source).unwrap();
        let adopted = log.adopted().unwrap().clone();
        assert_eq!(fs::read(&adopted.aside).unwrap().len(), as_it_was.len(), "{shape}");
        assert_eq!(adopted.tally, imported, "{shape}");
        let state = log.load_state().unwrap();
        assert!(state.batch.is_none() && state.active.is_empty(), "{shape}: nothing runs");
        // What is stored is what folding would give.
        let conn = Connection::open(&source).unwrap();
        conn.execute("DELETE FROM fold", []).unwrap();
        assert_eq!(log.load_state().unwrap(), state, "{shape}");
        log.save_state(&state).unwrap();
        let found = batches(&queries);
        let expected = [
            (3, "lost".to_owned(), 86_400_000, None),
            (2, "stopped".to_owned(), 7_200_000, None),
            (1, "completed".to_owned(), 0, Some(2)),
        ];
        let known: Vec<_> = found
            .iter()
            .filter(|batch| batch.0 <= 3)
            .map(|batch| (batch.0, batch.1.clone(), batch.2, batch.4))
            .collect();
        assert_eq!(known, expected, "{shape}");
        assert!(found.iter().all(|batch| batch.3.is_some()), "{shape}: each has ended: {found:?}");
        let stories = queries.stories(1).unwrap();
        let told: Vec<_> = stories
            .iter()
            .map(|one| (one.story_key.as_str(), one.epic_id.as_str(), one.commands.len()))
            .collect();
        assert_eq!(told, [("1-1-skeleton", "1", 2), ("1-2-database", "1", 1)], "{shape}");
        let lines = queries.timeline(Whose::Batch(3), Stretch::default()).unwrap();
        assert_eq!(lines.segments[0].status, "lost", "{shape}");
        let page = queries.events(Range::After(0), &EventFilter::default(), 100).unwrap();
        for event in &page.events {
            assert!(event.payload.get().contains("\"imported\":true"), "{shape}");
            assert!(event.timestamp_ms >= T0, "{shape}: {}", event.id);
        }
        let of_batch: Vec<_> = page.events.iter().map(|event| event.batch_id).take(6).collect();
        assert_eq!(of_batch, [Some(1); 6], "{shape}");
        let kinds: Vec<&str> = page.events[1..4].iter().map(|event| event.kind.as_str()).collect();
        assert_eq!(kinds, ["command:start", "command:progress", "command:end"], "{shape}");
        drop((log, queries));
        let (mine, theirs) = (dump(&source), dump(&fresh));
        assert_eq!(mine, theirs, "{shape}");
        // The copy of what it was holds nothing that is not here.
        let (mut log, _) = Log::open(&source).unwrap();
        assert!(log.adopted().is_none(), "{shape}: once");
        let again = import(&mut log, &adopted.aside).unwrap();
        assert!(again.is_nothing_new(), "{shape}: {again:?}");
        drop(log);
        assert_eq!(dump(&source), mine, "{shape}");
    }
}

#[test]
fn an_import_stands_behind_what_is_there_and_twice_gives_no_doubles() {
    for shape in SHAPES {
        let dir = tempfile::tempdir().unwrap();
        let (source, mine) = (older(dir.path(), shape), dir.path().join("mine.db"));
        let mut log = ours(&mine);
        let before = log.load_state().unwrap();
        let tally = import(&mut log, &source).unwrap();
        assert_eq!(tally.renumbered.to_string().split(',').next(), Some("1 is 4 here"), "{shape}");
        let head = 2 + tally.events.taken;
        assert_eq!((log.head(), log.unfolded()), (head, 0), "{shape}");
        let queries = Queries::open(&mine).unwrap();
        let found = batches(&queries);
        // Ours is the newest, although its number is not.
        assert_eq!((found[0].0, found.last().unwrap().0), (1, 4), "{shape}: {found:?}");
        let newest = queries.timeline(Whose::Newest, Stretch::default()).unwrap();
        assert_eq!(newest.batch.unwrap().id, 1, "{shape}");
        let page = queries.events(Range::After(2), &EventFilter::default(), 100).unwrap();
        assert_eq!(page.events[0].batch_id, Some(4), "{shape}");
        if *shape == "whole" {
            assert!(page.events[0].payload.get().contains("\"batch_id\":4"));
        }
        let mut state = log.load_state().unwrap();
        state.last_event_id = before.last_event_id;
        assert_eq!(state, before, "{shape}: history adds nothing to the live state");
        let once = dump(&mine);
        for _ in 0..2 {
            let again = import(&mut log, &source).unwrap();
            assert!(again.is_nothing_new(), "{shape}: {again:?}");
            assert_eq!(again.events.known, tally.events.taken);
        }
        assert_eq!(dump(&mine), once, "{shape}");
        // And the log goes on behind it.
        let batch = log.next_batch_id();
        assert!(batch > 4);
        let start = BatchStart { batch_id: batch, ..BatchStart::default() };
        let start = BatchStart { origin: "observed".to_owned(), ..start };
        log.append(&[record(head + 1, batch, Payload::BatchStart(start))], &[]).unwrap();
    }
}

#[test]
fn a_source_that_has_grown_gives_what_is_new_and_what_has_changed() {
    let dir = tempfile::tempdir().unwrap();
    let (source, mine) = (older(dir.path(), "whole"), dir.path().join("mine.db"));
    let mut log = ours(&mine);
    import(&mut log, &source).unwrap();
    let conn = Connection::open(&source).unwrap();
    conn.execute_batch(
        "UPDATE batches SET status = 'completed', ended_at = 1706199000000 WHERE id = 3;
         UPDATE commands SET status = 'completed', ended_at = 1706198900000 WHERE id = 5;
         INSERT INTO batches VALUES (4, 1706299000000, NULL, 1, 0, 'running');
         INSERT INTO events VALUES (12, 3, 4, 5, 1706198900000, 'command:end', '2a', '2a-2-photos',
             'dev-story', 'implement', 'end', NULL, NULL);",
    )
    .unwrap();
    let tally = import(&mut log, &source).unwrap();
    assert_eq!((tally.batches.taken, tally.batches.changed, tally.batches.known), (1, 1, 2));
    assert_eq!((tally.commands.changed, tally.events.taken, tally.events.known), (1, 1, 11));
    let queries = Queries::open(&mine).unwrap();
    let found = batches(&queries);
    let third = found.iter().find(|batch| batch.2 == 86_400_000).unwrap();
    assert_eq!((third.1.as_str(), third.3), ("completed", Some(1_706_199_000_000 - T0)));
    let end = &queries.events(Range::Newest, &EventFilter::default(), 1).unwrap().events[0];
    assert_eq!((end.kind.as_str(), end.batch_id), ("command:end", Some(third.0)));
}

#[test]
fn a_file_that_an_older_version_wrote_first_is_known_again_in_its_later_form() {
    let dir = tempfile::tempdir().unwrap();
    let mut log = ours(&dir.path().join("mine.db"));
    import(&mut log, &older(dir.path(), "seconds")).unwrap();
    let later = import(&mut log, &older(dir.path(), "whole")).unwrap();
    assert_eq!((later.events.taken, later.batches.taken), (0, 0), "{later:?}");
}

#[test]
fn rows_that_cannot_be_read_are_told_and_shown_with_what_they_have() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine.db");
    let mut log = ours(&mine);
    let tally = import(&mut log, &older(dir.path(), "broken")).unwrap();
    let told = tally.lines().join("\n");
    for part in [
        "payload of event 12, 13 (shown",
        "time of background task 3, event 13 (that",
        "bytes in event 14 (shown",
        "left running:  batch 3",
    ] {
        assert!(told.contains(part), "{part}: {told}");
    }
    assert_eq!((tally.events.taken, tally.left_out.count()), (14, 0));
    let queries = Queries::open(&mine).unwrap();
    let page = queries.events(Range::Newest, &EventFilter::default(), 3).unwrap();
    let of = |index: usize| -> serde_json::Value {
        serde_json::from_str(page.events[index].payload.get()).unwrap()
    };
    assert_eq!(of(0)["message"], "cut off");
    assert_eq!(of(0)["unreadable_payload"], "{\"story_key\": \"2a-2-");
    assert_eq!(page.events[1].timestamp_ms, page.events[0].timestamp_ms);
    assert_eq!((&of(2)["deep"]["a"][1], &of(2)["batch_id"]), (&2.5.into(), &3.into()));
    assert_eq!(of(2)["message"], "b\u{fffd}ytes");
    assert_eq!(page.events[2].timestamp_ms, 1_706_198_700_000);
    // The story's second row told how it went on.
    let photos = queries.stories(3).unwrap();
    assert_eq!((photos.len(), photos[0].status.as_str()), (1, "done"));
}

#[test]
fn without_foreign_keys_what_is_left_of_gone_rows_shows() {
    let dir = tempfile::tempdir().unwrap();
    let mine = dir.path().join("mine.db");
    let mut log = ours(&mine);
    let tally = import(&mut log, &older(dir.path(), "no-foreign-keys")).unwrap();
    assert_eq!(tally.left_out.to_string(), "commands row 7: no story");
    let queries = Queries::open(&mine).unwrap();
    let page = queries.events(Range::Newest, &EventFilter::default(), 2).unwrap();
    let batch = page.events[0].batch_id.unwrap();
    assert_eq!(tally.made_up.to_string(), batch.to_string());
    assert_eq!(page.events[1].kind, "their:own");
    let row = queries.batch(batch).unwrap().unwrap();
    assert_eq!((row.status.as_str(), row.started_at), ("lost", 1_706_300_200_000));
    let stories = queries.stories(batch).unwrap();
    let told: Vec<_> = stories.iter().map(|one| (&*one.story_key, one.commands.len())).collect();
    assert_eq!(told, [("3-1-sync", 0), ("3-2-merge", 1)]);
}

#[test]
fn a_new_log_does_not_begin_its_time_with_what_it_takes_over() {
    let dir = tempfile::tempdir().unwrap();
    let source = Source::open(&older(dir.path(), "whole"), dir.path()).unwrap();
    let (mut log, _) = Log::open(&dir.path().join("mine.db")).unwrap();
    log.import(&source, T0 * 3, |_| {}).unwrap();
    assert_eq!(log.reached_ms(T0 * 3).unwrap(), T0 * 3);
}

#[test]
fn purged_history_is_not_taken_a_second_time() {
    let dir = tempfile::tempdir().unwrap();
    let (source, mine) = (older(dir.path(), "whole"), dir.path().join("mine.db"));
    let (mut log, queries) = Log::open(&mine).unwrap();
    import(&mut log, &source).unwrap();
    while log.index_some(100).unwrap() {}
    let found = |text: &str| {
        let filter = EventFilter { text: Some(text.to_owned()), ..EventFilter::default() };
        queries.events(Range::After(0), &filter, 10).unwrap().events.len()
    };
    assert_eq!(found("日本"), 1, "it can be searched");
    let purged = log.purge_some(T0 + 7_000_000, T0 * 2, 100, |_| {}).unwrap().unwrap();
    assert_eq!((purged.events, purged.first_available), (6, 7));
    let again = import(&mut log, &source).unwrap();
    assert!(again.is_nothing_new(), "{again:?}");
    assert_eq!(log.first_available().unwrap(), 7);
}

#[cfg(unix)]
#[test]
fn the_source_is_never_written_whatever_lies_beside_it() {
    use std::os::unix::fs::PermissionsExt as _;
    for mode in ["DELETE", "WAL", "hot"] {
        let dir = tempfile::tempdir().unwrap();
        let (theirs, mine) = (dir.path().join("theirs"), dir.path().join("mine"));
        fs::create_dir(&theirs).unwrap();
        fs::create_dir(&mine).unwrap();
        let live = older(dir.path(), "whole");
        let conn = Connection::open(&live).unwrap();
        let journal = if mode == "WAL" { "WAL" } else { "DELETE" };
        conn.pragma_update(None, "journal_mode", journal).unwrap();
        // As a crash leaves it: the last rows in the log, or a change half done.
        conn.execute("UPDATE batches SET cycles_completed = 7", []).unwrap();
        if mode == "hot" {
            conn.execute_batch(
                "PRAGMA cache_size = 1; PRAGMA cache_spill = 1; BEGIN;
                 UPDATE batches SET cycles_completed = 9;
                 CREATE TABLE filler (a); WITH RECURSIVE n(i) AS
                     (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)
                 INSERT INTO filler SELECT printf('%.*c', 500, 'x') FROM n;",
            )
            .unwrap();
        }
        for end in ["", "-wal", "-journal"] {
            let from = dir.path().join(format!("whole.db{end}"));
            if from.exists() {
                fs::copy(from, theirs.join(format!("whole.db{end}"))).unwrap();
            }
        }
        let parts = fs::read_dir(&theirs).unwrap().count();
        assert_eq!(parts, if mode == "DELETE" { 1 } else { 2 }, "{mode}");
        for path in fs::read_dir(&theirs).unwrap().map(|entry| entry.unwrap().path()) {
            fs::set_permissions(path, fs::Permissions::from_mode(0o400)).unwrap();
        }
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o500)).unwrap();
        let before = listing(&theirs);
        let (mut log, queries) = Log::open(&mine.join("mine.db")).unwrap();
        let source = Source::open(&theirs.join("whole.db"), &mine).unwrap();
        let tally = log.import(&source, T0, |_| {}).unwrap();
        drop(source);
        assert_eq!(tally.events.taken, 11, "{mode}");
        let cycles: Vec<i64> =
            queries.batches(9, 0).unwrap().0.iter().map(|row| row.cycles_completed).collect();
        assert_eq!(cycles, [7, 7, 7], "{mode}: what was committed, and no more");
        assert_eq!(listing(&theirs), before, "{mode}");
        assert!(
            !listing(&mine).iter().any(|(path, _)| path.to_string_lossy().contains(".import-")),
            "{mode}: no copy is left"
        );
        fs::set_permissions(&theirs, fs::Permissions::from_mode(0o700)).unwrap();
        drop(conn);
    }
}

#[test]
fn what_is_no_older_database_is_refused_in_plain_words_and_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let put = |name: &str, bytes: &[u8]| {
        let path = dir.path().join(name);
        fs::write(&path, bytes).unwrap();
        path
    };
    let made = |name: &str, sql: &str| {
        let path = dir.path().join(name);
        Connection::open(&path).unwrap().execute_batch(sql).unwrap();
        path
    };
    let mut torn = fs::read(older(dir.path(), "whole")).unwrap();
    torn.truncate(torn.len() / 2);
    let mut scratched = fs::read(older(dir.path(), "no-payload")).unwrap();
    scratched[4096..8192].fill(0xaa);
    let own = dir.path().join("own.db");
    drop(Log::open(&own).unwrap());
    for (path, part) in [
        (put("empty.db", b""), "it is empty"),
        (put("text.db", b"once upon a time"), "no SQLite database"),
        (put("torn.db", &torn), "damaged"),
        (put("scratched.db", &scratched), "damaged"),
        (made("theirs.db", "CREATE TABLE batches (a); CREATE TABLE events (b)"), "another program"),
        (made("bare.db", "VACUUM"), "empty"),
        (own, "of this version"),
        (made("newer.db", "CREATE TABLE meta (a); PRAGMA user_version = 99"), "schema 99"),
        (dir.path().to_owned(), "no plain file"),
        (dir.path().join("none.db"), "No such file"),
    ] {
        let before = fs::read(&path).unwrap_or_default();
        let error = Source::open(&path, dir.path()).map(drop).unwrap_err().to_string();
        assert!(error.contains(part), "{}: {error}", path.display());
        assert_eq!(fs::read(&path).unwrap_or_default(), before);
    }
    let locked = older(dir.path(), "seconds");
    let conn = Connection::open(&locked).unwrap();
    conn.execute_batch("BEGIN EXCLUSIVE").unwrap();
    let error = Source::open(&locked, dir.path()).map(drop).unwrap_err().to_string();
    assert!(error.contains("holds it locked"), "{error}");
    // In place, likewise.
    let error = Log::open(&locked).map(drop).unwrap_err();
    assert!(matches!(error, StoreError::OlderInUse | StoreError::Sqlite(_)), "{error}");
    drop(conn);
    for name in ["torn.db", "scratched.db"] {
        let path = dir.path().join(name);
        let before = fs::read(&path).unwrap();
        let error = Log::open(&path).map(drop).unwrap_err();
        assert!(matches!(error, StoreError::Damaged(_) | StoreError::Sqlite(_)), "{error}");
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
    }
    let left = listing(dir.path());
    assert!(!left.iter().any(|(path, _)| path.to_string_lossy().contains(".bak")), "no copies");
}

#[test]
fn names_of_ours_in_an_older_database_make_room_and_stay() {
    let dir = tempfile::tempdir().unwrap();
    let path = older(dir.path(), "whole");
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "CREATE TABLE meta (note); INSERT INTO meta VALUES ('theirs');
             CREATE TABLE extra (a); INSERT INTO extra VALUES (5);
             CREATE VIEW done AS SELECT * FROM batches WHERE status = 'completed';
             CREATE INDEX stories_by_key ON stories (story_key);
             CREATE TRIGGER told AFTER INSERT ON events BEGIN UPDATE extra SET a = a + 1; END;",
        )
        .unwrap();
    drop(Log::open(&path).unwrap());
    let conn = Connection::open(&path).unwrap();
    let ask = |sql: &str| conn.query_row(sql, [], |row| row.get::<_, String>(0)).unwrap();
    assert_eq!(ask("SELECT note FROM older_meta"), "theirs");
    assert_eq!(ask("SELECT CAST(a AS TEXT) FROM extra"), "5");
    assert_eq!(ask("SELECT CAST(id AS TEXT) FROM done"), "1");
    let left: i64 = conn
        .query_row(
            "SELECT count(*) FROM sqlite_schema WHERE name LIKE '%older server%'",
            [],
            |row| row.get(0),
        )
        .unwrap();
    assert_eq!(left, 0);
}

#[test]
fn numbers_that_ours_cannot_be_are_given_anew() {
    let dir = tempfile::tempdir().unwrap();
    let path = older(dir.path(), "whole");
    Connection::open(&path)
        .unwrap()
        .execute_batch(
            "UPDATE events SET id = -4 WHERE id = 1; UPDATE events SET id = 1 << 60 WHERE id = 11",
        )
        .unwrap();
    let (log, queries) = Log::open(&path).unwrap();
    assert_eq!(log.head(), 11);
    let page = queries.events(Range::After(0), &EventFilter::default(), 100).unwrap();
    assert_eq!(page.events[0].kind, "batch:start");
    assert_eq!(page.events.len(), 11);
}
