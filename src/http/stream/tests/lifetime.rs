//! How streams live and end: heartbeats, silence, slow readers, the server's end.

use std::pin::pin;
use std::time::{Duration, Instant};

use futures_util::SinkExt;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;

use super::client::{Sse, Ws, ask};
use super::stage::{DEADLINE, Stage, error_event};
use crate::http::limits::USER_TIMEOUT;

const SHORT: Duration = Duration::from_millis(100);

/// What takes as long as this does not come within a test.
const NEVER: Duration = Duration::from_secs(1200);

#[tokio::test]
async fn silence_is_filled() {
    // So long that who answers late under load still answers in time.
    let stage = Stage::with(|limits| limits.heartbeat = Duration::from_secs(2));
    let mut sse = Sse::open(stage.address, "/sse", b"").await;
    let mut ws = Ws::open(stage.address, "/ws").await;
    sse.event().await.expect("init");
    // One more than may stay unanswered, and another.
    for _ in 0..4 {
        assert!(sse.block().await.expect("a heartbeat").comment);
        while !matches!(ws.message().await.expect("a message"), Message::Ping(_)) {}
    }
}

#[tokio::test]
async fn a_peer_that_answers_no_ping_is_let_go() {
    let stage = Stage::with(|limits| limits.heartbeat = SHORT);
    let mut socket = TcpStream::connect(stage.address).await.unwrap();
    let request = format!(
        "GET /ws HTTP/1.1\r\nHost: {}\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n",
        stage.address
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = Vec::new();
    let _ = timeout(DEADLINE, socket.read_to_end(&mut bytes)).await.expect("it ends");
    assert!(bytes.starts_with(b"HTTP/1.1 101 "), "{}", String::from_utf8_lossy(&bytes));
    stage.figure(1, |counts| &counts.silent).await;
    stage.figure(0, |counts| &counts.connections).await;
}

#[tokio::test]
async fn gone_clients_leave_nothing_behind() {
    let stage = Stage::new();
    let sse = Sse::open(stage.address, "/sse", b"").await;
    let ws = Ws::open(stage.address, "/ws").await;
    stage.figure(1, |counts| &counts.sse).await;
    stage.figure(1, |counts| &counts.ws).await;
    drop((sse, ws));
    stage.figure(0, |counts| &counts.sse).await;
    stage.figure(0, |counts| &counts.ws).await;
    stage.figure(0, |counts| &counts.connections).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn who_never_reads_is_let_go_and_holds_up_nobody() {
    let stage = Stage::with(|limits| {
        // The one who reads may be held up under load.
        limits.stall = Duration::from_secs(5);
        limits.farewell = SHORT;
    });
    let idle_sse = Sse::open(stage.address, "/sse?last_event_id=0", b"").await;
    let idle_ws = Ws::open(stage.address, "/ws?last_event_id=0").await;
    let mut reader = Sse::open(stage.address, "/sse?last_event_id=0", b"").await;
    // More than any socket's buffers hold.
    let text = "x".repeat(1 << 20);
    for id in 1..=32u64 {
        stage.publish(vec![error_event(&text)]).await;
        assert_eq!(reader.event().await.expect("an event").json()["id"], id);
    }
    stage.figure(2, |counts| &counts.slow).await;
    stage.figure(1, |counts| &counts.connections).await;
    drop((idle_sse, idle_ws));
}

#[tokio::test]
async fn a_reader_that_stood_still_hears_why_when_it_reads_again() {
    let stage = Stage::with(|limits| {
        limits.stall = Duration::from_millis(300);
        limits.farewell = NEVER;
    });
    let mut ws = Ws::open(stage.address, "/ws?last_event_id=0").await;
    for _ in 0..24 {
        stage.publish(vec![error_event(&"x".repeat(1 << 20))]).await;
    }
    stage.figure(1, |counts| &counts.slow).await;
    assert_eq!(ws.close_code().await, Some(1013));
}

#[tokio::test]
async fn bad_frames_are_answered_with_their_code() {
    let stage = Stage::new();
    let bad_text: &[u8] = &[0x81, 0x82, 0, 0, 0, 0, 0xc3, 0x28];
    let unmasked: &[u8] = &[0x81, 0x01, b'x'];
    let reserved: &[u8] = &[0xc1, 0x80, 0, 0, 0, 0];
    let large: &[u8] = &[0x81, 0xff, 0, 0, 0, 0, 0, 1, 0, 1, 0, 0, 0, 0];
    for (frame, code) in [(bad_text, 1007), (unmasked, 1002), (reserved, 1002), (large, 1009)] {
        let mut ws = Ws::open(stage.address, "/ws").await;
        ws.socket.get_mut().write_all(frame).await.unwrap();
        assert_eq!(ws.close_code().await, Some(code), "{frame:?}");
    }
    let mut ws = Ws::open(stage.address, "/ws").await;
    ws.json().await;
    ws.socket.send(Message::binary(vec![1, 2, 3])).await.unwrap();
    ws.say("not JSON").await;
    ws.say(r#"{"type":"ping"}"#).await;
    assert_eq!(ws.json().await["type"], "pong");
    ws.socket.close(None).await.unwrap();
    assert_eq!(ws.message().await, Some(Message::Close(None)));
    stage.figure(0, |counts| &counts.connections).await;
}

#[tokio::test]
async fn the_end_is_told_and_nothing_is_waited_for() {
    let mut stage = Stage::with(|limits| {
        limits.shutdown = NEVER;
        // Under load those who answer do so late.
        limits.farewell = Duration::from_secs(20);
    });
    let mut streams = Vec::new();
    for _ in 0..20 {
        let mut sse = Sse::open(stage.address, "/sse", b"").await;
        sse.event().await.expect("init");
        streams.push(sse);
    }
    let mut ws = Ws::open(stage.address, "/ws").await;
    ws.json().await;
    let mut unused = TcpStream::connect(stage.address).await.unwrap();
    let mut halfway = TcpStream::connect(stage.address).await.unwrap();
    halfway.write_all(b"GET / HTTP/1.1\r\nHo").await.unwrap();
    stage.figure(23, |counts| &counts.connections).await;

    // Clients that answer a close are waited for, so they must be heard meanwhile.
    let heard = async {
        let code = ws.close_code().await;
        // Reading on sends the answer.
        while ws.message().await.is_some() {}
        code
    };
    let (code, ()) = tokio::join!(heard, stage.end());
    assert_eq!(code, Some(1001));
    let mut retries = Vec::new();
    for sse in &mut streams {
        retries.push(sse.block().await.expect("a last block").retry.expect("a retry time"));
        assert_eq!(sse.block().await, None);
    }
    retries.sort_unstable();
    retries.dedup();
    assert_eq!(retries.len(), 20, "spread");
    for socket in [&mut unused, &mut halfway] {
        let mut rest = Vec::new();
        let _ = timeout(DEADLINE, socket.read_to_end(&mut rest)).await.expect("it ends");
        assert!(rest.is_empty());
    }
    assert!(TcpStream::connect(stage.address).await.is_err());
}

#[tokio::test]
async fn a_client_that_stands_still_cannot_delay_the_end() {
    let mut stage = Stage::with(|limits| {
        limits.shutdown = SHORT;
        limits.farewell = SHORT;
        limits.stall = NEVER;
    });
    let ws = Ws::open(stage.address, "/ws?last_event_id=0").await;
    let sse = Sse::open(stage.address, "/sse?last_event_id=0", b"").await;
    for _ in 0..24 {
        stage.publish(vec![error_event(&"x".repeat(1 << 20))]).await;
    }
    // The kernel alone would end it after half a minute.
    let end = timeout(USER_TIMEOUT.mul_f32(0.8), stage.end()).await;
    end.expect("nobody waits for the client");
    stage.figure(0, |counts| &counts.connections).await;
    drop((ws, sse));
}

#[tokio::test]
async fn half_a_head_is_not_waited_for() {
    let stage = Stage::with(|limits| limits.header = SHORT);
    let (status, answer) = ask(stage.address, b"GET / HTTP/1.1\r\nHost: ").await;
    assert!(matches!(status, 0 | 400 | 408), "{answer}");
    stage.figure(0, |counts| &counts.connections).await;
}

#[tokio::test]
async fn connections_over_the_cap_are_closed_and_streams_go_on() {
    let stage = Stage::with(|limits| limits.connections = 2);
    let mut sse = Sse::open(stage.address, "/sse?last_event_id=0", b"").await;
    let second = TcpStream::connect(stage.address).await.unwrap();
    stage.figure(2, |counts| &counts.connections).await;
    for _ in 0..50 {
        let (status, answer) = ask(stage.address, b"").await;
        assert_eq!((status, answer.as_str()), (0, ""));
    }
    stage.append(0, 1).await;
    assert_eq!(sse.event().await.expect("an event").json()["id"], 1);
    drop(second);
    stage.figure(1, |counts| &counts.connections).await;
    let request = format!("GET / HTTP/1.1\r\nHost: {}\r\nConnection: close\r\n\r\n", stage.address);
    assert_eq!(ask(stage.address, request.as_bytes()).await.0, 200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn answers_before_a_stream_come_whole() {
    const BEFORE: usize = 20_000;
    // The client reads nothing until all is asked, and under load that takes a while.
    let stage = Stage::with(|limits| {
        limits.stall = NEVER;
        limits.header = NEVER;
    });
    let host = format!("Host: {}\r\n", stage.address);
    let socket = tokio::net::TcpSocket::new_v4().unwrap();
    // So little is on its way at once that the last answers still wait when the stream begins.
    socket.set_recv_buffer_size(1024).unwrap();
    let (mut from, mut to) = socket.connect(stage.address).await.unwrap().into_split();
    let requests = format!("GET /{} HTTP/1.1\r\n{host}\r\n", "x".repeat(30)).repeat(BEFORE)
        + &format!("GET /sse HTTP/1.1\r\n{host}\r\n");
    // All of them before the first answer is read: the answers fill what the kernel takes. That
    // hyper reads the stream's request only when they are flushed is not in its documentation.
    let mut text = String::new();
    let mut part = vec![0; 8192];
    let mut asking = pin!(to.write_all(requests.as_bytes()));
    let begun = Instant::now();
    loop {
        if let Ok(asked) = timeout(Duration::from_secs(5), asking.as_mut()).await {
            asked.unwrap();
            break;
        }
        assert!(begun.elapsed() < DEADLINE, "it is not taken");
        // Under load it takes long, and the kernel gives up who reads nothing at all for long.
        let count = timeout(DEADLINE, from.read(&mut part)).await.expect("it goes on").unwrap();
        text += std::str::from_utf8(&part[..count]).unwrap();
    }
    while !text.ends_with("\n\n") || !text.contains("\r\n\r\nretry:") {
        let count = timeout(DEADLINE, from.read(&mut part)).await.expect("it goes on").unwrap();
        assert!(count > 0, "the connection has ended behind {} bytes", text.len());
        text += std::str::from_utf8(&part[..count]).unwrap();
    }
    assert_eq!(text.matches("HTTP/1.1 200 OK\r\n").count(), BEFORE + 1);
}
