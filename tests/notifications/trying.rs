//! Targets that fail, refuse, lead elsewhere or say nothing.

use std::time::Duration;

use serde_json::json;

use super::inbox::{Inbox, Reply, status};
use super::{configure, read, set, target, told_of};
use crate::support::{LENIENCE, Project, Server, eventually};

fn served(inbox: &Inbox) -> (Project, Server) {
    let project = Project::new();
    configure(&project, &target(&inbox.url("hook"), "cool_down_minutes = 0"));
    let server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    (project, server)
}

#[test]
fn what_may_go_better_is_tried_again_under_the_same_id() {
    let inbox = Inbox::open();
    inbox.answer(&[
        status("503 Service Unavailable\r\nretry-after: 0.2"),
        status("429 Too Many Requests\r\nretry-after: 1.5"),
    ]);
    let (project, server) = served(&inbox);
    set(&project, "1-2-database", "blocked");
    let posts = inbox.wait(3);
    assert!(posts.iter().all(|post| post.id() == posts[0].id() && post.body == posts[0].body));
    assert!(posts[2].at - posts[1].at >= Duration::from_millis(1500), "as long as it asked for");
    eventually("all is well", || {
        let told = told_of(&server);
        (told["error"].is_null() && told["waiting"] == 0).then_some(())
    });
    assert_eq!(server.json("/healthz")["status"], "ok");
    assert_eq!(inbox.posts().len(), 3);
}

#[test]
fn a_refusal_is_told_on_the_page_and_not_tried_again() {
    let inbox = Inbox::open();
    inbox.answer(&[status("403 Forbidden")]);
    let (project, server) = served(&inbox);
    set(&project, "1-2-database", "blocked");
    let error = eventually("an event", || {
        server.log_after(0).into_iter().find(|event| event["type"] == "error")
    });
    assert_eq!(error["payload"]["type"], "notification");
    assert_eq!(
        error["payload"]["message"],
        "a notification (story_blocked) to webhook was refused: 403 Forbidden: /***"
    );
    assert_eq!(error["payload"]["context"]["target"], "webhook");
    let health = server.json("/healthz");
    assert_eq!(health["status"], "degraded");
    assert_eq!(
        health["reasons"],
        json!(["notifications to webhook do not arrive: 403 Forbidden: /***"])
    );
    // The next one arrives, and then all is well.
    set(&project, "2a-1-editor", "blocked");
    let posts = inbox.wait(2);
    assert!(posts[1].json()["title"].as_str().unwrap().contains("2a-1-editor"));
    eventually("all is well", || (server.json("/healthz")["status"] == "ok").then_some(()));
}

#[test]
fn a_redirect_is_not_followed() {
    let (inbox, elsewhere) = (Inbox::open(), Inbox::open());
    inbox.answer(&[status(&format!("307 Temporary Redirect\r\nlocation: {}", elsewhere.url("x")))]);
    let (project, server) = served(&inbox);
    set(&project, "1-2-database", "blocked");
    eventually("a refusal", || {
        told_of(&server)["error"].as_str()?.contains("redirects are not followed").then_some(())
    });
    assert_eq!(elsewhere.posts().len(), 0);
}

#[test]
fn a_target_that_says_nothing_holds_nothing_up() {
    let (inbox, other) = (Inbox::open(), Inbox::open());
    inbox.answer(&[Reply::Nothing, Reply::Nothing]);
    let project = Project::new();
    let toml = target(&inbox.url("hook"), "") + &target(&other.url("hook"), "name = \"other\"");
    configure(&project, &toml);
    let mut server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    set(&project, "1-2-database", "blocked");
    inbox.wait(1);
    other.wait(1);
    // Events go on, and so does the other target.
    set(&project, "2a-1-editor", "blocked");
    other.wait(2);
    let ended = std::time::Instant::now();
    assert!(server.terminate().success());
    assert!(ended.elapsed() < Duration::from_secs(5) * LENIENCE, "{:?}", ended.elapsed());
    // What was not answered is sent again, as what it was, and then the second one.
    let before = inbox.posts().len();
    let _server = Server::start(&project);
    let posts = inbox.wait(before + 2);
    assert_eq!(posts[before].id(), posts[0].id());
    assert_eq!(posts[before].body, posts[0].body);
    assert_eq!(other.posts().len(), 2, "nothing twice");
}
