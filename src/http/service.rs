//! One request: guard, body, then the stream or the route that answers it.
//!
//! Each has a span, on the level `debug`: where nobody asks for that level it costs the look at
//! one number. It names the route, never the path or the query: those may hold what is secret.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, Method, Request, header};
use http_body_util::{BodyExt, Full, LengthLimitError, Limited};
use hyper::body::{Body as _, Incoming};
use hyper::service::Service as _;
use hyper_util::service::TowerToHyperService;
use tokio::time::timeout;
use tracing::field::Empty;
use tracing::{Instrument as _, Span};
use warp::reply::Response;

use super::connection::Link;
use super::context::Context;
use super::error::{Code, error_reply};
use super::guard::Verdict;
use super::limits::BODY_BYTES;
use super::requests;
use super::stream::takeover::Answer;
use super::stream::{sse, upgrade};
use super::table;

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Every route but `/ws` and `/sse`; answers every path with a reply.
pub type Routes = warp::filters::BoxedFilter<(Response,)>;

/// What all connections of a server share.
pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    /// The routes; warp keeps its service's name private.
    routes: Box<dyn Fn(Request<Full<Bytes>>) -> Answering + Send + Sync>,
}

impl Shared {
    pub(super) fn new(context: Context, routes: Routes) -> Self {
        let service = TowerToHyperService::new(warp::service(routes));
        let routes = move |request| -> Answering {
            let answering = service.call(request);
            Box::pin(async {
                match answering.await {
                    Ok(reply) => reply,
                    Err(never) => match never {},
                }
            })
        };
        Self { context: Arc::new(context), routes: Box::new(routes) }
    }
}

/// Answers one request. Nothing that a client does is an error here. A stream is not answered: it
/// takes the connection over, and this future ends with HTTP's part in it.
pub(super) async fn answer(
    shared: Arc<Shared>,
    link: Arc<Link>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    link.asked();
    let span = span(&link, &request);
    let begun = (!span.is_disabled()).then(Instant::now);
    let class = requests::class(request.method(), request.uri().path());
    let answer = respond(&shared, &link, request).instrument(span.clone()).await;
    let status = answer.status();
    shared.context.streams.requests.answered(class, status);
    if let Some(begun) = begun {
        span.record("status", status.as_u16());
        span.record("duration_ms", begun.elapsed().as_secs_f64() * 1000.0);
        span.in_scope(|| tracing::debug!("answered"));
    }
    match answer {
        Answer::Reply(reply) => Ok(reply),
        Answer::Stream(mut takeover) => {
            takeover.within(span);
            link.hand_over(takeover);
            std::future::pending().await
        }
    }
}

fn span(link: &Link, request: &Request<Incoming>) -> Span {
    let (method, path) = (request.method(), request.uri().path());
    let client = || link.peer().map_or_else(|| "unix".to_owned(), |peer| peer.to_string());
    tracing::debug_span!(
        "request",
        method = method.as_str(),
        route = table::route(path),
        client = display(client()),
        status = Empty,
        duration_ms = Empty,
    )
}

async fn respond(shared: &Shared, link: &Link, request: Request<Incoming>) -> Answer {
    let guard = &shared.context.guard;
    let (method, uri, headers) = (request.method(), request.uri(), request.headers());
    let (mut answer, pass) = match guard.check(method, uri, headers) {
        Verdict::Answer(reply, pass) => {
            if !request.body().is_end_stream() {
                link.linger();
            }
            (Answer::Reply(reply), pass)
        }
        Verdict::Pass(pass) => {
            let answer = match uri.path() {
                "/sse" => sse::answer(method, headers, uri.query()),
                "/ws" => upgrade::answer(method, request.version(), uri, headers),
                path => Answer::Reply(match shared.context.assets.ready(method, path, headers) {
                    Some(reply) => reply,
                    None => route(shared, link, request).await,
                }),
            };
            (answer, pass)
        }
    };
    guard.dress(answer.headers_mut(), pass);
    answer
}

async fn route(shared: &Shared, link: &Link, request: Request<Incoming>) -> Response {
    let (head, body) = request.into_parts();
    let body = if matches!(head.method, Method::POST | Method::PUT | Method::PATCH) {
        let read = read_body(&head.headers, body);
        match timeout(shared.context.limits.body, read).await {
            Ok(Ok(bytes)) => bytes,
            Ok(Err(refusal)) => {
                link.linger();
                return refusal;
            }
            Err(_) => {
                link.linger();
                return error_reply(Code::BadRequest, "the body did not arrive in time");
            }
        }
    } else {
        // Nobody reads a body here; hyper closes the connection when one was sent all the same.
        Bytes::new()
    };
    (shared.routes)(Request::from_parts(head, Full::new(body))).await
}

/// The whole body, or the refusal. A length that is announced is believed at once.
async fn read_body(headers: &HeaderMap, body: Incoming) -> Result<Bytes, Response> {
    let too_large = || error_reply(Code::TooLarge, "the body is larger than 64 KiB");
    let announced = headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok());
    if announced.is_some_and(|length| length.parse().unwrap_or(u64::MAX) > BODY_BYTES as u64) {
        return Err(too_large());
    }
    match Limited::new(body, BODY_BYTES).collect().await {
        Ok(collected) => Ok(collected.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(too_large()),
        Err(_) => Err(error_reply(Code::BadRequest, "the body ended too early")),
    }
}
