//! The thread that owns the log.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::{Receiver, RecvTimeoutError, TryRecvError};
use std::time::{Duration, Instant};

use serde_json::value::to_raw_value;
use tokio::sync::oneshot;

use super::Clock;
use super::figures::Seen;
use super::pace::Pace;
use super::publication::{Events, Make, Publication, PublishError, Published, Reply};
use super::shared::Shared;
use super::trouble::Trouble;
use super::upkeep::Upkeep;
use crate::domain::attribution::{self, Moment, Rules};
use crate::domain::event::{Event, NewEvent};
use crate::domain::payload::Payload;
use crate::domain::state::State;
use crate::domain::twins::Twins;
use crate::store::{Log, Record};

/// Publications committed together at most: bounds how long the first of them waits.
const GROUP_PUBLICATIONS: usize = 256;
/// Events in one group after which no further publication joins it.
const GROUP_EVENTS: usize = 4096;
/// With nothing to write for this long, the index and the stored state catch up.
const LULL: Duration = Duration::from_millis(200);
/// Events indexed in one go: short enough that a publication hardly waits behind it.
const INDEX_EVENTS: u32 = 256;
/// The stored state is renewed after this many events, even without a lull.
const FOLD_EVENTS: u64 = 20_000;

/// What the thread is asked.
pub(super) enum Request {
    /// Append events.
    Publish(Publication, Reply),
    /// Bring the search index up to the head.
    Index(oneshot::Sender<()>),
    /// Purge what is older than so many milliseconds; `None` keeps all.
    KeepFor(Option<i64>),
    /// Store what makes the next start quick, and end.
    Shutdown,
}

pub(super) struct Writer {
    pub(super) log: Log,
    /// The state behind everything appended so far, also within a transaction.
    state: State,
    /// The rows that wait for their twin, likewise.
    twins: Twins,
    rules: Rules,
    pub(super) clock: Clock,
    /// How far that is believed where it decides what is purged.
    pub(super) pace: Pace,
    pub(super) shared: Arc<Shared>,
    /// Who waits for the search index to reach the head.
    searchers: Vec<oneshot::Sender<()>>,
    pub(super) upkeep: Upkeep,
    pub(super) trouble: Trouble,
    /// Events purged since the last word about it.
    pub(super) purged: u64,
}

/// A group under way.
#[derive(Default)]
struct Group {
    records: Vec<Record>,
    keep: Vec<(String, Option<Vec<u8>>)>,
    replies: Vec<(Reply, Published)>,
    seen: Vec<Seen>,
}

impl Writer {
    pub(super) fn new(
        log: Log,
        state: State,
        twins: Twins,
        rules: Rules,
        clock: Clock,
        pace: Pace,
        shared: Arc<Shared>,
    ) -> Self {
        Self {
            log,
            state,
            twins,
            rules,
            clock,
            pace,
            shared,
            searchers: Vec::new(),
            upkeep: Upkeep::new(),
            trouble: Trouble::default(),
            purged: 0,
        }
    }

    /// Serves until shut down or until nobody is left to ask.
    pub(super) fn run(mut self, inbox: &Receiver<Request>) {
        let mut waiting = None;
        loop {
            let request = match waiting.take() {
                Some(request) => request,
                None => match self.receive(inbox) {
                    Some(request) => request,
                    None => break,
                },
            };
            match request {
                Request::Publish(publication, reply) => {
                    waiting = self.group(publication, reply, inbox);
                    if self.log.unfolded() > FOLD_EVENTS {
                        self.store_state();
                    }
                    self.upkeep_under_load();
                }
                Request::Index(reply) => self.searchers.push(reply),
                Request::KeepFor(keep_ms) => self.upkeep.keep_for(keep_ms),
                Request::Shutdown => break,
            }
        }
        self.store_state();
        self.store_pace();
        // Who copies the database of a server that has ended copies one file.
        if let Err(error) = self.log.write_back() {
            tracing::debug!(%error, "the write-ahead log was not written back at the end");
        }
    }

    /// The next request. While there is none, and somebody waits for the search index or a lull
    /// has passed, the housekeeping goes on in small steps. `None` when nobody is left to ask.
    fn receive(&mut self, inbox: &Receiver<Request>) -> Option<Request> {
        let mut lull = false;
        loop {
            if lull || !self.searchers.is_empty() {
                match inbox.try_recv() {
                    Ok(request) => return Some(request),
                    Err(TryRecvError::Disconnected) => return None,
                    Err(TryRecvError::Empty) => {}
                }
            } else {
                match inbox.recv_timeout(LULL) {
                    Ok(request) => return Some(request),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => lull = true,
                }
            }
            // While nothing can be written, nothing is tried but whether it can.
            if !self.trouble.is_there() && self.index() {
                continue;
            }
            for searcher in self.searchers.drain(..) {
                // Whoever asked may have gone.
                let _ = searcher.send(());
            }
            if lull {
                if !self.trouble.is_there() {
                    self.store_state();
                }
                if self.upkeep_step() {
                    continue;
                }
                self.rest();
                match inbox.recv_timeout(self.idle_for()) {
                    Ok(request) => return Some(request),
                    Err(RecvTimeoutError::Disconnected) => return None,
                    Err(RecvTimeoutError::Timeout) => {}
                }
            }
        }
    }

