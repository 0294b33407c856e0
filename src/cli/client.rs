//! A small HTTP client for the live server of a project, found by its lock file.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, bail};
use bytes::Bytes;
use http_body_util::{BodyExt as _, Full, Limited};
use hyper::body::Incoming;
use hyper_util::rt::TokioIo;
use serde::Deserialize;
use serde_json::Value;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::app::instance_lock::{self, Holder};

use super::sse::{Block, Decoder};

/// A server that does not answer within this time is not waited for any longer.
const ANSWER: Duration = Duration::from_secs(10);

/// The same for whoever asks what runs: the answer must be true within five seconds.
const SOON: Duration = Duration::from_secs(4);

/// Stopping now takes as long as the agents are given to end.
const LONG_ANSWER: Duration = Duration::from_secs(90);

/// The server sends something at least every 15 s; after three times that the line is dead.
const SILENCE: Duration = Duration::from_secs(45);

/// The largest answer taken: a snapshot of the largest sprint is far below it.
const LARGEST: usize = 256 << 20;

/// A live server.
#[derive(Debug, Clone)]
pub(crate) struct Server {
    /// Its address, `http://127.0.0.1:8080/` or `unix:/path`.
    pub(crate) url: String,
    token: Option<String>,
    /// What stands before each path, without its last slash: a project of several on one server.
    prefix: String,
}

/// What the server answers when it will not.
#[derive(Deserialize)]
struct Refusal {
    error: String,
}

impl Server {
    /// The server that holds the lock in one of the state folders. `None`: none is running, or it
    /// is only just starting.
    pub(crate) fn find(folders: &[PathBuf]) -> Option<Self> {
        match instance_lock::find_holder(folders)? {
            Holder { url: Some(url), token, prefix, .. } => Some(Self { url, token, prefix }),
            Holder { .. } => None,
        }
    }

    /// The server at an address, as `serve` prints it: `http://HOST:PORT/`, also with the
    /// `?token=…` that it prints for a browser, or `unix:/path`; one of several projects on a
    /// socket is `unix:/path:/p/NAME/`.
    pub(crate) fn at(address: &str, token: Option<String>) -> anyhow::Result<Self> {
        if let Some(path) = address.strip_prefix("unix:") {
            if !path.starts_with('/') {
                bail!("{address} is no address: write unix:/path/of/the.sock");
            }
            let (socket, prefix) = match path.rsplit_once(":/p/") {
                Some((socket, name)) => (socket, format!("/p/{}", name.trim_end_matches('/'))),
                None => (path, String::new()),
            };
            return Ok(Self { url: format!("unix:{socket}"), token, prefix });
        }
        let Some(rest) = address.strip_prefix("http://") else {
            bail!(
                "{address} is no address: write it as `sprint-runner serve` prints it, such as \
                 http://127.0.0.1:8080/ (https is for a proxy in front, not for this client)"
            );
        };
        let (place, query) = rest.split_once('?').unwrap_or((rest, ""));
        let (authority, base) = place.split_once('/').unwrap_or((place, ""));
        let port = authority.rsplit_once(':').map(|(_, port)| port.parse::<u16>().is_ok());
        let known =
            authority.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-._:[]".contains(&byte));
        if authority.is_empty() || port == Some(false) || !known {
            bail!("{authority} is no host with a port: write http://127.0.0.1:8080/");
        }
        if !base.bytes().all(|byte| byte.is_ascii_graphic()) {
            bail!("the path of {address} holds characters that no address has");
        }
        let mut asked = form_urlencoded::parse(query.as_bytes());
        let given = asked.find(|(key, _)| key == "token").map(|(_, value)| value.into_owned());
        let port = if port.is_none() { ":80" } else { "" };
        let base = base.trim_end_matches('/');
        let base = if base.is_empty() { String::new() } else { format!("/{base}") };
        Ok(Self {
            url: format!("http://{authority}{port}{base}/"),
            token: given.or(token),
            prefix: base,
        })
    }

    /// The body of `GET path`.
    pub(crate) async fn get(&self, path: &str) -> anyhow::Result<Bytes> {
        let asked = self.request(path, "application/json").body(Full::default())?;
        read(self.answer(asked, ANSWER).await?).await
    }

    /// The body of `GET path`, if the answer begins within four seconds.
    pub(crate) async fn get_soon(&self, path: &str) -> anyhow::Result<Bytes> {
        let asked = self.request(path, "application/json").body(Full::default())?;
        read(self.answer(asked, SOON).await?).await
    }

    /// The body of `GET path`, if the answer begins within a time of the caller's.
    pub(crate) async fn get_within(&self, path: &str, patience: Duration) -> anyhow::Result<Bytes> {
        let asked = self.request(path, "application/json").body(Full::default())?;
        read(self.answer(asked, patience).await?).await
    }

    /// The body of the answer to `POST path`.
    pub(crate) async fn post(&self, path: &str, body: &Value) -> anyhow::Result<Bytes> {
        let asked = self
            .request(path, "application/json")
            .method(http::Method::POST)
            .header(http::header::CONTENT_TYPE, "application/json")
            .body(Full::from(body.to_string()))?;
        read(self.answer(asked, LONG_ANSWER).await?).await
    }

