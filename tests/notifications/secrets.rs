//! Where a secret must not be, and what `notify` shows and tries.

use std::process::Output;

use super::inbox::{Inbox, status};
use super::{configure, read, serving, set, target};
use crate::support::bench::{Bench, STORIES, Toml, start};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

const SECRET: &str = "T0pSecretPart99";

fn notify(project: &Project, arguments: &[&str], variables: &[(&str, &str)]) -> Output {
    let mut command = binary();
    command.arg("notify").arg("-C").arg(project.root()).args(arguments);
    command.envs(variables.iter().copied()).output().unwrap()
}

fn text(output: &Output) -> String {
    [&output.stdout[..], &output.stderr[..]].map(String::from_utf8_lossy).concat()
}

#[test]
fn a_secret_is_in_no_log_answer_database_or_agent() {
    let inbox = Inbox::open();
    // The receiver repeats it in its answer, as some do.
    inbox.answer(&[
        status("500 Internal Server Error\r\nretry-after: 0"),
        status("401 Unauthorized"),
    ]);
    let url = inbox.url(&format!("{SECRET}/hook"));
    let toml = "[[notifications]]\nto = \"webhook\"\nname = \"team\"\nurl_env = \"TEAM_URL\"\n\
                token_env = \"TEAM_TOKEN\"\nsettle_seconds = 0\n";
    let bench = Bench::with(STORIES, &Toml { more: toml, ..Toml::default() });
    let seen = bench.path("environment");
    bench.plan("good", &format!("env >>'{}'", seen.display()));
    let token = format!("tk_{SECRET}");
    let mut inner = serving(&bench.project, &[]);
    inner.args(["--log-level", "trace"]);
    let log = bench.path("log");
    let mut command = std::process::Command::new("sh");
    command.args(["-c", &format!("exec \"$@\" 2>>'{}'", log.display()), "sh"]);
    command.arg(inner.get_program()).args(inner.get_args());
    command.env("TEAM_URL", &url).env("TEAM_TOKEN", &token).env("KEPT", "for-agents");
    let server = Server::spawn(command);
    start(&server, "1");
    let post = &inbox.wait(2)[1];
    assert_eq!(post.path, format!("/{SECRET}/hook"));
    eventually("a refusal", || {
        server.json("/healthz")["notifications"][0]["error"].is_string().then_some(())
    });
    let environment = std::fs::read_to_string(&seen).unwrap();
    assert!(environment.contains("KEPT=for-agents"), "{environment}");
    assert!(!environment.contains("TEAM_") && !environment.contains(SECRET), "{environment}");
    for path in ["/healthz", "/api/settings", "/api/snapshot", "/api/events?limit=1000"] {
        assert!(!server.get(path).text().contains(SECRET), "{path}");
    }
    server.kill();
    let told = std::fs::read_to_string(&log).unwrap();
    assert!(told.contains("a notification (batch_ended) to team was refused"), "{told}");
    assert!(told.contains("TRACE") || told.contains("DEBUG"), "it says much");
    assert!(!told.contains(SECRET));
    let state = bench.project.root().join(".sprint-runner");
    for entry in std::fs::read_dir(state).unwrap().flatten() {
        let Ok(bytes) = std::fs::read(entry.path()) else { continue };
        let found = bytes.windows(SECRET.len()).any(|part| part == SECRET.as_bytes());
        assert!(!found, "{}", entry.path().display());
    }
}

#[test]
fn a_test_sends_a_sample_of_each_rule_and_says_what_came_back() {
    let (project, inbox) = (Project::new(), Inbox::open());
    let url = inbox.url(SECRET);
    configure(
        &project,
        &("[[notifications]]\nto = \"webhook\"\nname = \"team\"\nurl_env = \"TEAM_URL\"\n"
            .to_owned()
            + &target(&inbox.url("other"), "name = \"other\"\non = [\"usage_limit\"]")),
    );
    let variables = [("TEAM_URL", url.as_str())];
    let output = notify(&project, &["--test"], &variables);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output));
    let posts = inbox.posts();
    assert_eq!(posts.len(), 6);
    assert!(posts.iter().all(|post| post.json()["test"] == true));
    assert!(posts.iter().all(|post| post.json()["title"].as_str().unwrap().contains("Test")));
    let shown = text(&output);
    assert!(shown.contains("story_blocked: arrived, 200 OK") && !shown.contains(SECRET), "{shown}");

    inbox.answer(&[status("404 Not Found")]);
    let output = notify(&project, &["--test", "other", "--json"], &variables);
    assert_eq!(output.status.code(), Some(1));
    let json: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let tests = &json["notifications"][0]["tests"];
    assert_eq!(tests[0]["arrived"], false);
    assert_eq!(tests[0]["answer"], "404 Not Found: /***");
    assert_eq!(inbox.posts().len(), 7);

    let output = notify(&project, &["--test", "nobody"], &variables);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("there are team, other"), "{}", text(&output));

    // Without --test nothing is sent.
    let output = notify(&project, &[], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("the environment variable TEAM_URL is not set"));
    assert_eq!(inbox.posts().len(), 7);
}

#[test]
fn nothing_configured_and_wrongly_configured_are_told() {
    let project = Project::new();
    let output = notify(&project, &["--test"], &[]);
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output).contains("no notification is configured"), "{}", text(&output));
    configure(
        &project,
        &format!("port = 0\n\n[[notifications]]\nto = \"slack\"\nurl = \"ftp://{SECRET}\"\n"),
    );
    for command in ["notify", "check", "serve", "status"] {
        let output = binary().arg(command).arg("-C").arg(project.root()).output().unwrap();
        assert_eq!(output.status.code(), Some(1), "{command}");
        let shown = text(&output);
        assert!(shown.contains("sprint-runner.toml:5:7: url must begin with"), "{shown}");
        assert!(!shown.contains(SECRET), "{shown}");
    }
}

#[test]
fn a_server_without_its_secret_serves_and_says_so() {
    let project = Project::new();
    configure(
        &project,
        "[[notifications]]\nto = \"slack\"\nurl_env = \"NOT_THERE\"\nsettle_seconds = 0\n",
    );
    let server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    let health = server.json("/healthz");
    assert_eq!(
        health["reasons"][0],
        "notifications to slack do not arrive: the environment variable NOT_THERE is not set"
    );
    set(&project, "1-2-database", "blocked");
    eventually("what waits", || (super::told_of(&server)["waiting"] == 1).then_some(()));
    drop(server);
    // With it, what waited is sent.
    let inbox = Inbox::open();
    let url = inbox.url("hook");
    let _server = super::serve_with(&project, &[("NOT_THERE", &url)]);
    assert!(inbox.wait(1)[0].json()["blocks"].is_array());
}