    fn index(&mut self) -> bool {
        self.log.index_some(INDEX_EVENTS).unwrap_or_else(|error| {
            self.has_failed(&error);
            false
        })
    }

    fn store_state(&mut self) {
        // Without it the next start folds more.
        if let Err(error) = self.log.save_state(&self.state) {
            self.has_failed(&error);
        }
    }

    /// Commits a publication together with those that wait behind it. Returns the request that
    /// ended the group, if one did.
    fn group(
        &mut self,
        first: Publication,
        reply: Reply,
        inbox: &Receiver<Request>,
    ) -> Option<Request> {
        let mut group = Group::default();
        let mut next_batch_id = self.log.next_batch_id();
        self.take(&mut group, first, reply, &mut next_batch_id);
        let mut ended_by = None;
        while group.replies.len() < GROUP_PUBLICATIONS && group.records.len() < GROUP_EVENTS {
            match inbox.try_recv() {
                Ok(Request::Publish(publication, reply)) => {
                    self.take(&mut group, publication, reply, &mut next_batch_id);
                }
                Ok(other) => {
                    ended_by = Some(other);
                    break;
                }
                Err(_) => break,
            }
        }
        self.commit(group);
        ended_by
    }

    /// Takes a publication into the group.
    fn take(
        &mut self,
        group: &mut Group,
        publication: Publication,
        reply: Reply,
        next_batch_id: &mut i64,
    ) {
        let before = self.state.last_event_id;
        match publication.events {
            Events::Made(make) => self.make(group, make, next_batch_id),
            Events::Given(records) => self.accept(group, records),
        }
        group.keep.extend(publication.keep);
        let head = self.state.last_event_id;
        group.seen.extend(publication.seen.filter(|_| head > before));
        group.replies.push((reply, Published { head, count: head - before }));
    }

    /// Makes events, attributes them and folds them in.
    fn make(&mut self, group: &mut Group, make: Make, next_batch_id: &mut i64) {
        let now_ms = (self.clock)();
        let events = make(&self.state);
        group.records.reserve(events.len());
        for event in events {
            if self.twins.is_told(&self.state, &event, now_ms) {
                continue;
            }
            let moment = Moment { now_ms, next_batch_id: *next_batch_id };
            for event in attribution::attribute(&self.state, event, self.rules, moment) {
                if let Payload::BatchStart(body) = &event.payload {
                    *next_batch_id = (*next_batch_id).max(body.batch_id + 1);
                }
                let record = self.record(event);
                self.state.apply(&record.event);
                group.records.push(record);
            }
        }
    }

    /// Folds in what has its id and its batch already.
    fn accept(&mut self, group: &mut Group, records: Vec<Record>) {
        for record in records {
            if record.event.id > self.log.head().max(self.state.last_event_id) {
                self.state.apply(&record.event);
                group.records.push(record);
            }
        }
    }

    fn record(&self, event: NewEvent) -> Record {
        let NewEvent { timestamp_ms, source, batch_id, payload } = event;
        // The payloads are plain structs: encoding them cannot fail.
        let payload_json = to_raw_value(&payload).unwrap_or_default();
        let id = self.log.head().max(self.state.last_event_id) + 1;
        Record { event: Event { id, timestamp_ms, source, batch_id, payload }, payload_json }
    }

    fn commit(&mut self, group: Group) {
        let Group { records, mut keep, replies, seen } = group;
        keep.extend(self.twins.changes());
        let begun = Instant::now();
        let result = if records.is_empty() && keep.is_empty() {
            Ok(())
        } else {
            self.log.append(&records, &keep)
        };
        match result {
            Ok(()) => {
                self.twins.settle();
                let took = begun.elapsed();
                self.shared.show(&records, &self.state);
                if !records.is_empty() || !keep.is_empty() {
                    self.shared.figures.committed(&records, took);
                    self.has_written();
                }
                for seen in seen {
                    self.shared.figures.shown(seen);
                }
                for (reply, published) in replies {
                    // Whoever published may have gone; the events stand all the same.
                    let _ = reply.send(Ok(published));
                }
            }
            Err(error) => {
                // What was folded ahead of the commit is taken back.
                self.shared.figures.failed.fetch_add(1, Ordering::Relaxed);
                self.state = self.shared.state();
                self.twins.undo();
                let text = error.plain();
                self.has_failed(&error);
                for (reply, _) in replies {
                    let _ = reply.send(Err(PublishError::Store(text.clone())));
                }
            }
        }
    }
}
