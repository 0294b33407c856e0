//! Which servers are alive: each project's key, written again and again, forgotten by NATS itself
//! when nobody does.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};
use serde::{Deserialize, Serialize};

use super::subject;
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
    let made = Config {
        name: subject::presence_bucket(&nats.team),
        description: Some("which servers are alive".to_owned()),
        max_age: SILENCE,
        max_message_size: i32::try_from(LARGEST).unwrap_or(i32::MAX),
        storage: StorageType::Memory,
        num_replicas: nats.replicas,
        ..Config::default()
    };
    bucket(context, made).await
}

/// A bucket of this name, made of this where there is none. The crate's own way asks the server
/// first what account this is, in words that a server of 2.9 does not know.
pub async fn bucket(context: &Context, made: Config) -> Result<Store, String> {
    let name = made.name.clone();
    if let Ok(store) = context.get_key_value(&name).await {
        return Ok(store);
    }
    let config = Config {
        name: format!("KV_{name}"),
        subjects: vec![format!("$KV.{name}.>")],
        max_messages_per_subject: 1,
        discard: DiscardPolicy::New,
        allow_rollup: true,
        deny_delete: true,
        allow_direct: true,
        ..made
    };
    let made = context.create_stream(config).await;
    made.map_err(|error| format!("cannot make the bucket {name}: {error}"))?;
    let found = context.get_key_value(&name).await;
    found.map_err(|error| format!("cannot reach the bucket {name}: {error}"))
}
