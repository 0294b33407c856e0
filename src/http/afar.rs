//! A hub's part in control from afar: what changes something on another machine, or is only known
//! there, is handed to the server that works on the project.
//!
//! The hub's own guard has spoken before. Off unless the hub was started for it, and unless that
//! server says that it lets itself be controlled. Nothing is ever repeated by itself.

mod log;
mod refusal;

use std::future::pending;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;

use bytes::Bytes;
use http::request::Parts;
use http::{Method, StatusCode, header};
use warp::reply::Response;

use super::context::Context;
use super::reach::{Reach, Reached};
use super::reply;
use crate::nats::control::{Kind, Reply, Request, Verb, Who, is_agent_log};

/// Why there is no answer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lost {
    /// Nobody is there to be asked; nothing was sent.
    Nobody,
    /// There is no connection; nothing was sent.
    Away,
    /// Too much is being asked already; nothing was sent.
    Busy,
    /// None came in time, or who was asked is gone.
    NoAnswer,
    /// What came is no answer.
    Unfit,
}

/// An answer on its way.
pub type Carrying = Pin<Box<dyn Future<Output = Result<Reply, Lost>> + Send>>;

/// Whoever brings a request to the server that works on a project.
pub trait Carrier: Send + Sync {
    /// Brings it there, once, and waits for the answer, in bounded time.
    fn carry(&self, request: Request) -> Carrying;
}

/// How the server of a project on another machine is asked.
#[derive(Clone)]
pub struct Afar {
    /// None where the hub was not started for it.
    carrier: Option<Arc<dyn Carrier>>,
    /// This machine's name.
    host: Arc<str>,
}

impl std::fmt::Debug for Afar {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Afar").field("on", &self.carrier.is_some()).finish_non_exhaustive()
    }
}

impl Afar {
    /// Nothing is asked.
    pub fn off() -> Self {
        Self { carrier: None, host: Arc::from("") }
    }

    /// Asked through this one, by the hub on the machine `host`.
    pub fn through(carrier: Arc<dyn Carrier>, host: &str) -> Self {
        Self { carrier: Some(carrier), host: Arc::from(host) }
    }

    /// The answer; none where the hub answers by itself.
    pub(super) async fn answer(
        &self,
        context: &Context,
        peer: Option<SocketAddr>,
        head: &Parts,
        body: &Bytes,
    ) -> Option<Response> {
        let method = if head.method == Method::HEAD { &Method::GET } else { &head.method };
        let path = head.uri.path();
        let verb = Verb::of(method.as_str(), path)?;
        let carrier = match self.way(context.reach.get().as_ref()) {
            Ok(carrier) => carrier,
            Err(refusal) => return (!self.answers_itself(verb, method, path)).then_some(refusal),
        };
        let request = Request {
            method: method.as_str().to_owned(),
            path: path.to_owned(),
            range: None,
            content_type: None,
            ticket: None,
            who: Who {
                hub: self.host.to_string(),
                client: peer.map_or_else(|| "unix".to_owned(), |peer| peer.ip().to_string()),
            },
            body: Bytes::new(),
        };
        let line = Line { carrier, reach: context.reach.clone() };
        if is_agent_log(path) {
            let answer = log::answer(line, request, head, &context.downloads).await;
            return Some(answer.unwrap_or_else(|refusal| refusal));
        }
        let answer = if request.is_change() {
            let kind = head.headers.get(header::CONTENT_TYPE);
            let content_type = kind.and_then(|kind| kind.to_str().ok()).map(str::to_owned);
            line.order(Request { content_type, ..request }, body).await
        } else {
            line.ask(request).await
        };
        match answer {
            Ok(reply) => Some(response(reply)),
            // Better what was last heard than nothing.
            Err(_) if path == "/api/agents" && *method == Method::GET => None,
            Err(refusal) => Some(refusal),
        }
    }

    /// The way to that server, or why there is none.
    fn way(&self, reached: Option<&Reached>) -> Result<Arc<dyn Carrier>, Response> {
        let Some(carrier) = &self.carrier else { return Err(refusal::off_here()) };
        match reached {
            Some(Reached { unreachable_since: None, control: true, .. }) => Ok(Arc::clone(carrier)),
            Some(Reached { unreachable_since: None, host: Some(host), .. }) => {
                Err(refusal::off_there(host))
            }
            _ => Err(refusal::unreachable()),
        }
    }

    /// What a hub knows something of when it cannot ask: who is at work; and the settings of nobody,
    /// as long as it would not ask anyway.
    fn answers_itself(&self, verb: Verb, method: &Method, path: &str) -> bool {
        *method == Method::GET
            && match verb {
                Verb::Agents => !is_agent_log(path),
                Verb::Settings => self.carrier.is_none(),
                Verb::Start | Verb::Stop => false,
            }
    }
}

/// To one server, for one client.
#[derive(Clone)]
struct Line {
    carrier: Arc<dyn Carrier>,
    reach: Reach,
}

impl Line {
    /// Asks for what changes nothing.
    async fn ask(&self, request: Request) -> Result<Reply, Response> {
        self.carry(request).await.map_err(refusal::not_done)
    }

    /// Has something done: a ticket first, which is good for seconds, then the order itself.
    async fn order(&self, request: Request, body: &Bytes) -> Result<Reply, Response> {
        let first = self.ask(Request { content_type: None, ..request.clone() }).await?;
        let Some(ticket) = first.ticket else {
            // A refusal; an answer that claims to be more is none.
            return if first.status >= 400 {
                Ok(first)
            } else {
                Err(refusal::not_done(Lost::Unfit))
            };
        };
        let order = Request { ticket: Some(ticket), body: body.clone(), ..request };
        let answer = self.carry(order).await.map_err(refusal::perhaps_done)?;
        if answer.ticket.is_some() {
            return Err(refusal::perhaps_done(Lost::Unfit));
        }
        Ok(answer)
    }

    /// Waits no longer than that server is heard.
    async fn carry(&self, request: Request) -> Result<Reply, Lost> {
        let mut reach = self.reach.watch();
        let gone = async {
            let silent = |known: &Option<Reached>| {
                known.as_ref().is_some_and(|known| known.unreachable_since.is_some())
            };
            if reach.wait_for(silent).await.is_err() {
                pending::<()>().await;
            }
        };
        tokio::select! {
            biased;
            answer = self.carrier.carry(request) => answer,
            () = gone => Err(Lost::NoAnswer),
        }
    }
}

/// What the client gets: of that server's answer only what its routes make.
fn response(answer: Reply) -> Response {
    let Reply { status, kind, body, .. } = answer;
    let mut response = match kind {
        Kind::Json => reply::json_bytes(body),
        Kind::Text => reply::bytes(log::TEXT, body),
    };
    *response.status_mut() = StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_GATEWAY);
    response
}
