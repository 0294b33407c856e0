//! A stream's reader: the subscription, the filter, the bytes.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;

use crate::domain::event::EventId;
use crate::http::context::Context;
use crate::http::limits::CHUNK_BYTES;
use crate::hub::{Hub, Subscription};
use crate::store::StoreError;

use super::chunk::{self, Form};
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
        Self {
            hub: context.hub.clone(),
            streams: Arc::clone(&context.streams),
            subscription: context.hub.subscribe(context.hub.head()),
            filter: filter.map(Box::new),
            form,
        }
    }

    /// Goes to where `cursor` says; gives what must be said before the events that follow.
    pub(super) async fn begin(&mut self, cursor: &Cursor) -> Result<Vec<Bytes>, StoreError> {
        opening::open(cursor, &self.hub, &self.streams, &mut self.subscription, self.form).await
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
        let (bytes, count) = match &self.filter {
            None => (self.streams.chunks.run(self.form, &entries), entries.len()),
            Some(filter) => {
                let passed =
                    entries.iter().map(|entry| &**entry).filter(|entry| filter.passes(entry));
                (chunk::join(self.form, passed.clone()), passed.count())
            }
        };
        self.streams.counts.delivered.fetch_add(count as u64, Ordering::Relaxed);
        Ok(News { gap, bytes })
    }
}
