//! What befalls one project while they run, and what the others notice of it: nothing.

use std::fs;
use std::time::{Duration, Instant};

use crate::support::project::{now_s, row};
use crate::support::sse::Sse;
use crate::support::{LENIENCE, eventually};

use super::{Side, told};

#[test]
fn a_folder_that_is_removed_is_told_and_is_nothing_to_the_others() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &[]);
    let mut b = Sse::at(server.port(), "/p/b/sse?types=command:*", None).unwrap();
    assert_eq!(b.next().unwrap().json["type"], "init");
    side.append("a", row(now_s(), 0).as_bytes());
    eventually("a to run", || (told(&server, "a")["state"] == "running").then_some(()));
    fs::remove_dir_all(side.path("a")).unwrap();
    eventually("the whole to say so", || {
        let health = server.json("/healthz");
        let reasons = health["reasons"].to_string();
        assert!(!reasons.contains(&*side.path("").to_string_lossy()), "no path: {reasons}");
        (health["status"] == "degraded" && reasons.contains("a: its folder is gone")).then_some(())
    });
    assert_eq!(server.json("/p/a/healthz")["status"], "degraded");
    assert_eq!(server.json("/p/b/healthz")["status"], "ok");
    assert!(told(&server, "b")["reasons"].as_array().unwrap().is_empty());
    for n in 0..20 {
        side.append("b", row(now_s(), n).as_bytes());
    }
    for n in 0..20 {
        assert_eq!(b.next().unwrap().json["payload"]["message"], format!("row {n}"));
    }
}

#[test]
fn a_database_that_is_taken_away_is_told() {
    let side = Side::of(&["a", "b"]);
    let server = side.serve(&["a", "b"], &[]);
    fs::remove_dir_all(side.path("a").join(".sprint-runner")).unwrap();
    eventually("the reason", || {
        let reasons = told(&server, "a")["reasons"].to_string();
        reasons.contains("database was taken away").then_some(())
    });
    assert_eq!(server.json("/p/b/healthz")["status"], "ok");
}

/// Whoever was killed leaves locks that nobody holds: all projects begin again, with what they had.
#[test]
fn after_a_kill_all_begin_again_with_what_they_had() {
    let side = Side::of(&["a", "b", "c"]);
    let all = ["a", "b", "c"];
    let mut heads = Vec::new();
    let mut server = side.serve(&all, &[]);
    for round in 0..3 {
        for name in all {
            side.append(name, row(now_s(), round).as_bytes());
        }
        heads = eventually("the rows of all", || {
            let heads: Vec<_> = all.iter().map(|name| told(&server, name)).collect();
            let events = |name: &str| {
                let page = server.json(&format!("/p/{name}/api/events?limit=1000&type=command:*"));
                page["events"].as_array().unwrap().len()
            };
            all.iter().all(|name| events(name) == round + 1).then_some(heads)
        });
        server.kill();
        server = side.serve(&all, &[]);
    }
    for (name, before) in all.iter().zip(heads) {
        let now = told(&server, name);
        assert_eq!(now["epoch"], before["epoch"]);
        assert!(
            now["last_event_id"].as_u64() >= before["last_event_id"].as_u64(),
            "{now} {before}"
        );
    }
}

/// 40 streams on each of three projects: all are told, all are gone in time.
#[test]
fn an_ordered_end_ends_all_within_five_seconds() {
    let side = Side::of(&["a", "b", "c"]);
    let mut server = side.serve(&["a", "b", "c"], &[]);
    let mut streams = Vec::new();
    for name in ["a", "b", "c"] {
        for _ in 0..40 {
            let mut sse = Sse::at(server.port(), &format!("/p/{name}/sse"), None).unwrap();
            assert_eq!(sse.next().unwrap().json["type"], "init");
            streams.push(sse);
        }
    }
    assert_eq!(server.json("/healthz")["clients"]["sse"], 120);
    let begun = Instant::now();
    assert!(server.terminate().success());
    assert!(begun.elapsed() < Duration::from_secs(5) * LENIENCE, "{:?}", begun.elapsed());
    for sse in &mut streams {
        while sse.next().is_some() {}
    }
}
