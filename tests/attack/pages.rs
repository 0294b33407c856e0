//! Behaviour 40: a foreign page reads nothing and changes nothing. That it starts no real agent
//! either is held in `managed/hostile.rs`.

use crate::support::http::send;
use crate::support::{Project, Server};

#[test]
fn b40_a_foreign_page_gets_nothing_and_starts_nothing() {
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let own = format!("Host: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for header in [
        "Origin: null",
        "Origin:",
        "Origin: http://evil.example",
        "Origin: https://127.0.0.1",
        &format!("Origin: https://127.0.0.1:{port}"),
        &format!("Origin: http://127.0.0.1:{port}.evil.example"),
        &format!("Origin: http://127.0.0.1:{port}\r\nOrigin: http://evil.example"),
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: no-cors\r\nSec-Fetch-Dest: script",
        "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: iframe",
    ] {
        for path in ["/ws", "/sse", "/api/snapshot", "/api/settings", "/sprint-runner.csv"] {
            let request = format!("GET {path} HTTP/1.1\r\n{own}{header}\r\n\r\n");
            let response = send(port, &request).unwrap();
            assert_eq!(response.status, 403, "{path} {header}");
            assert!(response.header("access-control-allow-origin").is_none());
        }
    }
    // A link to anything but the page is no link to the page.
    let link = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: navigate\r\nSec-Fetch-Dest: document";
    let ask =
        |path| send(port, format!("GET {path} HTTP/1.1\r\n{own}{link}\r\n\r\n")).unwrap().status;
    assert_eq!((ask("/"), ask("/api/snapshot"), ask("/sse")), (200, 403, 403));
    for (kind, body) in [
        ("Content-Type: application/x-www-form-urlencoded\r\n", "batch_size=1"),
        ("Content-Type: text/plain\r\n", "{\"batch_size\":1}"),
        ("Content-Type: multipart/form-data; boundary=x\r\n", "--x--"),
        ("", "{\"batch_size\":1}"),
    ] {
        for (method, path) in [
            ("POST", "/api/orchestrator/start"),
            ("POST", "/api/orchestrator/stop"),
            ("POST", "/api/agents/1-1/stop"),
            ("PUT", "/api/settings"),
        ] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\n{own}{kind}Content-Length: {}\r\n\r\n{body}",
                body.len()
            );
            let response = send(port, &request).unwrap();
            assert_eq!(response.status, 415, "{method} {path} {kind}");
            assert!(response.header("access-control-allow-origin").is_none());
        }
    }
    for path in ["/api/settings", "/api/orchestrator/start", "/api/snapshot"] {
        let preflight = format!(
            "OPTIONS {path} HTTP/1.1\r\n{own}Origin: http://evil.example\r\n\
             Access-Control-Request-Method: PUT\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"
        );
        let response = send(port, &preflight).unwrap();
        assert_eq!(response.status, 403);
        let cors = |(name, _): &&(String, String)| name.to_lowercase().contains("access-control");
        assert_eq!(response.headers.iter().find(cors), None);
    }
    assert_eq!(server.json("/api/settings")["default_max_cycles"], 2);
    assert!(server.log_after(0).iter().all(|event| event["type"] != "batch:start"));
}

#[test]
fn an_allowed_origin_gets_its_headers_and_no_other_does() {
    let project = Project::new();
    let friend = "http://localhost:3000";
    let server = Server::start_with(project.root(), &["--allow-origin", friend]);
    let port = server.port();
    let own = format!("Host: 127.0.0.1:{port}\r\nConnection: close\r\n");
    let get = |origin: &str| {
        let fetch = "Sec-Fetch-Site: cross-site\r\nSec-Fetch-Mode: cors\r\n";
        let lines = format!("{own}Origin: {origin}\r\n{fetch}");
        send(port, format!("GET /api/snapshot HTTP/1.1\r\n{lines}\r\n")).unwrap()
    };
    let allowed = get(friend);
    assert_eq!(allowed.status, 200);
    assert_eq!(allowed.header("access-control-allow-origin"), Some(friend));
    assert!(allowed.header("vary").unwrap().contains("Origin"));
    // Its page signs in by a bearer: no cookie of the user's is lent to it.
    assert_eq!(allowed.header("access-control-allow-credentials"), None);
    for other in ["http://localhost:3001", "https://localhost:3000", "null", "http://localhost"] {
        let refused = get(other);
        assert_eq!(refused.status, 403, "{other}");
        assert_eq!(refused.header("access-control-allow-origin"), None);
    }
    let preflight = format!(
        "OPTIONS /api/settings HTTP/1.1\r\n{own}Origin: {friend}\r\n\
         Access-Control-Request-Method: PUT\r\n\r\n"
    );
    let response = send(port, preflight).unwrap();
    assert_eq!(response.status, 204);
    assert_eq!(response.header("access-control-allow-origin"), Some(friend));
    assert!(response.header("access-control-allow-methods").unwrap().contains("PUT"));
    assert!(response.header("access-control-allow-headers").unwrap().contains("Content-Type"));
}

#[test]
fn an_allowed_host_is_answered_beside_the_own_names() {
    let project = Project::new();
    let names = ["--allow-host", "sprint.example,proxy.example:443"];
    let server = Server::start_with(project.root(), &names);
    let port = server.port();
    let ask = |host: &str, more: &str| {
        let request =
            format!("GET /healthz HTTP/1.1\r\nHost: {host}\r\n{more}Connection: close\r\n\r\n");
        send(port, request).unwrap().status
    };
    assert_eq!(ask(&format!("sprint.example:{port}"), ""), 200);
    assert_eq!(ask("sprint.example", ""), 421, "without the port it is another one");
    assert_eq!(ask("proxy.example", "Origin: https://proxy.example\r\n"), 200);
    assert_eq!(ask("proxy.example:443", ""), 200);
    assert_eq!(ask("proxy.example", "Origin: https://evil.example\r\n"), 403);
    assert_eq!(ask(&format!("127.0.0.1:{port}"), ""), 200);
    assert_eq!(ask(&format!("a.sprint.example:{port}"), ""), 421);
}

#[test]
fn read_only_refuses_every_control_route() {
    let project = Project::new();
    let server = Server::start_with(project.root(), &["--read-only"]);
    let port = server.port();
    for (method, path) in [
        ("POST", "/api/orchestrator/start"),
        ("POST", "/api/orchestrator/stop"),
        ("POST", "/api/agents/1-1/stop"),
        ("PUT", "/api/settings"),
        ("PATCH", "/api/settings"),
        ("DELETE", "/api/settings"),
        ("POST", "/nothing"),
    ] {
        let request = format!(
            "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\n\
             Content-Length: 2\r\nConnection: close\r\n\r\n{{}}"
        );
        assert_eq!(send(port, request).unwrap().status, 403, "{method} {path}");
    }
    assert_eq!(server.get("/api/snapshot").status, 200);
    assert_eq!(server.json("/api/settings/sources")["server"]["read_only"], true);
}
