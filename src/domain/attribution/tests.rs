//! Which batch what belongs to: tables of single cases, and laws over any run of events.

use proptest::prelude::*;

use super::*;
use crate::domain::event::Event;
use crate::domain::payload::{AgentStart, CommandProgress, CycleEnd, CycleStart};

const MINUTE: i64 = 60_000;
/// When the managed batch of the tables begins.
const START: i64 = 1_000_000;

/// The log as the hub keeps it: attribution, then the fold.
#[derive(Default)]
struct Stage {
    state: State,
    batches: i64,
    log: Vec<Event>,
}

impl Stage {
    /// Publishes; returns what it made, as `kind batch status`.
    fn publish(&mut self, now_ms: i64, event: NewEvent) -> Vec<String> {
        let moment = Moment { now_ms, next_batch_id: self.batches + 1 };
        let made = attribute(&self.state, event, Rules::default(), moment);
        made.into_iter()
            .map(|event| {
                if let Payload::BatchStart(body) = &event.payload {
                    self.batches = self.batches.max(body.batch_id);
                }
                let id = self.state.last_event_id + 1;
                let NewEvent { timestamp_ms, source, batch_id, payload } = event;
                let event = Event { id, timestamp_ms, source, batch_id, payload };
                self.state.apply(&event);
                let line = line(&event);
                self.log.push(event);
                line
            })
            .collect()
    }

    fn publish_all(&mut self, now_ms: i64, events: Vec<NewEvent>) -> Vec<String> {
        events.into_iter().flat_map(|event| self.publish(now_ms, event)).collect()
    }

    /// A managed batch from [`START`] to `end`, with one cycle and nothing else.
    fn ended_at(end: i64) -> Self {
        let mut stage = Self::default();
        stage.publish(START, managed_start(START));
        stage.publish(end, batch_end(end, 0));
        stage
    }
}

fn line(event: &Event) -> String {
    let batch = event.batch_id.map_or("-".to_owned(), |id| id.to_string());
    let word = match &event.payload {
        Payload::CommandEnd(body) => body.status.clone(),
        Payload::BatchEnd(body) => format!("{} {}", body.status, body.reason),
        Payload::BatchWarning(body) => body.warning_type.clone(),
        _ => String::new(),
    };
    format!("{} {batch} {word}", event.payload.kind()).trim_end().to_owned()
}

fn managed_start(at: i64) -> NewEvent {
    NewEvent::new(
        at,
        Source::Orchestrator,
        Payload::BatchStart(BatchStart {
            max_cycles: Some(2),
            batch_mode: "fixed".to_owned(),
            origin: "managed".to_owned(),
            started_at: at,
            ..BatchStart::default()
        }),
    )
}

fn batch_end(at: i64, batch_id: i64) -> NewEvent {
    let body = BatchEnd {
        batch_id,
        cycles_completed: 77,
        status: "completed".to_owned(),
        reason: "max_cycles".to_owned(),
        duration_ms: 77,
    };
    NewEvent::new(at, Source::Orchestrator, Payload::BatchEnd(body))
}

fn start_row(at: i64, source: Source) -> NewEvent {
    NewEvent::new(
        at,
        source,
        Payload::BatchStart(BatchStart {
            batch_mode: "observed".to_owned(),
            origin: "observed".to_owned(),
            started_at: at,
            size: Some(2),
            ..BatchStart::default()
        }),
    )
}

fn start(at: i64, source: Source, story: &str) -> NewEvent {
    let body = CommandStart {
        story_key: story.to_owned(),
        command: "dev-story".to_owned(),
        ..CommandStart::default()
    };
    NewEvent::new(at, source, Payload::CommandStart(body))
}

fn done(at: i64, source: Source, story: &str) -> NewEvent {
    let body = CommandEnd {
        story_key: story.to_owned(),
        command: "dev-story".to_owned(),
        status: "end".to_owned(),
        ..CommandEnd::default()
    };
    NewEvent::new(at, source, Payload::CommandEnd(body))
}

