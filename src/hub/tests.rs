mod large;
mod managed;
mod retention;
mod wal;

use std::path::Path;
use std::time::Duration;

use proptest::prelude::*;
use serde_json::Value;

use super::{Hub, Publication};
use crate::domain::attribution::Rules;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{
    BatchStart, CommandEnd, CommandStart, EpicStatus, Payload, SourceState, StoryStatus,
};
use crate::store::rows::{EventFilter, Range};
use crate::store::{Log, StoreError};

const MINUTE: i64 = 60_000;

fn hub(dir: &Path) -> Hub {
    let (log, queries) = Log::open(&dir.join("test.db")).unwrap();
    Hub::start(log, queries, Rules::default()).unwrap()
}

fn start(at: i64, story: &str, command: &str) -> NewEvent {
    NewEvent::new(
        at,
        Source::Csv,
        Payload::CommandStart(CommandStart {
            story_key: story.to_owned(),
            story_id: story.to_owned(),
            epic_id: "1".to_owned(),
            command: command.to_owned(),
            task_id: "setup".to_owned(),
            ..CommandStart::default()
        }),
    )
}

fn end(at: i64, story: &str, command: &str, status: &str) -> NewEvent {
    NewEvent::new(
        at,
        Source::Csv,
        Payload::CommandEnd(CommandEnd {
            story_key: story.to_owned(),
            story_id: story.to_owned(),
            epic_id: "1".to_owned(),
            command: command.to_owned(),
            task_id: "setup".to_owned(),
            status: status.to_owned(),
            message: Some("did it (files:2)".to_owned()),
            ..CommandEnd::default()
        }),
    )
}

fn kinds(hub: &Hub) -> Vec<String> {
    let page = hub.queries().events(Range::After(0), &EventFilter::default(), 1000).unwrap();
    page.events.into_iter().map(|event| event.kind).collect()
}

#[test]
fn ids_rise_and_survive_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let first = hub(dir.path());
    let epoch = first.epoch().to_owned();
    assert_eq!(epoch.len(), 8);
    let published =
        first.publish_blocking(Publication::events(vec![start(1000, "1-1", "dev-story")])).unwrap();
    assert_eq!((published.head, published.count), (2, 2), "batch:start and command:start");
    first.shutdown();

    let second = hub(dir.path());
    assert_eq!(second.epoch(), epoch);
    assert_eq!(second.head(), 2);
    let published = second
        .publish_blocking(Publication::events(vec![end(3000, "1-1", "dev-story", "end")]))
        .unwrap();
    assert_eq!(published.head, 3);
    let page = second.queries().events(Range::After(2), &EventFilter::default(), 10).unwrap();
    let payload: Value = serde_json::from_str(page.events[0].payload.get()).unwrap();
    assert_eq!(payload["duration_ms"], 2000, "the start was remembered over the restart");
}

#[test]
fn silence_by_the_rows_own_times_splits_batches_and_leaves_no_ghost() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    let rows = vec![
        start(0, "1-1", "dev-story"),
        end(10 * MINUTE, "1-1", "dev-story", "end"),
        start(20 * MINUTE, "1-2", "dev-story"),
        start(51 * MINUTE, "1-3", "dev-story"),
        end(52 * MINUTE, "1-3", "dev-story", "end"),
    ];
    hub.publish_blocking(Publication::events(rows)).unwrap();
    assert_eq!(
        kinds(&hub),
        [
            "batch:start",
            "command:start",
            "command:end",
            "command:start",
            "command:end",
            "batch:end",
            "batch:start",
            "command:start",
            "command:end"
        ]
    );
    let first = hub.queries().batch(1).unwrap().unwrap();
    assert_eq!((first.status.as_str(), first.ended_at), ("lost", Some(20 * MINUTE)));
    let stories = hub.queries().stories(1).unwrap();
    assert_eq!(stories.len(), 2);
    assert_eq!(stories[1].commands[0].status, "lost");
    assert_eq!(hub.state().batch.unwrap().id, 2);

    let rules = Rules::default();
    let due = move |now| {
        Publication::from_state(move |state| crate::domain::attribution::due(state, now, rules))
    };
    assert_eq!(hub.publish_blocking(due(82 * MINUTE)).unwrap().count, 0, "not yet silent enough");
    assert_eq!(hub.publish_blocking(due(83 * MINUTE)).unwrap().count, 1);
    assert!(hub.state().batch.is_none());
    assert_eq!(hub.queries().batch(2).unwrap().unwrap().status, "completed");
}

#[test]
fn a_batch_start_row_opens_a_batch_and_ends_the_open_one() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    let announce = |at| {
        NewEvent::new(
            at,
            Source::Csv,
            Payload::BatchStart(BatchStart {
                batch_mode: "observed".to_owned(),
                origin: "observed".to_owned(),
                started_at: at,
                size: Some(2),
                ..BatchStart::default()
            }),
        )
    };
    hub.publish_blocking(Publication::events(vec![start(0, "1-1", "dev-story"), announce(1000)]))
        .unwrap();
    assert_eq!(
        kinds(&hub),
        ["batch:start", "command:start", "command:end", "batch:end", "batch:start"]
    );
    let batch = hub.state().batch.unwrap();
    assert_eq!((batch.id, batch.size), (2, Some(2)));
}

