//! Every route's answer, `init` and the snapshot, compared with `fixtures/wire/`. What no two runs
//! share (the log's name, times) is put in plain forms first. `UPDATE_WIRE=1` writes the files.

use std::path::Path;
use std::time::{Duration, UNIX_EPOCH};

use serde_json::Value;

use crate::support::project::now_s;
use crate::support::{Project, Server, eventually};

/// Where the times of the rows are moved to.
const ROWS: i64 = 1_767_225_600_000;
/// What any other time of this run becomes.
const OTHER: i64 = 1_767_229_200_000;

struct Plain {
    epoch: String,
    base_ms: i64,
}

impl Plain {
    fn value(&self, value: &mut Value) {
        match value {
            Value::Object(map) => map.values_mut().for_each(|value| self.value(value)),
            Value::Array(items) => items.iter_mut().for_each(|value| self.value(value)),
            Value::String(text) => {
                *text = text
                    .replace(&self.epoch, "00000000")
                    .replace(env!("CARGO_PKG_VERSION"), "0.0.0");
                // Rows in orchestrator.md and elsewhere carry their seconds in the text.
                let seconds = self.base_ms / 1000;
                for offset in 0..20 {
                    *text = text.replace(
                        &(seconds + offset).to_string(),
                        &(ROWS / 1000 + offset).to_string(),
                    );
                }
            }
            Value::Number(number) => {
                if let Some(time) = number.as_i64().filter(|time| *time > ROWS) {
                    let offset = time - self.base_ms;
                    let plain = if (0..20_000).contains(&offset) { ROWS + offset } else { OTHER };
                    *value = plain.into();
                }
            }
            _ => {}
        }
    }

    fn compare(&self, name: &str, mut value: Value) {
        self.value(&mut value);
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("fixtures/wire/{name}.json"));
        if std::env::var_os("UPDATE_WIRE").is_some() {
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(&path, serde_json::to_string_pretty(&value).unwrap() + "\n").unwrap();
        }
        let example = std::fs::read_to_string(&path).unwrap_or_default();
        let example: Value = serde_json::from_str(&example).unwrap_or_default();
        let shown = |value: &Value| serde_json::to_string_pretty(value).unwrap();
        assert!(value == example, "{name}:\n{}\nexpected:\n{}", shown(&value), shown(&example));
    }
}

#[test]
fn answers_are_as_their_examples() {
    let project = Project::new();
    let status =
        std::fs::File::options().write(true).open(project.path("sprint-status.yaml")).unwrap();
    status.set_modified(UNIX_EPOCH + Duration::from_secs(1_767_000_000)).unwrap();
    project
        .write("1-2-database.md", b"# 1-2\n\n## Story\n\nAs a writer, I want my notes **kept**.\n");
    project.write(
        "orchestrator.md",
        b"# Log\n\n## Story: 1-2-database\n\n| 1 | dev-story | ok | ~3m |\n",
    );
    let base = now_s() - 60;
    let rows: String = [
        (0, "1-1", "create-story", "write", "start", "Writing"),
        (4, "1-1", "create-story", "write", "end", "Written (files:1, lines:85)"),
        (5, "1-2", "code-review-2", "tests", "start", "Testing"),
        (9, "1-2", "code-review-2", "tests", "progress", "half of it"),
    ]
    .iter()
    .map(|(at, story, command, task, status, message)| {
        format!("{},1,{story},{command},{task},{status},\"{message}\"\n", base + at)
    })
    .collect();
    let server = Server::start(&project);
    eventually("the entries", || (server.log_after(0).len() >= 12).then_some(()));
    project.append(rows.as_bytes());
    eventually("the rows", || {
        let log = server.log_after(0);
        log.iter().any(|event| event["type"] == "command:progress").then_some(())
    });
    let snapshot = server.json("/api/snapshot");
    let plain =
        Plain { epoch: snapshot["epoch"].as_str().unwrap().to_owned(), base_ms: base * 1000 };
    plain.compare("snapshot", snapshot);
    plain.compare("init", server.sse("").next().unwrap().json);
    for (name, path) in [
        ("api-sprint-status", "/api/sprint-status"),
        ("api-orchestrator-status-files", "/api/orchestrator-status"),
        ("api-orchestrator-status", "/api/orchestrator/status"),
        ("api-batches", "/api/batches"),
        ("api-batch", "/api/batches/1"),
        ("api-timeline", "/api/timeline"),
        ("api-timeline-all", "/api/timeline?batch_id=all&from=0&to=9999999999999"),
        ("api-settings", "/api/settings"),
        ("api-events", "/api/events?type=command:*"),
        ("api-events-search", "/api/events?q=half+of"),
        ("snapshot-at", "/api/snapshot?at=0"),
        ("story-descriptions", "/story-descriptions.json"),
        ("api-story", "/api/stories/1-2-database"),
        ("healthz", "/healthz"),
    ] {
        plain.compare(name, server.json(path));
    }
    for (name, path) in
        [("error-not-found", "/api/nothing"), ("error-bad-request", "/api/events?limit=0")]
    {
        plain.compare(name, server.get(path).json());
    }
    let page = server.get("/api/export?format=html&after=3").text();
    let (_, archive) = page.split_once("id=\"archive\">").unwrap();
    let (archive, _) = archive.split_once('<').unwrap();
    plain.compare("archive", serde_json::from_str(archive).unwrap());
    let lines = server.get("/api/export?after=3").text();
    let lines: Result<Value, _> = lines.lines().map(serde_json::from_str::<Value>).collect();
    plain.compare("api-export", lines.unwrap());
    let reset = server.sse("?last_event_id=nonsense").next().unwrap().json;
    plain.compare("reset", reset);
}
