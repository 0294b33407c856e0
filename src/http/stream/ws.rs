//! WebSocket: one subscription as frames.
//!
//! tungstenite reads, and writes control frames. Events go past it, as whole frames made once for
//! all clients ([`super::chunk`]), so that a burst leaves no grown buffer behind. The two never
//! mix: before a chunk is written tungstenite has nothing left to write, and while one is
//! written nobody reads.

use std::io;
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use futures_util::{FutureExt as _, SinkExt, StreamExt};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};
use tokio_tungstenite::WebSocketStream;
use tokio_tungstenite::tungstenite::protocol::frame::coding::CloseCode;
use tokio_tungstenite::tungstenite::protocol::{CloseFrame, Role, WebSocketConfig};
use tokio_tungstenite::tungstenite::{self, Message as Frame};

use crate::http::connection::Connection;
use crate::http::context::Context;
use crate::http::limits::{MESSAGE_BYTES, WS_READ_BYTES};
use crate::store::StoreError;

use super::Asked;
use super::chunk::Form;
use super::message::{Message, Said};
use super::opening;
use super::outlet::write_on;
use super::owner::Owner;
use super::reader::{News, Reader};
use super::resume::Cursor;
use super::shared::{Ending, Open, Phase};
use super::takeover;

/// Pings that may stay without any sign of life.
const UNANSWERED: u32 = 2;

/// A socket that speaks frames.
type Socket = WebSocketStream<Connection>;

/// Talks to one client until it goes, stands still, or the server ends. `read` are its first
/// frames, when they came with the request.
pub(super) fn run(
    context: Arc<Context>,
    connection: Connection,
    read: Vec<u8>,
    asked: Asked,
) -> impl Future<Output = ()> {
    let config = Some(config());
    // Ready at once: nothing is read. Awaited within the task it would make room for a second one.
    let socket =
        WebSocketStream::from_partially_read(connection, read, Role::Server, config).now_or_never();
    let mut ending = context.streams.ending();
    let session = socket.map(|socket| Session {
        reader: Reader::new(&context, asked.filter, Form::Ws),
        ending: context.streams.ending(),
        owner: Owner::new(&context.reach),
        ping_at: Instant::now() + context.heartbeat(),
        unanswered: 0,
        rest: Bytes::new(),
        _open: Open::new(&context.streams, |counts| &counts.ws),
        socket,
        context,
    });
    async move {
        let Some(mut session) = session else { return };
        tokio::select! {
            () = session.talk(asked.cursor) => {}
            () = ending.reaches(Phase::Cut) => {}
        }
        takeover::over();
    }
}

/// Small buffers: clients say little, and what we say goes past them.
fn config() -> WebSocketConfig {
    WebSocketConfig::default()
        .read_buffer_size(WS_READ_BYTES)
        .write_buffer_size(0)
        .max_write_buffer_size(MESSAGE_BYTES)
        .max_message_size(Some(MESSAGE_BYTES))
        .max_frame_size(Some(MESSAGE_BYTES))
}

/// Why a session ends.
#[derive(Debug)]
enum End {
    /// The client said goodbye, or is gone.
    Gone,
    /// It gave no sign of life.
    Silent,
    /// We say goodbye.
    Close(CloseCode, &'static str),
}

struct Session {
    context: Arc<Context>,
    socket: Socket,
    reader: Reader,
    ending: Ending,
    owner: Owner,
    ping_at: Instant,
    unanswered: u32,
    /// What of a chunk is not written yet: nothing may come between it and its beginning.
    rest: Bytes,
    _open: Open,
}

impl Session {
    async fn talk(&mut self, cursor: Cursor) {
        // Boxed, here and below: what happens once or seldom must not widen every client's task.
        let end = match Box::pin(self.begin(&cursor)).await {
            Ok(()) => loop {
                if let Err(end) = self.turn().await {
                    break end;
                }
            },
            Err(end) => end,
        };
        match end {
            End::Gone => Box::pin(self.part(None)).await,
            End::Silent => {
                self.context.streams.counts.silent.fetch_add(1, Ordering::Relaxed);
                self.socket.get_ref().reset_on_drop();
            }
            End::Close(code, reason) => {
                Box::pin(self.part(Some(CloseFrame { code, reason: reason.into() }))).await;
            }
        }
    }

    /// One thing: an end, a ping, a message or some events.
    async fn turn(&mut self) -> Result<(), End> {
        if self.ending.has_begun() {
            return Err(End::Close(CloseCode::Away, "the server ends"));
        }
        if Instant::now() >= self.ping_at {
            return self.ping().await;
        }
        // Not in a fixed order: neither a talkative client nor a busy log may starve the other.
        tokio::select! {
            frame = self.socket.next() => self.hear(frame).await,
            news = self.reader.next() => self.tell(news).await,
            known = self.owner.news() => {
                let told = self.reader.told(&known);
                drop(known);
                Box::pin(self.put(told)).await
            }
            () = sleep_until(self.ping_at) => Ok(()),
            () = self.ending.reaches(Phase::Ending) => Ok(()),
        }
    }

