//! What is left after a purge adds up to what the whole log added up to.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use proptest::prelude::*;

use super::{end, hub, start};
use crate::domain::attribution::Rules;
use crate::domain::event::{EventId, NewEvent, Source};
use crate::domain::payload::{Payload, StoryStatus};
use crate::domain::state::State;
use crate::hub::{Hub, Publication};
use crate::store::rows::{EventFilter, Range};
use crate::store::{Log, Queries, StoreError};

fn status(at: i64, story: &str, word: &str) -> NewEvent {
    let body = StoryStatus {
        story_key: story.to_owned(),
        new_status: Some(word.to_owned()),
        ..StoryStatus::default()
    };
    NewEvent::new(at, Source::Yaml, Payload::StoryStatus(body))
}

/// Rows of several stories, some long silent in between, so that there are batches that ended.
fn rows() -> impl Strategy<Value = Vec<(u8, u8, i64)>> {
    proptest::collection::vec((0..4_u8, 0..3_u8, 0..2_400_000_i64), 1..60)
}

/// A log of these rows, and all its moments.
fn filled(dir: &Path, rows: &[(u8, u8, i64)]) -> BTreeMap<EventId, State> {
    let hub = hub(dir);
    let mut at = 1_000;
    for (kind, story, pause) in rows {
        at += pause;
        let story = format!("1-{story}");
        let event = match kind {
            0 => start(at, &story, "dev-story"),
            1 => end(at, &story, "dev-story", "end"),
            2 => start(at, &story, "code-review"),
            _ => status(at, &story, "review"),
        };
        hub.publish_blocking(Publication::events(vec![event])).unwrap();
    }
    let moments = (0..=hub.head()).map(|id| (id, hub.queries().state_at(id).unwrap())).collect();
    hub.shutdown();
    moments
}

fn ready(dir: &Path) -> (Log, Queries) {
    let (mut log, queries) = Log::open(&dir.join("test.db")).unwrap();
    let state = log.load_state().unwrap();
    log.save_state(&state).unwrap();
    while log.index_some(100).unwrap() {}
    (log, queries)
}

fn found(queries: &Queries, text: &str) -> Vec<EventId> {
    let filter = EventFilter { text: Some(text.to_owned()), ..EventFilter::default() };
    let page = queries.events(Range::After(0), &filter, 1000).unwrap();
    page.events.iter().map(|event| event.id).collect()
}

fn ids(queries: &Queries) -> Vec<EventId> {
    let page = queries.events(Range::After(0), &EventFilter::default(), 1000).unwrap();
    page.events.iter().map(|event| event.id).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn b38_what_is_left_adds_up_to_the_same(rows in rows(), part in 0.0..1.1_f64, step in 1..9_u32) {
        let dir = tempfile::tempdir().unwrap();
        let moments = filled(dir.path(), &rows);
        let (mut log, queries) = ready(dir.path());
        let head = log.head();
        let span: i64 = rows.iter().map(|row| row.2).sum();
        let before_ms = 1_000 + (span as f64 * part) as i64;
        let all = ids(&queries);
        let words = found(&queries, "dev");
        let running = moments[&head].batch.as_ref().map(|batch| batch.id);
        let mut gone = 0;
        while let Some(purged) = log.purge_some(before_ms, i64::MAX, step, |_| {}).unwrap() {
            prop_assert!(purged.events > 0 && purged.events <= u64::from(step));
            gone += purged.events;
            let base = queries.base_id().unwrap();
            prop_assert!(base < purged.first_available);
            for (id, state) in &moments {
                match queries.state_at(*id) {
                    Ok(found) => {
                        prop_assert!(*id >= base);
                        prop_assert_eq!(&found, state, "at {}", id);
                    }
                    Err(StoreError::Purged { first }) => prop_assert!(*id < base && first == base),
                    Err(error) => panic!("{error}"),
                }
            }
        }
        let left = ids(&queries);
        prop_assert_eq!(&left, &all[gone as usize..], "only a beginning goes");
        let base = queries.base_id().unwrap();
        let still: Vec<_> = words.iter().copied().filter(|id| *id > base).collect();
        prop_assert_eq!(found(&queries, "dev"), still.clone(), "what is gone is not found");
        let conn = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
        let indexed: i64 = conn
            .query_row("SELECT count(*) FROM search WHERE search MATCH 'dev'", [], |row| row.get(0))
            .unwrap();
        prop_assert_eq!(indexed as usize, still.len(), "the index follows");
        drop(conn);
        let (batches, _) = queries.batches(100, 0).unwrap();
        let told: i64 = batches.iter().map(|batch| batch.purged_events).sum();
        prop_assert!(told as u64 <= gone);
        for batch in &batches {
            prop_assert!(Some(batch.id) != running || batch.purged_events == 0);
        }
        drop((log, queries));
        let (mut log, queries) = Log::open(&dir.path().join("test.db")).unwrap();
        prop_assert_eq!(log.head(), head);
        prop_assert_eq!(&log.load_state().unwrap(), &moments[&head]);
        // The stored state may be lost, or be of older rules: the base is not.
        rusqlite::Connection::open(dir.path().join("test.db")).unwrap()
            .execute("DELETE FROM fold", []).unwrap();
        prop_assert_eq!(&log.load_state().unwrap(), &moments[&head]);
        prop_assert_eq!(&queries.state_at(head).unwrap(), &moments[&head]);
    }
}

