//! What is in the stream, under which names, and that it is what the server's own streams carry.

use std::io::Read as _;
use std::process::{Command, Stdio};

use super::{append, applied, arrives, is_well, reasons, says, serve, serve_with};
use crate::support::metrics::Metrics;
use crate::support::nats::{Nats, Stored, client, holds, stream, within};
use crate::support::process::threads;
use crate::support::server::binary;
use crate::support::sse::Sse;
use crate::support::{Project, Server, eventually};

#[test]
fn every_event_arrives_in_order_as_the_streams_carry_it() {
    let (nats, project) = (Nats::start(), Project::new());
    let server = serve_with(&project, &nats.url(), &[]);
    append(&project, 0..300);
    let messages = arrives(&server, &nats, 300);
    let name = project.root().file_name().unwrap().to_str().unwrap().to_lowercase();
    let name = name.trim_start_matches('.').replace('.', "-");
    let epoch = server.json("/healthz")["epoch"].as_str().unwrap().to_owned();
    let mut previous = 0;
    for (at, message) in messages.iter().enumerate() {
        let (id, json) = (message.id(), message.json());
        assert_eq!(message.sequence, at as u64 + 1);
        assert_eq!(
            message.subject,
            format!("sprint.red.{name}.{}", json["type"].as_str().unwrap())
        );
        assert_eq!(message.message_id, format!("{name}:{epoch}:{id}"));
        assert_eq!((&message.epoch, message.previous), (&epoch, previous));
        previous = id;
    }
    // Byte for byte.
    let mut carried = Sse::open(server.port(), "", Some(&format!("{epoch}:0")));
    for message in &messages {
        let text = loop {
            let (_, text) = carried.next_raw().expect("an event");
            if text.starts_with("{\"id\"") {
                break text;
            }
        };
        assert_eq!(text, message.payload);
    }
    is_well(&server);
    let figures = Metrics::of(&server);
    assert_eq!(figures.one("team_connected") as u64, 1);
    assert_eq!(figures.one("team_waiting_events") as u64, 0);
    assert_eq!(figures.one("team_sent_total") as usize, messages.len());
}

#[test]
fn who_misses_something_is_sent_it_again() {
    let (nats, project) = (Nats::start(), Project::new());
    let server = serve_with(&project, &nats.url(), &[]);
    append(&project, 0..50);
    let before = arrives(&server, &nats, 50);
    let (last, name) = (before.last().unwrap(), before[0].subject.split('.').nth(2).unwrap());
    let ask = |epoch: &str, after: u64| {
        let text =
            format!("{{\"epoch\":\"{epoch}\",\"after\":{after},\"seen\":{}}}", last.sequence);
        within(async {
            let client = client(&nats.url()).await?;
            client.publish(format!("sprint-again.red.{name}"), text.into()).await.ok()?;
            client.flush().await.ok()
        })
        .unwrap();
    };
    // Of another log, and what is none.
    ask("00000000", 0);
    ask("\\u0000", 0);
    ask(&last.epoch, last.id() - 10);
    let after = eventually("events that were sent again", || {
        let messages = stream(&nats.url(), "sprint-red");
        (messages.len() >= before.len() + 10).then_some(messages)
    });
    let again: Vec<u64> = after[before.len()..].iter().map(Stored::id).collect();
    assert_eq!(again, (last.id() - 9..=last.id()).collect::<Vec<_>>());
    for message in &after[before.len()..] {
        let own = format!("{name}:{}:{}:{}", last.epoch, message.id(), last.sequence);
        assert_eq!((&message.message_id, message.previous), (&own, message.id() - 1));
    }
    // And what comes next stands behind it, under its plain name.
    append(&project, 50..60);
    let whole = arrives(&server, &nats, 60);
    assert_eq!(whole.last().unwrap().message_id.matches(':').count(), 2);
}

#[test]
fn nothing_is_started_where_nothing_is_to_be_sent() {
    let names = |server: &Server| {
        let names = threads(server.pid());
        let names = names.iter().filter_map(|it| std::fs::read_to_string(it.join("comm")).ok());
        let mut names: Vec<String> = names.collect();
        // How many of them are there at a moment says nothing.
        names.sort();
        names.dedup();
        names
    };
    let (nats, with, without) = (Nats::start(), Project::new(), Project::new());
    let sending = serve(&with, &nats.url());
    let alone = Server::start(&without);
    arrives(&sending, &nats, 0);
    assert_eq!(names(&sending), names(&alone), "no thread of its own");
    assert!(!alone.get("/metrics").text().contains("team_"));
    // Answers just given may still hold theirs.
    eventually("one socket less", || (sending.sockets() > alone.sockets()).then_some(()));
}

#[test]
fn a_wrong_password_is_said_and_the_right_one_nowhere() {
    let users = "authorization { users: [{ user: me, password: \"s3cret-word\" }] }";
    let (nats, project) = (Nats::start_with(users), Project::new());
    for (password, word) in [("wr0ng-word", "refuses this server"), ("s3cret-word", "")] {
        let log = project.root().join("told");
        let mut command = Command::new("sh");
        command.args(["-c", "exec \"$0\" \"$@\" 2>told", binary().get_program().to_str().unwrap()]);
        command.args(["serve", "--port", "0", "--team", "red", "--log-level", "debug"]);
        command.current_dir(project.root());
        // Not as an argument: all may read those.
        command.env("SPRINT_RUNNER_NATS", nats.url_as("me", password));
        let mut server = Server::spawn(command);
        if word.is_empty() {
            eventually("events in the stream", || {
                let all = stream(&nats.url_as("me", password), "sprint-red");
                (!all.is_empty()).then_some(())
            });
        } else {
            says(&server, word);
        }
        let said = reasons(&server) + &server.get("/metrics").text();
        assert!(!said.contains(password), "{said}");
        assert!(server.terminate().success());
        let told = std::fs::read_to_string(&log).unwrap();
        assert!(told.contains("NATS") && !told.contains(password), "{told}");
        std::fs::remove_file(log).unwrap();
        assert!(!holds(&project.root().join(".sprint-runner"), password));
        let mut doctor = binary();
        doctor.args(["doctor", "-C"]).arg(project.root());
        doctor.env("SPRINT_RUNNER_NATS", nats.url_as("me", password));
        doctor.env("SPRINT_RUNNER_NATS_TEAM", "red");
        let mut child = doctor.stdout(Stdio::piped()).spawn().unwrap();
        let mut told = String::new();
        child.stdout.take().unwrap().read_to_string(&mut told).unwrap();
        child.wait().unwrap();
        let expected = if word.is_empty() { "stream sprint-red with" } else { "cannot be reached" };
        assert!(told.contains(expected) && !told.contains(password), "{told}");
    }
}

#[test]
fn somebody_elses_stream_is_left_alone() {
    let (nats, project) = (Nats::start(), Project::new());
    within(async {
        let context = async_nats::jetstream::new(client(&nats.url()).await?);
        let config = async_nats::jetstream::stream::Config {
            name: "sprint-red".to_owned(),
            subjects: vec!["orders.*".to_owned()],
            ..Default::default()
        };
        context.create_stream(config).await.ok()
    })
    .unwrap();
    let server = serve(&project, &nats.url());
    let said = says(&server, "the stream sprint-red holds orders.*");
    assert!(said.contains("event waits") || said.contains("events wait"), "{said}");
    assert!(stream(&nats.url(), "sprint-red").is_empty());
    assert!(applied(&[]).is_empty());
}
