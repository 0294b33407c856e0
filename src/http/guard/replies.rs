//! Headers that every answer carries, and the answers the guard gives itself.

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, StatusCode};
use warp::reply::{Reply, Response};

use crate::http::error::{Code, error_reply};
use crate::http::table;

/// For the page in the binary: nothing inline, nothing from elsewhere. `data:` is the favicon the
/// page draws.
const EMBEDDED_CSP: &str = "default-src 'none'; script-src 'self'; style-src 'self'; \
    img-src 'self' data:; font-src 'self'; connect-src 'self'; worker-src 'self'; \
    manifest-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// For a user's own page, which may have inline handlers: no other hosts, no framing.
const FOREIGN_CSP: &str = "default-src 'self' 'unsafe-inline' 'unsafe-eval' data: blob:; \
    base-uri 'self'; form-action 'self'; frame-ancestors 'none'";

const ALWAYS: [(HeaderName, HeaderValue); 4] = [
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::X_FRAME_OPTIONS, HeaderValue::from_static("DENY")),
    (
        HeaderName::from_static("cross-origin-resource-policy"),
        HeaderValue::from_static("same-origin"),
    ),
];

/// Adds what every answer carries; a route's own policy stays. `cors` is an allowed foreign origin.
pub(super) fn dress(headers: &mut HeaderMap, foreign_page: bool, cors: Option<HeaderValue>) {
    for (name, value) in ALWAYS {
        headers.insert(name, value);
    }
    if !headers.contains_key(header::CONTENT_SECURITY_POLICY) {
        let policy = if foreign_page { FOREIGN_CSP } else { EMBEDDED_CSP };
        headers.insert(header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(policy));
    }
    if let Some(origin) = cors {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.append(header::VARY, HeaderValue::from_static("Origin"));
        headers.insert(
            header::ACCESS_CONTROL_EXPOSE_HEADERS,
            HeaderValue::from_static("ETag, Content-Range, Allow"),
        );
    }
}

/// 204 with what may be done at a path; for an allowed foreign origin also what its page may send.
pub(super) fn options(path: &str, preflight: bool) -> Response {
    let allow = table::allow(path).unwrap_or(table::READ);
    let mut reply = StatusCode::NO_CONTENT.into_response();
    let headers = reply.headers_mut();
    headers.remove(header::CONTENT_TYPE);
    headers.insert(header::ALLOW, HeaderValue::from_static(allow));
    if preflight {
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static(allow));
        headers.insert(
            header::ACCESS_CONTROL_ALLOW_HEADERS,
            HeaderValue::from_static("Content-Type, Authorization, Last-Event-ID"),
        );
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
    }
    reply
}

/// 405: the address is there, but not for this.
pub(super) fn not_allowed(method: &Method, allow: &'static str) -> Response {
    let mut reply =
        error_reply(Code::MethodNotAllowed, format!("{method} is not for this address"));
    reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static(allow));
    reply
}

/// 303 to the page, with the cookie.
pub(super) fn signed_in(cookie: HeaderValue, home: &str) -> Response {
    let mut reply = StatusCode::SEE_OTHER.into_response();
    let headers = reply.headers_mut();
    let home = HeaderValue::from_str(home).unwrap_or(HeaderValue::from_static("/"));
    headers.insert(header::LOCATION, home);
    headers.insert(header::SET_COOKIE, cookie);
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}

/// 401 for a browser's window. A browser keeps a strict cookie back when a link elsewhere led
/// here; one step from our own page to ourselves brings it along. That step is same-origin, so
/// it is taken once at most; it leads to that page.
pub(super) fn sign_in_page(home: &str, step: Option<&str>) -> Response {
    let step = step
        .map(|path| format!("<meta http-equiv=\"refresh\" content=\"0;url={path}\">"))
        .unwrap_or_default();
    let page = format!(
        "<!doctype html><html lang=\"en\"><meta charset=\"utf-8\">{step}<title>Sprint Runner</title>\
         <h1>Sign in</h1><p>Open this page with the token that the server printed when it started: \
         <code>{home}?token=…</code></p></html>"
    );
    let mut reply = page.into_response();
    *reply.status_mut() = StatusCode::UNAUTHORIZED;
    let headers = reply.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html; charset=utf-8"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    reply
}