fn progress(at: i64, source: Source, story: &str) -> NewEvent {
    let body = CommandProgress {
        story_key: story.to_owned(),
        command: "dev-story".to_owned(),
        ..CommandProgress::default()
    };
    NewEvent::new(at, source, Payload::CommandProgress(body))
}

fn cycle_end(at: i64) -> NewEvent {
    NewEvent::new(at, Source::Orchestrator, Payload::CycleEnd(CycleEnd::default()))
}

#[test]
fn a_managed_batch_ends_an_observed_one_by_its_rules() {
    let mut stage = Stage::default();
    stage.publish(5000, start(1000, Source::Csv, "1-1"));
    stage.publish(5000, progress(3000, Source::Csv, "1-1"));
    let made = stage.publish(START, managed_start(START));
    assert_eq!(
        made,
        ["command:end 1 left-open", "batch:end 1 lost managed_started", "batch:start 2"]
    );
    assert_eq!(stage.log[stage.log.len() - 2].timestamp_ms, 3000, "the time of its last row");
    assert_eq!(stage.state.run.as_ref().unwrap().batch_id, 2);
    assert!(stage.state.last_managed.is_none());
}

#[test]
fn everything_belongs_to_the_managed_batch_while_it_runs() {
    let mut stage = Stage::default();
    stage.publish(START, managed_start(START));
    for source in [Source::Csv, Source::Agent] {
        // Far away by its own time: no silence ends a managed batch.
        for at in [0, START, START + 1000 * MINUTE] {
            assert_eq!(stage.publish(START, start(at, source, "1-1")), ["command:start 1"]);
            assert_eq!(stage.publish(START, done(at, source, "1-1")), ["command:end 1 end"]);
        }
        let made = stage.publish(START, start_row(START, source));
        assert_eq!(made, ["batch:warning 1 batch_start_row"]);
    }
    assert!(due(&stage.state, START + 1000 * MINUTE, Rules::default()).is_empty());
    let agent =
        NewEvent::new(START, Source::Orchestrator, Payload::AgentStart(AgentStart::default()));
    assert_eq!(stage.publish(START, agent), ["agent:start 1"]);
    let cycle =
        NewEvent::new(START, Source::Orchestrator, Payload::CycleStart(CycleStart::default()));
    assert_eq!(stage.publish(START, cycle), ["cycle:start 1"]);
    assert_eq!(stage.batches, 1);
}

#[test]
fn a_batch_ends_once_with_what_the_state_knows() {
    let mut stage = Stage::default();
    assert!(stage.publish(START, batch_end(START, 0)).is_empty(), "none runs");
    stage.publish(START, managed_start(START));
    stage.publish(START, start(START, Source::Agent, "1-1"));
    stage.publish(START, cycle_end(START + 5000));
    assert!(stage.publish(START, batch_end(START, 9)).is_empty(), "another one");
    let at = START + 9000;
    let made = stage.publish(at, batch_end(at, 1));
    assert_eq!(made, ["command:end 1 left-open", "batch:end 1 completed max_cycles"]);
    let Payload::BatchEnd(body) = &stage.log.last().unwrap().payload else { panic!() };
    assert_eq!((body.cycles_completed, body.duration_ms, body.batch_id), (1, 9000, 1));
    assert!(stage.publish(at, batch_end(at, 1)).is_empty(), "it has ended");
    assert!(stage.publish(at, batch_end(at, 0)).is_empty());
}

#[test]
fn what_a_crash_left_running_is_lost() {
    let mut stage = Stage::default();
    assert!(lost(&stage.state, 0, "crash").is_empty());
    stage.publish(START, start(START, Source::Csv, "1-1"));
    assert!(lost(&stage.state, 0, "crash").is_empty(), "an observed batch has no owner to lose");
    stage.publish(START, managed_start(START));
    stage.publish(START, start(START, Source::Agent, "1-2"));
    stage.publish(START, start(START, Source::Agent, "1-3"));
    let events = lost(&stage.state, START + MINUTE, "crash");
    assert_eq!(
        stage.publish_all(START + MINUTE, events),
        ["command:end 2 left-open", "command:end 2 left-open", "batch:end 2 lost crash"]
    );
    let Payload::BatchEnd(body) = &stage.log.last().unwrap().payload else { panic!() };
    assert_eq!(body.duration_ms, MINUTE);
    assert!(lost(&stage.state, 0, "crash").is_empty());
}

