//! The tail against a recording sink: single cases, and random ones against a model.

mod model;

use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::*;
use crate::domain::event::{Event, NewEvent};
use crate::domain::issue::{Issue, Severity};
use crate::domain::payload::{Activity, Payload};
use crate::domain::state::State;
use crate::hub::{Publication, PublishError};
use crate::watch::lines::Line;
use crate::watch::report::Item;
use crate::watch::sink::Commit;

/// Takes publications as the hub would, in memory.
#[derive(Debug, Default)]
pub(crate) struct FakeSink {
    pub(crate) events: RefCell<Vec<NewEvent>>,
    state: RefCell<State>,
    kept: RefCell<BTreeMap<String, Vec<u8>>>,
    /// Publications that still succeed; then they fail until this is set anew.
    pub(crate) left: Cell<Option<u32>>,
}

impl FakeSink {
    pub(crate) fn keep(&self, keep: Keep) {
        for (key, value) in keep {
            match value {
                Some(value) => self.kept.borrow_mut().insert(key, value),
                None => self.kept.borrow_mut().remove(&key),
            };
        }
    }
}

impl Sink for FakeSink {
    fn submit(&self, publication: Publication) -> Commit {
        match self.left.get() {
            Some(0) => return Box::new(|| Err(PublishError::Store("the disk is full".to_owned()))),
            Some(left) => self.left.set(Some(left - 1)),
            None => {}
        }
        let made = publication.events.made(&self.state.borrow());
        for event in &made {
            let mut state = self.state.borrow_mut();
            let id = state.last_event_id + 1;
            let NewEvent { timestamp_ms, source, batch_id, payload } = event.clone();
            state.apply(&Event { id, timestamp_ms, source, batch_id, payload });
        }
        self.events.borrow_mut().extend(made);
        self.keep(publication.keep);
        Box::new(|| Ok(()))
    }

    fn kept(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, PublishError> {
        let kept = self.kept.borrow();
        let from = kept.range(prefix.to_owned()..);
        Ok(from
            .take_while(|(key, _)| key.starts_with(prefix))
            .map(|(key, value)| (key.clone(), value.clone()))
            .collect())
    }

    fn state(&self) -> State {
        self.state.borrow().clone()
    }
}

/// Each line is a row; `bad…` is a bad one.
#[derive(Debug, Clone)]
pub(crate) struct Plain;

impl Rows for Plain {
    fn take(&mut self, line: &Line<'_>, number: u64, now_ms: i64, out: Option<&mut Vec<Item>>) {
        let Some(out) = out else { return };
        let text = String::from_utf8_lossy(line.bytes).into_owned();
        out.push(if text.starts_with("bad") {
            Item::Issue(Issue {
                severity: Severity::Error,
                code: "bad-row".to_owned(),
                line: Some(number),
                column: None,
                message: format!("{text} is bad"),
                hint: None,
            })
        } else {
            let body = Activity { line: number, text, ..Activity::default() };
            Item::Event(NewEvent::new(now_ms, Source::Md, Payload::ActivityEntry(body)))
        });
    }
}

/// What the sink got, short: `row 3 text`, `reset`, or another state with its line.
pub(crate) fn told(events: &[NewEvent]) -> Vec<String> {
    let short = |event: &NewEvent| match &event.payload {
        Payload::ActivityEntry(body) => format!("row {} {}", body.line, body.text),
        Payload::SourceState(body) => match body.line {
            Some(line) => format!("{} {line}", body.state),
            None => body.state.clone(),
        },
        other => panic!("unexpected {}", other.kind()),
    };
    events.iter().map(short).collect()
}

struct Bench {
    dir: tempfile::TempDir,
    sink: FakeSink,
    tail: Tail<Plain>,
    mono_ms: u64,
    seen: usize,
}

impl Bench {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("d")).unwrap();
        let tail = Self::tail(dir.path());
        Self { dir, sink: FakeSink::default(), tail, mono_ms: 0, seen: 0 }
    }

    fn tail(dir: &Path) -> Tail<Plain> {
        Tail::new(dir.join("d/log"), "log".to_owned(), Source::Md, Plain)
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("d").join(name)
    }

    fn write(&self, text: &str) {
        fs::write(self.path("log"), text).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        use std::io::Write;
        let mut file =
            fs::OpenOptions::new().append(true).create(true).open(self.path(name)).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn restart(&mut self) {
        self.tail = Self::tail(self.dir.path());
    }

    fn scan(&mut self) -> Vec<String> {
        self.mono_ms += 400;
        let now = Now { wall_ms: jiff::Timestamp::now().as_millisecond(), mono_ms: self.mono_ms };
        let _ = self.tail.scan(&self.sink, &|_| true, true, now);
        let events = self.sink.events.borrow();
        let new = told(&events[self.seen..]);
        self.seen = events.len();
        new
    }
}

