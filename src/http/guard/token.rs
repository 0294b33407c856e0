//! The token: asked where the server listens beyond loopback.

use std::hint::black_box;

use http::header::{AUTHORIZATION, COOKIE};
use http::{HeaderMap, HeaderValue, Method, Uri};
use percent_encoding::{NON_ALPHANUMERIC, percent_decode_str, utf8_percent_encode};

/// The secret and the cookie that carries it.
pub(super) struct Token {
    secret: String,
    cookie: String,
}

/// The cookie of the server on this port.
pub(in crate::http) fn cookie_name(port: u16) -> String {
    format!("sprint_runner_{port}")
}

/// What a `?token=` on the page says.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum SignIn {
    /// The request is none.
    NotAsked,
    /// The right token.
    Right,
    /// A wrong one.
    Wrong,
}

impl std::fmt::Debug for Token {
    // A secret is not for logs.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Token").field("cookie", &self.cookie).finish_non_exhaustive()
    }
}

impl Token {
    /// The cookie is named with the port, because cookies ignore ports.
    pub(super) fn new(secret: &str, port: u16) -> Result<Self, String> {
        if secret.is_empty() || secret.chars().any(char::is_control) {
            return Err("the token is empty or holds control characters".to_owned());
        }
        Ok(Self { secret: secret.to_owned(), cookie: cookie_name(port) })
    }

    /// True when the request carries the token, as bearer or as cookie.
    pub(super) fn is_in(&self, headers: &HeaderMap) -> bool {
        let bearer = headers.get_all(AUTHORIZATION).iter().any(|value| {
            let bytes = value.as_bytes();
            bytes.len() > 7
                && bytes[..7].eq_ignore_ascii_case(b"bearer ")
                && equal(bytes[7..].trim_ascii(), self.secret.as_bytes())
        });
        bearer || headers.get_all(COOKIE).iter().any(|value| self.is_in_cookies(value))
    }

    fn is_in_cookies(&self, value: &HeaderValue) -> bool {
        let Ok(text) = value.to_str() else { return false };
        text.split(';').any(|pair| {
            pair.trim().split_once('=').is_some_and(|(name, value)| {
                name == self.cookie
                    && equal(
                        &percent_decode_str(value).collect::<Vec<u8>>(),
                        self.secret.as_bytes(),
                    )
            })
        })
    }

    /// Reads `GET /?token=…`.
    pub(super) fn sign_in(&self, method: &Method, uri: &Uri) -> SignIn {
        if (method != Method::GET && method != Method::HEAD) || uri.path() != "/" {
            return SignIn::NotAsked;
        }
        let query = uri.query().unwrap_or_default().as_bytes();
        match form_urlencoded::parse(query).find(|(name, _)| name == "token") {
            None => SignIn::NotAsked,
            Some((_, given)) if equal(given.as_bytes(), self.secret.as_bytes()) => SignIn::Right,
            Some(_) => SignIn::Wrong,
        }
    }

    /// The `Set-Cookie` of a sign-in. It lives as long as the browser's session.
    pub(super) fn set_cookie(&self) -> HeaderValue {
        let value = utf8_percent_encode(&self.secret, NON_ALPHANUMERIC);
        let text = format!("{}={value}; Path=/; HttpOnly; SameSite=Strict", self.cookie);
        // The name is letters and digits, the value is percent-encoded: always a header value.
        HeaderValue::from_str(&text).unwrap_or_else(|_| HeaderValue::from_static(""))
    }
}

/// Compares in a time that depends on the length of what was given alone.
fn equal(given: &[u8], secret: &[u8]) -> bool {
    let mut difference = given.len() ^ secret.len();
    for (at, byte) in given.iter().enumerate() {
        let other = secret.get(at % secret.len().max(1)).copied().unwrap_or(0);
        difference |= black_box(usize::from(byte ^ other));
    }
    black_box(difference) == 0
}
