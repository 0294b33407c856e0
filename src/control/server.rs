//! The server's end: listens for what is asked of one project.

use std::io;
use std::sync::Arc;
use std::time::Duration;

use async_nats::{Client, Message};
use futures_util::StreamExt as _;
use tokio::sync::{Semaphore, watch};
use tokio::task::{JoinHandle, JoinSet};
use tokio::time::{sleep, timeout};
use tracing::{Instrument as _, Span};

use super::carrying_out::Office;
use crate::config::nats::Nats;
use crate::http::Indoors;
use crate::hub::Hub;
use crate::nats::control::Reply;
use crate::nats::{connect_with, subject};

/// What is carried out at once; one more is told to come again.
const AT_ONCE: usize = 8;

/// Messages that may wait to be looked at; each is as large as NATS lets it be.
const WAITING: usize = 32;

/// Between two attempts to listen.
const PAUSE: Duration = Duration::from_secs(2);

/// How long the last answers have to leave.
const FLUSH: Duration = Duration::from_millis(300);

/// What a server is told at start.
pub struct Parts<'a> {
    /// Where NATS is, and as whom.
    pub nats: &'a Nats,
    /// What the project is called in its team.
    pub project: String,
    /// The server's own routes.
    pub indoors: Indoors,
    /// Its log.
    pub hub: Hub,
    /// Whether this server is the one that publishes the project just now. A sender that is gone
    /// means that what it said last holds.
    pub owns: watch::Receiver<bool>,
}

/// Listens until it is stopped.
pub struct Control {
    listening: JoinHandle<()>,
    end: watch::Sender<bool>,
}

impl Control {
    /// Begins to listen, over a connection of its own: what is asked, or sent as an answer, does not
    /// hold up events. Fails only where the configuration cannot be used.
    pub async fn start(parts: Parts<'_>) -> io::Result<Self> {
        let Parts { nats, project, indoors, hub, owns } = parts;
        let office = Arc::new(Office::new(indoors, hub)?);
        let own = |options: async_nats::ConnectOptions| options.subscription_capacity(WAITING);
        let (client, _) = connect_with(nats, "sprint-runner control", own).await?;
        let (end, ended) = watch::channel(false);
        let listener = Listener {
            client,
            prefix: subject::control(&nats.team, &project, ""),
            office,
            slots: Arc::new(Semaphore::new(AT_ONCE)),
        };
        let listening = tokio::spawn(listener.run(owns, ended).in_current_span());
        Ok(Self { listening, end })
    }

    /// Takes no more orders, and lets those under way end within this time.
    pub async fn stop(self, within: Duration) {
        let Self { mut listening, end } = self;
        // Gone only when it has ended already.
        let _ = end.send(true);
        if timeout(within, &mut listening).await.is_err() {
            listening.abort();
        }
    }
}

struct Listener {
    client: Client,
    /// All subjects but the verb, with its dot.
    prefix: String,
    office: Arc<Office>,
    slots: Arc<Semaphore>,
}

impl Listener {
    async fn run(self, mut owns: watch::Receiver<bool>, mut ended: watch::Receiver<bool>) {
        let mut orders = JoinSet::new();
        tokio::select! {
            () = self.listen(&mut owns, &mut orders) => {}
            _ = ended.wait_for(|ended| *ended) => {}
        }
        while orders.join_next().await.is_some() {}
        // So that their answers leave.
        let _ = timeout(FLUSH, self.client.flush()).await;
    }

    async fn listen(&self, owns: &mut watch::Receiver<bool>, orders: &mut JoinSet<()>) {
        loop {
            let owner = owns.wait_for(|owns| *owns).await.is_ok_and(|owns| *owns);
            if !owner && !*owns.borrow() {
                // Nobody will ever say otherwise.
                return std::future::pending().await;
            }
            let mut messages = match self.client.subscribe(format!("{}*", self.prefix)).await {
                Ok(messages) => messages,
                Err(error) => {
                    tracing::warn!(%error, "cannot listen to what is asked from afar");
                    sleep(PAUSE).await;
                    continue;
                }
            };
            tracing::info!(subjects = %format!("{}*", self.prefix), "can be controlled from afar");
            loop {
                tokio::select! {
                    message = messages.next() => match message {
                        Some(message) => self.take(message, orders).await,
                        None => break,
                    },
                    Some(_) = orders.join_next(), if !orders.is_empty() => {}
                    () = lost(owns) => break,
                }
            }
            // Whoever asks now is answered by the server that has the project, or by nobody.
            let _ = messages.unsubscribe().await;
            sleep(Duration::from_millis(100)).await;
        }
    }

    /// Has a message carried out, beside the others.
    async fn take(&self, message: Message, orders: &mut JoinSet<()>) {
        // Nobody waits for an answer: no hub asks like that.
        let Some(to) = message.reply else { return };
        let client = self.client.clone();
        let Ok(slot) = Arc::clone(&self.slots).try_acquire_owned() else {
            let refusal = Reply::error(503, "busy", "too much is being asked from afar; try again");
            // Not beside the others: who asks too much waits for this.
            let _ = client.publish(to, refusal.write()).await;
            return;
        };
        let office = Arc::clone(&self.office);
        let verb =
            message.subject.strip_prefix(self.prefix.as_str()).unwrap_or_default().to_owned();
        let work = async move {
            let answer = office.answer(&verb, &message.payload).await;
            drop(slot);
            let Some(answer) = answer else { return };
            if let Err(error) = client.publish(to.clone(), answer.write()).await {
                tracing::warn!(%error, "an answer cannot be sent afar");
                let told = Reply::error(500, "internal", "the answer could not be sent");
                let _ = client.publish(to, told.write()).await;
            }
        };
        orders.spawn(work.instrument(Span::current()));
    }
}

/// Until this server no longer publishes the project.
async fn lost(owns: &mut watch::Receiver<bool>) {
    if owns.wait_for(|owns| !*owns).await.is_err() {
        std::future::pending::<()>().await;
    }
}
