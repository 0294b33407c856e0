//! Each event type on the wire, compared with `fixtures/wire/events/`. `UPDATE_WIRE=1` writes them.

use std::path::Path;

use serde_json::{Value, json};

use super::*;
use crate::domain::event::{Source, Wire};
use crate::domain::issue::Severity;

#[allow(clippy::unnecessary_wraps)]
fn text(value: &str) -> Option<String> {
    Some(value.to_owned())
}

fn keys() -> Vec<String> {
    vec!["2a-1-session-list".to_owned(), "2a-2-photo-notes".to_owned()]
}

fn metrics() -> serde_json::Map<String, Value> {
    [("files".to_owned(), json!(2)), ("lines".to_owned(), json!(85))].into_iter().collect()
}

fn context(kind: &str, status: &str) -> Context {
    Context {
        story_key: "context".to_owned(),
        context_type: kind.to_owned(),
        status: status.to_owned(),
        message: text("the project's context"),
        task_id: (kind == "refresh" || kind == "complete").then(|| "context-1".to_owned()),
    }
}

fn background(status: &str, error: Option<String>) -> Background {
    Background {
        task_id: "story-review-2a-1".to_owned(),
        task_type: "story-review".to_owned(),
        status: status.to_owned(),
        error,
    }
}

fn injection(size_bytes: i64, message: &str) -> Injection {
    Injection {
        command: "sprint-dev-story".to_owned(),
        story_keys: keys(),
        size_bytes,
        threshold_bytes: 102_400,
        message: message.to_owned(),
    }
}

fn cleanup(file: Option<String>, moved: Option<i64>, message: Option<String>) -> Cleanup {
    Cleanup { file_name: file, files_moved: moved, story_keys: keys(), message }
}

fn of_the_run() -> Vec<(Source, Payload)> {
    let server = |payload| (Source::Server, payload);
    let ours = |payload| (Source::Orchestrator, payload);
    vec![
        server(Payload::BatchStart(BatchStart {
            batch_id: 42,
            max_cycles: Some(2),
            batch_mode: "fixed".to_owned(),
            origin: "managed".to_owned(),
            started_at: 1_706_112_000_000,
            size: None,
        })),
        server(Payload::BatchEnd(BatchEnd {
            batch_id: 42,
            cycles_completed: 2,
            status: "completed".to_owned(),
            reason: "max_cycles".to_owned(),
            duration_ms: 5_400_000,
        })),
        ours(Payload::BatchWarning(BatchWarning {
            batch_id: Some(42),
            message: "the usage limit is reached until 04:00".to_owned(),
            warning_type: "usage_limit".to_owned(),
            state: text("waiting"),
            parked_until: Some(1_706_126_400_000),
        })),
        ours(Payload::CycleStart(CycleStart { cycle_number: 1, story_keys: keys() })),
        ours(Payload::CycleEnd(CycleEnd { cycle_number: 1, completed_stories: keys() })),
        ours(Payload::ContextCreate(context("create", "starting"))),
        ours(Payload::ContextRefresh(context("refresh", "starting"))),
        ours(Payload::ContextComplete(context("complete", "complete"))),
        ours(Payload::ContextFresh(context("fresh", "fresh"))),
        ours(Payload::ContextCopied(context("copied", "copied"))),
        ours(Payload::ContextCopyFailed(context("copy_failed", "error"))),
        ours(Payload::ContextError(context("error", "error"))),
        ours(Payload::InjectionWarning(injection(120_000, "the context is large"))),
        ours(Payload::InjectionEmpty(injection(0, "no file was found"))),
        ours(Payload::CleanupFileMoved(cleanup(text("2a-1-session-list.md"), None, None))),
        ours(Payload::CleanupFileError(cleanup(
            text("2a-1-session-list.md"),
            None,
            text("permission denied"),
        ))),
        ours(Payload::CleanupComplete(cleanup(None, Some(3), None))),
        ours(Payload::BackgroundComplete(background("completed", None))),
        ours(Payload::BackgroundError(background("failed", text("exit code 1")))),
        ours(Payload::AgentStart(AgentStart {
            agent_id: "42-3".to_owned(),
            pid: 4711,
            command: "sprint-story-review".to_owned(),
            story_keys: keys(),
            model: text("haiku"),
            attempt: Some(2),
            background_task: text("story-review-2a-1"),
        })),
        ours(Payload::AgentEnd(AgentEnd {
            agent_id: "42-3".to_owned(),
            exit_code: Some(0),
            signal: None,
            duration_ms: 61_000,
            input_tokens: Some(12_000),
            output_tokens: Some(800),
            cost_usd: Some(0.12),
            receipt: None,
        })),
    ]
}

