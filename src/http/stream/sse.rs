//! Server-Sent Events: one subscription as blocks of text.
//!
//! The format is the HTML standard's, section 9.2. A block is made by our own encoder in the hub,
//! once for all; here only blocks are put one behind the other. No `event:` field, so that a
//! page's `onmessage` sees all.

use std::io;
use std::sync::Arc;

use bytes::Bytes;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Response};
use tokio::io::AsyncWriteExt;
use tokio::time::{Instant, sleep_until, timeout};

use crate::domain::event::EventId;
use crate::http::connection::Connection;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};

use super::Asked;
use super::chunk::Form;
use super::opening;
use super::outlet::{hung_up, write_on};
use super::owner::Owner;
use super::reader::Reader;
use super::resume::Cursor;
use super::shared::{Ending, Open, Phase};
use super::takeover::{self, Answer, Takeover};

/// What a browser waits before it comes back after a cut. It holds from its line on; without an
/// empty line of its own it makes no block, which some clients (`httpx-sse`) would hand to their
/// user as a message with nothing in it.
const RETRY: &[u8] = b"retry: 1000\n";

/// After an ordered end browsers wait this long at least,
const RETRY_MS: u128 = 1_000;

/// and come back spread over this, so that a server that starts again is not met by all at once.
const RETRY_SPREAD_MS: u64 = 4_000;

/// A line for itself, for the same reason.
const COMMENT: &[u8] = b":\n";

/// Answers `/sse`.
pub(in crate::http) fn answer(method: &Method, headers: &HeaderMap, query: Option<&str>) -> Answer {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut reply = error_reply(Code::MethodNotAllowed, "a stream can only be read");
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
        return Answer::Reply(reply);
    }
    let asked = match Asked::read(headers, query) {
        Ok(asked) => asked,
        Err(refusal) => return Answer::Reply(*refusal),
    };
    let mut head = Response::new(());
    let headers = head.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    // nginx would keep the blocks back until it has a buffer full of them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    if method == Method::HEAD {
        return Answer::Reply(head.map(|()| warp::reply::Response::default().into_body()));
    }
    // The stream is over when the connection is: its bytes need no frames of HTTP around them, so
    // all clients get the very same ones.
    headers.insert(header::CONNECTION, HeaderValue::from_static("close"));
    Answer::Stream(Takeover::new(Form::Sse, head, asked))
}

/// Talks to one client until it goes, stands still, or the server ends.
pub(super) fn run(
    context: Arc<Context>,
    connection: Connection,
    asked: Asked,
) -> impl Future<Output = ()> {
    let mut ending = context.streams.ending();
    let mut session = Session {
        reader: Reader::new(&context, asked.filter, Form::Sse),
        ending: context.streams.ending(),
        owner: Owner::new(&context.reach),
        spoke: Instant::now(),
        told: 0,
        rest: Bytes::new(),
        _open: Open::new(&context.streams, |counts| &counts.sse),
        connection,
        context,
    };
    async move {
        tokio::select! {
            () = session.talk(asked.cursor) => {}
            () = ending.reaches(Phase::Cut) => {}
        }
        takeover::over();
    }
}

/// Why a session ends.
enum End {
    /// The client is gone, or stands still.
    Gone,
    /// We end it; the client comes back by itself.
    Over,
}

/// One client's side of the talk.
struct Session {
    context: Arc<Context>,
    connection: Connection,
    reader: Reader,
    ending: Ending,
    owner: Owner,
    /// When the last byte was handed out.
    spoke: Instant,
    /// The last id the client was told.
    told: EventId,
    /// What of a run of blocks is not written yet.
    rest: Bytes,
    _open: Open,
}

impl Session {
    async fn talk(&mut self, cursor: Cursor) {
        // Boxed, here and below: what happens once must not widen every client's task.
        let end = match Box::pin(self.open(cursor)).await {
            Ok(()) => loop {
                if let Err(end) = self.turn().await {
                    break end;
                }
            },
            Err(end) => end,
        };
        if matches!(end, End::Over) {
            Box::pin(self.part()).await;
        }
    }

