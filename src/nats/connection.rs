//! The connection to NATS, which is made again for as long as it takes.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, ConnectOptions, Event};
use percent_encoding::percent_decode_str;
use tokio::sync::watch;

use crate::config::nats::Nats;

/// A connection that is silent for so long is looked at.
const PING: Duration = Duration::from_secs(5);

/// How long one attempt may take.
const CONNECT: Duration = Duration::from_secs(5);

/// How long an answer may take.
const ANSWER: Duration = Duration::from_secs(5);

/// Between two attempts at most.
const PAUSE: Duration = Duration::from_secs(2);

/// Whether there is a connection; who waits wakes when that changes.
#[derive(Debug, Clone)]
pub struct Link(Arc<watch::Sender<Linked>>);

/// What is known of a connection.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Linked {
    /// Whether it is there.
    pub up: bool,
    /// How often it was made: one that was made again is another one.
    pub times: u64,
    /// What the server said last against it, or why there is none; nothing secret is in it.
    pub refused: Option<String>,
}

impl Link {
    /// What is known now.
    pub fn get(&self) -> Linked {
        self.0.borrow().clone()
    }

    /// For who waits for a change.
    pub fn watch(&self) -> watch::Receiver<Linked> {
        self.0.subscribe()
    }

    fn heard(&self, event: &Event) {
        self.0.send_modify(|known| match event {
            Event::Connected => {
                *known = Linked { up: true, times: known.times + 1, refused: None };
            }
            Event::Disconnected | Event::Closed => known.up = false,
            Event::ServerError(error) => known.refused = Some(error.to_string()),
            Event::ClientError(error) => known.refused = Some(error.to_string()),
            Event::Draining | Event::LameDuckMode | Event::SlowConsumer(_) => {}
        });
    }
}

/// Begins to connect, and goes on for as long as the client lives: the one that is given need not be
/// connected yet. Fails only where the configuration cannot be used.
pub async fn connect(nats: &Nats, name: &str) -> io::Result<Client> {
    connect_linked(nats, name).await.map(|(client, _)| client)
}

/// The same, with what is known of the connection.
pub async fn connect_linked(nats: &Nats, name: &str) -> io::Result<(Client, Link)> {
    connect_with(nats, name, |options| options).await
}

/// The same, with something of its own.
pub async fn connect_with(
    nats: &Nats,
    name: &str,
    own: impl FnOnce(ConnectOptions) -> ConnectOptions + Send,
) -> io::Result<(Client, Link)> {
    let link = Link(Arc::new(watch::Sender::new(Linked::default())));
    let heard = link.clone();
    let shown = nats.servers.shown();
    let mut options = ConnectOptions::new()
        .name(name)
        .retry_on_initial_connect()
        .ping_interval(PING)
        .connection_timeout(CONNECT)
        .request_timeout(Some(ANSWER))
        .reconnect_delay_callback(|attempts| {
            // The first at once: most interruptions are short.
            let tenths = u64::try_from(attempts.saturating_sub(1)).unwrap_or(u64::MAX);
            Duration::from_millis(100).saturating_mul(tenths.min(20) as u32).min(PAUSE)
        })
        .event_callback(move |event| {
            heard.heard(&event);
            tell(&shown, &event);
            async {}
        });
    options = own(options);
    if let Some(path) = &nats.credentials {
        let text = std::fs::read_to_string(path).map_err(|error| about(path, &error))?;
        options = options.credentials(&text).map_err(|_| {
            io::Error::other(format!("{} holds no credentials of NATS", path.display()))
        })?;
    }
    if let Some(path) = &nats.ca {
        options = options.add_root_certificates(path.clone()).require_tls(true);
    }
    if let (Some(certificate), Some(key)) = (&nats.certificate, &nats.key) {
        options = options.add_client_certificate(certificate.clone(), key.clone());
    }
    let mut places = Vec::new();
    for server in nats.servers.reveal() {
        let (scheme, rest) = server.split_once("://").unwrap_or(("nats", server));
        let (user, place) = rest.rsplit_once('@').map_or((None, rest), |(u, p)| (Some(u), p));
        options = match user.map(|user| user.split_once(':').unwrap_or((user, ""))) {
            None => options,
            Some((token, "")) => options.token(plain(token)),
            Some((user, password)) => options.user_and_password(plain(user), plain(password)),
        };
        places.push(format!("{scheme}://{place}"));
    }
    // Its error may hold what it was given.
    let connected = async_nats::connect_with_options(places, options).await;
    let client = connected
        .map_err(|error| io::Error::other(format!("cannot use NATS: {}", error.kind())))?;
    Ok((client, link))
}

fn plain(text: &str) -> String {
    percent_decode_str(text).decode_utf8_lossy().into_owned()
}

fn about(path: &std::path::Path, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("cannot read {}: {error}", path.display()))
}

fn tell(shown: &str, event: &Event) {
    match event {
        Event::Connected => tracing::info!("connected to NATS at {shown}"),
        Event::Disconnected => tracing::warn!("the connection to NATS at {shown} is gone"),
        Event::ServerError(error) => tracing::warn!(%error, "NATS refuses something"),
        Event::SlowConsumer(_) => tracing::warn!("NATS sends faster than it is read"),
        Event::LameDuckMode => tracing::info!("the NATS server is about to end"),
        Event::Draining | Event::Closed | Event::ClientError(_) => tracing::debug!(%event, "NATS"),
    }
}