    async fn begin(&mut self, cursor: &Cursor) -> Result<(), End> {
        let Context { hub, reach, .. } = &*self.context;
        if !opening::has_caught_up(cursor, hub, reach, &mut self.ending).await {
            return Err(End::Close(CloseCode::Again, "what was seen elsewhere is not here yet"));
        }
        let begun = self.reader.begin(cursor, reach).await;
        for message in begun.map_err(|error| give_up(&error))? {
            self.put(message).await?;
        }
        Ok(())
    }

    async fn ping(&mut self) -> Result<(), End> {
        // A peer that takes bytes from a full socket lives, however far its pongs lie behind.
        if self.socket.get_mut().took_progress() {
            self.unanswered = 0;
        }
        if self.unanswered >= UNANSWERED {
            return Err(End::Silent);
        }
        self.unanswered += 1;
        self.ping_at = Instant::now() + self.context.heartbeat();
        self.socket.send(Frame::Ping(Bytes::new())).await.map_err(|error| broken(&error))
    }

    async fn hear(&mut self, frame: Option<Result<Frame, tungstenite::Error>>) -> Result<(), End> {
        let frame = match frame {
            None => return Err(End::Gone),
            Some(Err(error)) => return Err(broken(&error)),
            Some(Ok(frame)) => frame,
        };
        self.unanswered = 0;
        match frame {
            Frame::Text(text) => match Said::from_text(&text) {
                Said::Ping => self.put(Message::pong().framed(Form::Ws, "")).await,
                // A resume without a cursor that holds moves nothing the client did not ask for:
                // it gets a defined start like everybody else.
                Said::Resume(cursor) => Box::pin(self.begin(&cursor)).await,
                Said::Other => Ok(()),
            },
            // tungstenite has queued the answer to a close or a ping; reading on sends it.
            _ => Ok(()),
        }
    }

    async fn tell(&mut self, news: Result<News, StoreError>) -> Result<(), End> {
        let news = news.map_err(|error| give_up(&error))?;
        if let Some(gap) = news.gap {
            self.put(gap).await?;
        }
        if news.bytes.is_empty() {
            self.reader.wrote();
            // A long run that the filter holds back must leave the thread to others.
            tokio::task::consume_budget().await;
            return Ok(());
        }
        self.put(news.bytes).await?;
        self.reader.wrote();
        Ok(())
    }

    /// Writes whole frames. When the server ends meanwhile, they have a moment left.
    async fn put(&mut self, bytes: Bytes) -> Result<(), End> {
        self.socket.flush().await.map_err(|error| broken(&error))?;
        self.rest = bytes;
        let socket = self.socket.get_mut();
        let written = write_on(socket, &mut self.rest, &mut self.ending).await;
        if written.map_err(|error| broken_off(&error))? {
            Ok(())
        } else {
            Err(End::Close(CloseCode::Away, "the server ends"))
        }
    }

    /// Says goodbye and waits a moment for the other's. A client that does not take the words in
    /// time is reset.
    async fn part(&mut self, frame: Option<CloseFrame>) {
        let farewell = self.context.limits.farewell;
        // Unread frames would turn the end into a reset, and a reset can overtake the close frame.
        self.socket.get_ref().link().linger();
        let said = timeout(farewell, async {
            self.socket.get_mut().write_all_buf(&mut self.rest).await?;
            match frame {
                Some(frame) => {
                    self.socket.send(Frame::Close(Some(frame))).await.map_err(io::Error::other)
                }
                None => self.socket.flush().await.map_err(io::Error::other),
            }
        });
        if !matches!(said.await, Ok(Ok(()))) {
            self.socket.get_ref().reset_on_drop();
            return;
        }
        let _ = timeout(farewell, async {
            while let Some(Ok(_)) = self.socket.next().await {}
            self.socket.get_mut().shutdown().await
        })
        .await;
    }
}

fn give_up(error: &StoreError) -> End {
    tracing::warn!(%error, "a stream ends because the log cannot be read");
    End::Close(CloseCode::Again, "the log cannot be read just now")
}

/// What is to be said to a client whose frames cannot be read.
fn broken(error: &tungstenite::Error) -> End {
    match error {
        tungstenite::Error::Io(error) => broken_off(error),
        tungstenite::Error::Utf8(_) => End::Close(CloseCode::Invalid, "text is UTF-8"),
        tungstenite::Error::Capacity(_) => {
            End::Close(CloseCode::Size, "messages have at most 64 KiB")
        }
        tungstenite::Error::Protocol(
            tungstenite::error::ProtocolError::ResetWithoutClosingHandshake
            | tungstenite::error::ProtocolError::SendAfterClosing
            | tungstenite::error::ProtocolError::ReceivedAfterClosing,
        )
        | tungstenite::Error::ConnectionClosed
        | tungstenite::Error::AlreadyClosed => End::Gone,
        _ => End::Close(CloseCode::Protocol, "that is no WebSocket frame"),
    }
}

fn broken_off(error: &io::Error) -> End {
    if error.kind() == io::ErrorKind::TimedOut {
        End::Close(CloseCode::Again, "the reader stands still; resume by id")
    } else {
        End::Gone
    }
}
