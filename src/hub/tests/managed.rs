//! Managed batches through the hub and a real database: one end each, and rows told twice.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use super::*;
use crate::domain::attribution;
use crate::domain::payload::{
    AgentStart, BatchEnd, BatchWarning, CycleEnd, CycleStart, ErrorEvent,
};
use crate::domain::state::OrchestratorView;

/// A clock that stands until it is moved.
#[derive(Clone, Default)]
struct Hand(Arc<AtomicI64>);

impl Hand {
    fn set(&self, now_ms: i64) {
        self.0.store(now_ms, Ordering::SeqCst);
    }
}

struct Stage {
    /// Folders of this run; the last one holds the database.
    dirs: Vec<tempfile::TempDir>,
    hand: Hand,
    hub: Hub,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let hand = Hand::default();
        let hub = open(dir.path(), &hand);
        Self { dirs: vec![dir], hand, hub }
    }

    fn database(&self) -> PathBuf {
        self.dirs.last().unwrap().path().join("test.db")
    }

    fn restart(&mut self) {
        self.hub.shutdown();
        self.hub = open(self.dirs.last().unwrap().path(), &self.hand);
    }

    /// What a killed server leaves: the files as they are now, with nothing brought to an end.
    fn kill(&mut self) {
        let dir = tempfile::tempdir().unwrap();
        for name in ["test.db", "test.db-wal"] {
            let from = self.dirs.last().unwrap().path().join(name);
            if from.exists() {
                std::fs::copy(from, dir.path().join(name)).unwrap();
            }
        }
        let killed = std::mem::replace(&mut self.hub, open(dir.path(), &self.hand));
        killed.shutdown();
        self.dirs.push(dir);
    }

    fn publish(&self, events: Vec<NewEvent>) -> u64 {
        self.hub.publish_blocking(Publication::events(events)).unwrap().count
    }

    /// The log from behind `after`, as `kind batch`.
    fn log(&self, after: u64) -> Vec<String> {
        let filter = EventFilter::default();
        let page = self.hub.queries().events(Range::After(after), &filter, 1000).unwrap();
        let line = |event: crate::store::rows::StoredEvent| {
            format!("{} {}", event.kind, event.batch_id.unwrap_or_default())
        };
        page.events.into_iter().map(line).collect()
    }

    fn kept(&self) -> usize {
        self.hub.queries().kept("twin/").unwrap().len()
    }
}

fn open(dir: &Path, hand: &Hand) -> Hub {
    let (log, queries) = Log::open(&dir.join("test.db")).unwrap();
    let hand = hand.clone();
    let clock = Box::new(move || hand.0.load(Ordering::SeqCst));
    Hub::with_clock(log, queries, Rules::default(), clock).unwrap()
}

fn of(source: Source, event: NewEvent) -> NewEvent {
    NewEvent { source, ..event }
}

fn begin(at: i64) -> NewEvent {
    let body = BatchStart {
        max_cycles: Some(2),
        batch_mode: "fixed".to_owned(),
        origin: "managed".to_owned(),
        started_at: at,
        ..BatchStart::default()
    };
    NewEvent::new(at, Source::Orchestrator, Payload::BatchStart(body))
}

fn finish(at: i64) -> NewEvent {
    let body = BatchEnd {
        status: "completed".to_owned(),
        reason: "max_cycles".to_owned(),
        ..BatchEnd::default()
    };
    NewEvent::new(at, Source::Orchestrator, Payload::BatchEnd(body))
}

/// One of what the orchestrator tells.
pub(super) fn nth(at: i64, kind: u8) -> NewEvent {
    let ours = |payload| NewEvent::new(at, Source::Orchestrator, payload);
    let story_keys = vec!["1-1-a".to_owned()];
    match kind {
        0 => begin(at),
        1 => finish(at),
        2 => ours(Payload::CycleStart(CycleStart { cycle_number: 1, story_keys })),
        3 => ours(Payload::CycleEnd(CycleEnd { cycle_number: 1, ..CycleEnd::default() })),
        4 => ours(Payload::AgentStart(AgentStart {
            agent_id: format!("1-{at}"),
            story_keys,
            background_task: Some("chain".to_owned()),
            ..AgentStart::default()
        })),
        _ => ours(Payload::BatchWarning(BatchWarning {
            state: Some("waiting".to_owned()),
            parked_until: Some(at + MINUTE),
            ..BatchWarning::default()
        })),
    }
}

