//! Several projects, several servers: each publishes as its own, and never two as one.

use super::{append, applied, is_well, reasons, says, serve_with};
use crate::support::nats::{Nats, stream};
use crate::support::server::binary;
use crate::support::{Project, Server, eventually};

#[test]
fn two_servers_never_publish_as_one() {
    let (nats, one, two) = (Nats::start(), Project::new(), Project::new());
    for project in [&one, &two] {
        let text = "[nats]\nproject = \"lantern\"\n";
        std::fs::write(project.root().join("sprint-runner.toml"), text).unwrap();
    }
    let mut first = serve_with(&one, &nats.url(), &[]);
    append(&one, 0..20);
    super::arrives(&first, &nats);
    let second = serve_with(&two, &nats.url(), &[]);
    append(&two, 0..20);
    let said = says(&second, "another server publishes as lantern");
    assert!(said.contains("events wait"), "{said}");
    is_well(&first);
    let epochs = applied(&stream(&nats.url(), "sprint-red"));
    assert_eq!(epochs.len(), 1, "nothing of the second is there");
    // The end of the first is said by itself: nobody waits for its silence.
    assert!(first.terminate().success());
    super::arrives(&second, &nats);
    is_well(&second);
    assert_eq!(applied(&stream(&nats.url(), "sprint-red")).len(), 2);
}

#[test]
fn who_falls_silent_makes_room_and_comes_back_as_second() {
    let (nats, one, two) = (Nats::start(), Project::new(), Project::new());
    for project in [&one, &two] {
        let text = "[nats]\nproject = \"lantern\"\n";
        std::fs::write(project.root().join("sprint-runner.toml"), text).unwrap();
    }
    let first = serve_with(&one, &nats.url(), &[]);
    super::arrives(&first, &nats);
    first.kill();
    let second = serve_with(&two, &nats.url(), &[]);
    super::arrives(&second, &nats);
    let first = serve_with(&one, &nats.url(), &[]);
    says(&first, "another server publishes as lantern");
}

#[test]
fn every_project_of_a_server_is_one_of_the_team() {
    let nats = Nats::start();
    let (one, two) = (Project::new(), Project::new());
    let mut command = binary();
    command.args(["serve", "--port", "0", "--team", "red", "--nats", &nats.url()]);
    for (name, project) in [("north", &one), ("south", &two)] {
        command.arg(format!("{name}={}", project.root().display()));
    }
    let server = Server::spawn(command);
    append(&one, 0..100);
    append(&two, 0..70);
    eventually("both logs in the stream", || {
        let messages = stream(&nats.url(), "sprint-red");
        let all = ["north", "south"].iter().all(|name| {
            let subject = format!("sprint.red.{name}.");
            let own: Vec<_> =
                messages.iter().filter(|it| it.subject.starts_with(&subject)).cloned().collect();
            let page = server.json(&format!("/p/{name}/api/events?after=0&limit=1000"));
            let log = page["events"].as_array().unwrap();
            !log.is_empty() && applied(&own).values().next() == Some(log)
        });
        all.then_some(())
    });
    assert_eq!(reasons(&server), "[]");
}
