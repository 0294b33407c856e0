//! What was asked from afar, in the log, where everybody sees it: as a remark on the batch, or on
//! none where none runs. A type of its own would be one that no reader of the log knows.

use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use tokio::time::timeout;

use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{BatchWarning, Payload};
use crate::hub::{Hub, Publication};
use crate::nats::control::{Request, Who, clean};

/// The word for this kind of remark.
const KIND: &str = "from_afar";

/// How long the log may take. Without it nothing is carried out but a stop.
const PATIENCE: Duration = Duration::from_secs(3);

/// Refusals that are told in a while: who asks on and on does not fill the log.
const REFUSALS: u32 = 10;
const WHILE: Duration = Duration::from_secs(60);

/// The log, as who asks from afar is written down in it.
pub(super) struct Audit {
    hub: Hub,
    refusals: Mutex<Refusals>,
}

impl Audit {
    pub(super) fn new(hub: Hub) -> Self {
        Self { hub, refusals: Mutex::new(Refusals::new(Instant::now())) }
    }

    /// Writes down what is about to be carried out; whether it is stored.
    pub(super) async fn asked(&self, request: &Request) -> bool {
        let body = clean(&String::from_utf8_lossy(&request.body));
        let Request { method, path, who, .. } = request;
        let space = if body.is_empty() { "" } else { " " };
        let message = format!("asked from afar: {method} {path}{space}{body}, by {who}");
        tracing::info!("{message}");
        match timeout(PATIENCE, self.hub.publish(publication(message))).await {
            Ok(Ok(_)) => true,
            Ok(Err(error)) => {
                tracing::warn!(%error, "what is asked from afar cannot be written down");
                false
            }
            Err(_) => {
                tracing::warn!("what is asked from afar cannot be written down in time");
                false
            }
        }
    }

    /// Writes down what is not carried out, or failed.
    pub(super) fn refused(&self, what: &str, who: &Who, why: &str) {
        let now = Instant::now();
        let said = self.refusals.lock().unwrap_or_else(PoisonError::into_inner).say(now);
        let Some(left_out) = said else { return };
        let (what, why) = (if what.is_empty() { "something" } else { what }, clean(why));
        let more = match left_out {
            0 => String::new(),
            n => format!(" (and {n} more were refused before)"),
        };
        let message = format!("refused from afar: {what}, by {who}: {why}{more}");
        tracing::warn!("{message}");
        // Whether or not anybody waits, it is appended.
        drop(self.hub.submit(publication(message)));
    }
}

fn publication(message: String) -> Publication {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    let now_ms = i64::try_from(since.as_millis()).unwrap_or(i64::MAX);
    let payload = Payload::BatchWarning(BatchWarning {
        message,
        warning_type: KIND.to_owned(),
        ..BatchWarning::default()
    });
    Publication::events(vec![NewEvent::new(now_ms, Source::Server, payload)])
}

/// How many were told since when, and how many were not.
struct Refusals {
    since: Instant,
    told: u32,
    left_out: u64,
}

impl Refusals {
    const fn new(now: Instant) -> Self {
        Self { since: now, told: 0, left_out: 0 }
    }

    /// Whether this one is told, and how many before it were not.
    fn say(&mut self, now: Instant) -> Option<u64> {
        if now.saturating_duration_since(self.since) >= WHILE {
            (self.since, self.told) = (now, 0);
        }
        if self.told >= REFUSALS {
            self.left_out += 1;
            return None;
        }
        self.told += 1;
        Some(std::mem::take(&mut self.left_out))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_flood_of_refusals_is_counted() {
        let begin = Instant::now();
        let mut refusals = Refusals::new(begin);
        let told = (0..1000).filter(|_| refusals.say(begin).is_some()).count();
        assert_eq!(told, REFUSALS as usize);
        assert_eq!(refusals.say(begin + WHILE), Some(1000 - u64::from(REFUSALS)));
        assert_eq!(refusals.say(begin + WHILE), Some(0));
    }
}
