//! Making one request: HTTP or TLS, through the proxy that the environment names, in bounded time.
//!
//! Redirects are not followed: only the configuration says where anything goes.

use std::error::Error as _;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use http::header::{CONTENT_TYPE, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, HeaderValue, Method, Request, StatusCode, Uri};
use http_body_util::{BodyExt as _, Collected, Full, Limited};
use hyper_rustls::{ConfigBuilderExt as _, HttpsConnectorBuilder};
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::client::legacy::connect::proxy::Tunnel;
use hyper_util::client::proxy::matcher::Matcher;
use hyper_util::rt::TokioExecutor;
use rustls::ClientConfig;
use tokio::sync::OnceCell;
use tokio::time::timeout;

use super::bodies::Outgoing;
use super::desk::Try;
use super::target::Target;
use super::text::plain;

/// For a connection, and for everything.
const CONNECT: Duration = Duration::from_secs(10);
const WHOLE: Duration = Duration::from_secs(20);
/// What is read of an answer, and what of that is shown.
const ANSWER_BYTES: usize = 16 * 1024;
const ANSWER_SHOWN: usize = 160;

/// How a request went.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Answer {
    /// What follows from it.
    pub(super) how: Try,
    /// In words, without secrets.
    pub words: String,
}

impl Answer {
    /// Whether it has arrived.
    pub fn has_arrived(&self) -> bool {
        self.how == Try::Arrived
    }
}

/// Makes requests. Reads the machine's certificates at the first one that needs them.
#[derive(Debug, Default)]
pub struct Post {
    tls: OnceCell<ClientConfig>,
}

impl Post {
    /// Sends it and hears the answer, in at most 20 s. Cancel-safe: dropped, the connection ends.
    pub(super) async fn send(&self, target: &Target, outgoing: Outgoing) -> Answer {
        let answer = timeout(WHOLE, self.request(target, outgoing)).await;
        let answer =
            answer.unwrap_or_else(|_| Err(format!("no answer within {} s", WHOLE.as_secs())));
        let mut answer = answer.unwrap_or_else(|words| Answer { how: Try::Later(None), words });
        answer.words = plain(&target.without_secrets(&answer.words), 300);
        answer
    }

    async fn request(&self, target: &Target, outgoing: Outgoing) -> Result<Answer, String> {
        let uri: Uri = target.url().parse().map_err(|_| "the address cannot be read".to_owned())?;
        let mut request = Request::builder()
            .method(Method::POST)
            .uri(uri.clone())
            .header(CONTENT_TYPE, "application/json")
            .header(USER_AGENT, concat!("sprint-runner/", env!("CARGO_PKG_VERSION")));
        for (name, value) in &outgoing.headers {
            let mut value = HeaderValue::from_str(value)
                .map_err(|_| format!("the header {name} cannot have that value"))?;
            value.set_sensitive(*name == "authorization");
            request = request.header(*name, value);
        }
        let request = request.body(Full::new(Bytes::from(outgoing.body)));
        let request = request.map_err(|error| error.to_string())?;
        let response = self.exchange(&uri, request).await?;
        let (head, body) = response.into_parts();
        // What is longer, or breaks off, says no more.
        let body = Limited::new(body, ANSWER_BYTES).collect().await;
        let text = body.map(Collected::to_bytes).unwrap_or_default();
        Ok(answer(head.status, &head.headers, &String::from_utf8_lossy(&text)))
    }

    async fn exchange(
        &self,
        uri: &Uri,
        request: Request<Full<Bytes>>,
    ) -> Result<http::Response<hyper::body::Incoming>, String> {
        let mut http = HttpConnector::new();
        http.enforce_http(false);
        http.set_connect_timeout(Some(CONNECT));
        if uri.scheme_str() != Some("https") {
            return exchange(http, request).await;
        }
        let proxy = Matcher::from_env().intercept(uri);
        let tls = HttpsConnectorBuilder::new().with_tls_config(self.tls().await?);
        let tls = tls.https_only().enable_http1();
        let Some(proxy) = proxy else {
            return exchange(tls.wrap_connector(http), request).await;
        };
        http.enforce_http(true);
        let mut tunnel = Tunnel::new(proxy.uri().clone(), http);
        if let Some(auth) = proxy.basic_auth() {
            tunnel = tunnel.with_auth(auth.clone());
        }
        exchange(tls.wrap_connector(tunnel), request)
            .await
            .map_err(|error| format!("through the proxy of the environment: {error}"))
    }

