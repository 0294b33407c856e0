//! How a stream begins: the messages that stand before the events, and the cursor behind them.

use std::time::Duration;

use bytes::Bytes;
use tokio::time::timeout;

use crate::http::reach::Reach;
use crate::hub::{Hub, Subscription};
use crate::store::StoreError;

use super::chunk::Form;
use super::message::Message;
use super::resume::{Cursor, Log, Start};
use super::shared::{Ending, Phase, Streams};

/// How long a client waits for what it has seen elsewhere: less than between two signs of life.
const PATIENCE: Duration = Duration::from_secs(10);

/// Waits for the log to have what the client says it has seen, where another hub may have had it
/// first. False: the client had better come again than be told that its cursor is of no log.
pub(super) async fn has_caught_up(
    cursor: &Cursor,
    hub: &Hub,
    reach: &Reach,
    ending: &mut Ending,
) -> bool {
    let Cursor::Seen { epoch, id } = cursor else { return true };
    let is_ours = epoch.as_ref().is_none_or(|epoch| epoch == hub.epoch());
    if hub.head() >= *id || !is_ours || reach.get().is_none() {
        return true;
    }
    tokio::select! {
        reached = timeout(PATIENCE, hub.reaches(*id)) => reached.is_ok() || !reach.is_catching_up(),
        () = ending.reaches(Phase::Ending) => false,
    }
}

/// Sets the subscription to where `cursor` says and gives what must be said first.
pub(super) async fn open(
    cursor: &Cursor,
    hub: &Hub,
    streams: &Streams,
    reach: &Reach,
    subscription: &mut Subscription,
    form: Form,
) -> Result<Vec<Bytes>, StoreError> {
    let log = Log { epoch: hub.epoch(), head: hub.head(), first_available: hub.first_available() };
    let start = cursor.start(log);
    let mut messages = Vec::with_capacity(3);
    // Before all else: what follows may say that something runs.
    if let Some(known) = reach.view() {
        messages.push(Message::server(&known).framed(form, hub.epoch()));
    }
    match start {
        Start::Resume(id) => subscription.seek(id),
        Start::Gap { first_available } => {
            subscription.seek(first_available.saturating_sub(1));
            messages.push(Message::gap(first_available).framed(form, hub.epoch()));
        }
        Start::Init | Start::Reset => {
            let (id, init) = streams.inits.get(hub, reach, form).await?;
            if start == Start::Reset {
                messages.push(Message::reset(hub.epoch()).framed(form, hub.epoch()));
            }
            messages.push(init);
            subscription.seek(id);
        }
    }
    Ok(messages)
}
