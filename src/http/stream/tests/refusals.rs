//! What is refused on the way in, over the wire.

use tokio_tungstenite::tungstenite::Error;

use super::client::{Ws, ask};
use super::stage::Stage;

async fn send(stage: &Stage, head: &str, body: &[u8]) -> (u16, String) {
    let head = head.replace("OWN", &stage.address.to_string()).replace('\n', "\r\n");
    let mut request = head.into_bytes();
    request.extend_from_slice(b"Connection: close\r\n\r\n");
    request.extend_from_slice(body);
    ask(stage.address, &request).await
}

#[tokio::test]
async fn the_guard_stands_before_every_route() {
    let stage = Stage::new();
    for target in ["/", "/ws", "/sse", "/sse?types=,", "/%2e%2e/x", "/api/settings"] {
        for (head, status) in [
            ("GET TARGET HTTP/1.1\n", 421),
            ("GET TARGET HTTP/1.0\n", 421),
            ("GET TARGET HTTP/1.1\nHost: evil.example\n", 421),
            ("GET TARGET HTTP/1.1\nHost: localhost.evil.example\n", 421),
            ("GET TARGET HTTP/1.1\nHost: OWN\nHost: evil.example\n", 421),
            ("GET TARGET HTTP/1.1\nHost: OWN\0\n", 421),
            ("GET http://OWNTARGET HTTP/1.1\nHost: OWN\n", 421),
            ("GET TARGET HTTP/1.1\nHost: OWN\nOrigin: null\n", 403),
            ("GET TARGET HTTP/1.1\nHost: OWN\nOrigin: http://evil.example\n", 403),
            ("GET TARGET HTTP/1.1\nHost: OWN\nSec-Fetch-Site: cross-site\n", 403),
        ] {
            let (got, answer) = send(&stage, &head.replace("TARGET", target), b"").await;
            assert_eq!(got, status, "{target} {head}");
            let answer = answer.to_lowercase();
            assert!(!answer.contains("access-control"), "{answer}");
            assert!(answer.contains("x-content-type-options: nosniff"), "{answer}");
        }
    }
}

#[tokio::test]
async fn paths_that_lead_out_are_refused() {
    let stage = Stage::new();
    for target in ["/../x", "/%2e%2e/x", "/a%2fb", "/a%5cb", "/a\\b", "/%252e", "/%c0%ae", "/%00", "//x/y", "/a\0b"] {
        let (status, answer) = send(&stage, &format!("GET {target} HTTP/1.1\nHost: OWN\n"), b"").await;
        assert_eq!(status, 400, "{target} {answer}");
    }
}

#[tokio::test]
async fn malformed_filters_are_refused_before_the_stream() {
    let stage = Stage::new();
    for query in ["types=,", "types=a%20b", "batch_id=x", "story=%ff"] {
        let (status, answer) = send(&stage, &format!("GET /sse?{query} HTTP/1.1\nHost: OWN\n"), b"").await;
        assert_eq!(status, 400, "{query}");
        assert!(answer.contains(r#""code":"bad_request""#), "{answer}");
        match Ws::try_open(stage.address, &format!("/ws?{query}"), &[]).await {
            Err(Error::Http(response)) => assert_eq!(response.status(), 400),
            other => panic!("{:?}", other.map(|_| "a stream")),
        }
    }
}

#[tokio::test]
async fn streams_are_read_and_nothing_else() {
    let stage = Stage::new();
    let (status, answer) = send(&stage, "HEAD /sse HTTP/1.1\nHost: OWN\n", b"").await;
    assert_eq!(status, 200);
    assert!(answer.contains("text/event-stream") && answer.ends_with("\r\n\r\n"), "{answer}");
    let json = "Content-Type: application/json\nContent-Length: 2\n";
    for target in ["/sse", "/ws"] {
        let (status, answer) = send(&stage, &format!("POST {target} HTTP/1.1\nHost: OWN\n{json}"), b"{}").await;
        assert_eq!(status, 405, "{answer}");
        assert!(answer.to_lowercase().contains("allow: get"), "{answer}");
        let (status, _) = send(&stage, &format!("OPTIONS {target} HTTP/1.1\nHost: OWN\n"), b"").await;
        assert_eq!(status, 204);
    }
    let (status, answer) = send(&stage, "GET /ws HTTP/1.1\nHost: OWN\n", b"").await;
    assert_eq!(status, 426);
    assert!(answer.to_lowercase().contains("sec-websocket-version: 13"), "{answer}");
}

#[tokio::test]
async fn bodies_are_bounded() {
    let stage = Stage::new();
    let post = "POST /x HTTP/1.1\nHost: OWN\n";
    let json = "Content-Type: application/json\n";
    let fits = vec![b' '; 64 * 1024];
    let (status, answer) =
        send(&stage, &format!("{post}{json}Content-Length: {}\n", fits.len()), &fits).await;
    assert_eq!(status, 200);
    assert!(answer.ends_with("65536 bytes"), "{answer}");

    let over = vec![b' '; 64 * 1024 + 1];
    let (status, _) = send(&stage, &format!("{post}{json}Content-Length: {}\n", over.len()), &over).await;
    assert_eq!(status, 413);
    // Announced and never sent.
    let (status, _) = send(&stage, &format!("{post}{json}Content-Length: 104857600\n"), b"").await;
    assert_eq!(status, 413);
    // Endless.
    let chunked: Vec<u8> = b"1000\r\n".iter().chain(&[b' '; 4096]).chain(b"\r\n").copied().collect();
    let (status, _) =
        send(&stage, &format!("{post}{json}Transfer-Encoding: chunked\n"), &chunked.repeat(64)).await;
    assert_eq!(status, 413);
    // The media type is looked at first.
    let (status, _) = send(&stage, &format!("{post}Content-Length: {}\n", over.len()), &over).await;
    assert_eq!(status, 415);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_not_waited_for() {
    let stage = Stage::with(|limits| limits.body = std::time::Duration::from_millis(100));
    let head = "POST /x HTTP/1.1\nHost: OWN\nContent-Type: application/json\nContent-Length: 10\n";
    let (status, answer) = send(&stage, head, b"{").await;
    assert_eq!(status, 400, "{answer}");
}

#[tokio::test]
async fn heads_are_bounded() {
    let stage = Stage::new();
    let long = format!("GET / HTTP/1.1\nHost: OWN\nX-Long: {}\n", "x".repeat(1 << 20));
    let (status, _) = send(&stage, &long, b"").await;
    assert!(matches!(status, 0 | 431), "{status}");
    let many = format!("GET / HTTP/1.1\nHost: OWN\n{}", "X-Many: 1\n".repeat(200));
    let (status, _) = send(&stage, &many, b"").await;
    assert!(matches!(status, 400 | 431), "{status}");
    let (status, _) = send(&stage, "GET / HTTP/1.1\nHost: OWN\n", b"").await;
    assert_eq!(status, 200);
}
