//! Answers: bodies with their type, conditional requests, ranges.

use bytes::Bytes;
use serde::Serialize;
use warp::http::{HeaderMap, HeaderValue, Method, StatusCode, header};
use warp::reply::Response;

use super::error::{Code, error_reply};

pub(super) const JSON: &str = "application/json";

/// Room for all headers that an answer may come to have: making it step by step costs more than all
/// of them.
const HEADERS: usize = 20;

/// A body with its type.
pub(super) fn bytes(kind: &'static str, body: Bytes) -> Response {
    let mut response = Response::new(body.into());
    *response.headers_mut() = HeaderMap::with_capacity(HEADERS);
    fixed(&mut response, header::CONTENT_TYPE, kind);
    response
}

/// JSON that must not be kept by caches.
pub(super) fn json<T: Serialize>(value: &T) -> Response {
    match serde_json::to_vec(value) {
        Ok(body) => json_bytes(body.into()),
        Err(error) => internal(&error),
    }
}

/// The answer to a failed call: the cause goes to our log, not to the client.
pub(super) fn internal(error: &dyn std::fmt::Display) -> Response {
    tracing::error!(%error, "a request failed");
    error_reply(Code::Internal, "the server could not answer; its log says why")
}

/// JSON already encoded.
pub(super) fn json_bytes(body: Bytes) -> Response {
    let mut response = bytes(JSON, body);
    fixed(&mut response, header::CACHE_CONTROL, "no-cache");
    response
}

/// What a request asks of a thing with an `ETag`.
pub(super) struct Conditions<'a> {
    headers: &'a HeaderMap,
}

impl<'a> Conditions<'a> {
    pub(super) const fn of(headers: &'a HeaderMap) -> Self {
        Self { headers }
    }

    /// Whether the client already has `etag` (quotes included).
    pub(super) fn has(&self, etag: &str) -> bool {
        self.headers
            .get_all(header::IF_NONE_MATCH)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .map(str::trim)
            .any(|known| known == "*" || known.strip_prefix("W/").unwrap_or(known) == etag)
    }

    /// The one range asked for; none when there is no such header, when it is not understood (it
    /// is then ignored), or when `If-Range` names another version.
    pub(super) fn range(&self, etag: &str, length: u64) -> Option<Range> {
        if let Some(known) = self.headers.get(header::IF_RANGE)
            && known.as_bytes() != etag.as_bytes()
        {
            return None;
        }
        Range::read(self.headers.get(header::RANGE)?.to_str().ok()?, length)
    }
}

/// A part of a body.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Range {
    /// From the first to the last byte, both included.
    Part(u64, u64),
    /// Outside the body.
    Unsatisfiable,
}

impl Range {
    fn read(header: &str, length: u64) -> Option<Self> {
        let (from, to) = header.strip_prefix("bytes=")?.trim().split_once('-')?;
        let number = |text: &str| -> Option<u64> {
            (!text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()))
                .then(|| text.parse().unwrap_or(u64::MAX))
        };
        if from.is_empty() {
            let suffix = number(to)?.min(length);
            return Some(match suffix {
                0 => Self::Unsatisfiable,
                _ => Self::Part(length - suffix, length - 1),
            });
        }
        let from = number(from)?;
        let to = if to.is_empty() { u64::MAX } else { number(to)? };
        if to < from {
            return None;
        }
        Some(if from >= length {
            Self::Unsatisfiable
        } else {
            Self::Part(from, to.min(length - 1))
        })
    }
}

/// What is made anew at each request, as asked for: 304 or 200. It has no ranges: a part of JSON is
/// no JSON, and the rest may be another's by the time it is asked for.
pub(super) fn versioned(headers: &HeaderMap, etag: &str, body: &Bytes) -> Response {
    if Conditions::of(headers).has(etag) {
        return not_modified(etag);
    }
    let mut response = bytes(JSON, body.clone());
    version(&mut response, etag);
    response
}

