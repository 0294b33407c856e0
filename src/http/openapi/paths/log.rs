//! Events: the log's pages, what it adds up to, and taken away whole.

use crate::domain::event::AnyEvent;
use crate::domain::state::Snapshot;
use crate::http::api::shapes::EventPage;
use crate::http::error::Code;
use crate::http::openapi::describe::{
    Answer, COUNT, Content, JSON, Operation, Parameter, Shape, Version, of,
};

pub(super) const TAG: &str = "log";

pub(in crate::http) static EVENTS: Operation = Operation {
    parameters: &[
        Parameter::query("after", "events behind this id, upwards", COUNT),
        Parameter::query("before", "events next below this id; not together with `after`", COUNT),
        Parameter::query("limit", "events of a page", Shape::Number(1, 1000, Some(100))),
        Parameter::query(
            "type",
            "patterns of event types, one must match; `types` is the same",
            Shape::List(
                &Shape::Plain { least: 0, most: None, pattern: Some("^[A-Za-z0-9:*_.\\-]*$") },
                None,
            ),
        ),
        Parameter::query("story", "long keys or short ids", Shape::List(&Shape::Text, None)),
        Parameter::query("batch_id", "batches", Shape::List(&COUNT, None)),
        Parameter::query(
            "q",
            "full-text search; `\"…\"` for a phrase",
            Shape::Plain { least: 0, most: Some(1000), pattern: None },
        ),
    ],
    answers: &[Answer::good(
        "the page; without `after` and `before` the newest",
        &[(JSON, Content::Json(of::<EventPage<'static>>()))],
    )],
    ..Operation::new(TAG, "listEvents", "a page of the log, ids ascending")
};

pub(in crate::http) static SNAPSHOT: Operation = Operation {
    parameters: &[Parameter::query("at", "right after this event; absent = now", COUNT)],
    answers: &[Answer::good(
        "the folded state",
        &[(JSON, Content::Json(of::<Snapshot<'static>>()))],
    )],
    refusals: &[Code::NotFound, Code::Busy],
    version: Version::Tagged,
    ..Operation::new(TAG, "getSnapshot", "what the log adds up to")
};

pub(in crate::http) static EXPORT: Operation = Operation {
    parameters: &[
        Parameter::query(
            "format",
            "one event a line, a table with a head, or one page that replays the sprint without a server",
            Shape::Words(&["ndjson", "csv", "html"]),
        ),
        Parameter::query("batch_id", "one batch only", COUNT),
        Parameter::query("after", "events behind this id", COUNT),
    ],
    answers: &[Answer {
        status: 200,
        about: "a download",
        headers: &[("Content-Disposition", "`attachment` with a file name")],
        contents: &[
            (
                "application/x-ndjson",
                Content::Carrying("one `Event` a line", "x-line", of::<AnyEvent>()),
            ),
            ("text/csv", Content::Bytes),
            ("text/html", Content::Text("")),
        ],
    }],
    refusals: &[Code::NotFound, Code::Busy],
    ..Operation::new(TAG, "exportLog", "the log to take away")
};
