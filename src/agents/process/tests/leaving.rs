//! What is left behind: orphans, zombies, and the children of a server that crashed.

use std::os::unix::process::CommandExt;
use std::process::{Child, Command};
use std::time::Duration;

use rustix::process::Signal;

use super::super::*;
use super::stage::*;

const LONG: Duration = Duration::from_secs(300);

/// A child as a crashed server would have left it: nobody's agent, with or without a cookie.
fn child(cookie: Option<&Cookie>) -> Child {
    let mut command = Command::new("sleep");
    command.arg("1000").env_remove(COOKIE_VARIABLE);
    if let Some(cookie) = cookie {
        command.env(COOKIE_VARIABLE, cookie.as_str());
    }
    command.spawn().unwrap()
}

#[tokio::test]
async fn b27_what_a_crash_left_is_found_and_ended_and_nobody_else() {
    let stage = Stage::new();
    let mut left: Vec<Child> =
        (0..3).map(|run| child(Some(&Cookie::new(&stage.project, 4, run)))).collect();
    let other = format!("{}0", stage.project);
    let mut strangers = [child(None), child(Some(&Cookie::new(&other, 4, 0)))];

    let mut expected: Vec<Identity> = left.iter().map(|child| now(child.id())).collect();
    expected.sort_unstable();
    assert_eq!(find_leftovers(&stage.project).await, expected);
    let receipt = soon(end_leftovers(&stage.project, LONG)).await;
    assert_eq!(receipt, Receipt { processes: 3, ..Receipt::default() });
    assert_eq!(find_leftovers(&stage.project).await, []);
    for child in &mut left {
        assert!(!child.wait().unwrap().success());
    }
    for stranger in &mut strangers {
        assert!(stranger.try_wait().unwrap().is_none(), "a stranger was ended");
        stranger.kill().unwrap();
        stranger.wait().unwrap();
    }
    assert_eq!(soon(end_leftovers(&stage.project, LONG)).await, Receipt::default());
}

#[tokio::test]
async fn b27_leftovers_that_are_deaf_stopped_or_in_other_sessions_are_ended() {
    let stage = Stage::new();
    stage.script("deaf.sh", "trap '' TERM; echo $$; sleep 1000 & echo $!; wait");
    // Each says that it has come to where it is to be found.
    stage.script("apart.sh", "echo $$; exec sleep 1000");
    let mut process = stage
        .spawn("sh ./deaf.sh & setsid sh ./apart.sh & sleep 1000 & echo $!; kill -STOP $!; wait");
    let family = pids(&mut process, 4).await;
    // The deaf are waited for as long as this; under load it takes the others a while to go.
    let receipt = soon(end_leftovers(&stage.project, Duration::from_secs(3))).await;
    assert_eq!((receipt.processes, receipt.left), (5, 0));
    assert!((2..5).contains(&receipt.killed), "{receipt:?}");
    assert_eq!(receipt.escaped, 1);
    rest(&mut process).await;
    for one in family {
        until("it is gone", || no_trace(one)).await;
    }
}

#[test]
fn b27_a_number_given_to_another_is_not_touched() {
    let mut stranger = child(None);
    let now = now(stranger.id());
    let before = Identity { start: now.start - 1, ..now };
    assert!(!signals::send(before, Signal::KILL, || true), "another start time");
    assert!(!signals::send(now, Signal::KILL, || false), "another environment");
    for pid in [0, 1, u32::MAX, i32::MAX as u32] {
        assert!(!signals::send(Identity { pid, start: 0 }, Signal::KILL, || true), "{pid}");
    }
    assert!(stranger.try_wait().unwrap().is_none());
    assert!(signals::send(now, Signal::KILL, || true));
    stranger.wait().unwrap();
}

#[tokio::test]
async fn b27_a_group_whose_number_went_to_a_stranger_is_not_touched() {
    // An agent long gone, and a stranger that leads a group with its number.
    let mut stranger = {
        let mut command = Command::new("sh");
        command.args(["-c", "trap '' HUP; sleep 1000 & wait"]).process_group(0);
        reaper::start_leader(&mut command).unwrap()
    };
    let now = now(stranger.id());
    let gone = Identity { start: now.start.saturating_sub(100), ..now };
    let leader = leader::Leader::new(gone, Cookie::new("gone", 1, 1));
    leader.forget_for_test();
    let group = Group { leader };
    assert_eq!(group.leftovers().await, []);
    assert_eq!(soon(group.stop(Duration::ZERO)).await, Receipt::default());
    assert!(alive(now));

    let number = rustix::process::Pid::from_raw(now.pid as i32).unwrap();
    rustix::process::kill_process_group(number, Signal::KILL).unwrap();
    stranger.wait().unwrap();
    reaper::collect_leader(now.pid);
}

#[tokio::test]
async fn orphans_leave_no_zombies() {
    let stage = Stage::new();
    // Orphans in the group, in sessions of their own and in a group of its own.
    stage.script("orphan.sh", "echo $$; exec sleep 1000");
    let mut process = stage.spawn(
        "sh ./orphan.sh & setsid sh ./orphan.sh & (setsid sh ./orphan.sh &) & \
         bash -c 'set -m; sh ./orphan.sh & exit'; \
         mkfifo go; cat go",
    );
    let orphans = pids(&mut process, 4).await;
    let leader = process.identity();
    until("the leader waits", || stage.folder().join("go").exists()).await;
    tokio::fs::write(stage.folder().join("go"), "").await.unwrap();
    rest(&mut process).await;
    until("the leader is collected", || no_trace(leader)).await;
    for one in orphans {
        assert!(signals::send(one, Signal::TERM, || true));
        until("the orphan is collected", || no_trace(one)).await;
    }
}
