//! `/metrics`: what runs, in figures for Prometheus.
//!
//! Counters begin at 0 with the program, as Prometheus expects; those that are of the whole log say
//! so. Every series is there from the start, at 0: what has not happened yet is no gap. To add a
//! figure: one call in the part it belongs to; its label's values from a list in the code, never
//! from a file; its name into `NAMES` of `tests/metrics.rs`.

use std::sync::atomic::Ordering::Relaxed;

use bytes::Bytes;
use warp::filters::BoxedFilter;
use warp::http::{HeaderValue, header};
use warp::reply::Response;

use crate::domain::issue::{CODES, Severity};
use crate::domain::state::State;
use crate::domain::status::StatusClass;
use crate::http::context::Context;
use crate::http::reply;
use crate::http::route::{Asked, get};
use crate::metrics::{CONTENT_TYPE, Page};
use crate::orchestrator::Orchestrator;

/// `orchestrator`: none where another server has it.
pub(super) fn routes(
    context: &Context,
    orchestrator: Option<&Orchestrator>,
) -> BoxedFilter<(Response,)> {
    let orchestrator = orchestrator.cloned();
    get(context, "/metrics", move |context, asked| answer(context, orchestrator.clone(), asked))
}

async fn answer(
    context: Context,
    orchestrator: Option<Orchestrator>,
    _: Asked,
) -> Result<Response, Response> {
    // The sizes of files are asked for, and a large sprint is counted.
    let written = tokio::task::spawn_blocking(move || {
        let state = context.hub.state();
        let mut page = Page::default();
        program(&mut page, &state, &context);
        log(&mut page, &context);
        team(&mut page, &context);
        streams(&mut page, &context);
        requests(&mut page, &context);
        batches(&mut page, &state, orchestrator.as_ref(), &context);
        sprint(&mut page, &state);
        page.text()
    });
    let text = match written.await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(reply::internal(&error)),
        Err(error) => return Err(reply::internal(&error)),
    };
    let mut reply = reply::bytes(CONTENT_TYPE, Bytes::from(text));
    reply.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Ok(reply)
}

fn program(page: &mut Page, state: &State, context: &Context) {
    page.gauges(
        "build_info",
        "Always 1; its label says which version runs.",
        "version",
        &[(env!("CARGO_PKG_VERSION"), 1.0)],
    );
    page.gauge(
        "start_time_seconds",
        "When the server started, in seconds since the epoch.",
        context.started_at_ms as f64 / 1000.0,
    );
    let unread = state.sprint.sources.values().any(|source| source.state == "unreadable");
    page.gauges(
        "degraded",
        "1 while this is so: the log cannot be written, no file descriptor is left, a file of the \
         sprint cannot be read, the server that works on the project is not heard.",
        "cause",
        &[
            ("log", flag(context.hub.trouble().is_some())),
            ("descriptors", flag(context.streams.counts.starved.load(Relaxed))),
            ("files", flag(unread)),
            ("server", flag(context.reach.is_unreachable())),
        ],
    );
}

fn log(page: &mut Page, context: &Context) {
    let figures = context.hub.figures();
    let events = figures.events();
    let words: Vec<[&str; 1]> = events.iter().map(|(word, _)| [*word]).collect();
    let series: Vec<(&[&str], f64)> =
        words.iter().zip(&events).map(|(word, (_, count))| (&word[..], *count as f64)).collect();
    page.counters(
        "events_total",
        "Events committed since the start, by type; types that this version does not know are \
         \"other\".",
        &["type"],
        &series,
    );
    page.gauge("log_last_event_id", "The id of the log's last event.", context.hub.head() as f64);
    page.histograms(
        "commit_duration_seconds",
        "How long a commit of events took, sync to the disk included; failed ones do not count.",
        "",
        &[("", &figures.commits)],
    );
    page.counter(
        "commit_failures_total",
        "Commits that failed since the start; what they held is offered again.",
        figures.failed.load(Relaxed) as f64,
    );
    page.histograms(
        "ingest_delay_seconds",
        "From when something was seen to when its events are committed and shown, once a \
         publication: file = from the beginning of the look at the files that found them, agent = \
         from the first of the rows that an agent printed.",
        "source",
        &[("file", &figures.from_files), ("agent", &figures.from_agents)],
    );
    let (database, wal) = context.hub.queries().sizes();
    page.gauge("database_bytes", "Size of the database file.", database as f64);
    page.gauge("database_wal_bytes", "Size of the database's write-ahead log.", wal as f64);
}