#[test]
fn a_managed_batch_over_a_managed_one_loses_the_first() {
    let mut stage = Stage::default();
    stage.publish(START, managed_start(START));
    let made = stage.publish(START + 5, managed_start(START + 5));
    assert_eq!(made, ["batch:end 1 lost managed_started", "batch:start 2"]);
}

#[test]
fn late_rows_go_home() {
    let end = START + 10 * MINUTE;
    // (the row's time, the server's clock, whether it is the ended batch's)
    for (at, now, late) in [
        (START, end, true),
        (START - 1000, end + MINUTE, true),
        (end + 1000, end + MINUTE, true),
        (START, end + MINUTE + 1, false),
        (START - 1001, end, false),
        (end + 1001, end, false),
        (START, end - MINUTE, true),
        (START, end - MINUTE - 1, false),
    ] {
        let mut stage = Stage::ended_at(end);
        let made = stage.publish(now, done(at, Source::Csv, "1-1"));
        let expected: &[&str] =
            if late { &["command:end 1 end"] } else { &["batch:start 2", "command:end 2 end"] };
        assert_eq!(made, expected, "a row of {at} read at {now}");
    }
}

#[test]
fn a_late_start_is_ended_at_once() {
    let end = START + 10 * MINUTE;
    let mut stage = Stage::ended_at(end);
    let made = stage.publish(end + 500, start(end - 500, Source::Csv, "1-1"));
    assert_eq!(made, ["command:start 1", "command:end 1 left-open"]);
    assert_eq!(stage.log.last().unwrap().timestamp_ms, end);
    assert!(stage.state.active.is_empty() && stage.state.batch.is_none());
    assert_eq!(stage.publish(end, progress(end, Source::Csv, "1-1")), ["command:progress 1"]);
    assert_eq!(
        stage.publish(end, start_row(end, Source::Csv)),
        ["batch:warning 1 batch_start_row"]
    );
    assert_eq!(stage.batches, 1, "no observed batch was opened");
}

#[test]
fn an_agents_row_without_a_batch_opens_none_and_leaves_no_ghost() {
    let mut stage = Stage::default();
    for (event, made) in [
        (start(0, Source::Agent, "1-1"), vec!["command:start -", "command:end - left-open"]),
        (done(0, Source::Agent, "1-1"), vec!["command:end - end"]),
        (start_row(0, Source::Agent), vec!["batch:warning - batch_start_row"]),
    ] {
        assert_eq!(stage.publish(0, event), made);
    }
    assert!(stage.state.active.is_empty() && stage.state.batch.is_none());
    // Late, it is the ended batch's, whatever its own time.
    let mut stage = Stage::ended_at(START);
    assert_eq!(stage.publish(START, done(0, Source::Agent, "1-1")), ["command:end 1 end"]);
}

#[test]
fn a_late_row_leaves_a_new_observed_batch_as_it_is() {
    let end = START + 10 * MINUTE;
    let mut stage = Stage::ended_at(end);
    stage.publish(end, start(end + 2000, Source::Csv, "1-1"));
    assert_eq!(stage.state.batch.as_ref().unwrap().id, 2);
    let made = stage.publish(end, start(end, Source::Csv, "1-2"));
    assert_eq!(made, ["command:start 1", "command:end 1 left-open"]);
    assert_eq!(stage.publish(end, done(end + 3000, Source::Csv, "1-1")), ["command:end 2 end"]);
    let Payload::CommandEnd(body) = &stage.log.last().unwrap().payload else { panic!() };
    assert_eq!(body.duration_ms, Some(1000));
}

