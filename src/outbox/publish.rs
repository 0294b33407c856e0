//! Sends events and takes their acks, for as long as one connection lasts.

use std::collections::VecDeque;
use std::future::{Future, IntoFuture as _};
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use async_nats::jetstream::context::{PublishError, PublishErrorKind};
use async_nats::jetstream::message::PublishMessage;
use async_nats::jetstream::publish::PublishAck;
use async_nats::jetstream::{Context, stream::Stream};
use async_nats::{Client, Subscriber};
use bytes::Bytes;
use futures_util::StreamExt as _;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use super::again::Ask;
use super::place::Place;
use super::telling::Telling;
use super::window::{Next, Window};
use crate::config::nats::Nats;
use crate::domain::event::EventId;
use crate::hub::{Entry, Hub, Subscription};
use crate::nats::message::{LARGEST, Origin};
use crate::nats::{StreamId, subject};

/// Read from the log at once.
const PAGE_BYTES: usize = 256 << 10;

/// The position is kept no more often.
const KEEP: Duration = Duration::from_secs(1);

/// Nor is something sent again because somebody misses it.
const ASKS: Duration = Duration::from_secs(1);

type Ack = Pin<Box<dyn Future<Output = Result<PublishAck, PublishError>> + Send>>;

/// Why it has ended.
#[derive(Debug)]
pub(super) enum Ended {
    /// It was to end.
    Stopped,
    /// Something is in the way, said in a sentence.
    Trouble(String),
}

/// Sending, on one connection.
pub(super) struct Publish<'a> {
    hub: &'a Hub,
    nats: &'a Nats,
    project: &'a str,
    telling: &'a Telling,
    context: &'a Context,
    place: Place,
    window: Window,
    /// Of what is in the window, in its order.
    acks: VecDeque<Ack>,
    log: Subscription,
    /// Read, and not sent yet.
    read: VecDeque<Arc<Entry>>,
    /// The event behind which the next one stands in the log.
    previous: EventId,
    asked_at: Option<Instant>,
}

