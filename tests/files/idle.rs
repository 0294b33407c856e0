//! Behaviour 24: a server with nothing to do does nothing; and a restart on unchanged files.

use std::time::{Duration, Instant};

use super::{expect, lines, silence, told};
use crate::support::heavy::heavy;
use crate::support::process::{cpu_s, waits};
use crate::support::{Project, Server, eventually};

/// A project with all three files, all of them read.
fn quiet() -> (Project, Server) {
    let project = Project::new();
    project.append(lines(["a", "b"]).as_bytes());
    project.write("orchestrator.md", b"## Story: 1-2-database\n| 1 | dev-story | ok | ~3m |\n");
    let server = Server::start(&project);
    expect(&server, &["a", "b"]);
    eventually("the entries", || {
        server.log_after(0).iter().any(|event| event["type"] == "activity:entry").then_some(())
    });
    (project, server)
}

#[test]
fn b24_an_idle_server_does_not_hear_itself_read() {
    let (project, server) = quiet();
    let mut sse = server.sse("");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    let looks = || waits(server.pid(), "watch");
    let before = looks();
    let start = Instant::now();
    silence(&mut sse, Duration::from_secs(2));
    let alone = looks() - before;
    // Others who read the files wake nobody either.
    let before = looks();
    for _ in 0..2_000 {
        std::fs::read(project.log()).unwrap();
        std::fs::read(project.path("sprint-status.yaml")).unwrap();
        std::fs::read_dir(project.artifacts()).unwrap().for_each(drop);
    }
    silence(&mut sse, Duration::from_secs(2));
    let beside_readers = looks() - before;
    println!("the watching thread waited {alone} times alone, {beside_readers} beside readers");
    // The poll comes every 400 ms; an echo of the own reads would come at once, again and again.
    let polls = start.elapsed().as_millis() as u64 / 400 + 1;
    assert!(alone + beside_readers < 4 * polls + 40, "{alone} and {beside_readers}");
}

/// One minute of the ten, with a client that listens.
#[test]
fn b24_a_minute_idle_takes_less_than_a_five_hundredth_of_a_core() {
    if !heavy("b24_a_minute_idle_takes_less_than_a_five_hundredth_of_a_core", &[]) {
        return;
    }
    let (_project, server) = quiet();
    let mut sse = server.sse("");
    assert_eq!(sse.next().unwrap().json["type"], "init");
    // The files are read once more while their last write is fresh.
    silence(&mut sse, Duration::from_secs(3));
    let (start, before) = (Instant::now(), cpu_s(server.pid()));
    silence(&mut sse, Duration::from_secs(60));
    let share = (cpu_s(server.pid()) - before) / start.elapsed().as_secs_f64();
    println!("idle for a minute: {:.3} % of a core", share * 100.0);
    assert!(share < 0.002, "{:.3} % of a core", share * 100.0);
}

#[test]
fn a_restart_on_an_unchanged_project_adds_nothing() {
    let project = Project::new();
    project.append(lines(["a", "b"]).as_bytes());
    project.append(b"a bad row\n");
    project.write("orchestrator.md", b"## Story: 1-2-database\n| 1 | dev-story | ok | ~3m |\n");
    let mut server = Server::start(&project);
    expect(&server, &["a", "b"]);
    eventually("the entries", || {
        let entries =
            server.log_after(0).iter().filter(|event| event["type"] == "activity:entry").count();
        let told = !told(&server, "sprint-runner.csv").is_empty();
        (entries == 2 && told).then_some(())
    });
    let head = server.json("/api/snapshot")["last_event_id"].clone();
    for _ in 0..2 {
        assert!(server.terminate().success());
        server = Server::start(&project);
        let mut sse = server.sse("");
        assert_eq!(sse.next().unwrap().json["last_event_id"], head);
    }
    // What comes next is what is new.
    let mut sse = server.sse("");
    sse.next().unwrap();
    project.append(lines(["c"]).as_bytes());
    assert_eq!(sse.next().unwrap().json["payload"]["message"], "c");
}
