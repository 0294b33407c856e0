//! Behaviour 21: bytes that are no rows cost one issue each, and the next good row is read.

use super::{expect, named, told};
use crate::support::process::{forget_peak, peak_mib};
use crate::support::project::now_s;
use crate::support::{Project, Server, eventually};

const LOG: &str = "sprint-runner.csv";

/// What nobody can read as a row, and how many bad lines it makes.
fn bad() -> Vec<(&'static str, Vec<u8>, u64)> {
    let now = now_s();
    let utf16 =
        |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
    vec![
        ("no row at all", b"not a row\n".to_vec(), 1),
        ("ragged", format!("{now},1,1-2\n").into_bytes(), 1),
        ("an open quote", format!("{now},1,1-2,dev-story,setup,end,\"open\n").into_bytes(), 1),
        ("0xFF", b"\xFF\xFF\xFF\xFF\n".to_vec(), 1),
        ("NULs", [vec![0; 8192], b"\n".to_vec()].concat(), 1),
        // The newline's second byte begins the line behind it, a NUL alone.
        ("UTF-16", [utf16("\u{feff}wide,row\n"), b"\n".to_vec()].concat(), 2),
        ("a bare CR", b"one\rline\rof\rthe\rold\rkind\n".to_vec(), 1),
        ("half a surrogate", b"\xED\xA0\x80,1,1-2\n".to_vec(), 1),
    ]
}

#[test]
fn b21_each_bad_row_costs_one_issue_with_its_line_and_the_next_is_read() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut line = 2;
    let mut names = vec!["first".to_owned(), "crlf".to_owned()];
    // A byte order mark and CRLF are no fault.
    project.append(b"\xEF\xBB\xBF");
    project.append(named("first").as_bytes());
    project.append(named("crlf").replace('\n', "\r\n").as_bytes());
    expect(&server, &names);
    for (what, bytes, lines) in bad() {
        project.append(&bytes);
        project.append(named(&format!("after {what}")).as_bytes());
        names.push(format!("after {what}"));
        expect(&server, &names);
        let at: Vec<u64> =
            told(&server, LOG).iter().filter_map(|payload| payload["line"].as_u64()).collect();
        let new: Vec<u64> = at.into_iter().filter(|at| *at > line).collect();
        let wanted: Vec<u64> = (line + 1..=line + lines).collect();
        assert_eq!(new, wanted, "{what}");
        line += lines + 1;
    }
    let issues = server.json("/api/snapshot")["sprint"]["issues"].clone();
    let of_log = |issue: &&serde_json::Value| issue["file"].as_str().unwrap().ends_with(LOG);
    let mut shown: Vec<u64> = issues
        .as_array()
        .unwrap()
        .iter()
        .filter(of_log)
        .filter_map(|it| it["line"].as_u64())
        .collect();
    shown.dedup();
    assert!(shown.contains(&3), "{issues}");
}

#[test]
fn b21_a_line_of_50_mb_costs_one_issue_and_no_memory() {
    let project = Project::new();
    let server = Server::start(&project);
    project.append(named("a").as_bytes());
    expect(&server, &["a"]);
    forget_peak(server.pid());
    let before = peak_mib(server.pid());
    let chunk = vec![b'x'; 1024 * 1024];
    for _ in 0..50 {
        project.append(&chunk);
    }
    project.append(b"\n");
    project.append(named("b").as_bytes());
    expect(&server, &["a", "b"]);
    eventually("one issue", || {
        let lines: Vec<u64> =
            told(&server, LOG).iter().filter_map(|payload| payload["line"].as_u64()).collect();
        (lines == [2]).then_some(())
    });
    let after = peak_mib(server.pid());
    println!("a line of 50 MB: {before} MiB before, {after} MiB at most");
    assert!(after < before + 16, "{before} MiB became {after} MiB");
    // From the start as well.
    server.kill();
    std::fs::remove_dir_all(project.root().join(".sprint-runner")).unwrap();
    let server = Server::start(&project);
    expect(&server, &["a", "b"]);
    let anew = peak_mib(server.pid());
    println!("the same at the start: {anew} MiB at most");
    assert!(anew < after.max(before) + 16, "{anew} MiB");
}
