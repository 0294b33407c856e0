//! Says that events wait, since when and how many, and that they go out again; to the log of this
//! program, and to all who ask the server how it is.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::Instant;

use crate::hub::Hub;

/// Between two lines that say that events still wait.
const REMIND: Duration = Duration::from_secs(60);

/// Between two lines that say that now something else is in the way.
const CHANGE: Duration = Duration::from_secs(10);

#[derive(Debug)]
pub(super) struct Telling {
    hub: Hub,
    told: Mutex<Option<(String, Instant)>>,
}

impl Telling {
    pub(super) fn new(hub: &Hub) -> Self {
        // From now on who asks is told that it is sent somewhere.
        hub.sending().change(|_| {});
        Self { hub: hub.clone(), told: Mutex::default() }
    }

    /// Something is in the way; whether nothing was until now.
    pub(super) fn trouble(&self, what: &str) -> bool {
        let mut was_up = false;
        self.hub.sending().change(|sent| {
            was_up = std::mem::take(&mut sent.up);
            let since = sent.trouble.as_ref().map_or_else(now_ms, |(_, since)| *since);
            sent.trouble = Some((what.to_owned(), since));
        });
        let mut told = self.told.lock().unwrap_or_else(PoisonError::into_inner);
        let due = told
            .as_ref()
            .is_none_or(|(known, at)| at.elapsed() > if known == what { REMIND } else { CHANGE });
        if due {
            let reason = self.hub.unsent().unwrap_or_default();
            tracing::warn!("nothing is sent to the team: {reason}");
            *told = Some((what.to_owned(), Instant::now()));
        }
        was_up
    }

    /// Events go out, or would if there were any.
    pub(super) fn well(&self) {
        let (mut before, mut was_up) = (None, false);
        self.hub.sending().change(|sent| {
            was_up = std::mem::replace(&mut sent.up, true);
            if !was_up {
                before = sent.trouble.take().map(|(_, since)| since);
            }
        });
        if was_up {
            return;
        }
        *self.told.lock().unwrap_or_else(PoisonError::into_inner) = None;
        match before {
            Some(since) => {
                let seconds = now_ms().saturating_sub(since) / 1000;
                tracing::info!("events are sent to the team again, after {seconds} s");
            }
            None => tracing::info!("events are sent to the team"),
        }
    }
}

fn now_ms() -> i64 {
    Timestamp::now().as_millisecond()
}
