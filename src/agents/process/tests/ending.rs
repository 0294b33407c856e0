//! Stopping: everybody, whatever they do about it, and nobody else.

use std::time::Duration;

use super::super::*;
use super::stage::*;

/// Long enough that only a stop that does not need it ends in time.
const LONG: Duration = Duration::from_secs(300);
/// So long the deaf are waited for; under load it takes the others a while to go.
const SHORT: Duration = Duration::from_secs(3);

#[tokio::test]
async fn b25_three_levels_one_deaf_one_stopped_all_gone_and_counted() {
    let stage = Stage::new();
    stage
        .script("middle.sh", "sh ./deep.sh & sleep 1000 & echo $!; kill -STOP $!; wait")
        .script("deep.sh", "trap '' TERM; sleep 1000 & echo $!; echo $$; wait");
    let mut process = stage.spawn("sh ./middle.sh & echo $!; wait");
    let mut family = pids(&mut process, 4).await;
    family.push(process.identity());
    let stopped = |one: &Identity| {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", one.pid)).unwrap();
        stat.contains(") T ")
    };
    until("one is stopped", || family.iter().any(stopped)).await;

    let receipt = soon(process.group().stop(SHORT)).await;
    assert_eq!((receipt.processes, receipt.left, receipt.escaped), (5, 0, 0));
    // Deaf are `deep.sh` and its `sleep`, which inherits that.
    assert!((2..5).contains(&receipt.killed), "{receipt:?}");
    for one in family {
        assert!(no_trace(one), "{one:?} is still there, or a zombie");
    }
    assert_eq!(rest(&mut process).await.1.signal, Some(15));
}

#[tokio::test]
async fn those_that_listen_are_not_killed() {
    let stage = Stage::new();
    let mut process = stage.spawn(
        "trap 'echo tidying; kill $child 2>&-; exit 12' TERM; sleep 1000 & child=$!; echo $!; wait",
    );
    let child = pid(&mut process).await;
    // Until then it is a copy of its shell, whose trap it has, and which loses signals.
    let name = || std::fs::read_to_string(format!("/proc/{}/comm", child.pid)).unwrap();
    until("it is what it is to be", || name() == "sleep\n").await;
    let receipt = soon(process.group().stop(LONG)).await;
    assert_eq!(receipt, Receipt { processes: 2, ..Receipt::default() });
    assert!(no_trace(child));
    let (lines, exit) = rest(&mut process).await;
    assert_eq!(lines[0].bytes, b"tidying");
    assert_eq!(exit.code, Some(12));
}

#[tokio::test]
async fn a_stopped_leader_is_ended_too() {
    let stage = Stage::new();
    let mut process = stage.spawn("echo up; kill -STOP $$; exit 0");
    assert_eq!(line(&mut process).await, "up");
    let receipt = soon(process.group().stop(LONG)).await;
    assert_eq!((receipt.killed, receipt.left), (0, 0));
}

#[tokio::test]
async fn b26_those_that_left_the_group_are_found_by_their_cookie() {
    let stage = Stage::new();
    stage
        .script("daemon.sh", "trap '' HUP TERM; sleep 1000 & echo $$; echo $!; wait")
        .script("twice.sh", "setsid sh -c 'sh ./daemon.sh & exit' & exit")
        .script("apart.sh", "echo $$; exec sleep 1000");
    // Each says that it has come to where it is to be found.
    let mut process = stage.spawn("sh ./twice.sh; setsid sh ./apart.sh & wait");
    let family = pids(&mut process, 3).await;
    let receipt = soon(process.group().stop(SHORT)).await;
    assert_eq!(receipt.left, 0);
    assert!(receipt.escaped >= 3, "{receipt:?}");
    assert!(receipt.killed >= 2, "{receipt:?}");
    for one in family {
        assert!(no_trace(one), "{one:?}");
    }
    assert_eq!(find_leftovers(&stage.project).await, []);
}