#[test]
fn a_managed_batch_ends_once_as_its_row_says() {
    let mut stage = Stage::new();
    stage.publish(vec![start(1000, "1-9", "dev-story")]);
    stage.hand.set(5000);
    stage.publish(vec![begin(5000)]);
    let view = OrchestratorView::of(&stage.hub.state());
    assert_eq!((view.status, view.batch_id, view.max_cycles), ("running", Some(2), Some(2)));
    let cycle = Payload::CycleEnd(CycleEnd { cycle_number: 1, ..CycleEnd::default() });
    let agent = Payload::AgentStart(AgentStart { agent_id: "2-1".into(), ..AgentStart::default() });
    stage.publish(vec![
        NewEvent::new(6000, Source::Orchestrator, agent),
        of(Source::Agent, start(6000, "1-1", "dev-story")),
        start(6000, "1-1", "dev-story"),
        start(7000, "1-2", "dev-story"),
        NewEvent::new(8000, Source::Orchestrator, cycle),
    ]);
    stage.kill();
    assert_eq!(stage.hub.state().agents.len(), 1);
    stage.hand.set(9000);
    let first = stage.hub.head();
    // Two that both want to end it: the second one finds nothing to end.
    assert_eq!(stage.publish(vec![finish(9000), finish(9000)]), 3);
    assert_eq!(stage.publish(vec![finish(9000)]), 0);
    assert_eq!(stage.log(first), ["command:end 2", "command:end 2", "batch:end 2"]);
    stage.restart();
    assert_eq!(stage.publish(vec![finish(9000)]), 0);
    let all = EventFilter { kinds: vec!["batch:end".to_owned()], ..EventFilter::default() };
    let page = stage.hub.queries().events(Range::Newest, &all, 1).unwrap();
    let body: BatchEnd = serde_json::from_str(page.events[0].payload.get()).unwrap();
    let row = stage.hub.queries().batch(2).unwrap().unwrap();
    assert_eq!((body.batch_id, body.cycles_completed, body.duration_ms), (2, 1, 4000));
    assert_eq!((row.cycles_completed, row.ended_at), (1, Some(9000)));
    assert_eq!(row.status, body.status);
    assert_eq!(row.duration_seconds, Some(4.0));
    let stories = stage.hub.queries().stories(2).unwrap();
    assert!(stories.iter().all(|story| story.commands[0].status == "lost"));
    assert_eq!(OrchestratorView::of(&stage.hub.state()), OrchestratorView::idle());
    assert!(stage.hub.state().agents.is_empty());
}

#[test]
fn what_a_killed_server_ran_is_lost_and_its_late_rows_go_home() {
    let mut stage = Stage::new();
    stage.hand.set(100_000);
    stage.publish(vec![begin(100_000)]);
    stage.publish(vec![of(Source::Agent, start(101_000, "1-1", "dev-story"))]);
    stage.kill();
    stage.hand.set(200_000);
    let over = Publication::from_state(|state| attribution::lost(state, 200_000, "crash"));
    assert_eq!(stage.hub.publish_blocking(over).unwrap().count, 2);
    assert_eq!(stage.hub.queries().batch(1).unwrap().unwrap().status, "lost");
    let first = stage.hub.head();
    // While it was down, the agent's twin and two more rows came into the file.
    stage.hand.set(201_000);
    stage.publish(vec![
        start(101_000, "1-1", "dev-story"),
        end(150_000, "1-1", "dev-story", "end"),
        start(151_000, "1-2", "dev-story"),
    ]);
    assert_eq!(stage.log(first), ["command:end 1", "command:start 1", "command:end 1"]);
    let stories = stage.hub.queries().stories(1).unwrap();
    let statuses: Vec<_> = stories.iter().map(|s| s.commands[0].status.as_str()).collect();
    assert_eq!(statuses, ["completed", "lost"]);
    assert!(stage.hub.state().active.is_empty());
    // A minute later the same rows are a run of their own.
    stage.hand.set(260_001);
    let first = stage.hub.head();
    stage.publish(vec![start(151_000, "1-2", "dev-story")]);
    assert_eq!(stage.log(first), ["batch:start 2", "command:start 2"]);
    assert_eq!(stage.kept(), 0, "nothing waits for a twin any more");
}

