//! Behaviour 40 with real agents: whoever may not start one does not.

use crate::support::bench::{Bench, Follower, STORIES, start};
use crate::support::http::send;
use crate::support::server::binary;
use crate::support::{Project, Server};

const PATHS: [&str; 3] =
    ["/api/orchestrator/start", "/api/orchestrator/stop", "/api/agents/1-1/stop"];
const JSON: &str = "Content-Type: application/json\r\n";
const BODY: &str = "{\"batch_size\":1}";

/// Sends a POST with exactly these header lines.
fn post(port: u16, path: &str, headers: &str) -> Option<u16> {
    let length = BODY.len();
    let head = format!("POST {path} HTTP/1.1\r\n{headers}Connection: close\r\n");
    let answer = send(port, format!("{head}Content-Length: {length}\r\n\r\n{BODY}"))?;
    assert!(answer.header("access-control-allow-origin").is_none(), "{headers}");
    Some(answer.status)
}

fn nothing_was_started(bench: &Bench, server: &Server) {
    assert_eq!(bench.starts(), 0, "an agent was started");
    let events = server.log_after(0);
    assert!(events.iter().all(|event| event["type"] != "batch:start"));
    assert_eq!(bench.status_file(), STORIES);
}

#[test]
fn b40_a_foreign_page_starts_no_agent() {
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    let server = bench.serve();
    let port = server.port();
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    for path in PATHS {
        for foreign in [
            "Origin: http://evil.example\r\n",
            "Origin: null\r\n",
            "Origin: https://127.0.0.1\r\n",
            "Sec-Fetch-Site: cross-site\r\n",
            "Sec-Fetch-Site: same-site\r\n",
        ] {
            let status = post(port, path, &format!("{host}{foreign}{JSON}"));
            assert_eq!(status, Some(403), "{path} {foreign}");
        }
        for host in [
            "Host: evil.example\r\n".to_owned(),
            format!("Host: evil.example:{port}\r\n"),
            format!("Host: localhost.evil.example:{port}\r\n"),
            "Host: 127.0.0.1:1\r\n".to_owned(),
            format!("{host}Host: evil.example\r\n"),
            String::new(),
        ] {
            let status = post(port, path, &format!("{host}{JSON}"));
            assert!(matches!(status, Some(400 | 421)), "{path} {host}: {status:?}");
        }
        for kind in ["application/x-www-form-urlencoded", "text/plain", "multipart/form-data"] {
            let status = post(port, path, &format!("{host}Content-Type: {kind}\r\n"));
            assert_eq!(status, Some(415), "{path} {kind}");
        }
        for method in ["GET", "PUT", "DELETE", "PATCH"] {
            let request = format!(
                "{method} {path}?batch_size=1 HTTP/1.1\r\n{host}{JSON}Connection: close\r\n\r\n"
            );
            let status = send(port, request).unwrap().status;
            assert_eq!(status, 405, "{method} {path}");
        }
    }
    nothing_was_started(&bench, &server);
    let mut follower = Follower::open(&server);
    let batch_id = start(&server, "1");
    assert_eq!(follower.end_of(batch_id)["status"], "completed");
}

#[test]
fn a_server_that_only_reads_starts_no_agent() {
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    let server = Server::start_with(bench.project.root(), &["--read-only"]);
    for path in PATHS {
        let answer = server.post(path, BODY);
        assert_eq!(answer.status, 403, "{path}: {}", answer.text());
        assert_eq!(answer.json()["code"], "forbidden");
    }
    assert_eq!(server.get("/api/orchestrator/status").status, 200);
    assert_eq!(server.get("/api/agents").status, 200);
    nothing_was_started(&bench, &server);
}

#[test]
fn without_the_token_no_agent_is_started() {
    let bench = Bench::new(STORIES);
    bench.plan("quick", "");
    let server = with_token(&bench.project);
    let port = server.port();
    let host = format!("Host: 127.0.0.1:{port}\r\n");
    for path in PATHS {
        for wrong in [
            "",
            "Authorization: Bearer wrong\r\n",
            "Authorization: Bearer \r\n",
            "Authorization: Basic c2VjcmV0LXdvcmQ=\r\n",
            "Cookie: token=wrong\r\n",
        ] {
            let status = post(port, path, &format!("{host}{wrong}{JSON}"));
            assert_eq!(status, Some(401), "{path} {wrong}");
        }
    }
    assert_eq!(bench.starts(), 0);
    let right = format!("{host}Authorization: Bearer {TOKEN}\r\n{JSON}");
    assert_eq!(post(port, "/api/orchestrator/start", &right), Some(200));
    crate::support::eventually("an agent", || (bench.starts() > 0).then_some(()));
    // The token is none of the agents' business, nor is it told to anybody.
    let folder = bench.project.root().join(".sprint-runner/agents/1");
    for entry in std::fs::read_dir(folder).unwrap() {
        let text = std::fs::read(entry.unwrap().path()).unwrap();
        assert!(!String::from_utf8_lossy(&text).contains(TOKEN));
    }
}

const TOKEN: &str = "a-secret-word-of-some-length-0123456789";

fn with_token(project: &Project) -> Server {
    let mut command = binary();
    command.args(["serve", "--port", "0", "--token", TOKEN, "-C"]).arg(project.root());
    Server::spawn(command)
}