#[test]
fn b38_ids_are_never_used_again_not_even_behind_an_empty_log() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..10).map(|n| (3, n % 3, 1000)).collect();
    let moments = filled(dir.path(), &rows);
    let head = *moments.keys().last().unwrap();
    let (mut log, queries) = ready(dir.path());
    let purged = log.purge_some(i64::MAX, i64::MAX, 1000, |_| {}).unwrap().unwrap();
    assert_eq!((purged.events, purged.first_available), (10, head + 1));
    assert!(ids(&queries).is_empty());
    drop((log, queries));
    let hub = hub(dir.path());
    assert_eq!((hub.head(), hub.first_available()), (head, head + 1));
    let published =
        hub.publish_blocking(Publication::events(vec![status(90_000, "1-1", "done")])).unwrap();
    assert_eq!(published.head, head + 1);
    assert_eq!(ids(hub.queries()), [head + 1]);
    hub.shutdown();
}

#[test]
fn what_index_and_stored_state_have_not_seen_does_not_go() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..10).map(|n| (3, n % 3, 1000)).collect();
    filled(dir.path(), &rows);
    let conn = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
    conn.execute_batch("DELETE FROM fold; DELETE FROM meta WHERE key = 'search_cursor'").unwrap();
    let (mut log, _queries) = Log::open(&dir.path().join("test.db")).unwrap();
    assert_eq!(log.purge_some(i64::MAX, i64::MAX, 100, |_| {}).unwrap(), None);
    let state = log.load_state().unwrap();
    log.save_state(&state).unwrap();
    assert_eq!(log.purge_some(i64::MAX, i64::MAX, 100, |_| {}).unwrap(), None);
    log.index_some(4).unwrap();
    assert_eq!(log.purge_some(i64::MAX, i64::MAX, 100, |_| {}).unwrap().unwrap().events, 4);
}

#[test]
fn b08_what_goes_is_announced_while_it_is_still_there() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..10).map(|n| (3, n % 3, 1000)).collect();
    filled(dir.path(), &rows);
    let (mut log, queries) = ready(dir.path());
    let mut told = None;
    let announce = |first| told = Some((first, ids(&queries).len()));
    let purged = log.purge_some(i64::MAX, i64::MAX, 4, announce).unwrap().unwrap();
    assert_eq!(purged.first_available, 5);
    assert_eq!(told, Some((5, 10)), "who misses one afterwards can know why");
}