impl<'a> Publish<'a> {
    /// Behind what the stream has already.
    pub(super) async fn begin(
        (hub, nats, project): (&'a Hub, &'a Nats, &'a str),
        telling: &'a Telling,
        context: &'a Context,
        stream: &Stream,
    ) -> Result<Self, String> {
        let place = Place::of(hub, &StreamId::of(stream)).await?;
        let position = place.find(stream, &nats.team, project).await?;
        let window = Window::new(position);
        let log = hub.subscribe(position.id);
        hub.sending().change(|sent| sent.up_to = position.id);
        Ok(Self {
            hub,
            nats,
            project,
            telling,
            context,
            place,
            window,
            acks: VecDeque::new(),
            log,
            read: VecDeque::new(),
            previous: position.id,
            asked_at: None,
        })
    }

    /// Sends until something is in the way, or until it is to end: then what is left first, as far as
    /// that goes by the given time.
    pub(super) async fn run(
        &mut self,
        client: &Client,
        stop: &mut watch::Receiver<Option<Instant>>,
    ) -> Ended {
        let asks = client.subscribe(subject::again(&self.nats.team, self.project)).await;
        let mut asks = match asks {
            Ok(asks) => asks,
            Err(error) => return Ended::Trouble(format!("NATS takes no subscription: {error}")),
        };
        self.turn(&mut asks, stop).await
    }

    /// Keeps how far it has come.
    pub(super) async fn keep(&mut self) {
        self.place.keep(self.hub, self.window.position()).await;
    }

    async fn turn(
        &mut self,
        asks: &mut Subscriber,
        stop: &mut watch::Receiver<Option<Instant>>,
    ) -> Ended {
        let mut keep_at = Instant::now() + KEEP;
        loop {
            let until = *stop.borrow_and_update();
            let nothing_left = self.window.position().id >= self.hub.head();
            if until.is_some_and(|until| nothing_left || Instant::now() >= until) {
                return Ended::Stopped;
            }
            if nothing_left {
                // Else the first ack says so.
                self.telling.well();
            }
            let has_room = self.window.takes(0);
            let done = tokio::select! {
                ack = next_ack(&mut self.acks) => self.ack(ack),
                entries = self.log.next(PAGE_BYTES), if self.read.is_empty() && has_room => {
                    match entries {
                        Ok(entries) => {
                            self.read.extend(entries);
                            self.send().await
                        }
                        Err(error) => Err(format!("the log cannot be read: {error}")),
                    }
                }
                Some(message) = asks.next() => {
                    self.ask(&message.payload);
                    Ok(())
                }
                () = sleep_until(keep_at), if !self.place.is(self.window.position()) => {
                    self.keep().await;
                    keep_at = Instant::now() + KEEP;
                    Ok(())
                }
                () = sleep_until(until.unwrap_or_else(Instant::now)), if until.is_some() => Ok(()),
                Ok(()) = stop.changed() => Ok(()),
            };
            let done = match done {
                Ok(()) if !self.read.is_empty() => self.send().await,
                done => done,
            };
            if let Err(trouble) = done {
                return Ended::Trouble(trouble);
            }
        }
    }

    /// Sends of what was read as much as may be on its way.
    async fn send(&mut self) -> Result<(), String> {
        while let Some(entry) = self.read.front() {
            let size = entry.json.len();
            if !self.window.takes(size) {
                return Ok(());
            }
            let entry = Arc::clone(entry);
            self.read.pop_front();
            if size > LARGEST {
                // Readers take the next one behind the one before it.
                tracing::warn!(id = entry.id, size, "an event is too large for the team's stream");
                continue;
            }
            let origin = Origin {
                epoch: self.hub.epoch().to_owned(),
                id: entry.id,
                previous: self.before(entry.id),
            };
            let again = self.window.again(entry.id);
            let message = PublishMessage::build()
                .headers(origin.headers(self.project, again))
                .payload(Bytes::from(entry.json.clone()));
            let to = subject::event(&self.nats.team, self.project, &entry.kind);
            let sent = self.context.send_publish(to, message).await;
            let ack = sent.map_err(|error| refusal(&error))?;
            self.window.send(entry.id, size);
            self.acks.push_back(ack.into_future());
            self.previous = entry.id;
        }
        Ok(())
    }

    /// The event before this one; 0 where it has been purged before it could be sent.
    fn before(&mut self, id: EventId) -> EventId {
        let previous = self.previous;
        if previous + 1 >= id || self.hub.first_available() <= previous + 1 {
            return previous;
        }
        if previous >= self.window.position().id {
            let lost = id - previous - 1;
            tracing::warn!(
                from = previous + 1,
                to = id - 1,
                "events were purged before they could be sent to the team: keep them for longer"
            );
            self.hub.sending().change(|sent| sent.lost += lost);
        }
        0
    }

    fn ack(&mut self, ack: Result<PublishAck, PublishError>) -> Result<(), String> {
        let ack = ack.map_err(|error| refusal(&error))?;
        if ack.stream != self.nats.stream {
            return Err(format!(
                "the stream {} takes the team's events, not {}: see stream = in [nats]",
                ack.stream, self.nats.stream
            ));
        }
        match self.window.acked(ack.sequence) {
            Next::On => {}
            Next::Back => self.go_back(),
            Next::Look => return Err("the team's stream has lost events".to_owned()),
        }
        let up_to = self.window.position().id;
        self.hub.sending().change(|sent| {
            sent.up_to = up_to;
            sent.taken += 1;
        });
        self.telling.well();
        Ok(())
    }

    /// To where the window is: something is sent again.
    fn go_back(&mut self) {
        self.acks.clear();
        self.read.clear();
        self.previous = self.window.sent();
        self.log.seek(self.previous);
    }

    /// Somebody misses something.
    fn ask(&mut self, text: &[u8]) {
        let Some(ask) = Ask::read(text).filter(|ask| ask.epoch == self.hub.epoch()) else { return };
        // Whoever asks goes on asking.
        if self.asked_at.is_some_and(|at| at.elapsed() < ASKS) {
            return;
        }
        if self.window.ask(ask.after, ask.seen) {
            tracing::info!(after = ask.after, "a reader of the team's stream misses events: again");
            self.asked_at = Some(Instant::now());
            self.hub.sending().change(|sent| sent.asked += 1);
            self.go_back();
        }
    }
}

/// The ack of what was sent first; never, while nothing is on its way. Cancel-safe.
async fn next_ack(acks: &mut VecDeque<Ack>) -> Result<PublishAck, PublishError> {
    let Some(first) = acks.front_mut() else { return std::future::pending().await };
    let ack = first.await;
    acks.pop_front();
    ack
}

fn refusal(error: &PublishError) -> String {
    match error.kind() {
        PublishErrorKind::TimedOut | PublishErrorKind::BrokenPipe => {
            "the team's stream does not answer".to_owned()
        }
        PublishErrorKind::StreamNotFound => "the team's stream is gone".to_owned(),
        _ => format!("the team's stream does not take an event: {error}"),
    }
}