#[test]
fn half_a_row_is_no_row_also_over_a_restart() {
    let mut bench = Bench::new();
    bench.write("a\nb");
    assert_eq!(bench.scan(), ["ok", "row 1 a"]);
    assert_eq!(bench.scan(), [""; 0]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
    bench.append("log", "c\n\0\0\0\0");
    assert_eq!(bench.scan(), ["row 2 bc"]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn a_replaced_file_gives_only_what_differs() {
    let mut bench = Bench::new();
    bench.write("a\nb\nc\n");
    bench.scan();
    for (text, expected) in [
        ("a\nb\nc\n", vec![]),
        ("a\nb\nc\nd\n", vec!["row 4 d"]),
        ("a\nb\n", vec!["reset"]),
        ("", vec!["reset"]),
        ("a\nb\nc\n", vec![]),
        ("a\nX\nc\n", vec!["reset", "row 2 X", "row 3 c"]),
        ("Y\n", vec!["reset", "row 1 Y"]),
    ] {
        for by_rename in [true, false] {
            if by_rename {
                fs::write(bench.path("log.tmp"), text).unwrap();
                fs::rename(bench.path("log.tmp"), bench.path("log")).unwrap();
                assert_eq!(bench.scan(), expected, "{text:?}");
            } else {
                bench.write(text);
                assert_eq!(bench.scan(), [""; 0], "{text:?}");
            }
        }
        bench.restart();
        assert_eq!(bench.scan(), [""; 0], "{text:?}");
    }
}

#[test]
fn late_rows_of_a_renamed_file_come_once_also_over_a_restart() {
    let mut bench = Bench::new();
    bench.write("a\n");
    bench.scan();
    fs::rename(bench.path("log"), bench.path("log.1")).unwrap();
    bench.append("log.1", "late\n");
    bench.write("new\n");
    assert_eq!(bench.scan(), ["row 2 late", "reset", "row 1 new"]);
    bench.append("log.1", "later\n");
    bench.append("log", "newer\n");
    assert_eq!(bench.scan(), ["row 2 newer", "row 3 later"]);
    bench.append("log.1", "while down\n");
    bench.restart();
    assert_eq!(bench.scan(), ["row 4 while down"]);
    // Rotated while down, with a row nobody has seen.
    bench.append("log", "unseen\n");
    fs::rename(bench.path("log"), bench.path("log.2")).unwrap();
    bench.write("third\n");
    bench.restart();
    assert_eq!(bench.scan(), ["row 3 unseen", "reset", "row 1 third"]);
    // Silent for long enough: over.
    bench.mono_ms += LINGER_MS;
    bench.scan();
    bench.append("log.1", "too late\n");
    assert_eq!(bench.scan(), [""; 0]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn a_folder_moved_away_takes_its_file_with_it() {
    let mut bench = Bench::new();
    bench.write("a\n");
    bench.scan();
    let away = bench.dir.path().join("away");
    fs::rename(bench.path(""), &away).unwrap();
    fs::write(away.join("log"), "a\nnot ours\n").unwrap();
    assert_eq!(bench.scan(), [""; 0]);
    assert_eq!(bench.scan(), ["missing"]);
    fs::create_dir(bench.path("")).unwrap();
    bench.write("a\nours\n");
    assert_eq!(bench.scan(), ["ok", "row 2 ours"]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn what_cannot_be_read_is_told_once_and_recovers() {
    let mut bench = Bench::new();
    assert_eq!(bench.scan(), ["missing"]);
    fs::create_dir(bench.path("log")).unwrap();
    assert_eq!(bench.scan(), ["unreadable"]);
    assert_eq!(bench.scan(), [""; 0]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
    fs::remove_dir(bench.path("log")).unwrap();
    rustix::fs::mkfifoat(rustix::fs::CWD, bench.path("log"), rustix::fs::Mode::RUSR).unwrap();
    assert_eq!(bench.scan(), ["unreadable"]);
    fs::remove_file(bench.path("log")).unwrap();
    bench.write("a\n");
    assert_eq!(bench.scan(), ["ok", "row 1 a"]);
}

#[test]
fn bad_rows_are_told_one_by_one_up_to_a_bound() {
    let mut bench = Bench::new();
    bench.write("a\nbad1\nb\n");
    assert_eq!(bench.scan(), ["ok", "row 1 a", "invalid 2", "row 3 b"]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
    let many = (0..150).map(|n| format!("bad{n}\n")).collect::<Vec<_>>().concat();
    bench.append("log", &many);
    let told = bench.scan();
    assert_eq!(told.len(), 21);
    assert_eq!(told[0], "invalid 4");
    assert_eq!(bench.sink.state().sprint.sources["log"].issues.len(), 100);
    bench.write("a\n");
    assert_eq!(bench.scan(), ["reset"]);
    assert_eq!(bench.sink.state().sprint.sources["log"].state, "ok");
    assert!(bench.sink.state().sprint.sources["log"].issues.is_empty());
}

#[test]
fn a_failed_commit_moves_nothing() {
    let mut bench = Bench::new();
    let rows = (0..7_000).map(|n| format!("{n}\n")).collect::<Vec<_>>().concat();
    bench.write(&rows);
    bench.sink.left.set(Some(0));
    assert_eq!(bench.scan(), [""; 0]);
    bench.sink.left.set(Some(2));
    assert_eq!(bench.scan().len(), 4_001);
    bench.restart();
    bench.sink.left.set(Some(1));
    assert_eq!(bench.scan().len(), 2_000);
    bench.sink.left.set(None);
    let rest = bench.scan();
    assert_eq!((rest.len(), rest[0].as_str()), (1_000, "row 6001 6000"));
    // The same for a file that differs: the reset is told once.
    bench.write(&rows.replace("5\n", "five\n"));
    bench.sink.left.set(Some(1));
    assert_eq!(bench.scan()[..2], ["reset", "row 6 five"]);
    bench.restart();
    bench.sink.left.set(None);
    let rest = bench.scan();
    assert_eq!(rest[0], "row 2006 200five");
    assert_eq!(rest.len(), 7_000 - 5 - 2_000);
}

#[test]
fn a_large_file_rewritten_beyond_its_old_length_is_noticed() {
    let mut bench = Bench::new();
    let rows = |word: &str, count: u32| -> String {
        (0..count).map(|n| format!("{word}{n:060}\n")).collect::<Vec<_>>().concat()
    };
    bench.write(&rows("old", 20_000));
    bench.scan();
    // As after a copy and a truncation: the same file, another content, longer.
    bench.write(&rows("new", 30_000));
    let told = bench.scan();
    assert_eq!((told.len(), told[0].as_str()), (30_001, "reset"));
    bench.append("log", "end\n");
    assert_eq!(bench.scan(), ["row 30001 end"]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn a_line_without_end_is_never_read_twice() {
    let mut bench = Bench::new();
    bench.write("a\n");
    bench.scan();
    for _ in 0..5 {
        bench.append("log", &"x".repeat(700_000));
        assert_eq!(bench.scan(), [""; 0]);
    }
    bench.append("log", "\nb\n");
    let told = bench.scan();
    assert_eq!((told.len(), told[1].as_str()), (2, "row 3 b"));
    bench.append("log", "c\n");
    assert_eq!(bench.scan(), ["row 4 c"]);
    bench.restart();
    assert_eq!(bench.scan(), [""; 0]);
}

#[test]
fn bytes_that_turn_up_without_any_sign_are_found() {
    use std::os::unix::fs::FileExt;
    let mut bench = Bench::new();
    bench.write("a\n\0\0\0\0\0\0\0\0");
    bench.scan();
    let times = fs::metadata(bench.path("log")).unwrap().modified().unwrap();
    let file = fs::OpenOptions::new().write(true).open(bench.path("log")).unwrap();
    file.write_all_at(b"bb\nc", 2).unwrap();
    file.set_modified(times).unwrap();
    assert_eq!(bench.scan(), ["row 2 bb"]);
    file.write_all_at(b"d\n", 6).unwrap();
    assert_eq!(bench.scan(), ["row 3 cd"]);
}

impl Tail<Plain> {
    /// The renamed files that are read beside the path.
    fn rotated_ids(&self) -> Vec<(u64, u64)> {
        let rotated = self.known.iter().flat_map(|known| &known.rotated);
        rotated.map(|it| (it.id.dev, it.id.ino)).collect()
    }
}

/// Prints the tail's own rate, without a log behind it. Run by hand.
#[test]
#[ignore = "a measurement"]
fn measure_the_tail_alone() {
    use crate::watch::csv_log::{CsvRows, Keys};

    /// Makes the events and drops them.
    struct Nowhere(FakeSink);

    impl Sink for Nowhere {
        fn submit(&self, publication: Publication) -> Commit {
            drop(publication.events.made(&self.0.state.borrow()));
            self.0.keep(publication.keep);
            Box::new(|| Ok(()))
        }

        fn kept(&self, prefix: &str) -> Result<Vec<(String, Vec<u8>)>, PublishError> {
            self.0.kept(prefix)
        }

        fn state(&self) -> State {
            self.0.state()
        }
    }

    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("log");
    let row = |n: u64| {
        let at = 1_706_112_000 + n / 10;
        format!("{at},2a,2a-{},dev-story,implement,start,\"row {n} (files:2)\"\n", n / 2 % 9)
    };
    fs::write(&path, (0..1_000_000).map(row).collect::<Vec<_>>().concat()).unwrap();
    let sink = Nowhere(FakeSink::default());
    for what in ["first read", "compared after a restart"] {
        let rows = CsvRows::new(Keys::default());
        let mut tail = Tail::new(path.clone(), "log".to_owned(), Source::Csv, rows);
        let wall_ms = jiff::Timestamp::now().as_millisecond();
        let begun = std::time::Instant::now();
        let scanned = tail.scan(&sink, &|_| true, true, Now { wall_ms, mono_ms: 0 }).unwrap();
        println!("{what}: {} lines in {:?}", scanned.lines, begun.elapsed());
    }
}