/// Only where the log is sent to a team.
fn team(page: &mut Page, context: &Context) {
    let Some(sent) = context.hub.sending().get() else { return };
    let waiting = sent.waiting(context.hub.first_available(), context.hub.head());
    page.gauge("team_connected", "1 while events go to the team's stream.", flag(sent.up));
    page.gauge(
        "team_waiting_events",
        "Events of the log that the team's stream has not taken yet.",
        waiting as f64,
    );
    page.counter(
        "team_sent_total",
        "Events that the team's stream has taken since the start, those sent again included.",
        sent.taken as f64,
    );
    page.counter(
        "team_asked_again_total",
        "How often a reader of the team's stream missed events and was sent them again.",
        sent.asked as f64,
    );
    page.counter(
        "team_lost_total",
        "Events that were purged here before the team's stream had taken them.",
        sent.lost as f64,
    );
}

fn streams(page: &mut Page, context: &Context) {
    // The head first: a stream may come farther meanwhile, and none is behind by less than nothing.
    let head = context.hub.head();
    let forms = context.streams.clients.figures();
    let open = forms.each_ref().map(|form| (form.word, form.open as f64));
    page.gauges("stream_clients", "Streams open now.", "transport", &open);
    let lag = forms.each_ref().map(|form| {
        (form.word, form.slowest.map_or(0, |slowest| head.saturating_sub(slowest)) as f64)
    });
    page.gauges(
        "stream_lag_events",
        "How many event ids the slowest stream lies behind the log's last one; 0 without streams.",
        "transport",
        &lag,
    );
    let words = forms.each_ref().map(|form| [form.word]);
    let delivered =
        [(&words[0][..], forms[0].delivered as f64), (&words[1][..], forms[1].delivered as f64)];
    page.counters(
        "stream_deliveries_total",
        "Events written to streams since the start; one that goes to three clients counts three \
         times.",
        &["transport"],
        &delivered,
    );
    page.histograms(
        "stream_delivery_lag_seconds",
        "From an event's commit to its being written to a client's socket, once a write, by the \
         oldest event in it; streams that are fed from the database are not timed, see \
         stream_lag_events.",
        "transport",
        &forms.each_ref().map(|form| (form.word, form.lag)),
    );
}

fn requests(page: &mut Page, context: &Context) {
    let counts = &context.streams.counts;
    page.gauge(
        "http_connections",
        "Sockets open now, streams included.",
        counts.connections.load(Relaxed) as f64,
    );
    page.counter(
        "http_connections_refused_total",
        "Connections closed because too many were open, since the start.",
        counts.refused.load(Relaxed) as f64,
    );
    page.counters(
        "http_clients_dropped_total",
        "Connections we closed since the start: stalled = the client did not read, of a stream or \
         of any other answer; silent = a WebSocket gave no sign of life.",
        &["reason"],
        &[
            (&["stalled"], counts.slow.load(Relaxed) as f64),
            (&["silent"], counts.silent.load(Relaxed) as f64),
        ],
    );
    let all = context.streams.requests.all();
    let series: Vec<(&[&str], f64)> =
        all.iter().map(|(words, count)| (&words[..], *count as f64)).collect();
    page.counters(
        "http_requests_total",
        "Requests answered since the start, by what they ask for (page, file = a data file, api, \
         control = a POST or PUT, stream, monitor) and class of status; what is no HTTP at all does \
         not count.",
        &["route", "status"],
        &series,
    );
}

