//! The tables beside the log, asked after a run of events through the hub's own door.

use rusqlite::Connection;

use super::*;
use crate::domain::event::Source;
use crate::domain::payload::{BatchWarning, CommandEnd, CommandStart, CycleEnd};
use crate::store::{Log, Queries, Record};

struct Stage {
    dir: tempfile::TempDir,
    log: Log,
    queries: Queries,
}

impl Stage {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log, queries) = Log::open(&dir.path().join("test.db")).unwrap();
        Self { dir, log, queries }
    }

    fn reopened(self) -> Self {
        let Self { dir, log, queries } = self;
        drop((log, queries));
        let (log, queries) = Log::open(&dir.path().join("test.db")).unwrap();
        Self { dir, log, queries }
    }

    /// Appends one event `at` a time to a batch.
    fn append(&mut self, at: i64, batch_id: i64, payload: Payload) {
        let payload_json = serde_json::value::to_raw_value(&payload).unwrap();
        let id = self.log.head() + 1;
        let (source, batch_id) = (Source::Orchestrator, Some(batch_id));
        let event = Event { id, timestamp_ms: at, source, batch_id, payload };
        self.log.append(&[Record { event, payload_json }], &[]).unwrap();
    }

    fn start(&mut self, batch_id: i64) {
        let body = BatchStart { batch_id, origin: "managed".to_owned(), ..BatchStart::default() };
        self.append(0, batch_id, Payload::BatchStart(body));
    }

    fn end(&mut self, at: i64, batch_id: i64, status: &str) {
        let body = BatchEnd {
            batch_id,
            cycles_completed: 1,
            status: status.to_owned(),
            reason: "why".to_owned(),
            duration_ms: at,
        };
        self.append(at, batch_id, Payload::BatchEnd(body));
    }

    /// All rows of a query, its columns joined by blanks.
    fn rows(&self, sql: &str) -> Vec<String> {
        let conn = Connection::open(self.dir.path().join("test.db")).unwrap();
        let mut statement = conn.prepare(sql).unwrap();
        let columns = statement.column_count();
        let rows = statement
            .query_map([], |row| {
                let text = |n| match row.get::<_, rusqlite::types::Value>(n)? {
                    rusqlite::types::Value::Null => Ok("-".to_owned()),
                    rusqlite::types::Value::Integer(number) => Ok(number.to_string()),
                    rusqlite::types::Value::Text(text) => Ok(text),
                    other => panic!("{other:?}"),
                };
                (0..columns).map(text).collect::<rusqlite::Result<Vec<String>>>()
            })
            .unwrap();
        rows.map(|row| row.unwrap().join(" ")).collect()
    }

    fn background(&self) -> Vec<String> {
        self.rows(
            "SELECT batch_id, story_key, task_type, task_id, spawned_at, completed_at, status
             FROM background_tasks ORDER BY id",
        )
    }

    fn commands(&self) -> Vec<String> {
        self.rows(
            "SELECT s.batch_id, s.story_key, c.command, c.status, c.started_at, c.ended_at
             FROM commands c JOIN stories s ON s.id = c.story_id ORDER BY c.id",
        )
    }
}

fn agent(task: Option<&str>) -> Payload {
    Payload::AgentStart(AgentStart {
        command: "sprint-story-review".to_owned(),
        story_keys: vec!["1-1-a".to_owned(), "1-2-b".to_owned()],
        background_task: task.map(str::to_owned),
        ..AgentStart::default()
    })
}

fn background(task: &str, status: &str) -> Background {
    Background {
        task_id: task.to_owned(),
        task_type: "story-review".to_owned(),
        status: status.to_owned(),
        error: None,
    }
}

fn begin(story: &str) -> Payload {
    Payload::CommandStart(CommandStart {
        story_key: story.to_owned(),
        command: "dev".to_owned(),
        ..CommandStart::default()
    })
}

fn finish(story: &str, status: &str) -> Payload {
    Payload::CommandEnd(CommandEnd {
        story_key: story.to_owned(),
        command: "dev".to_owned(),
        status: status.to_owned(),
        ..CommandEnd::default()
    })
}

fn status(story: &str, raw: &str, class: &str) -> Payload {
    Payload::StoryStatus(StoryStatus {
        story_key: story.to_owned(),
        epic_id: Some("1".to_owned()),
        new_status: Some(raw.to_owned()),
        status_class: Some(class.to_owned()),
        ..StoryStatus::default()
    })
}

#[test]
fn a_background_chain_is_one_row_from_its_first_agent_to_its_end() {
    let mut stage = Stage::new();
    stage.start(1);
    stage.append(10, 1, agent(None));
    stage.append(20, 1, agent(Some("chain")));
    stage.append(30, 1, agent(Some("chain")));
    stage.append(40, 1, agent(Some("other")));
    stage.append(45, 1, agent(Some("left")));
    let mut stage = stage.reopened();
    stage.append(50, 1, Payload::BackgroundComplete(background("chain", "completed")));
    stage.append(60, 1, Payload::BackgroundError(background("other", "failed")));
    stage.append(70, 1, Payload::BackgroundError(background("chain", "failed")));
    stage.append(80, 1, Payload::BackgroundComplete(background("nobody's", "completed")));
    let keys = "1 1-1-a,1-2-b sprint-story-review";
    assert_eq!(
        stage.background(),
        [
            format!("{keys} chain 20 50 completed"),
            format!("{keys} other 40 60 failed"),
            format!("{keys} left 45 - running"),
        ]
    );
    stage.end(90, 1, "stopped");
    stage.start(2);
    stage.append(100, 2, agent(Some("chain")));
    stage.append(110, 2, Payload::BackgroundComplete(background("chain", "")));
    let rows = stage.background();
    assert_eq!(rows[2], format!("{keys} left 45 - lost"));
    assert_eq!(rows[3], "2 1-1-a,1-2-b sprint-story-review chain 100 110 completed");
}