    /// With the certificates of the machine: companies have authorities of their own.
    async fn tls(&self) -> Result<ClientConfig, String> {
        let read = || async {
            // It reads many files.
            let read = tokio::task::spawn_blocking(tls_config);
            read.await.map_err(|error| error.to_string())?.map_err(|error| {
                format!(
                    "no certificates of this machine can be read ({error}); install \
                     ca-certificates, or name a file in SSL_CERT_FILE"
                )
            })
        };
        self.tls.get_or_try_init(read).await.cloned()
    }
}

fn tls_config() -> std::io::Result<ClientConfig> {
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(std::io::Error::other)?;
    Ok(builder.with_native_roots()?.with_no_client_auth())
}

async fn exchange<C>(
    connector: C,
    request: Request<Full<Bytes>>,
) -> Result<http::Response<hyper::body::Incoming>, String>
where
    C: hyper_util::client::legacy::connect::Connect + Clone + Send + Sync + 'static,
{
    let client: Client<C, Full<Bytes>> =
        Client::builder(TokioExecutor::new()).pool_max_idle_per_host(0).build(connector);
    client.request(request).await.map_err(|error| {
        let mut words = error.to_string();
        let mut cause = error.source();
        while let Some(error) = cause {
            words = format!("{words}: {error}");
            cause = error.source();
        }
        words
    })
}

/// What follows from an answer.
fn answer(status: StatusCode, headers: &HeaderMap, text: &str) -> Answer {
    let how = match status.as_u16() {
        200..=299 => Try::Arrived,
        408 | 425 | 429 | 500..=599 => Try::Later(retry_after_ms(headers)),
        _ => Try::Refused,
    };
    let reason = status.canonical_reason().unwrap_or_default();
    let mut words = format!("{} {reason}", status.as_u16()).trim_end().to_owned();
    if status.is_redirection() {
        words.push_str(" (redirects are not followed: configure the address it leads to)");
    }
    let said = plain(text, ANSWER_SHOWN);
    if !said.is_empty() && !said.eq_ignore_ascii_case(reason) {
        words = format!("{words}: {said}");
    }
    Answer { how, words }
}

/// `Retry-After`: seconds, also with a fraction, or a date.
fn retry_after_ms(headers: &HeaderMap) -> Option<i64> {
    let text = headers.get(RETRY_AFTER)?.to_str().ok()?.trim();
    if let Ok(seconds) = text.parse::<f64>() {
        return (seconds.is_finite() && seconds >= 0.0)
            .then(|| (seconds * 1000.0).min(1e12) as i64);
    }
    let date = httpdate::parse_http_date(text).ok()?;
    let wait = date.duration_since(SystemTime::now()).unwrap_or_default();
    i64::try_from(wait.as_millis()).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn heard(status: u16, retry_after: Option<&str>) -> Try {
        let mut headers = HeaderMap::new();
        if let Some(value) = retry_after {
            headers.insert(RETRY_AFTER, HeaderValue::from_str(value).unwrap());
        }
        answer(StatusCode::from_u16(status).unwrap(), &headers, "").how
    }

    #[test]
    fn what_may_go_better_is_tried_again_and_nothing_else() {
        for status in [200, 201, 204, 299] {
            assert_eq!(heard(status, None), Try::Arrived);
        }
        for status in [408, 425, 429, 500, 502, 503, 504] {
            assert_eq!(heard(status, None), Try::Later(None));
        }
        for status in [301, 302, 307, 400, 401, 403, 404, 410, 413] {
            assert_eq!(heard(status, Some("5")), Try::Refused);
        }
    }

    #[test]
    fn a_pause_that_is_asked_for_is_read() {
        for (text, pause) in [
            ("7", Some(7000)),
            ("0.5", Some(500)),
            ("-1", None),
            ("soon", None),
            ("inf", None),
            ("Thu, 01 Jan 1970 00:00:00 GMT", Some(0)),
        ] {
            assert_eq!(heard(429, Some(text)), Try::Later(pause), "{text}");
        }
    }

    #[test]
    fn an_answer_is_told_in_a_few_words() {
        let words = |status: u16, text: &str| {
            answer(StatusCode::from_u16(status).unwrap(), &HeaderMap::new(), text).words
        };
        assert_eq!(words(200, "ok"), "200 OK");
        assert_eq!(words(403, "invalid\r\ntoken\u{1b}"), "403 Forbidden: invalid token");
        assert!(words(302, "").contains("not followed"));
        assert!(words(500, &"x".repeat(9000)).chars().count() < 200);
    }
}
