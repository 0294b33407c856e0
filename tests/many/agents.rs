//! The processes of two projects' agents: each batch ends its own, and none of another's.

use std::path::Path;

use crate::support::bench::{Bench, STORIES};
use crate::support::{Server, eventually};

use super::{roots, serve};

fn start(server: &Server, name: &str) {
    let path = format!("/p/{name}/api/orchestrator/start");
    let answer = server.post(&path, "{\"batch_size\":1}");
    assert_eq!(answer.status, 200, "{}", answer.text());
}

fn pair(one: &Bench, two: &Bench) -> Server {
    let real = roots(&[&one.project, &two.project]);
    let named = |name: &str, root: &Path| format!("{name}={}", root.display());
    serve(&[named("one", &real[0]).as_ref(), named("two", &real[1]).as_ref()], &[])
}

/// What left its agent's group comes to the server as an orphan. Whether it carries its agent's mark
/// or not, it is not the leftover of a batch in another project.
#[test]
fn a_batch_s_end_leaves_the_orphans_of_another_s_agents_alone() {
    let (one, two) = (Bench::new(STORIES), Bench::new(STORIES));
    let server = pair(&one, &two);
    two.plan("setsid-grandchild", "export AGENT_SECONDS=300");
    start(&server, "two");
    eventually("two agents with all their descendants", || {
        let there = two.descendants();
        let twice = |name: &&str| there.iter().filter(|one| one == name).count() == 2;
        ["setsid", "forked-twice", "bare"].iter().all(twice).then_some(())
    });
    let before = two.alive();
    assert!(before.len() >= 8, "{before:?}");

    one.plan("setsid-grandchild", "export AGENT_SECONDS=0.1");
    start(&server, "one");
    eventually("the end of the other batch", || {
        let batches = server.json("/p/one/api/batches");
        (batches["batches"][0]["status"] == "completed").then_some(())
    });
    assert_eq!(two.alive(), before, "a batch elsewhere ended them");

    // Whatever could not be told apart meanwhile goes with the last batch.
    let stopped = server.post("/p/two/api/orchestrator/stop", "{\"mode\":\"now\"}");
    assert_eq!(stopped.json()["left"], 0, "{}", stopped.text());
    one.nothing_alive();
    two.nothing_alive();
}