#[test]
fn the_row_of_a_batch_says_what_its_end_says() {
    let mut stage = Stage::new();
    for (id, status) in (1..).zip(["completed", "stopped", "error", "lost"]) {
        stage.start(id);
        stage.append(5, id, Payload::CycleEnd(CycleEnd::default()));
        let warning = BatchWarning { batch_id: Some(id), ..BatchWarning::default() };
        stage.append(6, id, Payload::BatchWarning(warning));
        stage.end(id * 100, id, status);
    }
    assert_eq!(
        stage.rows(
            "SELECT status, reason, cycles_completed, ended_at, origin FROM batches ORDER BY id"
        ),
        [
            "completed why 1 100 managed",
            "stopped why 1 200 managed",
            "error why 1 300 managed",
            "lost why 1 400 managed"
        ]
    );
}

#[test]
fn the_stories_of_a_cycle_are_the_batchs_from_its_start() {
    let mut stage = Stage::new();
    stage.start(1);
    stage.append(1, 1, status("1-1-a", "backlog", "backlog"));
    let cycle = |keys: &[&str]| {
        Payload::CycleStart(CycleStart {
            cycle_number: 1,
            story_keys: keys.iter().map(|key| (*key).to_owned()).collect(),
        })
    };
    stage.append(10, 1, cycle(&["1-1-a", "1-2-b"]));
    let mut stage = stage.reopened();
    stage.append(20, 1, begin("1-1-a"));
    stage.append(30, 1, cycle(&["1-2-b", "1-3-c"]));
    stage.append(40, 1, status("1-1-a", "done", "done"));
    stage.append(50, 1, status("1-2-b", "Blocked", "other"));
    stage.append(60, 1, status("1-3-c", "on hold", "other"));
    let stories = "SELECT story_key, epic_id, status, status_raw, started_at, ended_at
                   FROM stories ORDER BY id";
    assert_eq!(
        stage.rows(stories),
        [
            "1-1-a 1 done done 10 40",
            "1-2-b  blocked Blocked 10 50",
            "1-3-c  in-progress on hold 30 -"
        ]
    );
    stage.append(70, 1, status("1-2-b", "in-progress", "in-progress"));
    assert_eq!(stage.rows(stories)[1], "1-2-b  in-progress in-progress 10 -");
    assert_eq!(stage.queries.stories(1).unwrap().len(), 3);
    assert_eq!(stage.commands(), ["1 1-1-a dev running 20 -"]);
}

#[test]
fn late_rows_are_put_into_their_batch_and_mend_what_was_left_open() {
    let mut stage = Stage::new();
    stage.start(1);
    stage.append(10, 1, begin("1-1-a"));
    stage.append(90, 1, finish("1-1-a", "left-open"));
    stage.end(90, 1, "completed");
    assert_eq!(stage.commands(), ["1 1-1-a dev lost 10 -"]);
    stage.start(2);
    stage.append(91, 2, begin("1-1-a"));
    stage.append(80, 1, finish("1-1-a", "end"));
    stage.append(81, 1, begin("1-2-b"));
    stage.append(90, 1, finish("1-2-b", "left-open"));
    assert_eq!(
        stage.commands(),
        ["1 1-1-a dev completed 10 80", "2 1-1-a dev running 91 -", "1 1-2-b dev lost 81 -"]
    );
    stage.append(85, 1, finish("1-2-b", "failed"));
    stage.append(86, 1, finish("1-2-b", "failed"));
    stage.append(95, 2, finish("1-1-a", "end"));
    assert_eq!(
        stage.commands()[1..],
        ["2 1-1-a dev completed 91 95", "1 1-2-b dev failed 81 85", "1 1-2-b dev failed 86 86"]
    );
}

#[test]
fn of_a_long_history_the_newest_commands_are_given_and_the_sums_of_all() {
    let mut stage = Stage::new();
    for batch in 1..=3 {
        stage.start(batch);
        for n in 0..2 {
            stage.append(batch * 1000 + n * 100, batch, begin("1-1-a"));
            stage.append(batch * 1000 + n * 100 + 50, batch, finish("1-1-a", "end"));
        }
        stage.end(batch * 1000 + 150, batch, "completed");
    }
    let given = |most| {
        let stories = stage.queries.all_stories(most).unwrap();
        let line = |story: &crate::store::rows::StoryRow| {
            let at: Vec<i64> = story.commands.iter().map(|command| command.started_at).collect();
            (story.command_count, story.duration_seconds, at)
        };
        stories.iter().map(line).collect::<Vec<_>>()
    };
    let sums = |at: Vec<i64>| (2, Some(0.15), at);
    assert_eq!(given(3), [sums(vec![]), sums(vec![2100]), sums(vec![3000, 3100])]);
    assert_eq!(
        given(100),
        [sums(vec![1000, 1100]), sums(vec![2000, 2100]), sums(vec![3000, 3100])]
    );
}
