//! Handshakes that are none, each with its answer.

use crate::support::http::{self, Response};
use crate::support::{Project, Server};

const GOOD: [&str; 4] = [
    "Connection: keep-alive, Upgrade",
    "Upgrade: WebSocket",
    "Sec-WebSocket-Version: 13",
    "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==",
];

fn ask(port: u16, first: &str, lines: &[&str]) -> Response {
    let lines: String = lines.iter().map(|line| format!("{line}\r\n")).collect();
    let request = format!("{first}\r\nHost: 127.0.0.1:{port}\r\n{lines}\r\n");
    let mut stream = http::connect(port);
    std::io::Write::write_all(&mut stream, request.as_bytes()).unwrap();
    let mut reader = std::io::BufReader::new(stream);
    let head_only = first.starts_with("HEAD");
    let (status, headers) = http::read_head(&mut reader).unwrap_or_else(|| panic!("{request}"));
    let body = if head_only || status == 101 { Vec::new() } else { body(&headers, &mut reader) };
    Response { status, headers, body }
}

fn body(headers: &[(String, String)], reader: &mut impl std::io::Read) -> Vec<u8> {
    let length = headers.iter().find(|(name, _)| name.eq_ignore_ascii_case("content-length"));
    let mut body = vec![0; length.map_or(0, |(_, length)| length.parse().unwrap())];
    reader.read_exact(&mut body).unwrap();
    body
}

#[test]
fn b13_a_wrong_handshake_is_answered_with_what_is_wrong() {
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let get = "GET /ws HTTP/1.1";
    let good = ask(port, get, &GOOD);
    assert_eq!(good.status, 101);
    // The standard's own example.
    assert_eq!(good.header("sec-websocket-accept"), Some("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    assert!(good.header("upgrade").unwrap().eq_ignore_ascii_case("websocket"));
    // Offered extensions and protocols are not taken up.
    let offers = ["Sec-WebSocket-Extensions: permessage-deflate", "Sec-WebSocket-Protocol: chat"];
    let offered = ask(port, get, &[&GOOD[..], &offers].concat());
    assert_eq!(offered.status, 101);
    assert_eq!(offered.header("sec-websocket-extensions"), None);
    assert_eq!(offered.header("sec-websocket-protocol"), None);

    let without = |name: &str| -> Vec<&str> {
        GOOD.into_iter().filter(|line| !line.starts_with(name)).collect()
    };
    let instead = |line: &'static str| {
        let name = line.split(':').next().unwrap();
        let mut lines = without(name);
        lines.push(line);
        lines
    };
    for (lines, status) in [
        (vec![], 426),
        (without("Connection"), 426),
        (without("Upgrade"), 426),
        (instead("Connection: close"), 426),
        (instead("Upgrade: h2c"), 426),
        (without("Sec-WebSocket-Version"), 426),
        (instead("Sec-WebSocket-Version: 8"), 426),
        (instead("Sec-WebSocket-Version: 14"), 426),
        (instead("Sec-WebSocket-Version: 13, 8"), 426),
        (without("Sec-WebSocket-Key"), 400),
        (instead("Sec-WebSocket-Key:"), 400),
        (instead("Sec-WebSocket-Key: short"), 400),
        (instead("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSBvZiBtaW5l"), 400),
        ([&GOOD[..], &GOOD[3..]].concat(), 400),
    ] {
        let answer = ask(port, get, &lines);
        assert_eq!(answer.status, status, "{lines:?}: {}", answer.text());
        assert!(answer.json()["error"].is_string(), "{lines:?}");
        if status == 426 {
            assert_eq!(answer.header("sec-websocket-version"), Some("13"), "{lines:?}");
            assert_eq!(answer.header("upgrade"), Some("websocket"), "{lines:?}");
        }
    }
    for (first, status) in [
        ("POST /ws HTTP/1.1", &[405, 415][..]),
        ("HEAD /ws HTTP/1.1", &[405]),
        ("DELETE /ws HTTP/1.1", &[405]),
        ("GET /ws HTTP/1.0", &[426]),
        ("GET /ws/ HTTP/1.1", &[404]),
        ("GET /WS HTTP/1.1", &[404]),
    ] {
        let answer = ask(port, first, &GOOD);
        assert!(status.contains(&answer.status), "{first}: {}", answer.status);
    }
    assert_eq!(server.get("/healthz").status, 200);
    // None of them became a socket, and those two are gone with their clients.
    crate::support::eventually("no socket", || (server.clients("ws") == 0).then_some(()));
}
