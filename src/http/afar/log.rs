//! The log of an agent on another machine: asked for in pieces, as the client reads.

use std::io;

use bytes::Bytes;
use futures_util::stream;
use http::request::Parts;
use http::{Method, StatusCode, header};
use tokio::sync::{OwnedSemaphorePermit, mpsc};
use warp::Reply as _;
use warp::reply::Response;

use super::{Line, Lost, refusal, response};
use crate::http::data::Downloads;
use crate::http::query::Query;
use crate::http::reply::{self, Conditions, Range};
use crate::nats::control::{Kind, PIECE, Reply, Request};

pub(super) const TEXT: &str = "text/plain; charset=utf-8";

/// The log as asked for: whole, its end, or a range.
pub(super) async fn answer(
    line: Line,
    request: Request,
    head: &Parts,
    downloads: &Downloads,
) -> Result<Response, Response> {
    let tail = Query::read(head.uri.query().unwrap_or_default()).number("tail")?;
    // Its first byte: with it comes how long it is.
    let first = line.ask(Request { range: Some((0, 0)), ..request.clone() }).await?;
    let (Some(length), 206 | 416) = (first.length, first.status) else {
        let is_refusal = first.status >= 400 && first.kind == Kind::Json;
        return Err(if is_refusal { response(first) } else { refusal::not_done(Lost::Unfit) });
    };
    let etag = first.etag.unwrap_or_default();
    let headers = &head.headers;
    if let Some(response) = reply::conditional_without_body(headers, &etag, length) {
        return Ok(response);
    }
    let (from, to, partial) = match Conditions::of(headers).range(&etag, length) {
        Some(Range::Part(from, to)) => (from, to + 1, true),
        _ => (tail.map_or(0, |tail| length.saturating_sub(tail)), length, false),
    };
    let place = if to - from > PIECE { Some(downloads.place()?) } else { None };
    let (to_client, pieces) = mpsc::channel(1);
    if head.method != Method::HEAD {
        let wanted = Wanted { line, request, etag: etag.clone(), _place: place };
        tokio::spawn(wanted.send(from, to, to_client));
    }
    let pieces = stream::unfold(pieces, |mut pieces: mpsc::Receiver<_>| async move {
        pieces.recv().await.map(|piece| (piece, pieces))
    });
    let mut response = warp::reply::stream(pieces).into_response();
    if partial {
        *response.status_mut() = StatusCode::PARTIAL_CONTENT;
        let place = format!("bytes {from}-{}/{length}", to - 1);
        reply::set(&mut response, header::CONTENT_RANGE, &place);
    }
    reply::set(&mut response, header::CONTENT_TYPE, TEXT);
    reply::set(&mut response, header::CONTENT_LENGTH, &(to - from).to_string());
    reply::set(&mut response, header::ETAG, &etag);
    reply::set(&mut response, header::ACCEPT_RANGES, "bytes");
    reply::set(&mut response, header::CACHE_CONTROL, "no-cache");
    Ok(response)
}

struct Wanted {
    line: Line,
    request: Request,
    etag: String,
    /// Held as long as the log is being sent.
    _place: Option<OwnedSemaphorePermit>,
}

impl Wanted {
    /// Sends the bytes from `from` up to `to` as they are taken; one piece waits.
    async fn send(self, from: u64, to: u64, client: mpsc::Sender<io::Result<Bytes>>) {
        let mut at = from;
        while at < to {
            let last = to.min(at.saturating_add(PIECE)) - 1;
            let piece = self.piece(at, last).await;
            let failed = piece.is_err();
            // Who has gone wants no more; what fails cuts the answer.
            if client.send(piece).await.is_err() || failed {
                return;
            }
            at = last + 1;
        }
    }

    /// The bytes from the first to the last; none where that server is silent, or has another log now.
    async fn piece(&self, first: u64, last: u64) -> io::Result<Bytes> {
        let request = Request { range: Some((first, last)), ..self.request.clone() };
        let cut = |lost: Lost| io::Error::other(format!("{lost:?}"));
        let Reply { status, etag, body, .. } = self.line.carry(request).await.map_err(cut)?;
        let whole = body.len() as u64 == last - first + 1;
        if status != 206 || etag.as_deref() != Some(&self.etag) || !whole {
            return Err(io::Error::other("that server has another log now"));
        }
        Ok(body)
    }
}
