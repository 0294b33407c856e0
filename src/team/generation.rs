//! How often the hubs of a team have agreed that the stream was rewound: all of them then give their
//! logs other names, so that no client goes on in a log that is another one.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::StorageType;

use crate::nats::{Bucket, subject};

const KEY: &str = "generation";

/// Finds the bucket of the team's hubs, or makes it. The error is a sentence.
pub(super) async fn open(context: &Context, team: &str, replicas: usize) -> Result<Store, String> {
    let bucket = Bucket {
        name: &subject::team_bucket(team),
        about: "what the hubs agree on",
        max_age: Duration::ZERO,
        largest: 64,
        storage: StorageType::File,
        replicas,
    };
    bucket.open(context).await
}

/// The generation now.
pub(super) async fn read(store: &Store) -> Result<u64, String> {
    Ok(entry(store).await?.map_or(0, |(generation, _)| generation))
}

/// Makes it another one than `known`, unless somebody has done so already.
pub(super) async fn bump(store: &Store, known: u64) -> Result<(), String> {
    let next = (known + 1).to_string();
    match entry(store).await? {
        Some((now, _)) if now != known => return Ok(()),
        // Where it does not take it somebody else was quicker, with the same wish.
        Some((_, revision)) => drop(store.update(KEY, next.into(), revision).await),
        None => drop(store.create(KEY, next.into()).await),
    }
    Ok(())
}

async fn entry(store: &Store) -> Result<Option<(u64, u64)>, String> {
    let entry = store.entry(KEY).await;
    let entry = entry.map_err(|error| format!("cannot read the hubs' generation: {error}"))?;
    let read = |value: &[u8]| std::str::from_utf8(value).ok().and_then(|it| it.parse().ok());
    Ok(entry.map(|entry| (read(&entry.value).unwrap_or(0), entry.revision)))
}
