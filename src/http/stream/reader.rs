//! A stream's reader: the subscription, the filter, the bytes.

use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;

use crate::domain::event::EventId;
use crate::http::context::Context;
use crate::http::limits::CHUNK_BYTES;
use crate::http::reach::{Reach, Reached};
use crate::hub::{Hub, Subscription};
use crate::store::StoreError;

use super::chunk::{self, Form};
use super::clients::Client;
use super::filter::Filter;
use super::message::Message;
use super::opening;
use super::resume::Cursor;
use super::shared::Streams;

/// What a stream reads from.
#[derive(Debug)]
pub(super) struct Reader {
    hub: Hub,
    streams: Arc<Streams>,
    subscription: Subscription,
    filter: Option<Box<Filter>>,
    form: Form,
    client: Client,
    /// What was given out and is not written yet: how many events, and since when the oldest of
    /// them is there to be read, where it is known.
    given: (u64, Option<Instant>),
}

/// What came.
#[derive(Debug)]
pub(super) struct News {
    /// Said before the events: some of what the client missed is not kept any more.
    pub(super) gap: Option<Bytes>,
    /// The events that pass the filter; may be empty.
    pub(super) bytes: Bytes,
}

impl Reader {
    pub(super) fn new(context: &Context, filter: Option<Filter>, form: Form) -> Self {
        let head = context.hub.head();
        Self {
            client: Client::new(&context.streams, form, head),
            given: (0, None),
            hub: context.hub.clone(),
            streams: Arc::clone(&context.streams),
            subscription: context.hub.subscribe(head),
            filter: filter.map(Box::new),
            form,
        }
    }

    /// Goes to where `cursor` says; gives what must be said before the events that follow.
    pub(super) async fn begin(
        &mut self,
        cursor: &Cursor,
        reach: &Reach,
    ) -> Result<Vec<Bytes>, StoreError> {
        let (hub, streams) = (&self.hub, &self.streams);
        let messages =
            opening::open(cursor, hub, streams, reach, &mut self.subscription, self.form).await;
        self.client.is_at(self.subscription.cursor());
        messages
    }

    /// What is known of the project's server, on the wire.
    pub(super) fn told(&self, known: &Reached) -> Bytes {
        Message::server(&known.view()).framed(self.form, self.epoch())
    }

    /// The number of this stream.
    pub(super) const fn number(&self) -> u64 {
        self.client.number()
    }

    /// What was given out last lies in the socket.
    pub(super) fn wrote(&mut self) {
        let (count, oldest) = std::mem::take(&mut self.given);
        self.client.wrote(self.subscription.cursor(), count, oldest);
    }

    /// The last event that was given out or held back by the filter.
    pub(super) const fn cursor(&self) -> EventId {
        self.subscription.cursor()
    }

    /// True when events may be held back.
    pub(super) const fn filters(&self) -> bool {
        self.filter.is_some()
    }

    /// The log's name.
    pub(super) fn epoch(&self) -> &str {
        self.hub.epoch()
    }

    /// Waits for what comes next. Cancel-safe, as the subscription is.
    pub(super) async fn next(&mut self) -> Result<News, StoreError> {
        let before = self.subscription.cursor();
        let entries = self.subscription.next(CHUNK_BYTES).await?;
        let first = entries.first().map_or(before, |entry| entry.id);
        // Ids may have holes; only what was deleted under the reader is a gap.
        let first_available = self.hub.first_available();
        let gap = (first > before + 1 && first_available > before + 1)
            .then(|| Message::gap(first_available).framed(self.form, self.epoch()));
        let (bytes, count, oldest) = match &self.filter {
            None => (self.streams.chunks.run(self.form, &entries), entries.len(), entries.first()),
            Some(filter) => {
                let passed = entries.iter().filter(|entry| filter.passes(entry));
                let bytes = chunk::join(self.form, passed.clone().map(|entry| &**entry));
                (bytes, passed.clone().count(), passed.clone().next())
            }
        };
        self.given = (count as u64, oldest.and_then(|entry| entry.shown_at));
        Ok(News { gap, bytes })
    }
}