#[test]
fn a_managed_agents_flood_is_counted_once() {
    let mut stage = Stage::new();
    stage.publish(vec![begin(0)]);
    let rows = |source| -> Vec<NewEvent> {
        (0..1000).map(|n| of(source, end(n * 1000, "1-1", "dev-story", "end"))).collect()
    };
    assert_eq!(stage.publish(rows(Source::Agent)), 1000);
    assert_eq!(stage.kept(), 1000);
    stage.kill();
    assert_eq!(stage.publish(rows(Source::Csv)), 0);
    assert_eq!(stage.kept(), 0);
    assert_eq!(stage.publish(rows(Source::Csv)), 1000, "that is a second thousand");
}

#[test]
fn unmanaged_rows_keep_nothing() {
    let stage = Stage::new();
    let rows = (0..50).map(|n| start(n, "1-1", "dev-story")).collect();
    assert_eq!(stage.publish(rows), 51);
    assert_eq!(stage.kept(), 0);
}

/// A publication of it fails with all that comes with it.
fn poison() -> NewEvent {
    let body = ErrorEvent { message: "poison".to_owned(), ..ErrorEvent::default() };
    NewEvent::new(0, Source::Server, Payload::Error(body))
}

fn forbid(path: &Path) {
    let conn = rusqlite::Connection::open(path).unwrap();
    conn.busy_timeout(Duration::from_secs(120)).unwrap();
    conn.execute_batch(
        "CREATE TRIGGER IF NOT EXISTS forbidden BEFORE INSERT ON events
         WHEN NEW.message = 'poison' BEGIN SELECT RAISE(ABORT, 'forbidden'); END",
    )
    .unwrap();
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Fate {
    Well,
    Fails,
    Restart,
    Kill,
}

fn any_fate() -> impl Strategy<Value = Fate> {
    prop_oneof![
        5 => Just(Fate::Well),
        2 => Just(Fate::Fails),
        1 => Just(Fate::Restart),
        1 => Just(Fate::Kill),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 16, ..ProptestConfig::default() })]

    /// Each row makes as many events as the side that told it more often, whatever way the two
    /// streams fall between each other, whichever commits fail, wherever the server ends, and also
    /// when the batch has ended between the two.
    #[test]
    fn rows_told_twice_make_one_event(
        groups in prop::collection::vec(
            (prop::collection::vec((0..3_u8, any::<bool>()), 0..5), any_fate()), 1..16,
        ),
        ends_at in 0..16_usize,
    ) {
        let mut stage = Stage::new();
        forbid(&stage.database());
        stage.hand.set(10_000);
        stage.publish(vec![begin(10_000)]);
        let mut told = BTreeMap::<u8, (usize, usize)>::new();
        for (n, (rows, fate)) in groups.into_iter().enumerate() {
            if n == ends_at {
                stage.publish(vec![finish(10_000)]);
            }
            let event = |(which, csv): &(u8, bool)| {
                let source = if *csv { Source::Csv } else { Source::Agent };
                of(source, end(10_000, &format!("1-{which}"), "dev-story", "end"))
            };
            let mut events: Vec<NewEvent> = rows.iter().map(event).collect();
            if fate == Fate::Fails {
                let (before, kept) = (stage.hub.state(), stage.hub.queries().kept("twin/").unwrap());
                events.push(poison());
                let failed = stage.hub.publish_blocking(Publication::events(events));
                prop_assert!(failed.is_err());
                prop_assert_eq!(stage.hub.state(), before);
                prop_assert_eq!(stage.hub.queries().kept("twin/").unwrap(), kept);
                continue;
            }
            stage.publish(events);
            for (which, csv) in rows {
                let sides = told.entry(which).or_default();
                *if csv { &mut sides.0 } else { &mut sides.1 } += 1;
            }
            match fate {
                Fate::Restart => stage.restart(),
                Fate::Kill => stage.kill(),
                _ => {}
            }
        }
        let filter = EventFilter { kinds: vec!["command:end".to_owned()], ..EventFilter::default() };
        let page = stage.hub.queries().events(Range::After(0), &filter, 1000).unwrap();
        let mut made = BTreeMap::<u8, usize>::new();
        for event in page.events {
            prop_assert_eq!(event.batch_id, Some(1));
            *made.entry(event.story_key[2..].parse().unwrap()).or_default() += 1;
        }
        let waiting = told.values().filter(|(csv, agent)| csv != agent).count();
        prop_assert_eq!(stage.kept(), waiting);
        let expected: BTreeMap<u8, usize> =
            told.into_iter().map(|(which, (csv, agent))| (which, csv.max(agent))).collect();
        prop_assert_eq!(made, expected);
    }
}