#[test]
fn a_second_start_leaves_the_first_lost_and_an_end_without_start_is_shown() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    hub.publish_blocking(Publication::events(vec![
        start(0, "1-1", "dev-story"),
        start(1000, "1-1", "dev-story"),
        end(3000, "1-1", "dev-story", "failed"),
        end(4000, "1-1", "code-review-1", "end"),
    ]))
    .unwrap();
    let stories = hub.queries().stories(1).unwrap();
    let seen: Vec<_> = stories[0]
        .commands
        .iter()
        .map(|command| (command.status.as_str(), command.started_at, command.ended_at))
        .collect();
    assert_eq!(
        seen,
        [("lost", 0, None), ("failed", 1000, Some(3000)), ("completed", 4000, Some(4000))]
    );
    assert_eq!(stories[0].duration_seconds, Some(4.0));
}

#[test]
fn what_is_kept_is_kept_with_the_events() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    let keep = |key: &str, value: Option<&[u8]>| (key.to_owned(), value.map(<[u8]>::to_vec));
    hub.publish_blocking(Publication::events(Vec::new()).keeping(vec![
        keep("tail/b", Some(b"2")),
        keep("tail/a", Some(b"1")),
        keep("tale", Some(b"3")),
    ]))
    .unwrap();
    let kept = hub.queries().kept("tail/").unwrap();
    assert_eq!(kept, [("tail/a".to_owned(), b"1".to_vec()), ("tail/b".to_owned(), b"2".to_vec())]);
    hub.publish_blocking(Publication::events(Vec::new()).keeping(vec![keep("tail/a", None)]))
        .unwrap();
    assert_eq!(hub.queries().kept("tail/").unwrap().len(), 1);
}

#[test]
fn pages_filter_and_search() {
    let dir = tempfile::tempdir().unwrap();
    let hub = hub(dir.path());
    let rows: Vec<NewEvent> = (0..10)
        .flat_map(|n| {
            let story = format!("1-{n}-some-story");
            [start(n, &story, "dev-story"), end(n, &story, "dev-story", "end")]
        })
        .collect();
    hub.publish_blocking(Publication::events(rows)).unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    runtime.block_on(hub.settle_search()).unwrap();
    let ask = |range, filter: EventFilter, limit| {
        let page = hub.queries().events(range, &filter, limit).unwrap();
        (page.events.iter().map(|event| event.id).collect::<Vec<_>>(), page.next, page.head)
    };
    let all = EventFilter::default;
    assert_eq!(ask(Range::Newest, all(), 3), (vec![19, 20, 21], None, 21));
    assert_eq!(ask(Range::After(0), all(), 3), (vec![1, 2, 3], Some(3), 21));
    assert_eq!(ask(Range::After(18), all(), 3), (vec![19, 20, 21], None, 21));
    assert_eq!(ask(Range::Before(3), all(), 3), (vec![1, 2], Some(2), 21));
    let kinds = EventFilter { kinds: vec!["*:end".to_owned(), "batch:*".to_owned()], ..all() };
    assert_eq!(ask(Range::After(0), kinds, 2), (vec![1, 3], Some(3), 21));
    let story = EventFilter { stories: vec!["1-3-some-story".to_owned()], ..all() };
    assert_eq!(ask(Range::After(0), story, 9), (vec![8, 9], None, 21));
    let batch = EventFilter { batch_ids: vec![7], ..all() };
    assert_eq!(ask(Range::After(0), batch, 9), (vec![], None, 21));
    let text = |text: &str| EventFilter { text: Some(text.to_owned()), ..all() };
    assert_eq!(ask(Range::After(0), text("1-3 dev"), 9), (vec![8, 9], None, 21));
    assert_eq!(ask(Range::Newest, text("files:2"), 1).0, [21]);
    assert_eq!(ask(Range::Newest, text("\" OR * NEAR( -"), 1).0.len(), 0);
    assert_eq!(ask(Range::Newest, text("()"), 1).0.len(), 0);
}

