//! Behaviour 26: what is left without an agent goes with its batch, but only where it can be nobody
//! else's.

use std::fs;
use std::path::Path;
use std::process::Command;

use rustix::process::Signal;

use crate::support::bench::{Bench, Follower, STORIES, start, told};
use crate::support::process::{signal, stat};
use crate::support::server::binary;
use crate::support::{Server, eventually};

/// A living process of somebody else; ended when dropped.
struct Stranger(u32);

impl Stranger {
    /// The one that wrote its number there.
    fn of(file: &Path) -> Self {
        Self(eventually("a stranger", || {
            fs::read_to_string(file).ok()?.strip_suffix('\n')?.parse().ok()
        }))
    }

    fn is_alive(&self) -> bool {
        stat(self.0).is_some_and(|stat| stat[0] != "Z")
    }

    fn parent(&self) -> String {
        stat(self.0).map(|stat| stat[1].clone()).unwrap_or_default()
    }
}

impl Drop for Stranger {
    fn drop(&mut self) {
        if self.is_alive() {
            signal(self.0, Signal::KILL);
        }
    }
}

/// `serve` behind what else the shell does before it.
fn behind(bench: &Bench, before: &str) -> Server {
    let mut command = Command::new("sh");
    command
        .arg("-c")
        .arg(format!("{before}\nexec \"$0\" serve -C \"$1\" --port 0"))
        .arg(env!("CARGO_BIN_EXE_sprint-runner"))
        .arg(bench.project.root());
    Server::spawn(command)
}

#[test]
fn b26_where_a_child_was_there_before_its_orphans_are_left_alone() {
    let bench = Bench::new(STORIES);
    let (gate, orphan, hold) = (bench.path("gate"), bench.path("orphan"), bench.path("hold"));
    fs::write(&hold, "").unwrap();
    let child = format!(
        "( while ! [ -e '{}' ]; do sleep 0.02; done\n\
         setsid sh -c 'echo $$ >\"$0\"; exec sleep 300' '{}' & ) </dev/null >/dev/null 2>&1 &",
        gate.display(),
        orphan.display()
    );
    let server = behind(&bench, &child);
    let mut follower = Follower::open(&server);
    bench.plan("quick", &format!("export AGENT_GATE='{}'", hold.display()));
    let batch_id = start(&server, "1");
    follower.agent("dev-story");
    // Only now, as orphans come to the server.
    fs::write(&gate, "").unwrap();
    let stranger = Stranger::of(&orphan);
    eventually("an orphan that comes to the server", || {
        (stranger.parent() == server.pid().to_string()).then_some(())
    });
    fs::remove_file(&hold).unwrap();
    assert_eq!(follower.end_of(batch_id)["status"], "completed", "{}", told(&follower.seen));
    assert!(stranger.is_alive(), "somebody else's was ended");
}

#[test]
fn b26_what_an_outer_servers_cookie_marks_is_its_own_and_an_invented_one_marks_nothing() {
    let bench = Bench::new(STORIES);
    let (outer, invented) = (bench.path("outer"), bench.path("invented"));
    let leave = |cookie: &str, file: &Path| {
        format!(
            "( env -i PATH=\"$PATH\" SPRINT_RUNNER_COOKIE={cookie} setsid sh -c \
             '[ -e \"$0\" ] && exit; echo $$ >\"$0\"; exec sleep 300' '{}' \
             </dev/null >/dev/null 2>&1 & )",
            file.display()
        )
    };
    let mut command = binary();
    command.env("SPRINT_RUNNER_COOKIE", "outer:1:1").arg("serve").arg("-C");
    command.arg(bench.project.root()).args(["--port", "0"]);
    let server = Server::spawn(command);
    let mut follower = Follower::open(&server);
    bench.plan("good", &[leave("outer:1:1", &outer), leave("never:1:1", &invented)].join("\n"));
    let batch_id = start(&server, "1");
    let (outer, invented) = (Stranger::of(&outer), Stranger::of(&invented));
    assert_eq!(follower.end_of(batch_id)["status"], "completed", "{}", told(&follower.seen));
    assert!(!invented.is_alive(), "an agent's invention saves nobody");
    assert!(outer.is_alive(), "it is the outer server's");
}
