//! Laws of the desk: nothing lost, nothing twice, nothing too often, all of it bounded.

use std::collections::BTreeSet;
use std::time::Duration;

use proptest::prelude::*;

use super::*;
use crate::config::notifications::{Kind, NotificationTable};
use crate::notifications::occasion::blank;

const NOW: i64 = 1_700_000_000_000;
const MINUTE: i64 = 60_000;

fn target(name: &str) -> NotificationConfig {
    NotificationConfig {
        name: name.to_owned(),
        to: Kind::Webhook,
        table: NotificationTable::default(),
        on: Rule::ALL.to_vec(),
        batches: vec!["error".to_owned(), "lost".to_owned()],
        cool_down: Duration::from_secs(30 * 60),
        settle: Duration::from_secs(5),
        max_age: Duration::from_secs(12 * 3600),
        give_up: Duration::from_secs(3600),
        silent: Duration::from_secs(600),
    }
}

fn of(rule: Rule, subject: &str, id: EventId, since_ms: i64) -> Occasion {
    Occasion {
        subject: subject.to_owned(),
        event_id: id,
        since_ms,
        ..blank(rule, format!("{subject} {id}"), "nothing")
    }
}

fn blocked(story: &str, id: EventId, since_ms: i64) -> Occasion {
    of(Rule::StoryBlocked, story, id, since_ms)
}

fn desk(targets: &[NotificationConfig]) -> Desk {
    Desk::new(None, "e", 10, targets, NOW)
}

fn ripened(desk: &mut Desk, targets: &[NotificationConfig], now_ms: i64) -> bool {
    desk.ripen(targets, now_ms, "lantern", &|_| true)
}

/// Takes everything that can be sent; gives the headlines of each delivery.
fn sent(desk: &mut Desk, target: &NotificationConfig, now_ms: i64) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    while let Some(delivery) = desk.next_for(&target.name, now_ms).cloned() {
        all.push(delivery.occasions.iter().map(|it| it.headline.clone()).collect());
        let fate = desk.tried(target, &delivery.id, &Try::Arrived, now_ms, 0.5);
        assert_eq!(fate, Some(Fate::Arrived));
    }
    all
}

#[test]
fn a_new_target_is_told_nothing_that_was_before_it() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    assert_eq!(desk.position(), 10, "the log so far is history");
    assert!(!desk.take(&blocked("1-1", 11, NOW - 1), &targets, NOW), "an old row read only now");
    assert!(desk.take(&blocked("1-2", 12, NOW), &targets, NOW));
    // Another one that comes later has a beginning of its own.
    let later = [target("a"), target("b")];
    let mut desk = Desk::new(Some(&desk.stored()), "e", 12, &later, NOW + 5 * MINUTE);
    let between = blocked("1-3", 13, NOW + MINUTE);
    assert!(!desk.take_for(&between, &later[1], NOW + 5 * MINUTE));
    assert!(desk.take_for(&between, &later[0], NOW + 5 * MINUTE));
}

#[test]
fn what_happened_while_down_is_told_as_long_as_it_is_young_enough() {
    let targets = [target("a")];
    let hours = |n: i64| n * 60 * MINUTE;
    let mut desk = Desk::new(Some(&desk(&targets).stored()), "e", 10, &targets, NOW + hours(20));
    assert!(!desk.take(&blocked("1-1", 11, NOW + hours(7)), &targets, NOW + hours(20)));
    assert!(desk.take(&blocked("1-2", 12, NOW + hours(9)), &targets, NOW + hours(20)));
    // The end of an observed batch has the time of its last row; it is known after the silence.
    let mut end = of(Rule::BatchEnded, "7", 13, NOW + hours(20) - hours(12) - 1000);
    end.batch_end = Some("lost".to_owned());
    assert!(!desk.take(&end, &targets, NOW + hours(20)));
    end.known_after_ms = 30 * MINUTE;
    assert!(desk.take(&end, &targets, NOW + hours(20)));
}