    async fn open(&mut self, cursor: Cursor) -> Result<(), End> {
        let Context { hub, reach, .. } = &*self.context;
        if !opening::has_caught_up(&cursor, hub, reach, &mut self.ending).await {
            return Err(End::Over);
        }
        let begun = self.reader.begin(&cursor, reach).await;
        let messages = begun.map_err(|error| give_up(&error))?;
        self.told = self.reader.cursor();
        self.put(Bytes::from_static(RETRY)).await?;
        for message in messages {
            self.put(message).await?;
        }
        Ok(())
    }

    /// One thing: the end, a heartbeat or some events.
    async fn turn(&mut self) -> Result<(), End> {
        if self.ending.has_begun() {
            return Err(End::Over);
        }
        let beat = self.spoke + self.context.heartbeat();
        if Instant::now() >= beat {
            let bytes = self.heartbeat();
            return self.put(bytes).await;
        }
        tokio::select! {
            // A busy stream neither arms its timer nor asks for the end: the next turn does. A
            // client that went is noticed by the write.
            biased;
            // However much comes: what it says may not be true any more.
            known = self.owner.news() => {
                let told = self.reader.told(&known);
                drop(known);
                Box::pin(self.put(told)).await
            }
            news = self.reader.next() => {
                let news = news.map_err(|error| give_up(&error))?;
                if news.gap.is_none() && news.bytes.is_empty() {
                    self.reader.wrote();
                    // A long run that the filter holds back must leave the thread to others.
                    tokio::task::consume_budget().await;
                    return Ok(());
                }
                self.told = self.reader.cursor();
                if let Some(gap) = news.gap {
                    self.put(gap).await?;
                }
                self.put(news.bytes).await?;
                self.reader.wrote();
                Ok(())
            }
            () = hung_up(&mut self.connection) => Err(End::Gone),
            () = sleep_until(beat) => Ok(()),
            () = self.ending.reaches(Phase::Ending) => Ok(()),
        }
    }

    async fn put(&mut self, bytes: Bytes) -> Result<(), End> {
        self.rest = bytes;
        let written = write_on(&mut self.connection, &mut self.rest, &mut self.ending).await;
        self.spoke = Instant::now();
        if written.map_err(|_| End::Gone)? { Ok(()) } else { Err(End::Over) }
    }

    /// A comment; or, when the filter has held events back, their last id alone, so that the
    /// client does not ask for them again.
    fn heartbeat(&mut self) -> Bytes {
        let cursor = self.reader.cursor();
        if !self.reader.filters() || cursor == self.told {
            return Bytes::from_static(COMMENT);
        }
        self.told = cursor;
        format!("id: {}:{cursor}\n\n", self.reader.epoch()).into()
    }

    /// Says when to come back. A client that does not take the words in time is reset.
    async fn part(&mut self) {
        let farewell = format!("retry: {}\n", retry_ms(self.reader.number()));
        let said = timeout(self.context.limits.farewell, async {
            self.connection.write_all_buf(&mut self.rest).await?;
            // A log that cannot be read is no reason to stay away longer.
            if self.ending.has_begun() {
                self.connection.write_all(farewell.as_bytes()).await?;
            }
            self.connection.shutdown().await
        });
        if !matches!(said.await, Ok(io::Result::Ok(()))) {
            self.connection.reset_on_drop();
        }
    }
}

/// Neighbours in number are far apart in time.
fn retry_ms(number: u64) -> u128 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let spread = (u128::from(number.wrapping_mul(GOLDEN)) * u128::from(RETRY_SPREAD_MS)) >> 64;
    RETRY_MS + spread
}

fn give_up(error: &crate::store::StoreError) -> End {
    // The client comes back by itself; an error status would keep a browser away for good.
    tracing::warn!(%error, "a stream ends because the log cannot be read");
    End::Over
}

#[cfg(test)]
mod unit {
    use super::retry_ms;

    #[test]
    fn retry_times_are_spread() {
        let mut times: Vec<_> = (0..500).map(retry_ms).collect();
        assert!(times.iter().all(|ms| (1_000..5_000).contains(ms)));
        times.sort_unstable();
        assert!(times.windows(2).all(|pair| pair[1] - pair[0] < 50), "no crowd, no hole");
    }
}
