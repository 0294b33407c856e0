//! Buckets of keys: streams by another name.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::{Config, DiscardPolicy, StorageType};

/// What a bucket is to be where there is none.
#[derive(Debug, Clone, Copy)]
pub struct Bucket<'a> {
    /// Its name.
    pub name: &'a str,
    /// What it is for, for people.
    pub about: &'a str,
    /// How long a key lives that nobody writes again; zero is for ever.
    pub max_age: Duration,
    /// Larger values are refused.
    pub largest: usize,
    /// Where it lies.
    pub storage: StorageType,
    /// How many servers keep it.
    pub replicas: usize,
}

impl Bucket<'_> {
    /// Finds it, or makes it. The error is a sentence.
    ///
    /// The library's own way asks for the account first, and cannot read what servers before 2.10 say
    /// of it.
    pub async fn open(self, context: &Context) -> Result<Store, String> {
        let name = self.name;
        if let Ok(store) = context.get_key_value(name).await {
            return Ok(store);
        }
        let cannot =
            |error: &dyn std::fmt::Display| format!("cannot make the bucket {name}: {error}");
        let made = context.create_stream(self.config()).await;
        made.map_err(|error| cannot(&error))?;
        context.get_key_value(name).await.map_err(|error| cannot(&error))
    }

    fn config(self) -> Config {
        Config {
            name: format!("KV_{}", self.name),
            description: Some(self.about.to_owned()),
            subjects: vec![format!("$KV.{}.>", self.name)],
            max_messages_per_subject: 1,
            max_age: self.max_age,
            max_message_size: i32::try_from(self.largest).unwrap_or(i32::MAX),
            storage: self.storage,
            allow_rollup: true,
            deny_delete: true,
            allow_direct: true,
            num_replicas: self.replicas.max(1),
            discard: DiscardPolicy::New,
            ..Config::default()
        }
    }
}