#[test]
fn a_filter_lets_only_some_ends_of_batches_through() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    for (end, wanted) in [("completed", false), ("stopped", false), ("error", true), ("lost", true)]
    {
        let mut occasion = of(Rule::BatchEnded, end, 11, NOW);
        occasion.batch_end = Some(end.to_owned());
        assert_eq!(desk.take(&occasion, &targets, NOW), wanted, "{end}");
    }
    let quiet = [NotificationConfig { on: vec![Rule::UsageLimit], ..target("a") }];
    assert!(!desk.take(&blocked("1-1", 12, NOW), &quiet, NOW));
}

#[test]
fn many_stories_become_one_message_in_the_logs_order() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    for n in [3, 1, 2] {
        desk.take(&blocked(&format!("1-{n}"), 10 + n, NOW), &targets, NOW);
    }
    desk.take(&of(Rule::UsageLimit, "", 12, NOW), &targets, NOW);
    assert!(!ripened(&mut desk, &targets, NOW + 4999), "more may come");
    assert!(ripened(&mut desk, &targets, NOW + 5000));
    let sent = sent(&mut desk, &targets[0], NOW + 5000);
    assert_eq!(sent, [vec!["1-1 11", "1-2 12", "1-3 13"], vec![" 12"]]);
}

#[test]
fn what_comes_while_the_first_settles_is_told_with_it() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    desk.take(&blocked("1-1", 11, NOW), &targets, NOW);
    desk.take(&blocked("1-2", 12, NOW + 4000), &targets, NOW + 4000);
    ripened(&mut desk, &targets, NOW + 5000);
    assert_eq!(sent(&mut desk, &targets[0], NOW + 5000), [["1-1 11", "1-2 12"]]);
}

#[test]
fn a_crowd_is_counted_not_named() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    for n in 0..MAX_WAITING as u64 + 50 {
        desk.take(&blocked(&format!("1-{n}"), 11 + n, NOW), &targets, NOW);
    }
    ripened(&mut desk, &targets, NOW + 5000);
    let delivery = desk.next_for("a", NOW + 5000).unwrap();
    assert_eq!((delivery.occasions.len(), delivery.more), (MAX_NAMED, MAX_WAITING - MAX_NAMED));
    assert_eq!(desk.told_of("a"), (1, 50, None));
}

#[test]
fn the_same_again_within_the_cool_down_waits_for_its_end_and_for_being_true() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    desk.take(&blocked("1-1", 11, NOW), &targets, NOW);
    ripened(&mut desk, &targets, NOW + 5000);
    assert_eq!(sent(&mut desk, &targets[0], NOW + 5000).len(), 1);
    let again = NOW + 10 * MINUTE;
    assert!(desk.take(&blocked("1-1", 12, again), &targets, again));
    assert!(desk.take(&blocked("1-2", 13, again), &targets, again), "another story is not held");
    ripened(&mut desk, &targets, again + 5000);
    assert_eq!(sent(&mut desk, &targets[0], again + 5000), [["1-2 13"]]);
    let end = NOW + 5000 + 30 * MINUTE;
    assert!(!ripened(&mut desk, &targets, end - 1));
    let stored = desk.stored();
    assert!(ripened(&mut desk, &targets, end));
    assert_eq!(sent(&mut desk, &targets[0], end), [["1-1 12"]]);
    // Or it is no more so by then, also over a restart.
    let mut desk = Desk::new(Some(&stored), "e", 13, &targets, end);
    assert!(desk.ripen(&targets, end, "lantern", &|_| false));
    assert_eq!(desk.next_for("a", end), None);
}

