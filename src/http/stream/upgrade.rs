//! The WebSocket handshake (RFC 6455, section 4.2).

use http::header::{self, HeaderName};
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::http::error::{Code, error_reply};

use super::Asked;
use super::chunk::Form;
use super::takeover::{Answer, Takeover};

/// Answers `/ws`: 101 and frames, or why not.
pub(in crate::http) fn answer(
    method: &Method,
    version: Version,
    uri: &Uri,
    headers: &HeaderMap,
) -> Answer {
    let accept = match check(method, version, headers) {
        Ok(accept) => accept,
        Err(refusal) => return Answer::Reply(*refusal),
    };
    let asked = match Asked::read(headers, uri.query()) {
        Ok(asked) => asked,
        Err(refusal) => return Answer::Reply(*refusal),
    };
    let mut head = Response::new(());
    *head.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = head.headers_mut();
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::SEC_WEBSOCKET_ACCEPT, accept);
    Answer::Stream(Takeover::new(Form::Ws, head, asked))
}

/// The `Sec-WebSocket-Accept` of a good handshake.
fn check(
    method: &Method,
    version: Version,
    headers: &HeaderMap,
) -> Result<HeaderValue, Box<warp::reply::Response>> {
    if method != Method::GET {
        let mut reply = error_reply(Code::MethodNotAllowed, "a WebSocket begins with GET");
        reply.headers_mut().insert(header::ALLOW, HeaderValue::from_static("GET, OPTIONS"));
        return Err(Box::new(reply));
    }
    let upgrades = version == Version::HTTP_11
        && names(headers, &header::CONNECTION, "upgrade")
        && names(headers, &header::UPGRADE, "websocket");
    if !upgrades {
        return Err(upgrade_required(
            "this address is a WebSocket; /sse is the same as plain HTTP",
        )
        .into());
    }
    if only(headers, &header::SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(upgrade_required("the WebSocket version must be 13").into());
    }
    let key = only(headers, &header::SEC_WEBSOCKET_KEY).filter(|key| is_key(key.as_bytes()));
    let Some(key) = key else {
        return Err(
            error_reply(Code::BadRequest, "Sec-WebSocket-Key is missing or malformed").into()
        );
    };
    HeaderValue::from_str(&derive_accept_key(key.as_bytes()))
        .map_err(|_| error_reply(Code::Internal, "the handshake failed").into())
}

/// 426: what this address wants instead.
fn upgrade_required(message: &str) -> warp::reply::Response {
    let mut reply = error_reply(Code::BadRequest, message);
    *reply.status_mut() = StatusCode::UPGRADE_REQUIRED;
    let headers = reply.headers_mut();
    headers.insert(header::UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(header::CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(header::SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13"));
    reply
}

/// True when a list header names `token`.
fn names(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

/// 16 bytes in base64.
fn is_key(key: &[u8]) -> bool {
    let alphabet = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/');
    key.len() == 24 && key.ends_with(b"==") && key[..22].iter().all(alphabet)
}

#[cfg(test)]
mod unit {
    use http::{HeaderMap, HeaderName, HeaderValue, Method, Version};

    use super::check;

    const GOOD: [(&str, &str); 4] = [
        ("connection", "keep-alive, Upgrade"),
        ("upgrade", "WebSocket"),
        ("sec-websocket-version", "13"),
        ("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=="),
    ];

    fn ask(method: &Method, version: Version, lines: &[(&str, &str)]) -> Result<String, u16> {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            let name: HeaderName = name.parse().expect("a name");
            headers.append(name, HeaderValue::from_str(value).expect("a value"));
        }
        check(method, version, &headers)
            .map(|accept| accept.to_str().expect("ASCII").to_owned())
            .map_err(|reply| reply.status().as_u16())
    }

    #[test]
    fn the_standards_own_example() {
        let accept = ask(&Method::GET, Version::HTTP_11, &GOOD);
        assert_eq!(accept.as_deref(), Ok("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    #[test]
    fn what_is_wrong_with_a_handshake() {
        let without = |name| GOOD.into_iter().filter(|line| line.0 != name).collect::<Vec<_>>();
        let with = |name, value| {
            let mut lines = without(name);
            lines.push((name, value));
            lines
        };
        for (lines, status) in [
            (without("connection"), 426),
            (without("upgrade"), 426),
            (with("upgrade", "h2c"), 426),
            (without("sec-websocket-version"), 426),
            (with("sec-websocket-version", "8"), 426),
            (without("sec-websocket-key"), 400),
            (with("sec-websocket-key", "short"), 400),
            (with("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ=!"), 400),
            ([GOOD.to_vec(), vec![GOOD[3]]].concat(), 400),
        ] {
            assert_eq!(ask(&Method::GET, Version::HTTP_11, &lines), Err(status), "{lines:?}");
        }
        assert_eq!(ask(&Method::POST, Version::HTTP_11, &GOOD), Err(405));
        assert_eq!(ask(&Method::HEAD, Version::HTTP_11, &GOOD), Err(405));
        assert_eq!(ask(&Method::GET, Version::HTTP_10, &GOOD), Err(426));
    }
}
