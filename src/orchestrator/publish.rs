//! Tells the log, until it has taken it.

use std::time::{Duration, Instant};

use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::Payload;
use crate::hub::{Hub, Publication, PublishError, Seen};

use super::parts::now_ms;

/// Between two tries while the log cannot be written.
const PAUSE: Duration = Duration::from_millis(500);

/// Appends events; waits for as long as the log cannot be written. False when it is closed.
/// Cancel-safe: what was handed in is appended whether or not anybody waits, and once.
pub(super) async fn publish(hub: &Hub, events: Vec<NewEvent>) -> bool {
    publish_heard(hub, events, None).await
}

/// [`publish`] of what an agent has printed from `heard` on.
pub(super) async fn publish_heard(
    hub: &Hub,
    events: Vec<NewEvent>,
    heard: Option<Instant>,
) -> bool {
    loop {
        let publication =
            Publication { seen: heard.map(Seen::FromAgent), ..Publication::events(events.clone()) };
        match hub.publish(publication).await {
            Ok(_) => return true,
            Err(PublishError::Closed) => return false,
            Err(PublishError::Store(_)) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// An event of the orchestrator, happening now.
pub(super) fn event(batch_id: i64, source: Source, payload: Payload) -> NewEvent {
    NewEvent { timestamp_ms: now_ms(), source, batch_id: Some(batch_id), payload }
}
