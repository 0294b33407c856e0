//! Over crashes and restarts: nothing is lost, nothing old is told.

use super::inbox::{Inbox, Reply, status};
use super::{configure, read, set, target, told_of};
use crate::support::project::now_s;
use crate::support::{Project, Server, eventually};

#[test]
fn nothing_that_was_before_is_told_at_the_first_start() {
    let (project, inbox) = (Project::new(), Inbox::open());
    set(&project, "1-2-database", "blocked");
    // Ends of old batches, which are noticed only now; and one that the log knows already.
    let old = now_s() - 5 * 3600;
    for (at, status) in [(0, "start"), (60, "end"), (7200, "start"), (7260, "failed")] {
        project.append(format!("{},1,1-2,dev-story,implement,{status},x\n", old + at).as_bytes());
    }
    drop(Server::start(&project));
    for (at, status) in [(9300, "start"), (9400, "end")] {
        project.append(format!("{},1,1-2,dev-story,implement,{status},x\n", old + at).as_bytes());
    }
    configure(&project, &target(&inbox.url("hook"), ""));
    let server = Server::start(&project);
    eventually("the end of the last old batch", || {
        let ends = server.log_after(0).into_iter().filter(|event| event["type"] == "batch:end");
        (ends.count() == 3).then_some(())
    });
    read(&server, "1-2-database", "blocked");
    set(&project, "2a-1-editor", "blocked");
    let posts = inbox.wait(1);
    let titles: Vec<_> = posts.iter().map(|post| post.json()["title"].clone()).collect();
    assert_eq!(titles, ["[lantern] 2a-1-editor is blocked"]);
}

#[test]
fn what_happened_while_the_server_was_down_is_told() {
    let (project, inbox) = (Project::new(), Inbox::open());
    configure(&project, &target(&inbox.url("hook"), ""));
    let mut server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    assert!(server.terminate().success());
    set(&project, "1-2-database", "blocked");
    let server = Server::start(&project);
    assert_eq!(inbox.wait(1)[0].json()["items"][0]["story_key"], "1-2-database");
    eventually("it is noted", || (told_of(&server)["waiting"] == 0).then_some(()));
    drop(server);
    // And not once more.
    let server = Server::start(&project);
    read(&server, "1-2-database", "blocked");
    set(&project, "2a-1-editor", "blocked");
    let posts = inbox.wait(2);
    assert_eq!(posts[1].json()["title"], "[lantern] 2a-1-editor is blocked");
}

#[test]
fn a_target_that_is_away_gets_it_when_it_is_back_over_a_kill() {
    let project = Project::new();
    let (reserved, url) = Inbox::reserve();
    configure(&project, &target(&url, ""));
    let server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    set(&project, "1-2-database", "blocked");
    eventually("a failure", || {
        let told = told_of(&server);
        (told["error"].is_string() && told["waiting"] == 1).then_some(())
    });
    server.kill();
    let inbox = Inbox::at(reserved);
    let _server = Server::start(&project);
    let posts = inbox.wait(1);
    assert_eq!(posts[0].json()["items"][0]["story_key"], "1-2-database");
}

#[test]
fn killed_between_sending_and_noting_it_sends_the_same_again() {
    let (project, inbox) = (Project::new(), Inbox::open());
    // Every try is on its way when the server is killed; the receiver has it all the same.
    inbox.answer(&[Reply::Nothing, Reply::Nothing, Reply::Nothing]);
    configure(&project, &target(&inbox.url("hook"), ""));
    let mut server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    set(&project, "1-2-database", "blocked");
    for killed in 1..=3 {
        inbox.wait(killed);
        server.kill();
        server = Server::start(&project);
    }
    let posts = inbox.wait(4);
    assert!(posts.iter().all(|post| post.id() == posts[0].id()), "one id");
    assert!(posts.iter().all(|post| post.body == posts[0].body), "one body");
    eventually("it is noted", || {
        let told = told_of(&server);
        (told["waiting"] == 0 && told["last_sent_at"].is_i64()).then_some(())
    });
    server.kill();
    let server = Server::start(&project);
    set(&project, "2a-1-editor", "blocked");
    assert_ne!(inbox.wait(5)[4].id(), posts[0].id());
    drop(server);
    assert_eq!(inbox.posts().len(), 5);
}

#[test]
fn killed_at_any_moment_every_story_is_told_once_by_id() {
    let (project, inbox) = (Project::new(), Inbox::open());
    configure(&project, &target(&inbox.url("hook"), "cool_down_minutes = 60"));
    let keys = ["1-1-skeleton", "1-2-database", "1-10-backup", "2a-1-editor", "2a-2-photos"];
    let mut dice = crate::support::Dice::new(7);
    let mut server = Server::start(&project);
    read(&server, "1-2-database", "in-progress");
    for key in keys {
        set(&project, key, "blocked");
        if dice.below(3) == 0 {
            inbox.answer(&[status("500 Internal Server Error\r\nretry-after: 0")]);
        }
        // Somewhere between the change, its event, its message and the note of it.
        let nap = std::time::Duration::from_millis(dice.below(400) as u64);
        std::thread::park_timeout(nap);
        server.kill();
        server = Server::start(&project);
    }
    let mut ids = std::collections::BTreeMap::new();
    eventually("every story", || {
        for post in inbox.posts() {
            for item in post.json()["items"].as_array().unwrap() {
                let key = item["story_key"].as_str().unwrap().to_owned();
                let known = ids.entry(key.clone()).or_insert_with(|| post.id());
                assert_eq!(*known, post.id(), "{key} was told as two things");
            }
        }
        (ids.len() == keys.len()).then_some(())
    });
}
