//! The counting against a model of multisets, through restarts and failed commits.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::domain::payload::{BatchStart, CommandEnd, CommandProgress, CommandStart};
use crate::domain::state::{EndedBatch, Run};

const NOW: i64 = 1_000_000;

fn managed() -> State {
    State { run: Some(Run { batch_id: 1, ..Run::default() }), ..State::default() }
}

fn ended(at: i64) -> State {
    let ended = EndedBatch { id: 1, started_at: 0, ended_at: at, ended_id: 9 };
    State { last_managed: Some(ended), ..State::default() }
}

/// A row from its columns: `time,epic,story,command,task,status,message`.
fn row(source: Source, columns: &str) -> NewEvent {
    let text = |n: usize| columns.splitn(7, ',').nth(n).unwrap_or_default().to_owned();
    let (epic_id, story_id, command, task_id) = (text(1), text(2), text(3), text(4));
    let story_key = format!("{story_id}-resolved");
    let message = Some(text(6)).filter(|message| !message.is_empty());
    let payload = match text(5).as_str() {
        "start" => Payload::CommandStart(CommandStart {
            story_key,
            story_id,
            epic_id,
            command,
            task_id,
            message,
            story_ids: Vec::new(),
        }),
        "progress" => Payload::CommandProgress(CommandProgress {
            story_key,
            story_id,
            epic_id,
            command,
            task_id,
            message,
            story_ids: Vec::new(),
        }),
        status => Payload::CommandEnd(CommandEnd {
            story_key,
            story_id,
            epic_id,
            command,
            task_id,
            status: status.to_owned(),
            message,
            ..CommandEnd::default()
        }),
    };
    NewEvent::new(text(0).parse().unwrap(), source, payload)
}

fn batch_row(source: Source, size: Option<i64>) -> NewEvent {
    let body = BatchStart { origin: "observed".to_owned(), size, ..BatchStart::default() };
    NewEvent::new(NOW, source, Payload::BatchStart(body))
}

fn batch_start() -> NewEvent {
    let body = BatchStart { origin: "managed".to_owned(), ..BatchStart::default() };
    NewEvent::new(NOW, Source::Orchestrator, Payload::BatchStart(body))
}

#[test]
fn a_row_is_known_by_what_both_sides_must_say() {
    let plain = "5000,2a,2a-1,dev-story,tests,end,all pass";
    let print = |columns: &str| fingerprint(&row(Source::Csv, columns));
    for same in [
        "5999,2a,2a-1,dev-story,tests,end,all pass",
        "5000,epic-2a,2a-1,dev-story,tests,end,all pass",
        "5000,Epic-2a,2a-1-session-list,sprint-dev-story,tests,end,all pass",
        "5000, 2a , 2a-1 , dev-story , tests , end , all pass ",
    ] {
        assert_eq!(print(same), print(plain), "{same}");
    }
    for other in [
        "6000,2a,2a-1,dev-story,tests,end,all pass",
        "4999,2a,2a-1,dev-story,tests,end,all pass",
        "5000,2b,2a-1,dev-story,tests,end,all pass",
        "5000,2a,2a-10,dev-story,tests,end,all pass",
        "5000,2a,2a-1,code-review-2,tests,end,all pass",
        "5000,2a,2a-1,dev-story,test,send,all pass",
        "5000,2a,2a-1,dev-story,tests,start,all pass",
        "5000,2a,2a-1,dev-story,tests,progress,all pass",
        "5000,2a,2a-1,dev-story,tests,end,all",
        "5000,2a,2a-1,dev-story,tests,end,",
    ] {
        assert_ne!(print(other), print(plain), "{other}");
    }
    assert_eq!(
        fingerprint(&batch_row(Source::Csv, Some(2))),
        fingerprint(&batch_row(Source::Agent, Some(2)))
    );
    assert_ne!(
        fingerprint(&batch_row(Source::Csv, Some(2))),
        fingerprint(&batch_row(Source::Csv, None))
    );
    assert_eq!(fingerprint(&batch_start()), None);
    let mut two = row(Source::Csv, plain);
    if let Payload::CommandEnd(body) = &mut two.payload {
        body.story_ids = vec!["2a-1".to_owned(), "2a-2".to_owned()];
    }
    assert_ne!(fingerprint(&two), print(plain));
}

#[test]
fn without_a_managed_batch_every_row_is_its_own() {
    let mut twins = Twins::default();
    for state in [State::default(), ended(NOW - 60_001)] {
        for source in [Source::Csv, Source::Agent, Source::Csv] {
            assert!(!twins.is_told(&state, &row(source, "1000,1,1-1,a,b,end,"), NOW));
        }
    }
    assert!(twins.changes().is_empty() && twins.counts.is_empty());
}

#[test]
fn other_sources_tell_no_rows() {
    let mut twins = Twins::default();
    let state = managed();
    for source in [Source::Orchestrator, Source::Server, Source::Yaml, Source::Md, Source::Csv] {
        assert!(!twins.is_told(&state, &row(source, "1000,1,1-1,a,b,end,"), NOW));
    }
    assert_eq!(twins.counts.len(), 1, "the CSV log's alone");
}