#[test]
fn a_purge_that_overtakes_a_fold_takes_nothing_from_it() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..10).map(|n| (3, n % 3, 1000)).collect();
    let moments = filled(dir.path(), &rows);
    let (mut log, queries) = ready(dir.path());
    let mut state = State::default();
    let mut purge = |count| log.purge_some(i64::MAX, i64::MAX, count, |_| {}).unwrap();
    let mut seen = Vec::new();
    // Behind the first step it is at 2, and what follows that goes up to 7.
    let passed = |state: &State| {
        seen.push(state.last_event_id);
        if seen.len() == 1 {
            purge(7);
        }
    };
    queries.fold_in_steps(&mut state, 9, 2, passed).unwrap();
    assert_eq!(state, moments[&9]);
    assert_eq!(seen[..2], [2, 7]);
    // Behind the moment itself there is no way to it any more.
    let mut state = State::default();
    let passed = |state: &State| {
        if state.last_event_id == 8 {
            purge(2);
        }
    };
    queries.fold_in_steps(&mut state, 8, 1, passed).unwrap();
    assert_eq!(state, moments[&8], "it was there already");
    let gone = queries.state_at(8).unwrap_err();
    assert!(matches!(gone, StoreError::Purged { first: 9 }), "{gone:?}");
}

#[test]
fn b08_a_reader_beneath_whom_all_was_purged_stays_where_it_was() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..10).map(|n| (3, n % 3, 1000)).collect();
    filled(dir.path(), &rows);
    drop(ready(dir.path()));
    let hub = hub(dir.path());
    let mut reader = hub.subscribe(2);
    hub.keep_for(Some(1000));
    let begun = Instant::now();
    while !ids(hub.queries()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing was purged");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    // What is asked of its one blocking thread later is answered later.
    let mut runtime = tokio::runtime::Builder::new_current_thread();
    let runtime = runtime.max_blocking_threads(1).build().unwrap();
    runtime.block_on(async {
        let mut next = Box::pin(reader.next(1024));
        assert!(next.as_mut().now_or_never().is_none(), "it reads a page");
        tokio::task::spawn_blocking(|| ()).await.unwrap();
        assert!(next.as_mut().now_or_never().is_none(), "the page is empty: it waits");
        // As at every heartbeat.
        drop(next);
        assert_eq!(reader.cursor(), 2, "what follows is not what follows event 2");
        hub.publish(Publication::events(vec![status(i64::MAX, "1-1", "done")])).await.unwrap();
        assert_eq!(reader.next(1024).await.unwrap()[0].id, 11);
        assert_eq!((reader.cursor(), hub.first_available()), (11, 11));
    });
    hub.shutdown();
}

#[test]
fn more_rows_from_the_future_than_go_at_once_hold_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    for at in [9_000_000; 6].into_iter().chain([1_000, 2_000, 60_000]) {
        hub.publish_blocking(Publication::events(vec![status(at, "1-1", "done")])).unwrap();
    }
    hub.shutdown();
    let (mut log, queries) = ready(dir.path());
    let mut purge = || log.purge_some(50_000, 70_000, 4, |_| {}).unwrap().map(|it| it.events);
    assert_eq!([purge(), purge(), purge()], [Some(7), Some(1), None]);
    assert_eq!(ids(&queries), [9]);
}

#[test]
fn a_row_dated_in_the_future_holds_nothing_up() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    for at in [1_000, 9_000_000, 2_000, 3_000, 60_000] {
        hub.publish_blocking(Publication::events(vec![status(at, "1-1", "done")])).unwrap();
    }
    hub.shutdown();
    let (mut log, queries) = ready(dir.path());
    let purged = log.purge_some(50_000, 70_000, 100, |_| {}).unwrap().unwrap();
    assert_eq!(purged.events, 4, "the one from the future goes with its neighbours");
    assert_eq!(ids(&queries), [5]);
    assert_eq!(log.purge_some(50_000, 70_000, 100, |_| {}).unwrap(), None);
}

/// A hub whose machine's clock says what it is told.
fn hub_at(dir: &Path, clock: &Arc<AtomicI64>) -> Hub {
    let (log, queries) = Log::open(&dir.join("test.db")).unwrap();
    let clock = Arc::clone(clock);
    let clock = Box::new(move || clock.load(Ordering::Relaxed));
    Hub::with_clock(log, queries, Rules::default(), clock).unwrap()
}

/// The first event kept once anything has gone.
fn purged_to(hub: &Hub) -> EventId {
    let begun = Instant::now();
    while hub.first_available() == 1 {
        assert!(begun.elapsed() < Duration::from_secs(120), "nothing was purged");
        std::thread::park_timeout(Duration::from_millis(5));
    }
    hub.first_available()
}

