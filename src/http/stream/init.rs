//! `init`: all a client needs to show the sprint, consistent with one event id.
//!
//! It is made once, with its bytes on the wire, for all clients that come at about the same time. An older one is as true as
//! a new one, because what came after its id follows at once; so it is used until it is stale
//! enough to cost the client more than it saves us.

use std::time::{Duration, Instant};

use bytes::Bytes;
use schemars::JsonSchema;
use serde::Serialize;
use serde_json::value::RawValue;
use tokio::sync::Mutex;

use crate::domain::event::{AnyEvent, EventId, Wire};
use crate::domain::state::{ServerView, Snapshot};
use crate::domain::words;
use crate::http::limits::INIT_EVENTS;
use crate::http::reach::{Reach, with_server};
use crate::hub::Hub;
use crate::store::StoreError;
use crate::store::rows::BatchRow;

use super::chunk::Form;
use super::message::Message;

/// Under load an `init` is made this often at most.
const FRESH: Duration = Duration::from_millis(200);

/// Events that a client may have to read behind an older `init`.
const BEHIND: u64 = 256;

/// The `init` made last. The lock is held while one is made: a thousand clients that come at
/// once wait for one and share it.
#[derive(Debug, Default)]
pub(super) struct Inits(Mutex<Option<Last>>);

#[derive(Debug)]
struct Last {
    made: Instant,
    id: EventId,
    /// The oldest event there was: what was purged meanwhile must not be shown any more.
    first: EventId,
    /// What was known of the server that works on the project.
    server: Option<ServerView>,
    sse: Bytes,
    ws: Bytes,
}

impl Last {
    fn framed(&self, form: Form) -> (EventId, Bytes) {
        let bytes = match form {
            Form::Sse => &self.sse,
            Form::Ws => &self.ws,
        };
        (self.id, bytes.clone())
    }
}

impl Inits {
    /// An `init` for a client that comes now, and the event it stands at.
    pub(super) async fn get(
        &self,
        hub: &Hub,
        reach: &Reach,
        form: Form,
    ) -> Result<(EventId, Bytes), StoreError> {
        let mut last = self.0.lock().await;
        let (first, server) = (hub.first_available(), reach.view());
        if let Some(last) = last.as_ref().filter(|it| it.first == first && it.server == server) {
            let behind = hub.head().saturating_sub(last.id);
            if behind == 0 || (behind <= BEHIND && last.made.elapsed() < FRESH) {
                return Ok(last.framed(form));
            }
        }
        let asked = hub.clone();
        let made = tokio::task::spawn_blocking(move || make(&asked, first, server)).await;
        let made = made.map_err(|error| failed(std::io::Error::other(error)))??;
        Ok(last.insert(made).framed(form))
    }
}

/// All that a client needs to show the sprint; the events behind it follow.
#[derive(Serialize, JsonSchema)]
pub(in crate::http) struct Init<'a> {
    #[serde(rename = "type")]
    #[schemars(extend("const" = "init"))]
    kind: &'static str,
    #[schemars(with = "words::Epoch")]
    epoch: &'a str,
    /// What the snapshot adds up to; events follow from here.
    last_event_id: EventId,
    payload: Payload<'a>,
}

/// What `init` holds.
#[derive(Serialize, JsonSchema)]
#[schemars(rename = "InitPayload")]
struct Payload<'a> {
    /// The running batch; null when none runs.
    batch: Option<BatchRow>,
    /// The last of the running batch, or of the whole log; newest first.
    #[schemars(with = "Vec<AnyEvent>", length(max = 50))]
    events: Vec<Wire<'a>>,
    /// What the log adds up to.
    #[schemars(with = "Snapshot<'static>")]
    snapshot: &'a RawValue,
}

/// Blocks: it reads the database.
fn make(hub: &Hub, first: EventId, server: Option<ServerView>) -> Result<Last, StoreError> {
    let snapshot = hub.snapshot_json();
    let id = snapshot.last_event_id;
    let batch = match snapshot.batch_id {
        Some(batch_id) => hub.queries().batch(batch_id)?.map(as_running),
        None => None,
    };
    let stored = hub.queries().recent(snapshot.batch_id, id, INIT_EVENTS)?;
    let told = with_server(&snapshot.json, server.as_ref());
    let raw: &RawValue = serde_json::from_slice(&told).map_err(|error| failed(error.into()))?;
    let events = stored.iter().map(crate::store::rows::StoredEvent::wire).collect();
    let payload = Payload { batch, events, snapshot: raw };
    let init = Init { kind: "init", epoch: hub.epoch(), last_event_id: id, payload };
    let json = serde_json::to_vec(&init).map_err(|error| failed(error.into()))?;
    let message = Message { json: json.into(), at: Some(id) };
    let framed = |form| message.framed(form, hub.epoch());
    let (sse, ws) = (framed(Form::Sse), framed(Form::Ws));
    Ok(Last { made: Instant::now(), id, first, server, sse, ws })
}

/// The row may be read a moment after the snapshot, its end then follows as an event: at the
/// snapshot's id the batch ran.
fn as_running(mut row: BatchRow) -> BatchRow {
    if row.ended_at.take().is_some() {
        row.duration_seconds = None;
    }
    "running".clone_into(&mut row.status);
    row
}

fn failed(cause: std::io::Error) -> StoreError {
    StoreError::File { what: "cannot make an init".to_owned(), cause }
}
