//! A stream takes its connection over: HTTP's part ends with the answer's head.
//!
//! hyper keeps a buffer of 8 KiB for a request that never comes, and puts a frame of its own
//! around each write. A stream needs neither: its socket is taken out of hyper as soon as the
//! request is read, and all that follows is written to it as it is.

use std::sync::Arc;
use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode, header};
use tokio::io::AsyncWriteExt as _;
use tracing::instrument::Instrumented;
use tracing::{Instrument as _, Span};

use crate::http::connection::Connection;
use crate::http::context::Context;

use super::chunk::Form;
use super::{Asked, sse, ws};

/// What a request for a stream gets.
pub(in crate::http) enum Answer {
    /// A plain answer: a refusal, or a head without a body.
    Reply(warp::reply::Response),
    /// The stream.
    Stream(Box<Takeover>),
}

impl Answer {
    /// The answer's status.
    pub(in crate::http) fn status(&self) -> StatusCode {
        match self {
            Self::Reply(reply) => reply.status(),
            Self::Stream(takeover) => takeover.head.status(),
        }
    }

    /// The answer's headers.
    pub(in crate::http) fn headers_mut(&mut self) -> &mut HeaderMap {
        match self {
            Self::Reply(reply) => reply.headers_mut(),
            Self::Stream(takeover) => takeover.head.headers_mut(),
        }
    }
}

/// What an open stream holds beside its buffers and its socket's; ten thousand of them are 24 MiB.
const TASK_BYTES: usize = 2400;

/// The answer's head, and what follows it.
#[derive(Debug)]
pub(in crate::http) struct Takeover {
    form: Form,
    head: Response<()>,
    asked: Asked,
    span: Span,
}

impl Takeover {
    pub(super) fn new(form: Form, head: Response<()>, asked: Asked) -> Box<Self> {
        Box::new(Self { form, head, asked, span: Span::none() })
    }

    /// What the stream tells is told within its request's span.
    pub(in crate::http) fn within(&mut self, span: Span) {
        self.span = span;
    }

    /// Answers, and starts the stream. `read` is what the client has sent behind its request.
    pub(in crate::http) async fn begin(
        self: Box<Self>,
        context: Arc<Context>,
        mut connection: Connection,
        read: Bytes,
    ) {
        connection.taken_over();
        // An error means that the client went before it had its answer.
        if connection.write_all(&encode(&self.head)).await.is_err() {
            return;
        }
        // A task of its own, and a copy of the few bytes: what hyper needed is given back.
        match self.form {
            Form::Sse => tokio::spawn(told(sse::run(context, connection, self.asked), self.span)),
            Form::Ws => {
                let run = ws::run(context, connection, read.to_vec(), self.asked);
                tokio::spawn(told(run, self.span))
            }
        };
    }
}

/// A stream's task: nothing around the stream itself that is as large again.
fn told<F: Future<Output = ()>>(run: F, span: Span) -> Instrumented<F> {
    const { assert!(size_of::<Instrumented<F>>() <= TASK_BYTES, "a stream's task has grown") };
    run.instrument(span)
}

/// A stream's last word, from within its own task: one around it would be as large again.
pub(super) fn over() {
    tracing::debug!("the stream has ended");
}

/// A head as HTTP/1.1 has it (RFC 9112), with the date that belongs in every answer.
fn encode(head: &Response<()>) -> Vec<u8> {
    let mut bytes = format!("HTTP/1.1 {}\r\n", head.status()).into_bytes();
    let date = httpdate::fmt_http_date(SystemTime::now());
    let given = head.headers().iter().map(|(name, value)| (name.as_str(), value.as_bytes()));
    for (name, value) in given.chain([(header::DATE.as_str(), date.as_bytes())]) {
        bytes.extend_from_slice(name.as_bytes());
        bytes.extend_from_slice(b": ");
        bytes.extend_from_slice(value);
        bytes.extend_from_slice(b"\r\n");
    }
    bytes.extend_from_slice(b"\r\n");
    bytes
}