#[test]
fn a_clock_far_ahead_purges_nothing_that_is_young() {
    const DAY: i64 = 86_400_000;
    let now = 20_000 * DAY;
    // While it runs, and while it does not; the latter also in a log that kept no time yet.
    for (rests, known) in [(false, true), (true, true), (true, false)] {
        let dir = tempfile::tempdir().unwrap();
        let clock = Arc::new(AtomicI64::new(now));
        let mut hub = hub_at(dir.path(), &clock);
        let events = [now - 40 * DAY, now - 20 * DAY, now - DAY];
        for at in events {
            hub.publish_blocking(Publication::events(vec![status(at, "1-1", "done")])).unwrap();
        }
        if rests {
            hub.shutdown();
            if !known {
                let conn = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
                conn.execute("DELETE FROM meta WHERE key = 'reached_ms'", []).unwrap();
            }
        }
        clock.store(now + 10_000 * DAY, Ordering::Relaxed);
        if rests {
            hub = hub_at(dir.path(), &clock);
            // What happens under the wrong clock proves nothing.
            let at = now + 10_000 * DAY;
            hub.publish_blocking(Publication::events(vec![status(at, "1-1", "done")])).unwrap();
        }
        hub.keep_for(Some(30 * DAY));
        assert_eq!(purged_to(&hub), 2, "rests: {rests}, known: {known}");
        hub.shutdown();
        let hub = hub_at(dir.path(), &clock);
        hub.keep_for(Some(10 * DAY));
        let begun = Instant::now();
        while hub.first_available() == 2 {
            assert!(begun.elapsed() < Duration::from_secs(120), "the rule still holds");
            std::thread::park_timeout(Duration::from_millis(5));
        }
        assert_eq!(hub.first_available(), 3, "rests: {rests}, known: {known}");
        hub.shutdown();
    }
}

#[test]
fn a_base_that_cannot_be_read_is_an_error_and_stays() {
    let dir = tempfile::tempdir().unwrap();
    let rows: Vec<_> = (0..10).map(|n| (3, n % 3, 1000)).collect();
    let moments = filled(dir.path(), &rows);
    let (mut log, mut queries) = ready(dir.path());
    log.purge_some(5_500, i64::MAX, 100, |_| {}).unwrap().unwrap();
    let base_id = queries.base_id().unwrap();
    let conn = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
    let read = || -> String {
        conn.query_row("SELECT state_json FROM base", [], |row| row.get(0)).unwrap()
    };
    let put = |json: &str| conn.execute("UPDATE base SET state_json = ?1", [json]).unwrap();
    let good = read();
    assert!(good.starts_with("{\"version\":1,"), "{good}");
    for bad in ["", "{", "{}", "[]", "{\"version\":2,\"all\":0}", "{\"version\":1}"] {
        put(bad);
        drop((log, queries));
        (log, queries) = Log::open(&dir.path().join("test.db")).unwrap();
        for error in [log.load_state().unwrap_err(), queries.state_at(base_id).unwrap_err()] {
            assert!(matches!(error, StoreError::Base(_)), "{bad}: {error}");
            let text = error.to_string();
            assert!(text.contains("table `base`") && text.contains("put a backup"), "{text}");
        }
        assert!(log.purge_some(i64::MAX, i64::MAX, 100, |_| {}).unwrap_or(None).is_none(), "{bad}");
        assert_eq!(read(), bad, "it stays as it was");
        assert_eq!(queries.base_id().unwrap(), base_id, "nothing more is purged");
    }
    // As it was written before it had a version, and before a field was there.
    let whole: serde_json::Value = serde_json::from_str(&good).unwrap();
    let mut older = whole["state"].clone();
    older.as_object_mut().unwrap().remove("effort").unwrap();
    older["sprint"].as_object_mut().unwrap().remove("sources").unwrap();
    put(&older.to_string());
    assert_eq!(&queries.state_at(base_id).unwrap(), &moments[&base_id]);
    log.load_state().unwrap();
}
