//! Server-Sent Events: one subscription as a body.
//!
//! The format is the HTML standard's, section 9.2. A block is made by our own encoder in the hub,
//! once for all; here only blocks are put one behind the other. No `event:` field, so that a
//! page's `onmessage` sees all.

use std::pin::Pin;
use std::sync::Arc;

use bytes::{BufMut, Bytes, BytesMut};
use futures_util::Stream;
use futures_util::stream;
use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode};
use tokio::time::Instant;

use crate::domain::event::EventId;
use crate::http::body::Body;
use crate::http::context::Context;
use crate::http::error::{Code, error_reply};

use super::Asked;
use super::chunk::Form;
use super::message::Message;
use super::reader::Reader;
use super::resume::Cursor;
use super::shared::{Ending, Open, Phase};

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
pub(in crate::http) fn answer(
    context: &Arc<Context>,
    method: &Method,
    headers: &HeaderMap,
    query: Option<&str>,
) -> Response<Body> {
    if !matches!(*method, Method::GET | Method::HEAD) {
        let mut reply = error_reply(Code::MethodNotAllowed, "a stream can only be read");
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, HEAD, OPTIONS"));
        return reply.map(Body::Warp);
    }
    let asked = match Asked::read(headers, query) {
        Ok(asked) => asked,
        Err(refusal) => return (*refusal).map(Body::Warp),
    };
    let body =
        if method == Method::HEAD { Body::empty() } else { Body::Stream(blocks(context, asked)) };
    let mut reply = Response::new(body);
    *reply.status_mut() = StatusCode::OK;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/event-stream"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-cache, no-transform"));
    // nginx would keep the blocks back until it has a buffer full of them.
    headers.insert(HeaderName::from_static("x-accel-buffering"), HeaderValue::from_static("no"));
    reply
}

/// The body: ends when the server does, or when the log cannot be read; dropped with the socket.
fn blocks(context: &Arc<Context>, asked: Asked) -> Pin<Box<dyn Stream<Item = Bytes> + Send>> {
    let teller = Teller {
        reader: Reader::new(context, asked.filter, Form::Sse),
        ending: context.streams.ending(),
        number: context.streams.number(),
        opening: Some(Box::new(asked.cursor)),
        spoke: Instant::now(),
        told: 0,
        over: false,
        _open: Open::new(&context.streams, |counts| &counts.sse),
        context: Arc::clone(context),
    };
    Box::pin(stream::unfold(teller, |mut teller| async {
        let block = teller.next().await?;
        Some((block, teller))
    }))
}

/// One client's side of the talk.
struct Teller {
    context: Arc<Context>,
    reader: Reader,
    ending: Ending,
    number: u64,
    opening: Option<Box<Cursor>>,
    /// When the last byte was handed out.
    spoke: Instant,
    /// The last id the client was told.
    told: EventId,
    over: bool,
    _open: Open,
}

impl Teller {
    /// The next bytes; `None` ends the stream.
    async fn next(&mut self) -> Option<Bytes> {
        let block = match self.opening.take() {
            // Boxed: it happens once and must not widen every client's stream.
            Some(cursor) => Box::pin(self.open(&cursor)).await?,
            None => self.go_on().await?,
        };
        self.spoke = Instant::now();
        Some(block)
    }

    async fn open(&mut self, cursor: &Cursor) -> Option<Bytes> {
        let messages = match self.reader.begin(cursor).await {
            Ok(messages) => messages,
            Err(error) => return give_up(&error),
        };
        self.told = self.reader.cursor();
        let mut bytes = BytesMut::from(RETRY);
        for message in &messages {
            put_block(&mut bytes, self.reader.epoch(), message);
        }
        Some(bytes.freeze())
    }

    async fn go_on(&mut self) -> Option<Bytes> {
        loop {
            if self.over {
                return None;
            }
            if self.ending.has_begun() {
                self.over = true;
                return Some(self.farewell());
            }
            let beat = self.spoke + self.context.heartbeat();
            if Instant::now() >= beat {
                return Some(self.heartbeat());
            }
            tokio::select! {
                // A busy stream neither arms its timer nor asks for the end: the loop does.
                biased;
                news = self.reader.next() => match news {
                    Ok(news) => {
                        if news.gap.is_none() && news.bytes.is_empty() {
                            // A long run that the filter holds back must leave the thread to others.
                            tokio::task::consume_budget().await;
                            continue;
                        }
                        self.told = self.reader.cursor();
                        let Some(gap) = news.gap else { return Some(news.bytes) };
                        let mut bytes = BytesMut::new();
                        put_block(&mut bytes, self.reader.epoch(), &gap);
                        bytes.put_slice(&news.bytes);
                        return Some(bytes.freeze());
                    }
                    Err(error) => return give_up(&error),
                },
                () = tokio::time::sleep_until(beat) => {}
                () = self.ending.reaches(Phase::Ending) => {}
            }
        }
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

    fn farewell(&self) -> Bytes {
        format!("retry: {}\n", retry_ms(self.number)).into()
    }
}

/// Neighbours in number are far apart in time.
fn retry_ms(number: u64) -> u128 {
    const GOLDEN: u64 = 0x9e37_79b9_7f4a_7c15;
    let spread = (u128::from(number.wrapping_mul(GOLDEN)) * u128::from(RETRY_SPREAD_MS)) >> 64;
    RETRY_MS + spread
}

fn give_up(error: &crate::store::StoreError) -> Option<Bytes> {
    // The client comes back by itself; an error status would keep a browser away for good.
    tracing::warn!(%error, "a stream ends because the log cannot be read");
    None
}

fn put_block(bytes: &mut BytesMut, epoch: &str, message: &Message) {
    if let Some(at) = message.at {
        bytes.put_slice(format!("id: {epoch}:{at}\n").as_bytes());
    }
    bytes.put_slice(b"data: ");
    bytes.put_slice(&message.json);
    bytes.put_slice(b"\n\n");
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
