//! What a hub says when it cannot ask, or got no answer.

use http::StatusCode;
use warp::reply::Response;

use super::Lost;
use crate::http::error::{Code, error_reply};

pub(super) fn off_here() -> Response {
    let message = "control from afar is off at this hub: it runs without --control";
    error_reply(Code::Forbidden, message)
}

pub(super) fn off_there(host: &str) -> Response {
    let message = format!(
        "the server at {host} does not let itself be controlled from afar: it runs without control = \
         true in [nats]"
    );
    error_reply(Code::Forbidden, message)
}

pub(super) fn unreachable() -> Response {
    error_reply(Code::Busy, "the server that works on this project is not heard just now")
}

/// Of what certainly did not happen.
pub(super) fn not_done(lost: Lost) -> Response {
    match lost {
        Lost::Nobody => error_reply(
            Code::Busy,
            "nobody takes orders for this project just now; nothing was done",
        ),
        Lost::Away => {
            error_reply(Code::Busy, "this hub has no connection to NATS; nothing was done")
        }
        Lost::Busy => error_reply(Code::Busy, "this hub is asking for too much already; try again"),
        Lost::Unfit => error_reply(
            Code::Internal,
            "the server of this project gave no answer that can be understood; nothing was done",
        ),
        Lost::NoAnswer => late(
            "the server of this project did not answer; nothing was done (if it is heard, see whether \
             this hub's credentials may publish to sprint-control)",
        ),
    }
}

/// Of what may have happened all the same.
pub(super) fn perhaps_done(lost: Lost) -> Response {
    match lost {
        Lost::Unfit | Lost::NoAnswer => late(
            "the server of this project did not answer: whether it was done is not known, and it is \
             not asked again; look at the project before you try again",
        ),
        Lost::Nobody | Lost::Away | Lost::Busy => not_done(lost),
    }
}

/// The list of codes is closed: the status says the rest.
fn late(message: &str) -> Response {
    let mut reply = error_reply(Code::Internal, message);
    *reply.status_mut() = StatusCode::GATEWAY_TIMEOUT;
    reply
}
