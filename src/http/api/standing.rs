//! `/metrics` at the root of a hub: what the reading of the team's stream has come to. The figures of
//! each project stand at its own `/metrics`.

use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use warp::http::{HeaderValue, header};
use warp::reply::Response;

use crate::http::reply;
use crate::http::standing::Standing;
use crate::metrics::{CONTENT_TYPE, Page};

/// All of them.
pub(in crate::http) fn figures(standing: &Standing, projects: usize) -> Response {
    let mut page = Page::default();
    let count = |figure: &AtomicU64| figure.load(Relaxed) as f64;
    page.gauge("team_projects", "Projects that are shown.", projects as f64);
    page.gauge(
        "team_connected",
        "1 while the team's stream is being read.",
        f64::from(u8::from(standing.trouble().is_none())),
    );
    page.counter(
        "team_events_applied_total",
        "Events of the team's stream that were applied since the start.",
        count(&standing.applied),
    );
    page.counters(
        "team_messages_skipped_total",
        "Messages of the stream that were not applied since the start: repeat = it was there \
         already, unfit = no event of this team, or of a log that was given up, held_back = behind \
         a hole, to be sent again.",
        &["reason"],
        &[
            (&["repeat"], count(&standing.repeats)),
            (&["unfit"], count(&standing.unfit)),
            (&["held_back"], count(&standing.held_back)),
        ],
    );
    page.gauge(
        "team_holes",
        "Projects that lack events which the stream does not hold.",
        count(&standing.holes),
    );
    page.counter(
        "team_asked_again_total",
        "Times that a server was asked to send events again, since the start.",
        count(&standing.asked),
    );
    page.gauge(
        "team_stream_behind_messages",
        "Messages of the stream that are not read yet.",
        count(&standing.behind),
    );
    page.counter(
        "team_rebuilds_total",
        "Times that all was thrown away and read anew, since the start.",
        count(&standing.rebuilt),
    );
    let text = match page.text() {
        Ok(text) => text,
        Err(error) => return reply::internal(&error),
    };
    let mut reply = reply::bytes(CONTENT_TYPE, Bytes::from(text));
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
