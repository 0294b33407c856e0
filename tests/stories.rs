//! `/api/stories/{key}`: a story's files by their names, whatever its key holds.

use std::os::unix::fs::symlink;

use serde_json::{Value, json};

use crate::support::project::now_s;
use crate::support::{Project, Server, eventually};

fn names(story: &Value) -> Vec<(String, String, bool)> {
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let files = story["files"].as_array().unwrap();
    let one =
        |file: &Value| (text(&file["name"]), text(&file["kind"]), file["archived"] == json!(true));
    files.iter().map(one).collect()
}

fn with_stories(keys: &[&str]) -> Project {
    let project = Project::new();
    let lines: String = keys.iter().map(|key| format!("  {}: backlog\n", json!(key))).collect();
    let status = format!("development_status:\n  epic-1: in-progress\n{lines}");
    project.write("sprint-status.yaml", status.as_bytes());
    project
}

fn known(server: &Server) {
    eventually("the stories", || {
        let sprint = server.json("/api/sprint-status");
        sprint["stories"].as_array().is_some_and(|list| !list.is_empty()).then_some(())
    });
}

#[test]
fn a_storys_files_are_told_by_their_names() {
    let project = with_stories(&["1-1-first", "1-10-tenth"]);
    project.write("1-1-first.md", b"# 1-1\n\n## Story\n\nAs a **reader**.\n");
    project.write("1-1-discovery.md", b"found");
    project.write("1-10-tenth.md", b"another's");
    let archive = project.root().join("_bmad-output/archived-artifacts");
    std::fs::create_dir_all(&archive).unwrap();
    std::fs::write(archive.join("tech-spec-1-1.md"), "old").unwrap();
    symlink("/etc/hostname", project.path("story-1-1.md")).unwrap();
    let server = Server::start(&project);
    known(&server);
    let story = server.json("/api/stories/1-1-first");
    let file = |name: &str, kind: &str, archived| (name.to_owned(), kind.to_owned(), archived);
    assert_eq!(
        names(&story),
        [
            file("1-1-discovery.md", "discovery", false),
            file("1-1-first.md", "story", false),
            file("tech-spec-1-1.md", "tech-spec", true),
        ]
    );
    assert_eq!(story["description"], "As a reader.");
    assert_eq!(story["files"][0]["size"], 5);
    assert!(story["files"][0]["modified_at"].as_i64().unwrap() > (now_s() - 600) * 1000);
    let root = project.root().to_str().unwrap();
    assert!(!server.get("/api/stories/1-1-first").text().contains(root));
}

#[test]
fn any_key_can_be_asked_for() {
    let long = format!("1-8-{}", "笔".repeat(160));
    let keys = [
        "1-2-a&b",
        "1-3-test\"story<img>",
        "1-4-100%",
        "1-5-a/b",
        "1-6-%2e",
        "1-7-#hash?",
        long.as_str(),
        "1-9-a,b",
    ];
    let project = with_stories(&keys);
    let server = Server::start(&project);
    known(&server);
    for key in keys {
        let escaped: String = key.bytes().map(|byte| format!("%{byte:02X}")).collect();
        let story = server.json(&format!("/api/stories?key={escaped}"));
        assert_eq!(story, json!({ "story_key": key, "files": [], "description": null }), "{key}");
        // What the guard lets through as a path is answered there as well.
        let by_path = server.get(&format!("/api/stories/{escaped}"));
        let is_plain = !key.contains('/') && !key.contains("%2e") && key.len() <= 255;
        assert_eq!(by_path.status, if is_plain { 200 } else { 400 }, "{key}");
        if is_plain {
            assert_eq!(by_path.json(), story, "{key}");
        }
        let events = server.json(&format!("/api/events?type=story:status&story={escaped}"));
        assert_eq!(events["events"][0]["payload"]["story_key"], key);
        assert_eq!(events["events"].as_array().unwrap().len(), 1, "{key}");
    }
}

#[test]
fn a_story_that_only_the_log_knows_has_an_answer_and_others_have_none() {
    let project = with_stories(&["1-1-first"]);
    project.append(format!("{},7,7-7,dev-story,setup,start,\"go\"\n", now_s()).as_bytes());
    let server = Server::start(&project);
    eventually("its row", || {
        let page = server.json("/api/events?story=7-7");
        (!page["events"].as_array()?.is_empty()).then_some(())
    });
    assert_eq!(server.json("/api/stories/7-7")["files"], json!([]));
    for (path, status) in [
        ("/api/stories/9-9", 404),
        ("/api/stories/1-1", 404),
        ("/api/stories/", 404),
        ("/api/stories/1-1-first/x", 404),
        ("/api/stories", 400),
        ("/api/stories?key=", 400),
        ("/api/stories/..%2f..%2fetc%2fpasswd", 400),
        ("/api/stories?key=..%2f..%2fetc%2fpasswd", 404),
    ] {
        let answer = server.get(path);
        assert_eq!(answer.status, status, "{path}");
        assert!(answer.json()["code"].is_string(), "{path}");
    }
    let answer = server.post("/api/stories/1-1-first", "{}");
    assert_eq!((answer.status, answer.header("allow")), (405, Some("GET, HEAD, OPTIONS")));
}
