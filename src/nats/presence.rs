//! Which servers are alive: each project's key, written again and again, forgotten by NATS itself
//! when nobody does.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::StorageType;
use serde::{Deserialize, Serialize};

use super::{Bucket, subject};
use crate::config::nats::Nats;
use crate::domain::event::EventId;

/// The time between two beats.
pub const BEAT: Duration = Duration::from_secs(5);

/// Who has not been heard for so long is not there.
pub const SILENCE: Duration = Duration::from_secs(15);

/// Larger ones are nobody's.
pub const LARGEST: usize = 4096;

/// What a server says of itself and one of its projects.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Presence {
    /// The server, the same after a restart: nobody else may publish this project meanwhile.
    pub instance: String,
    /// The machine's name, for people.
    pub host: String,
    /// The log's name.
    pub epoch: String,
    /// The last event of the log.
    pub head: EventId,
    /// The last event that the stream has taken, with all before it.
    pub sent: EventId,
    /// When the server began, in milliseconds since the epoch.
    pub started_at: i64,
    /// Whether it lets itself be controlled.
    pub control: bool,
}

/// The bucket of a team, made where there is none. The error is a sentence.
pub async fn open_bucket(context: &Context, nats: &Nats) -> Result<Store, String> {
    let bucket = Bucket {
        name: &subject::presence_bucket(&nats.team),
        about: "which servers are alive",
        max_age: SILENCE,
        largest: LARGEST,
        storage: StorageType::Memory,
        replicas: nats.replicas,
    };
    bucket.open(context).await
}
