//! Behaviours 39-41 over the wire: a hostile Host, Origin or path gets nothing.

use crate::support::http::{self, send};
use crate::support::{Project, Server};

#[test]
fn b39_a_foreign_host_reaches_no_route() {
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let hosts = [
        "Host: evil.example\r\n".to_owned(),
        String::new(),
        format!("Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"),
        format!("Host: localhost.evil.example:{port}\r\n"),
        "Host: 127.0.0.1:1\r\n".to_owned(),
        "Host: 127.0.0.1\r\n".to_owned(),
    ];
    for path in ["/", "/ws", "/sse", "/api/snapshot", "/sprint-status.yaml", "/nothing"] {
        for host in &hosts {
            let request = format!("GET {path} HTTP/1.1\r\n{host}Connection: close\r\n\r\n");
            let response = send(port, &request).expect("an answer");
            assert!(matches!(response.status, 400 | 421), "{path} {host:?}: {}", response.status);
            assert!(!response.text().contains("lantern"), "{path} {host:?}");
        }
        let absolute =
            format!("GET http://127.0.0.1:{port}{path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n");
        assert_eq!(send(port, &absolute).unwrap().status, 421);
    }
    assert_eq!(server.get("/api/snapshot").status, 200);
}

#[test]
fn b40_a_foreign_page_gets_nothing_and_starts_nothing() {
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let own = format!("Host: 127.0.0.1:{port}\r\nConnection: close\r\n");
    for header in [
        "Origin: null",
        "Origin: http://evil.example",
        "Origin: https://127.0.0.1",
        "Sec-Fetch-Site: cross-site",
        "Sec-Fetch-Site: same-site",
    ] {
        for path in ["/ws", "/sse", "/api/snapshot", "/api/settings"] {
            let request = format!("GET {path} HTTP/1.1\r\n{own}{header}\r\n\r\n");
            let response = send(port, &request).unwrap();
            assert_eq!(response.status, 403, "{path} {header}");
            assert!(response.header("access-control-allow-origin").is_none());
        }
    }
    for (kind, body) in [
        ("application/x-www-form-urlencoded", "batch_size=1"),
        ("text/plain", "{\"batch_size\":1}"),
        ("multipart/form-data; boundary=x", "--x--"),
    ] {
        for (method, path) in [("POST", "/api/orchestrator/start"), ("PUT", "/api/settings")] {
            let request = format!(
                "{method} {path} HTTP/1.1\r\n{own}Content-Type: {kind}\r\nContent-Length: {}\r\n\r\n{body}",
                body.len()
            );
            assert_eq!(send(port, &request).unwrap().status, 415, "{method} {kind}");
        }
    }
    let preflight = format!(
        "OPTIONS /api/settings HTTP/1.1\r\n{own}Origin: http://evil.example\r\nAccess-Control-Request-Method: PUT\r\n\r\n"
    );
    let response = send(port, &preflight).unwrap();
    assert_eq!(response.status, 403);
    assert!(response.header("access-control-allow-origin").is_none());
}

#[test]
fn b41_no_path_leads_outside() {
    let project = Project::new();
    std::fs::write(project.root().join("secret.txt"), "hidden treasure").unwrap();
    std::os::unix::fs::symlink("/etc/passwd", project.path("orchestrator.md")).unwrap();
    let server = Server::start(&project);
    let port = server.port();
    let long = "a".repeat(300);
    let deep = "../".repeat(20);
    for path in [
        "/../secret.txt",
        "/../../../etc/passwd",
        &format!("/{deep}etc/passwd"),
        "/css/../../secret.txt",
        "/%2e%2e/secret.txt",
        "/%2e%2e%2fsecret.txt",
        "/..%5csecret.txt",
        "/%252e%252e/secret.txt",
        "/css/..%2f..%2fsecret.txt",
        "/%c0%ae%c0%ae/secret.txt",
        "/secret.txt%00.css",
        "//etc/passwd",
        "/\\\\server\\share",
        "/.sprint-runner/sprint-runner.db",
        "/.sprint-runner/settings.json",
        "/orchestrator.md",
        "/secret.txt",
        "/sprint-status.yaml/",
        "/_bmad-output/implementation-artifacts/sprint-status.yaml",
        &format!("/{long}"),
        "/%",
        "/%zz",
    ] {
        let request =
            format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n\r\n");
        let response = send(port, &request).unwrap_or_else(|| panic!("{path}: no answer"));
        assert!((400..500).contains(&response.status), "{path}: {}", response.status);
        let text = response.text();
        assert!(!text.contains("treasure") && !text.contains("root:"), "{path}");
    }
}

#[test]
fn b43_bodies_and_heads_without_end_are_refused() {
    let project = Project::new();
    let server = Server::start(&project);
    let port = server.port();
    let mut half_sent = Vec::new();
    for _ in 0..200 {
        let mut stream = http::connect(port);
        std::io::Write::write_all(&mut stream, b"GET / HTTP/1.1\r\nHost: ").unwrap();
        half_sent.push(stream);
    }
    let large = format!(
        "PUT /api/settings HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nContent-Type: application/json\r\nContent-Length: 104857600\r\n\r\n{{"
    );
    assert_eq!(send(port, &large).unwrap().status, 413);
    let head =
        format!("GET / HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nX: {}\r\n\r\n", "x".repeat(1 << 20));
    if let Some(response) = send(port, &head) {
        assert!((400..500).contains(&response.status), "{}", response.status);
    }
    assert_eq!(server.get("/healthz").status, 200);
    drop(half_sent);
}
