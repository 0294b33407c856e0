//! Whatever comes, only what is allowed is read as such.

use proptest::prelude::*;

use super::*;

const ALLOWED: &[(&str, &str, Verb)] = &[
    ("POST", "/api/orchestrator/start", Verb::Start),
    ("POST", "/api/orchestrator/stop", Verb::Stop),
    ("GET", "/api/settings", Verb::Settings),
    ("GET", "/api/settings/sources", Verb::Settings),
    ("PUT", "/api/settings", Verb::Settings),
    ("GET", "/api/agents", Verb::Agents),
    ("GET", "/api/agents/12-3/log", Verb::Agents),
    ("POST", "/api/agents/12-3/stop", Verb::Agents),
];

fn request(method: &str, path: &str) -> Request {
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        range: is_agent_log(path).then_some((0, PIECE - 1)),
        content_type: (method != "GET").then(|| "application/json".to_owned()),
        ticket: None,
        who: Who { hub: "tower".to_owned(), client: "10.0.0.3".to_owned() },
        body: if method == "GET" { Bytes::new() } else { "{}\n{}".into() },
    }
}

#[test]
fn what_is_allowed_comes_through_under_its_own_subject_alone() {
    for (method, path, verb) in ALLOWED {
        let request = request(method, path);
        for subject in Verb::ALL {
            let read = Request::read(subject.as_str(), &request.write());
            if subject == *verb {
                assert_eq!(read.as_ref(), Ok(&request));
            } else {
                assert_eq!(read.unwrap_err().why, Unfit::NotAllowed);
            }
        }
    }
}

#[test]
fn nothing_else_is_allowed() {
    for (method, path) in [
        ("GET", "/api/export"),
        ("GET", "/api/orchestrator/start"),
        ("DELETE", "/api/settings"),
        ("HEAD", "/api/settings"),
        ("PATCH", "/api/settings"),
        ("post", "/api/orchestrator/start"),
        ("POST", "/api/orchestrator/start/"),
        ("POST", "/api/orchestrator/start?x=1"),
        ("POST", "//api/orchestrator/start"),
        ("POST", "/api/orchestrator/../orchestrator/start"),
        ("POST", "/api/orchestrator/%73tart"),
        ("POST", "http://localhost/api/orchestrator/start"),
        ("POST", "/api/orchestrator/start\0"),
        ("POST", "/api/orchestrator/start\r\nHost: evil"),
        ("GET", "/api/agents/../log"),
        ("GET", "/api/agents//log"),
        ("GET", "/api/agents/1-1/../2-1/log"),
        ("GET", "/api/agents/1-1%2f/log"),
        ("POST", "/api/agents/1-1/log"),
        ("GET", "/api/agents/1-1/stop"),
        ("GET", "/api/agents/11111111111111111111111111111111111111111/log"),
        ("", ""),
    ] {
        assert_eq!(Verb::of(method, path), None, "{method} {path}");
        for subject in Verb::ALL {
            let read = Request::read(subject.as_str(), &request(method, path).write());
            assert_eq!(read.unwrap_err().why, Unfit::NotAllowed, "{method} {path}");
        }
    }
}

#[test]
fn sizes_ranges_and_words_have_their_bounds() {
    let why = |request: &Request| {
        let verb = request.verb().map_or("start", Verb::as_str);
        Request::read(verb, &request.write()).map_err(|refused| refused.why)
    };
    let start = request("POST", "/api/orchestrator/start");
    let log = request("GET", "/api/agents/1-1/log");
    for (wrong, expected) in [
        (Request { body: vec![b'x'; LARGEST_BODY + 1].into(), ..start.clone() }, Unfit::Large),
        (Request { body: vec![b'x'; 2 << 20].into(), ..start.clone() }, Unfit::Large),
        (Request { path: "/".repeat(LARGEST_HEAD), ..start.clone() }, Unfit::Text),
        (Request { range: Some((0, 0)), ..start.clone() }, Unfit::NotAllowed),
        (Request { range: None, ..log.clone() }, Unfit::NotAllowed),
        (Request { range: Some((0, PIECE)), ..log.clone() }, Unfit::NotAllowed),
        (Request { range: Some((1, 0)), ..log.clone() }, Unfit::NotAllowed),
        (Request { range: Some((0, u64::MAX)), ..log.clone() }, Unfit::NotAllowed),
        (Request { body: "{}".into(), ..log.clone() }, Unfit::NotAllowed),
        (Request { content_type: Some("a\r\nX: y".into()), ..start.clone() }, Unfit::Text),
        (Request { ticket: Some("a\0".into()), ..start.clone() }, Unfit::Text),
        (Request { ticket: Some("a".repeat(129)), ..start.clone() }, Unfit::Text),
    ] {
        assert_eq!(why(&wrong), Err(expected), "{wrong:?}");
    }
    let whole = Request { body: vec![b'x'; LARGEST_BODY].into(), ..start };
    assert_eq!(why(&whole).as_ref(), Ok(&whole));
    let other = Bytes::from_static(b"{\"v\":2,\"anything\":[]}\n");
    assert_eq!(Request::read("start", &other).unwrap_err().why, Unfit::Version);
    assert_eq!(Reply::read(&other).unwrap_err(), Unfit::Version);
}

#[test]
fn who_asks_cannot_break_a_line() {
    let who = Who { hub: "a\nb\0\u{202e}".to_owned(), client: "\u{1b}[31m".repeat(99) };
    let text = Request { who, ..request("GET", "/api/agents") }.write();
    let read = Request::read("agents", &text).unwrap().who;
    assert_eq!(read.hub, "ab");
    assert!(read.client.len() <= LONGEST_WORD && !read.to_string().contains(char::is_control));
    assert_eq!(Who::default().to_string(), "somebody through the hub ?");
}

proptest! {
    #[test]
    fn no_bytes_harm(verb in "[a-z]{0,9}", text in proptest::collection::vec(any::<u8>(), 0..600)) {
        let text = Bytes::from(text);
        prop_assert!(Request::read(&verb, &text).is_err());
        let _ = Reply::read(&text);
    }

    #[test]
    fn a_message_with_any_of_its_bytes_changed_asks_for_nothing_new(
        which in 0..ALLOWED.len(),
        changes in proptest::collection::vec((any::<proptest::sample::Index>(), any::<u8>()), 1..6),
    ) {
        let (method, path, verb) = ALLOWED[which];
        let mut text = request(method, path).write().to_vec();
        for (at, byte) in changes {
            let at = at.index(text.len());
            text[at] = byte;
        }
        if let Ok(read) = Request::read(verb.as_str(), &text.into()) {
            prop_assert_eq!(read.verb(), Some(verb));
            prop_assert!(read.path.bytes().all(|c| c.is_ascii_graphic() && !b"?#%.".contains(&c)));
            prop_assert!(read.body.len() <= LARGEST_BODY);
            prop_assert!(!read.who.to_string().contains(char::is_control));
        }
    }

    #[test]
    fn an_answer_comes_through(
        status in 0..1000_u16,
        text in any::<bool>(),
        length in any::<Option<u64>>(),
        etag in proptest::option::of("\"[ -~]{0,20}\""),
        body in proptest::collection::vec(any::<u8>(), 0..600),
    ) {
        let kind = if text { Kind::Text } else { Kind::Json };
        let reply = Reply { status, kind, etag, length, ticket: None, body: body.into() };
        let read = Reply::read(&reply.write());
        prop_assert_eq!(read.ok(), (200..600).contains(&status).then_some(reply));
    }
}