    /// Opens the event stream behind `after`, an id as the server gives them out.
    pub(crate) async fn stream(&self, query: &str, after: &str) -> anyhow::Result<Stream> {
        let path = format!("/sse{query}");
        let asked = self
            .request(&path, "text/event-stream")
            .header("last-event-id", after)
            .body(Full::default())?;
        let body = self.answer(asked, ANSWER).await?;
        Ok(Stream { body, decoder: Decoder::default(), ready: Vec::new().into_iter() })
    }

    fn authority(&self) -> &str {
        if self.unix().is_some() {
            return "localhost";
        }
        let rest = self.url.trim_start_matches("http://");
        rest.split_once('/').map_or(rest, |(authority, _)| authority)
    }

    /// The path of its Unix socket, where it has one.
    fn unix(&self) -> Option<&str> {
        self.url.strip_prefix("unix:")
    }

    fn request(&self, path: &str, accept: &str) -> http::request::Builder {
        let request = http::Request::get(format!("{}{path}", self.prefix))
            .header(http::header::HOST, self.authority())
            .header(http::header::ACCEPT, accept);
        match &self.token {
            Some(token) => request.header(http::header::AUTHORIZATION, format!("Bearer {token}")),
            None => request,
        }
    }

    async fn answer(&self, asked: Request, patience: Duration) -> anyhow::Result<Incoming> {
        let answer = timeout(patience, self.exchange(asked))
            .await
            .with_context(|| format!("the server at {} does not answer", self.url))??;
        let status = answer.status();
        if status.is_success() {
            return Ok(answer.into_body());
        }
        let reason =
            match timeout(ANSWER, Limited::new(answer.into_body(), 64 << 10).collect()).await {
                Ok(Ok(body)) => serde_json::from_slice::<Refusal>(&body.to_bytes()).ok(),
                _ => None,
            };
        match reason {
            Some(refusal) => bail!("the server refuses: {} ({})", refusal.error, status.as_u16()),
            None => bail!("the server answers {status}"),
        }
    }

    async fn exchange(&self, asked: Request) -> anyhow::Result<http::Response<Incoming>> {
        let failed = || format!("cannot reach the server at {}", self.url);
        match self.unix() {
            #[cfg(unix)]
            Some(path) => {
                send(tokio::net::UnixStream::connect(path).await.with_context(failed)?, asked).await
            }
            _ => {
                send(TcpStream::connect(self.authority()).await.with_context(failed)?, asked).await
            }
        }
    }
}

async fn send(
    socket: impl AsyncRead + AsyncWrite + Unpin + Send + 'static,
    asked: Request,
) -> anyhow::Result<http::Response<Incoming>> {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake(TokioIo::new(socket)).await?;
    // Ends by itself when the answer has been read or dropped.
    tokio::spawn(connection);
    Ok(sender.send_request(asked).await?)
}

type Request = http::Request<Full<Bytes>>;

async fn read(body: Incoming) -> anyhow::Result<Bytes> {
    let body = timeout(ANSWER * 6, Limited::new(body, LARGEST).collect())
        .await
        .context("the server stopped in the middle of its answer")?;
    match body {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) => bail!("the server's answer broke off: {error}"),
    }
}

/// An open event stream.
pub(crate) struct Stream {
    body: Incoming,
    decoder: Decoder,
    ready: std::vec::IntoIter<Block>,
}

impl Stream {
    /// The next block; `None` when the stream ended, broke, or fell silent for too long.
    /// Cancel-safe.
    pub(crate) async fn next(&mut self) -> Option<Block> {
        loop {
            if let Some(block) = self.ready.next() {
                return Some(block);
            }
            let frame = timeout(SILENCE, self.body.frame()).await.ok()??.ok()?;
            if let Some(chunk) = frame.data_ref() {
                self.ready = self.decoder.push(chunk).into_iter();
            }
            if self.decoder.held() > LARGEST {
                return None;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn addresses_are_taken_as_the_server_prints_them() {
        for (address, url, authority, base, token) in [
            ("http://127.0.0.1:8080/", "http://127.0.0.1:8080/", "127.0.0.1:8080", "", None),
            ("http://[::1]:81", "http://[::1]:81/", "[::1]:81", "", None),
            ("http://h/?token=a%20b", "http://h:80/", "h:80", "", Some("a b")),
            ("http://h:1/p/two/", "http://h:1/p/two/", "h:1", "/p/two", None),
            ("unix:/run/x.sock", "unix:/run/x.sock", "localhost", "", None),
            ("unix:/run/x.sock:/p/two/", "unix:/run/x.sock", "localhost", "/p/two", None),
        ] {
            let server = Server::at(address, None).unwrap();
            assert_eq!((server.url.as_str(), server.authority()), (url, authority), "{address}");
            assert_eq!((server.prefix.as_str(), server.token.as_deref()), (base, token));
        }
        for address in [
            "https://h:1/",
            "h:1",
            "http://",
            "http://h:99999/",
            "http://a b/",
            "unix:x",
            "http://h:1/\n",
        ] {
            assert!(Server::at(address, None).is_err(), "{address}");
        }
    }
}
