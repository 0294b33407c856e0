//! The hub's end: brings a request to the server that works on a project.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_nats::client::RequestErrorKind;
use async_nats::connection::State;
use async_nats::{Client, Request as Asked};
use tokio::sync::Semaphore;

use crate::config::nats::Nats;
use crate::http::Afar;
use crate::http::afar::{Carrier, Carrying, Lost};
use crate::nats::control::{Reply, Request, Verb};
use crate::nats::{connect, subject};

/// How long a ticket may take: a server gives it at once.
const TICKET: Duration = Duration::from_secs(5);

/// How long it may take to read something.
const READING: Duration = Duration::from_secs(10);

/// How long a change may take: more than any stop's grace, and than the server gives itself.
const CHANGE: Duration = Duration::from_secs(30);

/// What one project is asked at once.
const AT_ONCE: usize = 32;

/// Makes the way to each project of a team, over one connection.
pub struct Callers {
    client: Client,
    team: String,
    host: String,
}

impl Callers {
    /// Begins to connect. Fails only where the configuration cannot be used.
    pub async fn start(nats: &Nats) -> io::Result<Self> {
        let client = connect(nats, "sprint-runner hub control").await?;
        let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
        Ok(Self { client, team: nats.team.clone(), host })
    }

    /// The way to a project's server.
    pub fn to(&self, project: &str) -> Afar {
        let caller = Caller::new(self.client.clone(), &self.team, project);
        Afar::through(Arc::new(caller), &self.host)
    }
}

impl std::fmt::Debug for Callers {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Callers").field("team", &self.team).finish_non_exhaustive()
    }
}

/// Asks the server of one project.
pub struct Caller {
    client: Client,
    team: String,
    project: String,
    slots: Arc<Semaphore>,
}

impl Caller {
    /// For this project of this team.
    pub fn new(client: Client, team: &str, project: &str) -> Self {
        let (team, project) = (team.to_owned(), project.to_owned());
        Self { client, team, project, slots: Arc::new(Semaphore::new(AT_ONCE)) }
    }
}

impl std::fmt::Debug for Caller {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Caller").field("project", &self.project).finish_non_exhaustive()
    }
}

impl Carrier for Caller {
    fn carry(&self, request: Request) -> Carrying {
        let client = self.client.clone();
        let slots = Arc::clone(&self.slots);
        let verb = request.verb().map(Verb::as_str);
        let subject = verb.map(|verb| subject::control(&self.team, &self.project, verb));
        Box::pin(async move {
            let subject = subject.ok_or(Lost::Unfit)?;
            let _slot = slots.try_acquire().map_err(|_| Lost::Busy)?;
            // What is handed in without a connection is sent when there is one again: too late for
            // whoever was told that it did not work.
            if client.connection_state() != State::Connected {
                return Err(Lost::Away);
            }
            let patience = match (request.is_change(), &request.ticket) {
                (false, _) => READING,
                (true, None) => TICKET,
                (true, Some(_)) => CHANGE,
            };
            let asked = Asked::new().payload(request.write()).timeout(Some(patience));
            match client.send_request(subject, asked).await {
                Ok(message) => Reply::read(&message.payload).map_err(|why| {
                    tracing::warn!(%why, "an answer from afar is none");
                    Lost::Unfit
                }),
                Err(error) => Err(match error.kind() {
                    RequestErrorKind::NoResponders => Lost::Nobody,
                    RequestErrorKind::TimedOut => Lost::NoAnswer,
                    _ => Lost::Away,
                }),
            }
        })
    }
}
