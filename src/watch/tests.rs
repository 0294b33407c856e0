//! The watcher over a real hub, real files, real file events.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use serde_json::Value;

use super::{Options, Watcher};
use crate::domain::attribution::Rules;
use crate::hub::{Hub, Subscription};
use crate::project::board::Board;
use crate::project::layout::{Layout, Named};
use crate::store::Log;

const LIMIT: Duration = Duration::from_secs(120);
const STATUS: &str = "project: demo\ndevelopment_status:\n  epic-1: in-progress\n  \
                      1-1-first: done\n  1-2-second: backlog\n";

struct Stage {
    dir: tempfile::TempDir,
    options: Options,
    live: Option<Live>,
}

struct Live {
    hub: Hub,
    board: Arc<Board>,
    watcher: Option<Watcher>,
    subscription: Subscription,
    runtime: tokio::runtime::Runtime,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join("p/docs")).unwrap();
        // So long that only file events can be what woke the watcher, except where a test says so.
        let options = Options { poll: Duration::from_secs(600), ..Options::default() };
        Self { dir, options, live: None }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("p").join(name)
    }

    /// At one stroke: nobody sees it half written, however long this thread is held up.
    fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let next = self.dir.path().join("next");
        fs::write(&next, text).unwrap();
        fs::rename(&next, self.path(name)).unwrap();
    }

    fn append(&self, name: &str, text: &str) {
        use std::io::Write as _;
        let path = self.path(name);
        let mut file = fs::OpenOptions::new().append(true).create(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn start(&mut self) -> &mut Live {
        self.stop();
        let (log, queries) = Log::open(&self.dir.path().join("test.db")).unwrap();
        let hub = Hub::start(log, queries, Rules::default()).unwrap();
        let root = self.path("");
        let board = Arc::new(Board::new(Layout::discover(&root, &Named::default())));
        let subscription = hub.subscribe(hub.head());
        let options = self.options.clone();
        let watcher = Watcher::start(hub.clone(), Arc::clone(&board), root, options).unwrap();
        assert!(watcher.wait_first_read(LIMIT));
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        self.live.insert(Live { hub, board, watcher: Some(watcher), subscription, runtime })
    }

    fn stop(&mut self) {
        if let Some(mut live) = self.live.take() {
            live.watcher.take().unwrap().shutdown();
            live.hub.shutdown();
        }
    }
}

impl Live {
    /// Everything up to the first event that is `last`, short.
    fn until(&mut self, last: &str) -> Vec<String> {
        let mut all: Vec<String> = Vec::new();
        while !all.iter().any(|told| told == last) {
            let next = self.subscription.next(1);
            let next = self.runtime.block_on(async { tokio::time::timeout(LIMIT, next).await });
            let entries = next.unwrap_or_else(|_| panic!("no {last} after {all:?}")).unwrap();
            all.extend(
                entries.iter().map(|entry| short(&serde_json::from_str(&entry.json).unwrap())),
            );
        }
        all
    }

    /// Everything that is committed by now.
    fn so_far(&mut self) -> Vec<String> {
        let mut all = Vec::new();
        while self.subscription.cursor() < self.hub.head() {
            let next = self.subscription.next(1 << 20);
            let entries = self.runtime.block_on(next).unwrap();
            all.extend(
                entries.iter().map(|entry| short(&serde_json::from_str(&entry.json).unwrap())),
            );
        }
        all
    }
}

fn short(event: &Value) -> String {
    let payload = &event["payload"];
    let text = |key: &str| payload[key].as_str().unwrap_or("-").to_owned();
    match event["type"].as_str().unwrap() {
        "story:status" => format!("{} {}", text("story_key"), text("new_status")),
        "epic:status" => format!("epic {} {}", text("epic_id"), text("new_status")),
        "source:state" => format!("{} {}", text("file"), text("state")),
        "activity:entry" => text("text"),
        kind @ ("batch:start" | "batch:end") => kind.to_owned(),
        kind => format!("{kind} {} {}", text("story_key"), text("task_id")),
    }
}

fn row(at: u64, task: &str, status: &str) -> String {
    format!("{at},1,1-2,dev-story,{task},{status},\"\"\n")
}

#[test]
fn the_status_file_is_read_before_the_logs_and_a_restart_adds_nothing() {
    let mut stage = Stage::new();
    stage.write("docs/sprint-status.yaml", STATUS);
    stage.write("sprint-runner.csv", &(row(1_706_112_000, "a", "start") + "bad\n"));
    stage.write("docs/orchestrator.md", "## Story: 1-1-first\nfree words\n");
    let first = stage.start().so_far();
    assert_eq!(
        first,
        [
            "epic 1 in-progress",
            "1-1-first done",
            "1-2-second backlog",
            "docs/sprint-status.yaml ok",
            "sprint-runner.csv ok",
            "batch:start",
            "command:start 1-2-second a",
            "sprint-runner.csv invalid",
            "docs/orchestrator.md ok",
            "## Story: 1-1-first",
            "free words",
        ]
    );
    // Old rows: their batch is over, with the command it left open.
    let live = stage.start();
    assert_eq!(live.until("batch:end"), ["command:end 1-2-second a", "batch:end"]);
    for _ in 0..2 {
        assert_eq!(stage.start().so_far(), [""; 0]);
    }
}

#[test]
fn file_events_wake_at_once_wherever_the_files_come() {
    let mut stage = Stage::new();
    let told = stage.start().so_far();
    assert_eq!(
        told,
        [
            "docs/sprint-status.yaml missing",
            "docs/sprint-runner.csv missing",
            "docs/orchestrator.md missing"
        ]
    );
    fs::create_dir_all(stage.path("_bmad-output/implementation-artifacts")).unwrap();
    stage.write("_bmad-output/implementation-artifacts/sprint-status.yaml", STATUS);
    let name = "_bmad-output/implementation-artifacts/sprint-status.yaml ok";
    stage.live.as_mut().unwrap().until(name);
    stage.append(
        "_bmad-output/implementation-artifacts/sprint-runner.csv",
        &row(1_706_112_000, "a", "start"),
    );
    stage.live.as_mut().unwrap().until("command:start 1-2-second a");
    stage.append("docs/sprint-runner.csv", &row(1_706_112_001, "b", "start"));
    stage.live.as_mut().unwrap().until("command:start 1-2-second b");
    // The folder is moved away and another one put in its place.
    fs::rename(stage.path("docs"), stage.path("gone")).unwrap();
    stage.append("gone/sprint-runner.csv", &row(1_706_112_002, "none", "start"));
    fs::create_dir(stage.path("docs")).unwrap();
    stage.append("docs/sprint-runner.csv", &row(1_706_112_003, "c", "start"));
    let told = stage.live.as_mut().unwrap().until("command:start 1-2-second c");
    assert!(!told.iter().any(|it| it.ends_with("none")), "{told:?}");
}

#[test]
fn the_poll_alone_sees_everything() {
    let mut stage = Stage::new();
    stage.options.poll = Duration::from_millis(50);
    // Links are written through where no watched folder notices.
    let target = stage.dir.path().join("p/docs/real.csv");
    fs::write(&target, "").unwrap();
    fs::hard_link(&target, stage.dir.path().join("outside.csv")).unwrap();
    std::os::unix::fs::symlink("docs/real.csv", stage.path("sprint-runner.csv")).unwrap();
    stage.start();
    append_to(&stage.dir.path().join("outside.csv"), &row(1_706_112_000, "a", "start"));
    stage.live.as_mut().unwrap().until("command:start 1-2 a");
}

fn append_to(path: &Path, text: &str) {
    use std::io::Write as _;
    fs::OpenOptions::new().append(true).open(path).unwrap().write_all(text.as_bytes()).unwrap();
}

#[test]
fn a_broken_status_file_keeps_the_last_good_state() {
    let mut stage = Stage::new();
    stage.options.poll = Duration::from_millis(50);
    stage.write("sprint-status.yaml", STATUS);
    stage.start().so_far();
    let broken = STATUS.replace("1-1-first: done", "1-1-first: done\n<<<<<<< HEAD");
    stage.write("sprint-status.yaml", &broken);
    let live = stage.live.as_mut().unwrap();
    assert_eq!(live.until("sprint-status.yaml invalid"), ["sprint-status.yaml invalid"]);
    let shown = |live: &Live| {
        let sprint = live.board.sprint();
        let count = sprint.shown.as_ref().map(|reading| reading.entries.len());
        (sprint.stale, count)
    };
    let deadline = std::time::Instant::now() + LIMIT;
    while shown(live) != (true, Some(3)) {
        assert!(std::time::Instant::now() < deadline);
        std::thread::yield_now();
    }
    // Also after a restart, from what was kept; and nothing is told twice.
    let live = stage.start();
    assert_eq!(live.so_far(), [""; 0]);
    assert_eq!(shown(live), (true, Some(3)));
    for (bytes, word) in [
        (vec![b'['; 200_000], "invalid"),
        (vec![b'#'; 2 << 20], "invalid"),
        (b"development_status:\n  1-1-first: do\0ne\n".to_vec(), "invalid"),
    ] {
        stage.write("sprint-status.yaml", bytes);
        let last = format!("sprint-status.yaml {word}");
        assert_eq!(stage.live.as_mut().unwrap().until(&last), [last]);
    }
    fs::remove_file(stage.path("sprint-status.yaml")).unwrap();
    let live = stage.live.as_mut().unwrap();
    assert_eq!(live.until("sprint-status.yaml missing"), ["sprint-status.yaml missing"]);
    fs::create_dir(stage.path("sprint-status.yaml")).unwrap();
    stage.live.as_mut().unwrap().until("sprint-status.yaml unreadable");
    fs::remove_dir(stage.path("sprint-status.yaml")).unwrap();
    stage.write("sprint-status.yaml", &STATUS.replace("backlog", "review"));
    let told = stage.live.as_mut().unwrap().until("sprint-status.yaml ok");
    assert_eq!(told[told.len() - 2..], ["1-2-second review", "sprint-status.yaml ok"]);
}

#[test]
fn half_a_status_file_takes_no_story_away() {
    let mut stage = Stage::new();
    stage.options.poll = Duration::from_millis(50);
    stage.write("sprint-status.yaml", STATUS);
    stage.start().so_far();
    // Cut within a word: valid YAML, but a story is gone and a status is half a word.
    stage.write("sprint-status.yaml", &STATUS[..STATUS.len() - 25]);
    let live = stage.live.as_mut().unwrap();
    assert_eq!(live.until("sprint-status.yaml invalid"), ["sprint-status.yaml invalid"]);
    stage.write("sprint-status.yaml", STATUS);
    let live = stage.live.as_mut().unwrap();
    assert_eq!(live.until("sprint-status.yaml ok"), ["sprint-status.yaml ok"]);
    // A whole file without a story is believed once it stands still.
    stage.write("sprint-status.yaml", &STATUS.replace("  1-1-first: done\n", ""));
    let live = stage.live.as_mut().unwrap();
    assert_eq!(live.until("1-1-first -"), ["1-1-first -"]);
}

#[test]
fn of_a_hundred_saves_the_last_one_arrives() {
    let mut stage = Stage::new();
    stage.options.poll = Duration::from_millis(50);
    stage.write("sprint-status.yaml", STATUS);
    stage.start().so_far();
    for n in 0..100 {
        let text = STATUS.replace("backlog", &format!("word-{n}"));
        if n % 2 == 0 {
            fs::write(stage.path("sprint-status.yaml"), &text).unwrap();
        } else {
            stage.write("sprint-status.yaml", &text);
        }
    }
    let told = stage.live.as_mut().unwrap().until("1-2-second word-99");
    let stories = told.iter().filter(|it| it.starts_with("1-2-second")).count();
    assert!(stories <= 100, "{told:?}");
    assert!(
        !told.iter().any(|it| it.starts_with("1-1-first") || it.starts_with("epic")),
        "{told:?}"
    );
}

#[test]
fn a_flood_of_files_loses_no_row() {
    let mut stage = Stage::new();
    stage.start().so_far();
    for n in 0..3_000_u64 {
        fs::write(stage.path("docs/other"), "x").unwrap();
        if n % 10 == 0 {
            stage
                .append("docs/sprint-runner.csv", &row(1_706_112_000 + n, &n.to_string(), "start"));
        }
    }
    let told = stage.live.as_mut().unwrap().until("command:start 1-2 2990");
    let rows = told.iter().filter(|it| it.starts_with("command:start")).count();
    assert_eq!(rows, 300);
}

/// Prints the rate and the memory; asserts only that every row came. Run by hand.
#[test]
#[ignore = "a measurement"]
fn measure_the_first_read_of_a_million_rows() {
    let stage = Stage::new();
    let mut text = String::new();
    for n in 0..1_000_000_u64 {
        let at = 1_706_112_000 + n / 10;
        let status = if n % 2 == 0 { "start" } else { "end" };
        writeln!(
            text,
            "{at},2a,2a-{},dev-story,implement,{status},\"row {n} (files:2)\"",
            n / 2 % 9
        )
        .unwrap();
    }
    stage.write("sprint-runner.csv", &text);
    drop(text);
    for what in ["first read", "restart"] {
        let begun = std::time::Instant::now();
        let head = {
            let (log, queries) = Log::open(&stage.dir.path().join("test.db")).unwrap();
            let hub = Hub::start(log, queries, Rules::default()).unwrap();
            let root = stage.path("");
            let board = Arc::new(Board::new(Layout::discover(&root, &Named::default())));
            let watcher = Watcher::start(hub.clone(), board, root, stage.options.clone()).unwrap();
            assert!(watcher.wait_first_read(Duration::from_secs(600)));
            println!("{what}: {:?}", begun.elapsed());
            watcher.shutdown();
            hub.shutdown();
            hub.head()
        };
        assert!(head > 1_000_000);
        let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
        println!("{:?}", status.lines().find(|line| line.starts_with("VmHWM")));
    }
}

/// Prints the share of a core that an idle watcher takes. Run by hand, alone.
#[test]
#[ignore = "a measurement"]
fn measure_an_idle_watcher() {
    let mut stage = Stage::new();
    stage.options.poll = Options::default().poll;
    stage.write("docs/sprint-status.yaml", STATUS);
    stage.write("sprint-runner.csv", &row(1_706_112_000, "a", "start"));
    stage.start().until("batch:end");
    let cpu = || {
        let stat = fs::read_to_string("/proc/self/stat").unwrap();
        let fields: Vec<u64> = stat.split(' ').filter_map(|field| field.parse().ok()).collect();
        // utime and stime, in ticks of 10 ms; the name and the state are no numbers.
        fields[11] + fields[12]
    };
    for seconds in [5, 30] {
        let before = cpu();
        std::thread::sleep(Duration::from_secs(seconds));
        println!("{} ticks in {seconds} s", cpu() - before);
    }
}