#[tokio::test]
async fn b26_one_that_cleared_its_environment_is_found_by_its_group_or_its_parent() {
    let stage = Stage::new();
    let clean = "env -i sh -c 'echo $$; exec sleep 1000' &";
    let far = "setsid env -i sh -c 'echo $$; exec sleep 1000' &";
    let mut process = stage.spawn(&format!("{clean} {far} read x < /dev/null; mkfifo go; cat go"));
    let family = pids(&mut process, 2).await;
    until("there is something to wait at", || stage.folder().join("go").exists()).await;
    // Seen once while they have their parent; the third is the leader's `cat`.
    soon(async { while process.group().leftovers().await.len() != 3 {} }).await;
    // Both lose their parent.
    tokio::fs::write(stage.folder().join("go"), "").await.unwrap();
    assert_eq!(rest(&mut process).await.1.code, Some(0));
    let receipt = soon(process.group().stop(LONG)).await;
    assert_eq!(receipt, Receipt { processes: 2, killed: 0, left: 0, escaped: 1 });
    assert!(family.into_iter().all(no_trace));
}

#[tokio::test]
async fn stopping_twice_at_once_and_after_the_exit_is_harmless() {
    let stage = Stage::new();
    let mut process = stage.spawn("sleep 1000 & echo up; wait");
    line(&mut process).await;
    let (one, two) = (process.group(), process.group());
    let (first, second) = soon(async { tokio::join!(one.stop(LONG), two.stop(LONG)) }).await;
    assert_eq!((first.left, second.left), (0, 0));
    assert_eq!(first.processes.max(second.processes), 2);
    rest(&mut process).await;
    for grace in [Duration::ZERO, LONG, Duration::MAX] {
        assert_eq!(soon(process.group().stop(grace)).await, Receipt::default());
    }
}

#[tokio::test]
async fn those_that_fork_all_the_time_do_not_slip_away() {
    let stage = Stage::new();
    // The next is started before this one ends, as long as this program is there; nobody of it lives
    // long. While they run all other tests are slow.
    let text =
        format!("trap '' TERM; kill -0 {} || exit; sh ./runner.sh & exit", std::process::id());
    stage.script("runner.sh", &text);
    let brief = Duration::from_millis(300);
    let mut process = stage.spawn("trap '' TERM; sh ./runner.sh & sh ./runner.sh & echo up; wait");
    line(&mut process).await;
    let receipt = soon(process.group().stop(brief)).await;
    assert_eq!(receipt.left, 0);
    assert_eq!(process.group().leftovers().await, []);

    // The same when the leader is long gone.
    let mut process = stage.spawn("sh ./runner.sh & exit");
    rest(&mut process).await;
    assert_eq!(soon(process.group().stop(brief)).await.left, 0);
    assert_eq!(find_leftovers(&stage.project).await, []);
}

#[tokio::test]
async fn an_agent_that_is_let_go_is_ended() {
    let stage = Stage::new();
    let mut process = stage.spawn("trap '' TERM; sleep 1000 & echo $!; echo $$; wait");
    let family = pids(&mut process, 2).await;
    drop(process);
    for one in family {
        until("it is gone", || no_trace(one)).await;
    }
}

#[tokio::test]
async fn usage_counts_the_whole_family() {
    let stage = Stage::new();
    let mut process =
        stage.spawn("sh -c 'echo up; while :; do :; done' & setsid sleep 1000 & echo up; wait");
    line(&mut process).await;
    line(&mut process).await;
    let group = process.group();
    let usage = soon(async {
        loop {
            let usage = group.usage().await;
            if usage.cpu_ms > 0 && usage.processes == 3 {
                break usage;
            }
        }
    })
    .await;
    assert!(usage.rss_bytes > 4096, "{usage:?}");
    soon(group.stop(LONG)).await;
    assert_eq!(group.usage().await, Usage::default());
}
