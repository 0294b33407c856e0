//! Runs of the sprint and their commands.

use crate::http::api::shapes::{BatchDetail, BatchList};
use crate::http::error::Code;
use crate::http::openapi::describe::{
    Answer, COUNT, Content, JSON, Operation, Parameter, ROW, Shape, of,
};
use crate::store::rows::Timeline;

pub(super) const TAG: &str = "batches";

pub(in crate::http) static LIST: Operation = Operation {
    parameters: &[
        Parameter::query(
            "limit",
            "1 to 100, what lies beyond is taken as the nearest; absent = the setting `default_batch_list_limit`",
            COUNT,
        ),
        Parameter::query("offset", "so many newer ones are left out", COUNT),
    ],
    answers: &[Answer::good(
        "a part of them, and how many there are",
        &[(JSON, Content::Json(of::<BatchList>()))],
    )],
    ..Operation::new(TAG, "listBatches", "runs of the sprint, newest first")
};

pub(in crate::http) static ONE: Operation = Operation {
    parameters: &[Parameter::path("id", "its number", ROW)],
    answers: &[Answer::good("the batch", &[(JSON, Content::Json(of::<BatchDetail>()))])],
    refusals: &[Code::NotFound],
    ..Operation::new(TAG, "getBatch", "a batch with its stories and commands")
};

pub(in crate::http) static TIMELINE: Operation = Operation {
    parameters: &[
        Parameter::query(
            "batch_id",
            "one batch or all; absent = the running one, else the newest",
            Shape::NumberOr("all"),
        ),
        Parameter::query(
            "from",
            "milliseconds since the epoch; what ended before is left out",
            COUNT,
        ),
        Parameter::query("to", "milliseconds since the epoch; what began later is left out", COUNT),
    ],
    answers: &[Answer::good("in order of the log", &[(JSON, Content::Json(of::<Timeline>()))])],
    refusals: &[Code::NotFound],
    ..Operation::new(TAG, "getTimeline", "commands as stretches of time: the newest 10,000")
};
