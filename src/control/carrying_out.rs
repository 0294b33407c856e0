//! One request from afar: judged, written down, carried out through the server's own routes.

use std::io;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, header};
use http_body_util::{BodyExt as _, Limited};
use tokio::time::timeout;
use warp::reply::Response;

use super::audit::Audit;
use super::tickets::{Tickets, Worth};
use crate::http::Indoors;
use crate::hub::Hub;
use crate::nats::control::{Kind, LARGEST_REPLY, Reply, Request, Verb};

/// How long anything may take; less than a hub waits.
const PATIENCE: Duration = Duration::from_secs(25);

/// What carries requests out.
pub(super) struct Office {
    indoors: Indoors,
    audit: Audit,
    tickets: Tickets,
}

impl Office {
    pub(super) fn new(indoors: Indoors, hub: Hub) -> io::Result<Self> {
        Ok(Self { indoors, audit: Audit::new(hub), tickets: Tickets::new()? })
    }

    /// The answer; none where another server has to give it.
    pub(super) async fn answer(&self, verb: &str, text: &Bytes) -> Option<Reply> {
        let request = match Request::read(verb, text) {
            Ok(request) => request,
            Err(refused) => {
                let why = refused.why.to_string();
                self.audit.refused(&refused.what, &refused.who, &why);
                return Some(Reply::error(403, "forbidden", &format!("refused: {why}")));
            }
        };
        if request.is_change() {
            return self.change(request).await;
        }
        tracing::debug!(path = %request.path, who = %request.who, "read from afar");
        Some(self.carry_out(request).await)
    }

    async fn change(&self, request: Request) -> Option<Reply> {
        let what = format!("{} {}", request.method, request.path);
        let Some(ticket) = &request.ticket else {
            return Some(match self.tickets.give(what, Instant::now()) {
                Ok(ticket) => Reply { ticket: Some(ticket), ..Reply::json(200, Bytes::new()) },
                Err(error) => {
                    tracing::error!(%error, "no ticket can be made");
                    Reply::error(500, "internal", "the server could not answer; its log says why")
                }
            });
        };
        match self.tickets.take(ticket, &what, Instant::now()) {
            Worth::Foreign => return None,
            Worth::Void => {
                let why = "it came too late, or twice; nothing was done";
                self.audit.refused(&what, &request.who, why);
                return Some(Reply::error(409, "conflict", why));
            }
            Worth::Good => {}
        }
        // A stop is never held up by a log that cannot be written.
        let is_stop = request.verb() != Some(Verb::Start) && request.method == "POST";
        if !self.audit.asked(&request).await && !is_stop {
            let why = "the log cannot be written, so nothing was done";
            return Some(Reply::error(503, "busy", why));
        }
        let who = request.who.clone();
        let answer = self.carry_out(request).await;
        if answer.status >= 400 {
            self.audit.refused(&what, &who, &told(&answer));
        }
        Some(answer)
    }

    async fn carry_out(&self, request: Request) -> Reply {
        let carrying = async {
            let request = match as_over_http(&request) {
                Ok(request) => request,
                Err(error) => {
                    tracing::debug!(%error, "a request from afar cannot be made one over HTTP");
                    return Reply::error(400, "bad_request", "the request is not a plain one");
                }
            };
            reply(self.indoors.answer(request).await).await
        };
        timeout(PATIENCE, carrying).await.unwrap_or_else(|_| {
            Reply::error(
                504,
                "internal",
                "it takes long and may still happen: look before you ask again",
            )
        })
    }
}

/// The request as the owner would make it on this machine.
fn as_over_http(request: &Request) -> http::Result<http::Request<Bytes>> {
    let mut asked = http::Request::builder().method(request.method.as_str()).uri(&request.path);
    if let Some(kind) = &request.content_type {
        asked = asked.header(header::CONTENT_TYPE, HeaderValue::from_str(kind)?);
    }
    if let Some((from, to)) = request.range {
        asked = asked.header(header::RANGE, format!("bytes={from}-{to}"));
    }
    asked.body(request.body.clone())
}

/// Of an answer what goes back: nothing that names this machine's connections.
async fn reply(response: Response) -> Reply {
    let (head, body) = response.into_parts();
    let body = match Limited::new(body, LARGEST_REPLY).collect().await {
        Ok(body) => body.to_bytes(),
        Err(error) => {
            tracing::warn!(%error, "an answer cannot be sent afar");
            return Reply::error(500, "internal", "the answer is too long, or could not be read");
        }
    };
    let is_json = text(&head.headers, header::CONTENT_TYPE)
        .is_none_or(|kind| kind.starts_with("application/json"));
    let range = text(&head.headers, header::CONTENT_RANGE);
    Reply {
        status: head.status.as_u16(),
        kind: if is_json { Kind::Json } else { Kind::Text },
        etag: text(&head.headers, header::ETAG).map(str::to_owned),
        length: range.and_then(|range| range.rsplit_once('/')?.1.parse().ok()),
        ticket: None,
        body,
    }
}

fn text(headers: &HeaderMap, name: header::HeaderName) -> Option<&str> {
    headers.get(name).and_then(|value| value.to_str().ok())
}

/// Why something was refused, in the server's own words.
fn told(answer: &Reply) -> String {
    let body: serde_json::Value = serde_json::from_slice(&answer.body).unwrap_or_default();
    format!("{} {}", answer.status, body["error"].as_str().unwrap_or_default())
}