#[tokio::test]
async fn a_cursor_flows_from_the_database_through_the_ring_into_live() {
    let dir = tempfile::tempdir().unwrap();
    let first = hub(dir.path());
    for n in 0..50 {
        first
            .publish(Publication::events(vec![start(n, &format!("1-{n}"), "dev-story")]))
            .await
            .unwrap();
    }
    let stopped = first.clone();
    tokio::task::spawn_blocking(move || stopped.shutdown()).await.unwrap();
    // The ring of this one is empty: history comes from the database.
    let hub = hub(dir.path());
    let mut cursor = hub.subscribe(0);
    let mut seen = Vec::new();
    while seen.len() < 51 {
        seen.extend(cursor.next(300).await.unwrap().iter().map(|entry| entry.id));
    }
    let writer = hub.clone();
    let publishing = tokio::spawn(async move {
        for n in 50..100 {
            let row = start(n, &format!("1-{n}"), "dev-story");
            writer.publish(Publication::events(vec![row])).await.unwrap();
        }
    });
    while seen.len() < 101 {
        let next = cursor.next(300);
        let entries = tokio::time::timeout(Duration::from_secs(120), next).await.unwrap().unwrap();
        for entry in entries {
            let json: Value = serde_json::from_str(&entry.json).unwrap();
            assert_eq!(json["id"], entry.id);
            let frame = std::str::from_utf8(&entry.frame).unwrap();
            let expected = format!("id: {}:{}\ndata: {}\n\n", hub.epoch(), entry.id, entry.json);
            assert_eq!(frame, expected);
            seen.push(entry.id);
        }
    }
    publishing.await.unwrap();
    assert_eq!(seen, (1..=101).collect::<Vec<_>>());
    cursor.seek(99);
    assert_eq!(cursor.next(10_000).await.unwrap().len(), 2);
}

#[test]
fn b38_a_foreign_or_newer_database_is_refused_untouched() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("other.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.execute_batch("CREATE TABLE mine (a)").unwrap();
    drop(conn);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Log::open(&path), Err(StoreError::Foreign)));
    assert_eq!(std::fs::read(&path).unwrap(), before);

    let path = dir.path().join("newer.db");
    let conn = rusqlite::Connection::open(&path).unwrap();
    conn.pragma_update(None, "user_version", 99).unwrap();
    drop(conn);
    let before = std::fs::read(&path).unwrap();
    assert!(matches!(Log::open(&path), Err(StoreError::Newer { found: 99, .. })));
    assert_eq!(std::fs::read(&path).unwrap(), before);
}

fn any_event() -> impl Strategy<Value = NewEvent> {
    let story = prop_oneof![Just("1-1-a"), Just("1-2-b"), Just("2-1-\"<c>&")];
    let word = prop_oneof![Just("backlog"), Just("done"), Just("won't do")];
    let at = 0..200_i64;
    prop_oneof![
        (at.clone(), story.clone()).prop_map(|(at, story)| start(at * MINUTE, story, "dev-story")),
        (at.clone(), story.clone()).prop_map(|(at, story)| end(
            at * MINUTE,
            story,
            "dev-story",
            "end"
        )),
        (at.clone(), story.clone(), proptest::option::of(word.clone())).prop_map(
            |(at, story, word)| NewEvent::new(
                at,
                Source::Yaml,
                Payload::StoryStatus(StoryStatus {
                    story_key: story.to_owned(),
                    new_status: word.map(str::to_owned),
                    status_class: word.map(|_| "other".to_owned()),
                    epic_id: Some("1".to_owned()),
                    ..StoryStatus::default()
                })
            )
        ),
        (at.clone(), proptest::option::of(word), any::<bool>()).prop_map(|(at, word, retro)| {
            NewEvent::new(
                at,
                Source::Yaml,
                Payload::EpicStatus(EpicStatus {
                    epic_id: "1".to_owned(),
                    epic_key: "epic-1".to_owned(),
                    new_status: word.map(str::to_owned),
                    retrospective: retro,
                    ..EpicStatus::default()
                }),
            )
        }),
        (at.clone(), 0..6_u8).prop_map(|(at, kind)| managed::nth(at * MINUTE, kind)),
        (at, prop_oneof![Just("ok"), Just("invalid"), Just("reset")]).prop_map(|(at, state)| {
            NewEvent::new(
                at,
                Source::Server,
                Payload::SourceState(SourceState {
                    file: "sprint-status.yaml".to_owned(),
                    state: state.to_owned(),
                    sprint_state: Some(state.to_owned()),
                    ..SourceState::default()
                }),
            )
        }),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 24, ..ProptestConfig::default() })]

    /// What was folded live is what a restart folds from the stored log, whether or not a stored
    /// state shortens the way.
    #[test]
    fn replay_equals_live(groups in prop::collection::vec(prop::collection::vec(any_event(), 1..8), 1..8)) {
        let dir = tempfile::tempdir().unwrap();
        let live = hub(dir.path());
        for group in groups {
            live.publish_blocking(Publication::events(group)).unwrap();
        }
        let expected = live.state();
        live.shutdown();
        let quick = hub(dir.path());
        prop_assert_eq!(&quick.state(), &expected);
        quick.shutdown();
        let conn = rusqlite::Connection::open(dir.path().join("test.db")).unwrap();
        conn.execute("DELETE FROM fold", []).unwrap();
        drop(conn);
        prop_assert_eq!(&hub(dir.path()).state(), &expected);
    }
}
