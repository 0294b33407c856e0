//! Behaviour 13: a list of WebSocket cases over raw sockets, each with the end it must have.
//!
//! Our server echoes nothing, so what it has understood is seen by pongs: of control frames, and
//! of `{"type":"ping"}` said as text.

mod cases;
mod handshake;
mod raw;

use crate::support::project::now_s;
use crate::support::{Project, Server};

use self::cases::{Case, End, cases};
use self::raw::Raw;

/// How a case's bytes are cut on their way.
#[derive(Debug, Clone, Copy)]
enum Cut {
    Whole,
    Parts(usize),
}

fn play(server: &Server, case: &Case, cut: Cut) {
    let shown = format!("{} ({cut:?})", case.name);
    // Nothing passes this filter: what comes is an answer.
    let mut raw = Raw::open(server.port(), "?last_event_id=0&types=nothing");
    match cut {
        Cut::Whole => raw.send(&case.bytes),
        Cut::Parts(length) => case.bytes.chunks(length).for_each(|part| raw.send(part)),
    }
    for expected in &case.answers {
        let frame = raw.frame().unwrap_or_else(|| panic!("{shown}: no answer"));
        assert_eq!(frame, *expected, "{shown}");
    }
    match case.end {
        End::Open => {
            raw.send(&raw::text(br#"{"type":"ping"}"#));
            let pong = raw.frame().unwrap_or_else(|| panic!("{shown}: it is closed"));
            assert_eq!(pong, raw::pong_text(), "{shown}");
            raw.send(&raw::close(1000));
            assert_eq!(raw.closed(), Some(1000), "{shown}: the close is echoed");
        }
        End::Closed(codes) => {
            let code = raw.closed();
            assert!(codes.contains(&code), "{shown}: closed with {code:?} and not {codes:?}");
            raw.send_if_open(&raw::close(code.unwrap_or(1000)));
        }
    }
    assert!(raw.ends_in_order(), "{shown}: the connection was reset");
}

#[test]
fn b13_every_case_ends_with_its_code_and_disturbs_nobody() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut bystander = server.ws("");
    assert_eq!(bystander.next().unwrap()["type"], "init");
    let cases = cases();
    for case in &cases {
        play(&server, case, Cut::Whole);
        if case.bytes.len() <= 2_000 {
            play(&server, case, Cut::Parts(1));
        }
        play(&server, case, Cut::Parts(997));
    }
    println!("{} cases, each whole and in parts", cases.len());
    let row = format!("{},1,1-2,dev-story,t,progress,\"still here\"\n", now_s());
    project.append(row.as_bytes());
    while bystander.next().expect("undisturbed")["payload"]["message"] != "still here" {}
    drop(bystander);
    crate::support::eventually("that none is left", || (server.clients("ws") == 0).then_some(()));
}

#[test]
fn b13_who_is_gone_in_the_middle_of_a_frame_leaves_nothing() {
    let project = Project::new();
    let server = Server::start(&project);
    let before = server.sockets();
    for case in cases().iter().filter(|case| case.bytes.len() > 1) {
        let raw = Raw::open(server.port(), "?last_event_id=0&types=nothing");
        let mut raw = raw;
        raw.send(&case.bytes[..case.bytes.len() / 2]);
    }
    // One that says no more but still listens, and ends when it is told to.
    let mut half_open = Raw::open(server.port(), "?last_event_id=0&types=nothing");
    half_open.finish_writing();
    assert!(half_open.closed().is_none_or(|code| code < 1012));
    assert!(half_open.ends_in_order());
    drop(half_open);
    crate::support::eventually("all to be gone", || (server.sockets() <= before).then_some(()));
}

#[test]
fn b13_a_talkative_client_hears_events_all_the_same() {
    let project = Project::new();
    let server = Server::start(&project);
    let mut raw = Raw::open(server.port(), "?last_event_id=0&types=command:*");
    let row = format!("{},1,1-2,dev-story,t,progress,\"between pings\"\n", now_s());
    let (mut pongs, mut heard) = (0, false);
    for n in 0..2_000u32 {
        if n == 1_000 {
            project.append(row.as_bytes());
        }
        raw.send(&raw::ping(&n.to_be_bytes()));
    }
    while pongs < 2_000 || !heard {
        let frame = raw.frame().expect("pongs and an event");
        match frame.first {
            0x8a => {
                assert_eq!(frame.payload, u32::to_be_bytes(pongs), "pongs in order");
                pongs += 1;
            }
            0x81 => heard |= String::from_utf8_lossy(&frame.payload).contains("between pings"),
            other => panic!("{other:x}"),
        }
    }
}