#[test]
fn any_number_a_clock_or_a_row_may_show_is_taken() {
    for at in [i64::MIN, -1, 0, i64::MAX] {
        for now in [i64::MIN, 0, i64::MAX] {
            let mut stage = Stage::default();
            stage.publish(now, managed_start(at));
            stage.publish(now, start(-at.saturating_add(1), Source::Csv, "1-1"));
            stage.publish(now, done(at, Source::Csv, "1-1"));
            stage.publish(now, batch_end(at.saturating_neg(), 0));
            stage.publish(now, start(at, Source::Csv, "1-1"));
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Publish(Box<NewEvent>),
    Lost,
    Due,
    Wait(i64),
}

fn any_step() -> impl Strategy<Value = Step> {
    let story = prop_oneof![Just("1-1"), Just("1-2")];
    let source = prop_oneof![3 => Just(Source::Csv), 1 => Just(Source::Agent)];
    let at = (-10..120_i64).prop_map(|seconds| START + seconds * 1000);
    let row = (at, source, story, 0..4).prop_map(|(at, source, story, kind)| {
        Step::Publish(Box::new(match kind {
            0 => start(at, source, story),
            1 => progress(at, source, story),
            2 => done(at, source, story),
            _ => start_row(at, source),
        }))
    });
    // Orchestrator's events are stamped when they are published.
    prop_oneof![
        12 => row,
        2 => Just(Step::Publish(Box::new(managed_start(0)))),
        2 => (0..4_i64).prop_map(|id| Step::Publish(Box::new(batch_end(0, id)))),
        1 => Just(Step::Publish(Box::new(cycle_end(0)))),
        1 => Just(Step::Lost),
        1 => Just(Step::Due),
        4 => prop_oneof![0..70_000_i64, Just(40 * MINUTE)].prop_map(Step::Wait),
    ]
}

proptest! {
    #[test]
    fn batches_never_overlap_and_each_ends_once(steps in prop::collection::vec(any_step(), 1..60)) {
        let mut stage = Stage::default();
        let mut now = START;
        for step in steps {
            match step {
                Step::Publish(mut event) => {
                    if event.source == Source::Orchestrator {
                        event.timestamp_ms = now;
                        if let Payload::BatchStart(body) = &mut event.payload {
                            body.started_at = now;
                        }
                    }
                    stage.publish(now, *event);
                }
                Step::Lost => {
                    let events = lost(&stage.state, now, "crash");
                    stage.publish_all(now, events);
                }
                Step::Due => {
                    let events = due(&stage.state, now, Rules::default());
                    stage.publish_all(now, events);
                }
                Step::Wait(ms) => now += ms,
            }
            let state = &stage.state;
            prop_assert!(state.batch.is_some() || state.active.is_empty(), "a ghost");
            let managed = state.batch.as_ref().filter(|batch| batch.origin == "managed");
            prop_assert_eq!(managed.map(|b| b.id), state.run.as_ref().map(|run| run.batch_id));
        }
        let (mut running, mut last, mut cycles) = (None, 0, 0);
        for event in &stage.log {
            match &event.payload {
                Payload::BatchStart(body) => {
                    prop_assert_eq!(running, None);
                    prop_assert_eq!(body.batch_id, last + 1);
                    (running, last, cycles) = (Some(body.clone()), body.batch_id, 0);
                }
                Payload::CycleEnd(_) => cycles += i64::from(running.is_some()),
                Payload::BatchEnd(body) => {
                    let begun = running.take().unwrap();
                    prop_assert_eq!(begun.batch_id, body.batch_id);
                    prop_assert_eq!(cycles, body.cycles_completed);
                    let duration = (event.timestamp_ms - begun.started_at).max(0);
                    prop_assert_eq!(duration, body.duration_ms);
                }
                _ => {}
            }
            prop_assert!(event.batch_id.is_none_or(|id| id <= last));
        }
    }
}