#[test]
fn every_try_is_the_same_delivery_and_pauses_grow() {
    let targets = [NotificationConfig { settle: Duration::ZERO, ..target("a") }];
    let mut desk = desk(&targets);
    desk.take(&blocked("1-1", 11, NOW), &targets, NOW);
    let mut now = NOW;
    ripened(&mut desk, &targets, now);
    let first = desk.next_for("a", now).unwrap().clone();
    assert_eq!(first.id, format!("e-11-story_blocked-{NOW}"));
    let mut pauses = Vec::new();
    loop {
        match desk.tried(&targets[0], &first.id, &Try::Later(None), now, 0.5) {
            Some(Fate::Waits) => {}
            Some(Fate::GivenUp(delivery)) => {
                assert_eq!(delivery.id, first.id);
                break;
            }
            other => panic!("{other:?}"),
        }
        assert_eq!(desk.next_for("a", now), None, "not at once");
        let due = desk.due_ms(&|_| false).unwrap();
        pauses.push((due - now) / 1000);
        now = due;
        // What comes meanwhile is told apart.
        desk.take(&blocked(&format!("2-{now}"), 20, now), &targets, now);
        ripened(&mut desk, &targets, now);
        let delivery = desk.next_for("a", now).unwrap();
        assert_eq!((&delivery.id, &delivery.occasions), (&first.id, &first.occasions));
    }
    assert_eq!(pauses, [2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600, 600, 600]);
    assert!(now - NOW <= 3_600_000);
}

#[test]
fn a_pause_that_is_asked_for_is_made_and_a_refusal_is_the_end() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    desk.take(&blocked("1-1", 11, NOW), &targets, NOW);
    desk.take(&of(Rule::UsageLimit, "", 12, NOW), &targets, NOW);
    let now = NOW + 5000;
    ripened(&mut desk, &targets, now);
    let id = desk.next_for("a", now).unwrap().id.clone();
    desk.tried(&targets[0], &id, &Try::Later(Some(90_000)), now, 0.5);
    assert_eq!(desk.due_ms(&|_| false), Some(now + 90_000));
    assert_eq!(desk.due_ms(&|_| true), None, "while a try is under way nothing is due");
    let fate = desk.tried(&targets[0], &id, &Try::Refused, now + 90_000, 0.5);
    assert!(matches!(fate, Some(Fate::GivenUp(_))));
    assert!(desk.next_for("a", now + 90_000).is_some(), "the next one is not refused with it");
    assert_eq!(desk.tried(&targets[0], &id, &Try::Arrived, now, 0.5), None, "it is over");
}

#[test]
fn another_log_and_rubbish_begin_anew() {
    let targets = [target("a")];
    let mut old = desk(&targets);
    old.take(&blocked("1-1", 11, NOW), &targets, NOW);
    let stored = old.stored();
    assert_eq!(Desk::new(Some(&stored), "e", 10, &targets, NOW + 1), old);
    for (bytes, epoch, head) in [
        (&stored[..], "f", 10),
        (&stored[..], "e", 9),
        (&b"{"[..], "e", 10),
        (&b"\xff"[..], "e", 10),
        (&b"{\"epoch\":\"e\"}"[..], "e", 10),
    ] {
        let new = Desk::new(Some(bytes), epoch, head, &targets, NOW + 1);
        assert_eq!(new.told_of("a"), (0, 0, None));
        assert_eq!(new.position(), head);
    }
    let renamed = Desk::new(Some(&stored), "e", 10, &[target("b")], NOW);
    assert_eq!((renamed.told_of("a").0, renamed.told_of("b").0), (0, 0));
}

#[test]
fn a_clock_that_is_set_back_holds_nothing_for_ever() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    let day = 24 * 60 * MINUTE;
    desk.take(&blocked("1-1", 11, NOW + day), &targets, NOW + day);
    ripened(&mut desk, &targets, NOW);
    let now = NOW + 30 * MINUTE;
    assert!(ripened(&mut desk, &targets, now), "no later than the longest wait");
    assert!(desk.next_for("a", now).is_some());
    assert!(desk.next_for("a", now - day).is_some(), "made in what is now the future");
}

#[test]
fn at_the_end_what_only_settles_is_due_and_what_is_held_is_not() {
    let targets = [target("a")];
    let mut desk = desk(&targets);
    desk.take(&blocked("1-1", 11, NOW), &targets, NOW);
    ripened(&mut desk, &targets, NOW + 5000);
    sent(&mut desk, &targets[0], NOW + 5000);
    desk.take(&blocked("1-1", 12, NOW + 6000), &targets, NOW + 6000);
    desk.take(&blocked("1-2", 13, NOW + 6000), &targets, NOW + 6000);
    desk.hurry(NOW + 6001);
    ripened(&mut desk, &targets, NOW + 6001);
    assert_eq!(sent(&mut desk, &targets[0], NOW + 6001), [["1-2 13"]]);
    assert_eq!(desk.told_of("a").0, 1);
}