/// A whole body as asked for: 304, 206, 416 or 200.
pub(super) fn conditional(
    headers: &HeaderMap,
    kind: &'static str,
    etag: &str,
    body: &Bytes,
) -> Response {
    let length = body.len() as u64;
    if let Some(response) = conditional_without_body(headers, etag, length) {
        return response;
    }
    let mut response = match Conditions::of(headers).range(etag, length) {
        Some(Range::Part(from, to)) => {
            let mut response = bytes(kind, body.slice(from as usize..=to as usize));
            *response.status_mut() = StatusCode::PARTIAL_CONTENT;
            set(&mut response, header::CONTENT_RANGE, &format!("bytes {from}-{to}/{length}"));
            response
        }
        _ => bytes(kind, body.clone()),
    };
    version(&mut response, etag);
    fixed(&mut response, header::ACCEPT_RANGES, "bytes");
    response
}

/// The answers that need no body: the client has it (304), or its range lies outside (416).
pub(super) fn conditional_without_body(
    headers: &HeaderMap,
    etag: &str,
    length: u64,
) -> Option<Response> {
    let conditions = Conditions::of(headers);
    let mut response = if conditions.has(etag) {
        not_modified(etag)
    } else if conditions.range(etag, length) == Some(Range::Unsatisfiable) {
        let mut response = error_reply(Code::BadRequest, "the range lies outside the file");
        *response.status_mut() = StatusCode::RANGE_NOT_SATISFIABLE;
        set(&mut response, header::CONTENT_RANGE, &format!("bytes */{length}"));
        response
    } else {
        return None;
    };
    version(&mut response, etag);
    Some(response)
}

fn not_modified(etag: &str) -> Response {
    let mut response = Response::default();
    *response.status_mut() = StatusCode::NOT_MODIFIED;
    version(&mut response, etag);
    response
}

fn version(response: &mut Response, etag: &str) {
    set(response, header::ETAG, etag);
    fixed(response, header::CACHE_CONTROL, "no-cache");
}

/// Sets a header made of plain text.
pub(super) fn set(response: &mut Response, name: header::HeaderName, value: &str) {
    if let Ok(value) = HeaderValue::from_str(value) {
        response.headers_mut().insert(name, value);
    }
}

/// Sets a header that is always the same.
pub(super) fn fixed(response: &mut Response, name: header::HeaderName, value: &'static str) {
    response.headers_mut().insert(name, HeaderValue::from_static(value));
}

/// For a route that only reads: answers what is no GET or HEAD.
pub(super) fn only_get(method: &Method) -> Result<(), Response> {
    only(method, &[Method::GET, Method::HEAD])
}

/// Answers methods that a route does not have, and OPTIONS.
pub(super) fn only(method: &Method, allowed: &[Method]) -> Result<(), Response> {
    if allowed.contains(method) {
        return Ok(());
    }
    let mut response = if *method == Method::OPTIONS {
        let mut response = Response::default();
        *response.status_mut() = StatusCode::NO_CONTENT;
        response
    } else {
        error_reply(Code::MethodNotAllowed, format!("{method} is not for this address"))
    };
    let mut names: Vec<&str> = allowed.iter().map(Method::as_str).collect();
    names.push("OPTIONS");
    set(&mut response, header::ALLOW, &names.join(", "));
    Err(response)
}

#[cfg(test)]
mod tests {
    use super::Range;

    #[test]
    fn ranges() {
        for (header, expected) in [
            ("bytes=0-3", Some(Range::Part(0, 3))),
            ("bytes=5-", Some(Range::Part(5, 9))),
            ("bytes=-4", Some(Range::Part(6, 9))),
            ("bytes=-400", Some(Range::Part(0, 9))),
            ("bytes=9-99", Some(Range::Part(9, 9))),
            ("bytes=10-", Some(Range::Unsatisfiable)),
            ("bytes=-0", Some(Range::Unsatisfiable)),
            ("bytes=99999999999999999999-", Some(Range::Unsatisfiable)),
            ("bytes=4-2", None),
            ("bytes=a-b", None),
            ("bytes=0-1,3-4", None),
            ("lines=0-1", None),
        ] {
            assert_eq!(Range::read(header, 10), expected, "{header}");
        }
    }
}