#[allow(clippy::too_many_lines)]
fn of_the_files() -> Vec<(Source, Payload)> {
    let (story_key, story_id, epic_id, command, task_id) = (
        "2a-1-session-list".to_owned(),
        "2a-1".to_owned(),
        "2a".to_owned(),
        "code-review-2".to_owned(),
        "tests".to_owned(),
    );
    let csv = |payload| (Source::Csv, payload);
    let yaml = |payload| (Source::Yaml, payload);
    vec![
        csv(Payload::CommandStart(CommandStart {
            story_key: story_key.clone(),
            story_id: story_id.clone(),
            epic_id: epic_id.clone(),
            command: command.clone(),
            task_id: task_id.clone(),
            message: text("running the tests"),
            story_ids: Vec::new(),
        })),
        csv(Payload::CommandProgress(CommandProgress {
            story_key: story_key.clone(),
            story_id: story_id.clone(),
            epic_id: epic_id.clone(),
            command: command.clone(),
            task_id: task_id.clone(),
            message: text("half of them"),
            story_ids: Vec::new(),
        })),
        csv(Payload::CommandEnd(CommandEnd {
            story_key: story_key.clone(),
            story_id: story_id.clone(),
            epic_id: epic_id.clone(),
            command,
            task_id,
            status: "end".to_owned(),
            message: text("all pass (files:2, lines:85)"),
            duration_ms: Some(61_000),
            metrics: metrics(),
            story_ids: Vec::new(),
        })),
        yaml(Payload::StoryStatus(StoryStatus {
            story_key: story_key.clone(),
            story_id: Some(story_id),
            epic_id: Some(epic_id.clone()),
            old_status: text("in-progress"),
            new_status: text("review"),
            status_class: text("review"),
            title: text("Session list"),
            after: None,
        })),
        yaml(Payload::EpicStatus(EpicStatus {
            epic_id,
            epic_key: "epic-2a".to_owned(),
            old_status: None,
            new_status: text("in-progress"),
            status_class: text("in-progress"),
            title: text("Sessions"),
            after: text("epic-1"),
            retrospective: false,
        })),
        (
            Source::Md,
            Payload::ActivityEntry(Activity {
                story_key: Some(story_key),
                kind: "step".to_owned(),
                step: Some(2),
                command: text("code-review #2"),
                result: text("ZERO issues"),
                duration: text("~5m"),
                line: 14,
                text: "| 2 | code-review #2 | ZERO issues | ~5m |".to_owned(),
            }),
        ),
        yaml(Payload::SourceState(SourceState {
            file: "sprint-status.yaml".to_owned(),
            state: "invalid".to_owned(),
            line: Some(12),
            column: Some(3),
            message: text("not valid YAML: mapping values are not allowed here"),
            issues: Some(vec![Issue {
                severity: Severity::Error,
                code: "invalid-yaml".to_owned(),
                line: Some(12),
                column: Some(3),
                message: "not valid YAML: mapping values are not allowed here".to_owned(),
                hint: text("mend that line; until then the last good state is shown"),
            }]),
            project: None,
            sprint_state: text("invalid"),
        })),
        (
            Source::Server,
            Payload::SettingsChanged(SettingsChanged {
                changed: [("server_port".to_owned(), json!([8080, 8081]))].into_iter().collect(),
            }),
        ),
        (
            Source::Server,
            Payload::Error(ErrorEvent {
                kind: "settings".to_owned(),
                message: "settings.json is broken; the defaults hold".to_owned(),
                context: json!({"file": "settings.json"}),
            }),
        ),
    ]
}

#[test]
fn what_is_absent_is_not_written() {
    let warning = Payload::BatchWarning(BatchWarning::default());
    let agent = Payload::AgentStart(AgentStart::default());
    for (payload, absent) in
        [(warning, ["state", "parked_until"]), (agent, ["attempt", "background_task"])]
    {
        let json = serde_json::to_value(&payload).unwrap();
        assert!(absent.iter().all(|key| json.get(key).is_none()), "{json}");
        assert_eq!(Payload::from_json(payload.kind(), &json.to_string()), payload);
    }
}

#[test]
fn every_type_has_its_example_and_reads_back() {
    let dir = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/wire/events");
    let samples: Vec<_> = of_the_run().into_iter().chain(of_the_files()).collect();
    let mut kinds: Vec<&str> = samples.iter().map(|(_, payload)| payload.kind()).collect();
    let mut expected = Payload::KINDS.to_vec();
    kinds.sort_unstable();
    expected.sort_unstable();
    assert_eq!(kinds, expected, "one example for each type");
    for (source, payload) in &samples {
        let json = serde_json::to_string(payload).unwrap();
        assert_eq!(&Payload::from_json(payload.kind(), &json), payload);
        let wire = serde_json::to_value(Wire {
            id: 1234,
            kind: payload.kind(),
            timestamp: 1_706_112_000_000,
            batch_id: Some(42),
            source: source.as_str(),
            payload: serde_json::from_str(&json).unwrap(),
        })
        .unwrap();
        let path = dir.join(format!("{}.json", payload.kind().replace(':', "-")));
        if std::env::var_os("UPDATE_WIRE").is_some() {
            std::fs::create_dir_all(&dir).unwrap();
            std::fs::write(&path, serde_json::to_string_pretty(&wire).unwrap() + "\n").unwrap();
        }
        let example = std::fs::read_to_string(&path).unwrap_or_default();
        let example: Value = serde_json::from_str(&example).unwrap_or_default();
        assert_eq!(wire, example, "{}", path.display());
    }
}
