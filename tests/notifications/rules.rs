//! Each rule fires by what really happens; each kind of target gets its own body.

use serde_json::{Value, json};

use super::inbox::Inbox;
use super::{configure, read, set, target};
use crate::support::bench::{Bench, STORIES, Toml, start};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

#[test]
fn stories_that_become_blocked_are_told_together() {
    let (project, inbox) = (Project::new(), Inbox::open());
    configure(
        &project,
        &target(&inbox.url("hook"), "settle_seconds = 8").replacen(
            "settle_seconds = 0.05\n",
            "",
            1,
        ),
    );
    let server =
        Server::start_with(project.root(), &["--public-url", "https://sprint.example.org"]);
    read(&server, "1-2-database", "in-progress");
    set(&project, "1-2-database", "blocked");
    read(&server, "1-2-database", "blocked");
    set(&project, "2a-1-editor", "failed");
    let post = &inbox.wait(1)[0];
    let body = post.json();
    assert_eq!(body["rule"], "story_blocked");
    assert_eq!(body["title"], "[lantern] 2 stories are stuck: 1-2, 2a-1");
    assert_eq!(body["link"], "https://sprint.example.org/#overview");
    assert_eq!(body["items"][1]["event"]["payload"]["new_status"], "failed");
    assert_eq!(body["id"], json!(post.id()));
    assert_eq!((body["version"].clone(), body["test"].clone()), (json!(1), json!(false)));
    assert_eq!(post.header("content-type"), Some("application/json"));
    assert_eq!(post.path, "/hook");
    // Told again it is only after the cool-down.
    set(&project, "1-2-database", "review");
    read(&server, "1-2-database", "review");
    set(&project, "1-2-database", "blocked");
    read(&server, "1-2-database", "blocked");
    set(&project, "1-10-backup", "blocked");
    let titles: Vec<Value> =
        inbox.wait(2).iter().map(|post| post.json()["title"].clone()).collect();
    assert_eq!(titles[1], "[lantern] 1-10-backup is blocked");
    assert_eq!(titles.len(), 2);
}

#[test]
fn a_broken_status_file_is_told_and_a_half_saved_one_is_not() {
    let (project, inbox) = (Project::new(), Inbox::open());
    configure(&project, &target(&inbox.url("hook"), "").replace("0.05", "6"));
    let server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    let state = |word: &str| {
        eventually(word, || (server.json("/api/sprint-status")["state"] == word).then_some(()));
    };
    let good = std::fs::read(project.path("sprint-status.yaml")).unwrap();
    project.write("sprint-status.yaml", b"project: lantern\ndevelopment_status: [broken\n");
    state("invalid");
    project.replace("sprint-status.yaml", &good);
    state("ok");
    set(&project, "1-2-database", "blocked");
    assert_eq!(inbox.wait(1)[0].json()["rule"], "story_blocked", "it was whole again in time");
    project.write("sprint-status.yaml", b"project: lantern\ndevelopment_status: [broken\n");
    let body = inbox.of("status_file_broken");
    let title = body["title"].as_str().unwrap();
    assert!(title.contains("sprint-status.yaml is invalid"), "{title}");
    assert!(body["text"].as_str().unwrap().contains("line 3"), "{body}");
}

#[test]
fn the_end_of_a_batch_is_told_to_who_wants_to_know() {
    let (all, failures) = (Inbox::open(), Inbox::open());
    let toml = target(&all.url("hook"), "")
        + &target(&failures.url("hook"), "name = \"failures\"\nbatches = [\"error\", \"lost\"]");
    let bench = Bench::with(STORIES, &Toml { more: &toml, ..Toml::default() });
    let server = bench.serve();
    let batch_id = start(&server, "1");
    let body = all.of("batch_ended");
    assert_eq!(body["title"], format!("[lantern] Batch {batch_id} ended: completed"));
    assert_eq!(body["items"][0]["event"]["payload"]["status"], "completed");
    // And one that cannot run.
    eventually("an idle orchestrator", || {
        (server.json("/api/orchestrator/status")["status"] == "idle").then_some(())
    });
    bench.plan("unknown-flag", "");
    let batch_id = start(&server, "1");
    let body = failures.of("batch_ended");
    assert_eq!(body["title"], format!("[lantern] Batch {batch_id} ended: error"));
    assert_eq!(failures.posts().len(), 1);
    assert_eq!(all.wait(2).len(), 2);
}