#[test]
fn the_outbox_is_bounded_and_keeps_what_is_on_its_way() {
    let targets = [NotificationConfig { cool_down: Duration::ZERO, ..target("a") }];
    let mut desk = desk(&targets);
    for n in 0..MAX_OUTBOX as u64 + 7 {
        let now = NOW + n as i64 * MINUTE;
        desk.take(&blocked("1-1", 11 + n, now), &targets, now);
        ripened(&mut desk, &targets, now + 5000);
    }
    assert_eq!(desk.told_of("a"), (MAX_OUTBOX, 7, None));
    let first = desk.next_for("a", NOW + 5000).unwrap();
    assert!(first.id.starts_with("e-11-"));
    assert!(desk.stored().len() < 100_000);
}

#[derive(Debug, Clone)]
enum Deed {
    Block(u8),
    Wait(u32),
    Send(bool),
    Crash,
    CrashBeforeNote,
}

fn deeds() -> impl Strategy<Value = Vec<Deed>> {
    let deed = prop_oneof![
        4 => (0..4_u8).prop_map(Deed::Block),
        4 => (0..2_000_u32).prop_map(Deed::Wait),
        4 => any::<bool>().prop_map(Deed::Send),
        1 => Just(Deed::Crash),
        1 => Just(Deed::CrashBeforeNote),
    ];
    prop::collection::vec(deed, 0..80)
}

proptest! {
    /// Over crashes at every point: each story's block is told, at least once, under one id; twice
    /// within the cool-down only under the same id.
    #[test]
    fn nothing_is_lost_and_nothing_told_too_often(deeds in deeds()) {
        let targets = [NotificationConfig { give_up: Duration::from_secs(1 << 40), ..target("a") }];
        let mut desk = desk(&targets);
        let (mut now, mut id) = (NOW, 10);
        let mut happened: BTreeSet<u8> = BTreeSet::new();
        // Story, id of the delivery, when it was made.
        let mut told: Vec<(String, String, i64)> = Vec::new();
        let mut send = |desk: &mut Desk, now: i64, well: bool| {
            let Some(delivery) = desk.next_for("a", now).cloned() else { return };
            for occasion in &delivery.occasions {
                told.push((occasion.subject.clone(), delivery.id.clone(), delivery.made_ms));
            }
            let how = if well { Try::Arrived } else { Try::Later(None) };
            desk.tried(&targets[0], &delivery.id, &how, now, 0.3);
        };
        for deed in deeds {
            match deed {
                Deed::Block(story) => {
                    id += 1;
                    happened.insert(story);
                    desk.take(&blocked(&story.to_string(), id, now), &targets, now);
                    desk.read_up_to(id);
                }
                Deed::Wait(seconds) => now += i64::from(seconds) * 1000,
                Deed::Send(well) => {
                    ripened(&mut desk, &targets, now);
                    send(&mut desk, now, well);
                }
                Deed::Crash => desk = Desk::new(Some(&desk.stored()), "e", id, &targets, now),
                Deed::CrashBeforeNote => {
                    ripened(&mut desk, &targets, now);
                    let before = desk.stored();
                    send(&mut desk, now, true);
                    desk = Desk::new(Some(&before), "e", id, &targets, now);
                }
            }
        }
        for _ in 0..20 {
            now += 60 * MINUTE;
            ripened(&mut desk, &targets, now);
            send(&mut desk, now, true);
        }
        prop_assert_eq!(desk.due_ms(&|_| false), None);
        let stories: BTreeSet<u8> = told.iter().map(|(story, ..)| story.parse().unwrap()).collect();
        prop_assert_eq!(stories, happened);
        for (story, id, made) in &told {
            for (other, another, later) in &told {
                if story == other && id != another {
                    prop_assert!((made - later).abs() >= 30 * MINUTE, "{} {} {}", story, id, another);
                }
            }
        }
    }
}
