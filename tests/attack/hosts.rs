//! Behaviour 39: whoever does not call the server by its own name reaches no route.

use crate::support::http::send;
use crate::support::{Project, Server};

/// Every kind of route: page, streams, API, files, control, nothing.
const TARGETS: [(&str, &str); 9] = [
    ("GET", "/"),
    ("GET", "/ws"),
    ("GET", "/sse"),
    ("GET", "/sse?last_event_id=0"),
    ("GET", "/api/snapshot"),
    ("GET", "/sprint-status.yaml"),
    ("GET", "/nothing"),
    ("POST", "/api/orchestrator/start"),
    ("PUT", "/api/settings"),
];

#[test]
fn b39_a_foreign_host_reaches_no_route_streams_included() {
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let other = if port == 65_535 { port - 1 } else { port + 1 };
    let hosts = [
        ("evil", "Host: evil.example\r\n".to_owned()),
        ("evil with our port", format!("Host: evil.example:{port}\r\n")),
        ("none", String::new()),
        ("empty", "Host:\r\n".to_owned()),
        ("two", format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n")),
        ("two of our own", format!("Host: 127.0.0.1:{port}\r\nHost: 127.0.0.1:{port}\r\n")),
        ("ours within theirs", format!("Host: localhost.evil.example:{port}\r\n")),
        ("theirs within ours", format!("Host: evil.example.localhost:{port}\r\n")),
        ("a dot behind", format!("Host: localhost.:{port}\r\n")),
        ("another port", format!("Host: 127.0.0.1:{other}\r\n")),
        ("another port of the name", format!("Host: localhost:{other}\r\n")),
        ("no port", "Host: 127.0.0.1\r\n".to_owned()),
        ("a user before it", format!("Host: a@127.0.0.1:{port}\r\n")),
        ("a list", format!("Host: 127.0.0.1:{port}, evil.example\r\n")),
        ("another address of this machine", format!("Host: 127.0.0.2:{port}\r\n")),
        ("a number", format!("Host: 2130706433:{port}\r\n")),
    ];
    let rest = "Content-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}";
    let upgrade = "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
                   Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n";
    for (method, path) in TARGETS {
        let upgrade = if path == "/ws" { upgrade } else { "" };
        for (what, host) in &hosts {
            let request = format!("{method} {path} HTTP/1.1\r\n{host}{upgrade}{rest}");
            let response = send(port, &request).expect("an answer");
            assert!(matches!(response.status, 400 | 421), "{path} {what}: {}", response.status);
            assert!(!response.text().contains("lantern"), "{path} {what}");
            assert!(response.header("access-control-allow-origin").is_none());
        }
        for authority in [format!("127.0.0.1:{port}"), "evil.example".to_owned()] {
            let absolute = format!(
                "{method} http://{authority}{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n{upgrade}{rest}"
            );
            assert_eq!(send(port, &absolute).unwrap().status, 421, "{path}");
        }
    }
    // The older protocol knows no Host: it is refused as none.
    assert!(matches!(send(port, "GET / HTTP/1.0\r\n\r\n").unwrap().status, 400 | 421));
    assert_eq!(server.get("/api/snapshot").status, 200);
    assert!(server.log_after(0).iter().all(|event| event["type"] != "batch:start"));
    assert_eq!(server.json("/api/settings")["default_max_cycles"], 2);
}