#[test]
fn a_usage_limit_is_told() {
    let inbox = Inbox::open();
    let toml = target(&inbox.url("hook"), "on = [\"usage_limit\"]");
    let bench = Bench::with(STORIES, &Toml { more: &toml, ..Toml::default() });
    bench.plan("usage-limit", &format!("export AGENT_STATE='{}'", bench.path("state").display()));
    let server = bench.serve();
    start(&server, "1");
    let body = inbox.of("usage_limit");
    assert!(body["title"].as_str().unwrap().contains("usage limit is reached"), "{body}");
    assert!(body["next"].as_str().unwrap().starts_with("nothing"), "{body}");
}

#[test]
fn a_silent_agent_is_told_once() {
    let inbox = Inbox::open();
    let toml = target(
        &inbox.url("hook"),
        "on = [\"agent_silent\"]\nsilent_minutes = 0.01\ncool_down_minutes = 0",
    );
    let bench = Bench::with(STORIES, &Toml { more: &toml, ..Toml::default() });
    bench.project.replace("sprint-status.yaml", b"development_status:\n  1-1-skeleton: review\n");
    bench.plan("hang", "");
    let server = bench.serve();
    let batch_id = start(&server, "1");
    let body = inbox.of("agent_silent");
    let title = body["title"].as_str().unwrap();
    assert!(title.contains("code-review-1 of 1-1-skeleton is silent"), "{title}");
    assert_eq!(body["items"][0]["batch_id"], batch_id);
    // Two more looks pass (its next end is told when they have).
    eventually("two more looks", || {
        let waiting = super::told_of(&server);
        let sent = waiting["last_sent_at"].as_i64()?;
        (crate::support::project::now_s() * 1000 > sent + 11_000).then_some(())
    });
    assert_eq!(inbox.posts().len(), 1);
}

#[test]
fn a_batch_in_the_terminal_tells_as_well() {
    let inbox = Inbox::open();
    let toml = target(&inbox.url("hook"), "").replace("0.05", "60");
    let bench = Bench::with(STORIES, &Toml { more: &toml, ..Toml::default() });
    let output = binary().arg("run").arg("1").arg("-C").arg(bench.project.root()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    // It does not end before it has told, however long messages settle otherwise.
    let rules: Vec<Value> = inbox.posts().iter().map(|post| post.json()["rule"].clone()).collect();
    assert_eq!(rules, ["batch_ended"]);
}

#[test]
fn each_kind_gets_its_own() {
    let (project, inbox) = (Project::new(), Inbox::open());
    let kind = |to: &str, path: &str, more: &str| {
        let url = inbox.url(path);
        format!(
            "[[notifications]]\nto = \"{to}\"\nurl = \"{url}\"\nsettle_seconds = 0.05\n{more}\n"
        )
    };
    configure(
        &project,
        &[
            kind("slack", "services/T0/B0/x", ""),
            kind("discord", "api/webhooks/1/x", ""),
            kind("ntfy", "", "topic = \"lantern\"\ntoken_env = \"NTFY_TOKEN\""),
            kind("webhook", "own", "secret_env = \"SIGN\""),
        ]
        .concat(),
    );
    let server = super::serve_with(&project, &[("NTFY_TOKEN", "tk_x"), ("SIGN", "abc")]);
    read(&server, "1-2-database", "in-progress");
    set(&project, "1-2-database", "blocked");
    let posts = inbox.wait(4);
    let at = |path: &str| posts.iter().find(|post| post.path == path).unwrap();
    assert!(at("/services/T0/B0/x").json()["blocks"].is_array());
    assert!(at("/api/webhooks/1/x").json()["embeds"].is_array());
    assert_eq!(at("/").json()["topic"], "lantern");
    assert_eq!(at("/").header("authorization"), Some("Bearer tk_x"));
    assert!(at("/own").header("webhook-signature").unwrap().starts_with("v1,"));
    let ids: Vec<String> = posts.iter().map(super::inbox::Post::id).collect();
    assert!(ids.iter().all(|id| *id == ids[0]), "{ids:?}");
    eventually("what became of them", || {
        let targets = server.json("/healthz")["notifications"].clone();
        let sent = targets.as_array()?.iter().filter(|it| it["last_sent_at"].is_i64()).count();
        (sent == 4).then_some(())
    });
}
