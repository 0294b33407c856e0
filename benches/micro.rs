//! Single parts without a server around them: `cargo bench --bench micro [NAME]`.

use std::fmt::Write as _;

use divan::counter::{BytesCount, ItemsCount};
use divan::{Bencher, black_box};
use sprint_runner::domain::event::{Event, Source};
use sprint_runner::domain::key::KeyIndex;
use sprint_runner::domain::state::State;
use sprint_runner::http::doors;
use sprint_runner::hub::Entry;
use sprint_runner::parse::csv::{CsvContext, LogRow, RowOutcome, parse_row};
use sprint_runner::parse::row_event::event_of;
use sprint_runner::parse::{story, yaml};
use sprint_runner::store::{Log, Record};

const EPOCH: &str = "0badcafe";

fn main() {
    divan::main();
}

/// Rows of tasks that begin, go on and end, as agents log them.
fn csv(rows: usize) -> String {
    let mut text = String::new();
    for n in 0..rows {
        let (second, task, story) = (1_769_210_500 + n / 10, n / 3, n / 90 % 10 + 1);
        let status = ["start", "progress", "end"][n % 3];
        // Writing into memory cannot fail.
        let _ = writeln!(
            text,
            "{second},1,1-{story},dev-story,task-{task},{status},\"Row {n} (files:2, lines:85)\""
        );
    }
    text
}

fn status(stories: usize) -> String {
    let mut text = String::from("project: lantern\ndevelopment_status:\n");
    for n in 0..stories {
        let (epic, story) = (n / 100 + 1, n % 100 + 1);
        if story == 1 {
            let _ = writeln!(text, "  # Epic {epic}: Lamps\n  epic-{epic}: in-progress");
        }
        let _ = writeln!(text, "  {epic}-{story}-lamp-post: ready-for-dev");
    }
    text
}

fn parsed(text: &str) -> Vec<LogRow> {
    let mut context = CsvContext::default();
    let outcomes = (1..).zip(text.lines());
    outcomes
        .filter_map(|(number, line)| match parse_row(line.as_bytes(), number, &mut context) {
            RowOutcome::Row(row, _) => Some(*row),
            _ => None,
        })
        .collect()
}

/// The rows' events, with the ids that follow `after`.
fn events(rows: usize, after: u64) -> Vec<Event> {
    let keys = KeyIndex::new(&yaml::read_status(status(10).as_bytes()).entries);
    let made = parsed(&csv(rows)).into_iter().map(|row| event_of(row, Source::Csv, &keys).0);
    (after + 1..)
        .zip(made)
        .map(|(id, new)| Event {
            id,
            timestamp_ms: new.timestamp_ms,
            source: new.source,
            batch_id: None,
            payload: new.payload,
        })
        .collect()
}

fn records(rows: usize, after: u64) -> Vec<Record> {
    let encode = |event: Event| {
        let payload_json = serde_json::value::to_raw_value(&event.payload).unwrap_or_default();
        Record { event, payload_json }
    };
    events(rows, after).into_iter().map(encode).collect()
}

#[divan::bench(args = [1000])]
fn parse_csv(bencher: Bencher<'_, '_>, rows: usize) {
    let text = csv(rows);
    bencher
        .counter(ItemsCount::new(rows))
        .counter(BytesCount::new(text.len()))
        .bench(|| parsed(black_box(&text)));
}

#[divan::bench(args = [10, 5000])]
fn parse_yaml(bencher: Bencher<'_, '_>, stories: usize) {
    let text = status(stories);
    bencher
        .counter(ItemsCount::new(stories))
        .counter(BytesCount::new(text.len()))
        .bench(|| yaml::read_status(black_box(text.as_bytes())));
}

#[divan::bench]
fn parse_story(bencher: Bencher<'_, '_>) {
    let text = include_str!("../fixtures/demo/1-1-project-skeleton.md");
    bencher.counter(BytesCount::new(text.len())).bench(|| story::description(black_box(text)));
}

#[divan::bench(args = [1000, 10_000])]
fn fold(bencher: Bencher<'_, '_>, count: usize) {
    let events = events(count, 0);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let mut state = State::default();
        for event in black_box(&events) {
            state.apply(event);
        }
        state
    });
}

#[divan::bench(args = [1000])]
fn encode_frames(bencher: Bencher<'_, '_>, count: usize) {
    let records = records(count, 0);
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let entries = black_box(&records).iter().map(|record| doors::encoded(EPOCH, record));
        entries.collect::<Vec<_>>()
    });
}

#[divan::bench(args = [false, true])]
fn join_100_frames(bencher: Bencher<'_, '_>, websocket: bool) {
    let entries: Vec<Entry> =
        records(100, 0).iter().map(|record| doors::encoded(EPOCH, record)).collect();
    bencher
        .counter(ItemsCount::new(entries.len()))
        .bench(|| doors::joined(websocket, black_box(&entries)));
}

/// One transaction, on the disk when it returns.
#[divan::bench(args = [1, 100, 1000], sample_count = 50, sample_size = 1)]
fn append_durably(bencher: Bencher<'_, '_>, count: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut log, _) = Log::open(&folder.path().join("log.db")).expect("a new log");
    let mut after = 0;
    let next = || {
        let records = records(count, after);
        after += count as u64;
        records
    };
    bencher
        .counter(ItemsCount::new(count))
        .with_inputs(next)
        .bench_local_values(|records| log.append(&records, &[]).expect("room on the disk"));
}

#[divan::bench(args = [10_000], sample_count = 20, sample_size = 1)]
fn replay(bencher: Bencher<'_, '_>, count: usize) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let (mut log, queries) = Log::open(&folder.path().join("log.db")).expect("a new log");
    log.append(&records(count, 0), &[]).expect("room on the disk");
    bencher.counter(ItemsCount::new(count)).bench(|| {
        let (mut after, mut seen) = (0, 0);
        // As much at once as a stream takes.
        while let Ok(events) = queries.events_after(after, 64 * 1024)
            && let Some(last) = events.last()
        {
            (after, seen) = (last.id, seen + events.len());
        }
        assert_eq!(seen, count);
    });
}