fn batches(page: &mut Page, state: &State, orchestrator: Option<&Orchestrator>, context: &Context) {
    // Of a server that is not heard nothing is known to run.
    let heard = !context.reach.is_unreachable();
    let origin = state.batch.as_ref().map(|batch| batch.origin.as_str()).filter(|_| heard);
    page.gauges(
        "batch_running",
        "1 while a batch runs: managed = by this server, observed = by somebody else.",
        "origin",
        &[
            ("managed", flag(origin == Some("managed"))),
            ("observed", flag(origin == Some("observed"))),
        ],
    );
    page.gauge(
        "agents_running",
        "Agent processes of this server at work now.",
        if heard {
            orchestrator.map_or(state.agents.len(), Orchestrator::running_agents) as f64
        } else {
            0.0
        },
    );
    page.gauge(
        "commands_active",
        "Commands begun and not ended, by the log's rows.",
        if heard { state.active.len() as f64 } else { 0.0 },
    );
    page.counter(
        "agent_retries_total",
        "Times that an agent failed and its command is tried again, since the start.",
        context.hub.figures().tried_again.load(Relaxed) as f64,
    );
    let (mut input, mut output, mut cost) = (0.0, 0.0, 0.0);
    for effort in state.effort.iter() {
        input += effort.input_tokens;
        output += effort.output_tokens;
        cost += effort.cost_usd;
    }
    page.counters(
        "tokens_total",
        "Tokens that agents report, of the whole log: kept over restarts, purged events included.",
        &["kind"],
        &[(&["input"], input), (&["output"], output)],
    );
    page.counter(
        "cost_usd_total",
        "Cost that agents report, in US dollars, of the whole log: kept over restarts, purged \
         events included.",
        cost,
    );
}

fn sprint(page: &mut Page, state: &State) {
    const CLASSES: [StatusClass; 7] = [
        StatusClass::Backlog,
        StatusClass::ReadyForDev,
        StatusClass::InProgress,
        StatusClass::Review,
        StatusClass::Done,
        StatusClass::Optional,
        StatusClass::Other,
    ];
    let classes = CLASSES.map(StatusClass::as_str);
    let stories = state.sprint.stories.values().map(|story| story.status_class.as_str());
    page.gauges(
        "stories",
        "Stories of the status file, as last read whole, by class of status.",
        "status",
        &count(&classes, stories),
    );
    let issues = || state.sprint.sources.values().flat_map(|source| &source.issues);
    let severities = issues().map(|issue| match issue.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
    });
    page.gauges(
        "issues",
        "Open issues of the sprint's files by severity, at most 100 a file.",
        "severity",
        &count(&["error", "warning", "info"], severities),
    );
    let kinds: Vec<&str> = CODES.iter().copied().chain(["other"]).collect();
    page.gauges(
        "issues_by_kind",
        "The same issues by kind.",
        "kind",
        &count(&kinds, issues().map(|issue| issue.code.as_str())),
    );
}

/// How often each word comes; what is none of them counts as the last.
fn count<'a>(words: &[&'a str], found: impl Iterator<Item = &'a str>) -> Vec<(&'a str, f64)> {
    let mut counts: Vec<_> = words.iter().map(|word| (*word, 0.0)).collect();
    for word in found {
        let place = words.iter().position(|known| *known == word).unwrap_or(words.len() - 1);
        counts[place].1 += 1.0;
    }
    counts
}

fn flag(is: bool) -> f64 {
    f64::from(u8::from(is))
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::Path;

    use super::*;

    #[test]
    fn words_that_nobody_knows_are_one() {
        let found = ["a", "x", "b", "y", "a"];
        let counted = count(&["a", "b", "other"], found.into_iter());
        assert_eq!(counted, [("a", 2.0), ("b", 1.0), ("other", 2.0)]);
    }

    /// A kind of issue that is not in the list would be counted as another.
    #[test]
    fn every_kind_of_issue_that_the_readers_make_is_in_the_list() {
        let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
        let mut text = String::new();
        let mut folders = vec![source.join("parse"), source.join("watch")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.ends_with("tests") || path.ends_with("tests.rs") {
                    continue;
                }
                if path.is_dir() {
                    folders.push(path);
                } else {
                    text += &fs::read_to_string(path).unwrap();
                }
            }
        }
        for code in CODES {
            assert!(text.contains(&format!("\"{code}\"")), "no reader makes {code}");
        }
        // As literals they stand behind `code:`, or as a word of their own behind the severity.
        let marks =
            ["code: \"", "Severity::Error, \"", "Severity::Warning, \"", "Severity::Info, \""];
        let squeezed = text.split_whitespace().collect::<Vec<_>>().join(" ");
        for mark in marks.into_iter().chain(["refused( \"", "refused(\""]) {
            for rest in squeezed.split(mark).skip(1) {
                let code = rest.split('"').next().unwrap();
                assert!(CODES.contains(&code), "{code:?} is not in the list");
            }
        }
    }
}
