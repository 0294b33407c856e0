//! One request: whose it is, guard, body, then the stream or the route that answers it.
//!
//! Each has a span, on the level `debug`: where nobody asks for that level it costs the look at
//! one number. It names the route, never the path or the query: those may hold what is secret.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, Method, Request, StatusCode, header};
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
use super::guard::{Guard, Verdict};
use super::hall::Hall;
use super::limits::BODY_BYTES;
use super::requests::{self, Requests};
use super::site::{Site, Way};
use super::stream::takeover::Answer;
use super::stream::{sse, upgrade};
use super::table;

/// Not among the library's names of headers.
const KEEP_ALIVE: HeaderName = HeaderName::from_static("keep-alive");

type Answering = Pin<Box<dyn Future<Output = Response> + Send>>;

/// Every route but `/ws` and `/sse`; answers every path with a reply.
pub type Routes = warp::filters::BoxedFilter<(Response,)>;

/// What all connections to a project share.
pub(super) struct Shared {
    pub(super) context: Arc<Context>,
    /// Of several projects: what all that is told of this one stands in.
    span: Span,
    routes: Callable,
}

/// The routes as they are called; warp keeps its service's name private.
pub(super) type Callable = Box<dyn Fn(Request<Full<Bytes>>) -> Answering + Send + Sync>;

/// Makes the routes ready to be called.
pub(super) fn callable(routes: Routes) -> Callable {
    let service = TowerToHyperService::new(warp::service(routes));
    Box::new(move |request| -> Answering {
        let answering = service.call(request);
        Box::pin(async {
            match answering.await {
                Ok(reply) => reply,
                Err(never) => match never {},
            }
        })
    })
}

impl Shared {
    pub(super) fn new(context: Context, routes: Routes, span: Span) -> Self {
        Self { context: Arc::new(context), span, routes: callable(routes) }
    }
}

/// Answers one request. Nothing that a client does is an error here. A stream is not answered: it
/// takes the connection over, and this future ends with HTTP's part in it.
pub(super) async fn answer(
    site: Arc<Site>,
    link: Arc<Link>,
    request: Request<Incoming>,
) -> Result<Response, Infallible> {
    link.asked();
    let mut reply = find(&site, link, request).await;
    reply.headers_mut().insert(KEEP_ALIVE, site.rest().clone());
    Ok(reply)
}

/// The reply of whoever the address means.
async fn find(site: &Site, link: Arc<Link>, mut request: Request<Incoming>) -> Response {
    let (shared, guard) = match site.way(request.uri()) {
        Way::Root => match site.at_root() {
            Ok(found) => found,
            Err(hall) => return beside(site, hall, &link, request).await,
        },
        Way::Project { shared, inside } => {
            *request.uri_mut() = inside;
            let guard = Arc::clone(&shared.context.guard);
            (shared, guard)
        }
        Way::Hall(hall) => return beside(site, hall, &link, request).await,
    };
    within(shared, guard, link, request).await
}

/// One request to a project, its path as the project has it.
async fn within(
    shared: Arc<Shared>,
    guard: Arc<Guard>,
    link: Arc<Link>,
    request: Request<Incoming>,
) -> Response {
    let watched = Watched::begin(&shared.span, &link, &request);
    let span = watched.span.clone();
    let answer = respond(&shared, &guard, &link, request).instrument(span.clone()).await;
    watched.end(&shared.context.streams.requests, answer.status());
    match answer {
        Answer::Reply(reply) => reply,
        Answer::Stream(mut takeover) => {
            takeover.within(span);
            link.hand_over(Arc::clone(&shared.context), takeover);
            std::future::pending().await
        }
    }
}

/// One request to what is nobody's and everybody's; counted where the whole is.
async fn beside(site: &Site, hall: Hall, link: &Link, request: Request<Incoming>) -> Response {
    let watched = Watched::begin(&Span::none(), link, &request);
    let answer = hall.answer(link, request).instrument(watched.span.clone()).await;
    watched.end(&site.streams().requests, answer.status());
    answer
}

/// A request under way, to be counted and told.
struct Watched {
    span: Span,
    class: usize,
    /// None where nobody asks how long it takes.
    begun: Option<Instant>,
}

impl Watched {
    fn begin(project: &Span, link: &Link, request: &Request<Incoming>) -> Self {
        let span = project.in_scope(|| span(link, request));
        let begun = (!span.is_disabled()).then(Instant::now);
        let class = requests::class(request.method(), request.uri().path());
        let span = if begun.is_some() { span } else { project.clone() };
        Self { span, class, begun }
    }

    fn end(self, counts: &Requests, status: StatusCode) {
        counts.answered(self.class, status);
        if let Some(begun) = self.begun {
            self.span.record("status", status.as_u16());
            self.span.record("duration_ms", begun.elapsed().as_secs_f64() * 1000.0);
            self.span.in_scope(|| tracing::debug!("answered"));
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

async fn respond(
    shared: &Shared,
    guard: &Guard,
    link: &Link,
    request: Request<Incoming>,
) -> Answer {
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
    // What another machine works on is asked there, where that may be. In a box: every connection's
    // task would have room for it.
    if let Some(afar) = &shared.context.afar
        && let Some(reply) = Box::pin(afar.answer(&shared.context, link.peer(), &head, &body)).await
    {
        return reply;
    }
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
