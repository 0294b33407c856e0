//! The streams: `/sse` and `/ws`. Their messages stand in `asyncapi` too.

use crate::http::openapi::describe::{
    Answer, Content, JSON, Operation, Parameter, Place, Shape, of,
};
use crate::http::openapi::messages::Message;

pub(super) const TAG: &str = "live";

const FIRST: &str = "The first message is `init`, `gap` or `reset`, or the first missed event; each is a `Message`.";

/// What both streams may be asked for.
pub(in crate::http::openapi) const PARAMETERS: &[Parameter] = &[
    Parameter::query(
        "types",
        "patterns of event types, one must match; `*` is any run of characters; `type` is the same",
        Shape::List(
            &Shape::Plain { least: 1, most: Some(256), pattern: Some("^[A-Za-z0-9:*_.\\-]+$") },
            Some(64),
        ),
    ),
    Parameter::query(
        "story",
        "long keys or short ids",
        Shape::List(&Shape::Plain { least: 1, most: Some(256), pattern: None }, Some(64)),
    ),
    Parameter::query(
        "batch_id",
        "batches",
        Shape::List(&Shape::Number(1, i64::MAX as u64, None), Some(64)),
    ),
    Parameter::query(
        "last_event_id",
        "the last event seen, `<epoch>:<id>` or `<id>`; what follows it is sent without `init`. One that is not of this log is answered by `reset` and `init`, never by an error",
        Shape::Text,
    ),
    Parameter {
        name: "Last-Event-ID",
        place: Place::Header,
        about: "the same; it wins",
        shape: Shape::Text,
        required: false,
    },
];

pub(in crate::http) static SSE: Operation = Operation {
    about: FIRST,
    parameters: PARAMETERS,
    answers: &[Answer {
        status: 200,
        about: "an endless stream; each `data:` is one `Message` as JSON on one line, `id:` is `<epoch>:<id>`, there is no `event:`",
        headers: &[("X-Accel-Buffering", "`no`")],
        contents: &[(
            "text/event-stream",
            Content::Carrying("blocks of the HTML standard's format", "x-message", of::<Message>()),
        )],
    }],
    ..Operation::new(TAG, "streamEvents", "all messages as Server-Sent Events")
};

pub(in crate::http) static WS: Operation = Operation {
    about: "The first message is `init`, `gap` or `reset`, or the first missed event; each is a `Message`. Closed with 1013 when the client does not read, with 1001 when the server ends.",
    parameters: PARAMETERS,
    answers: &[
        Answer {
            status: 101,
            about: "the socket: text frames with one `Message` each; the client may send a `ClientMessage`",
            headers: &[],
            contents: &[],
        },
        Answer {
            status: 426,
            about: "the request is no WebSocket handshake of version 13",
            headers: &[("Upgrade", "`websocket`"), ("Sec-WebSocket-Version", "`13`")],
            contents: &[(JSON, Content::Json(of::<crate::http::error::Refusal>()))],
        },
    ],
    ..Operation::new(TAG, "openWebSocket", "all messages over WebSocket")
};