#[test]
fn a_late_twin_is_found_and_a_late_stranger_is_not_waited_for() {
    let mut twins = Twins::default();
    let columns = "900000,1,1-1,a,b,end,";
    let far = "2000000,1,1-1,a,b,end,";
    twins.is_told(&managed(), &row(Source::Agent, columns), NOW);
    twins.is_told(&managed(), &row(Source::Agent, far), NOW);
    let after = ended(NOW);
    // A row outside of the batch by its own time, but told by one of its agents.
    assert!(twins.is_told(&after, &row(Source::Csv, far), NOW + 60_000));
    assert!(!twins.is_told(&after, &row(Source::Csv, far), NOW + 60_000), "that one is new");
    assert!(!twins.is_told(&after, &row(Source::Agent, "900001,1,1-1,a,c,end,"), NOW));
    assert!(twins.is_told(&after, &row(Source::Csv, "900001,1,1-1,a,c,end,"), NOW));
    assert_eq!(twins.counts.len(), 1);
    twins.settle();
    // The window is over: whatever comes next clears what waited.
    assert!(!twins.is_told(&after, &row(Source::Csv, columns), NOW + 60_001));
    assert_eq!(twins.changes().len(), 1);
    assert_eq!(twins.changes()[0].1, None);
}

#[test]
fn the_next_managed_batch_begins_with_nothing() {
    let mut twins = Twins::default();
    let columns = "900000,1,1-1,a,b,end,";
    twins.is_told(&managed(), &row(Source::Agent, columns), NOW);
    twins.settle();
    assert!(!twins.is_told(&ended(NOW), &batch_start(), NOW));
    assert!(!twins.is_told(&managed(), &row(Source::Csv, columns), NOW));
    let kept = kept_after(&twins, BTreeMap::new());
    assert_eq!(kept.len(), 1, "the new count takes the old one's place");
}

#[test]
fn what_waits_is_bounded_and_the_oldest_is_given_up() {
    let mut twins = Twins::default();
    let state = managed();
    let nth = |n: usize| format!("{n}000,1,1-1,a,b,end,");
    let mut kept = BTreeMap::new();
    for n in 0..MAX_WAITING + 10 {
        assert!(!twins.is_told(&state, &row(Source::Csv, &nth(n)), NOW));
        if n % 4096 == 0 {
            kept = kept_after(&twins, kept);
            twins.settle();
        }
    }
    kept = kept_after(&twins, kept);
    assert_eq!((twins.counts.len(), twins.by_order.len(), kept.len()), (50_000, 50_000, 50_000));
    let mut twins = load(&kept);
    assert!(!twins.is_told(&state, &row(Source::Agent, &nth(9)), NOW), "given up");
    assert!(twins.is_told(&state, &row(Source::Agent, &nth(11)), NOW));
    assert!(twins.is_told(&state, &row(Source::Agent, &nth(MAX_WAITING + 9)), NOW));
}

#[test]
fn what_cannot_be_read_back_is_left_out() {
    let ok = "0".repeat(32);
    let kept: Vec<(String, Vec<u8>)> = [
        ("twin/".to_owned() + &ok, "2 7"),
        ("twin/xyz".to_owned(), "1 1"),
        (format!("twin/1{}", &ok[1..]), "0 1"),
        (format!("twin/2{}", &ok[1..]), "1"),
        (format!("twin/3{}", &ok[1..]), "1 18446744073709551615"),
        ("other/".to_owned() + &ok, "1 1"),
    ]
    .into_iter()
    .map(|(name, value)| (name, value.as_bytes().to_vec()))
    .collect();
    let twins = Twins::load(&kept);
    assert_eq!((twins.counts.len(), twins.next_order), (1, 8));
}

type Kept = BTreeMap<String, Vec<u8>>;

fn kept_after(twins: &Twins, mut kept: Kept) -> Kept {
    for (name, value) in twins.changes() {
        match value {
            Some(value) => kept.insert(name, value),
            None => kept.remove(&name),
        };
    }
    kept
}

fn load(kept: &Kept) -> Twins {
    let pairs: Vec<_> = kept.iter().map(|(name, value)| (name.clone(), value.clone())).collect();
    Twins::load(&pairs)
}

fn seen(twins: &Twins) -> BTreeMap<u128, (i64, u64)> {
    twins.counts.iter().map(|(print, count)| (*print, (count.balance, count.order))).collect()
}

proptest! {
    /// n and m reports of a row make max(n, m) events, however they fall, whatever commit fails
    /// and wherever the server is killed.
    #[test]
    fn n_and_m_make_the_larger_of_them(
        groups in prop::collection::vec(
            (prop::collection::vec((0..4_u8, any::<bool>()), 0..6), 0..4_u8), 1..30,
        )
    ) {
        let state = managed();
        let mut twins = Twins::default();
        let mut kept = Kept::new();
        let mut events = BTreeMap::<u8, usize>::new();
        let mut told = BTreeMap::<u8, (usize, usize)>::new();
        for (rows, fate) in groups {
            let before = seen(&twins);
            let mut made = Vec::new();
            for (which, csv) in &rows {
                let source = if *csv { Source::Csv } else { Source::Agent };
                if !twins.is_told(&state, &row(source, &format!("1000,1,1-{which},a,b,end,")), NOW) {
                    made.push(*which);
                }
            }
            if fate == 0 {
                twins.undo();
                prop_assert_eq!(seen(&twins), before);
                prop_assert!(twins.changes().is_empty());
                continue;
            }
            kept = kept_after(&twins, kept);
            twins.settle();
            for which in made {
                *events.entry(which).or_default() += 1;
            }
            for (which, csv) in rows {
                let sides = told.entry(which).or_default();
                *if csv { &mut sides.0 } else { &mut sides.1 } += 1;
            }
            prop_assert_eq!(seen(&load(&kept)), seen(&twins));
            prop_assert_eq!(twins.by_order.len(), twins.counts.len());
            if fate == 1 {
                twins = load(&kept);
            }
        }
        let expected: BTreeMap<u8, usize> =
            told.into_iter().map(|(which, (csv, agent))| (which, csv.max(agent))).collect();
        prop_assert_eq!(events, expected);
    }
}
