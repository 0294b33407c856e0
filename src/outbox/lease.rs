//! The right to publish as a project: its key among those that say which servers are alive. Whoever
//! has written it last, and goes on writing it, has the right.

use std::time::Duration;

use async_nats::jetstream::kv::{CreateErrorKind, Operation, Store, UpdateErrorKind};
use tokio::time::{Instant, sleep};

use super::Who;
use crate::hub::Hub;
use crate::nats::presence::{BEAT, LARGEST, Presence, SILENCE};

/// Who could not write it for so long ends: by then another one may have it.
const GIVEN_UP: Duration = Duration::from_secs(10);

/// What is written, and as whom.
#[derive(Debug)]
pub(super) struct Lease<'a> {
    pub(super) store: Store,
    pub(super) project: &'a str,
    pub(super) who: &'a Who,
    pub(super) hub: &'a Hub,
    pub(super) started_at_ms: i64,
    pub(super) control: bool,
}

/// What is known of the key.
enum Key {
    /// Nobody has it.
    Free,
    /// This server has it, from before.
    Own(u64),
    /// Another one has it: its machine, and what was written last.
    Held(String, u64),
}

/// Why it cannot be had or held, in a sentence.
pub(super) type Lost = String;

impl Lease<'_> {
    /// Waits until it can be had; tells `waits` who has it. Its end is the right, by its revision.
    pub(super) async fn take(&self, waits: impl Fn(&str)) -> Result<u64, Lost> {
        // Not the key's own time: no two machines need have the same.
        let mut seen: Option<(u64, Instant)> = None;
        loop {
            let revision = match self.look().await? {
                Key::Free => self.create().await?,
                Key::Own(revision) => self.update(revision).await?,
                Key::Held(host, revision) => {
                    let since = match seen {
                        Some((known, since)) if known == revision => since,
                        _ => seen.insert((revision, Instant::now())).1,
                    };
                    if since.elapsed() < SILENCE {
                        waits(&held_by(self.project, &host));
                        sleep(BEAT / 2).await;
                        continue;
                    }
                    // A bucket that forgets nothing.
                    self.update(revision).await?
                }
            };
            if let Some(revision) = revision {
                return Ok(revision);
            }
        }
    }

    /// Writes it again and again; comes back when that is no use any more.
    pub(super) async fn hold(&self, mut revision: u64) -> Lost {
        let mut written = Instant::now();
        loop {
            sleep(BEAT).await;
            match self.update(revision).await {
                Ok(Some(now)) => (revision, written) = (now, Instant::now()),
                Ok(None) => match self.look().await {
                    // What was written although nobody said so.
                    Ok(Key::Own(known)) => revision = known,
                    Ok(Key::Free) => match self.create().await {
                        Ok(Some(now)) => (revision, written) = (now, Instant::now()),
                        Ok(None) | Err(_) => {}
                    },
                    Ok(Key::Held(host, _)) => return held_by(self.project, &host),
                    Err(_) => {}
                },
                Err(error) if written.elapsed() > GIVEN_UP => return error,
                Err(_) => {}
            }
        }
    }

    /// Says that this server has ended.
    pub(super) async fn leave(&self) {
        if let Ok(Key::Own(revision)) = self.look().await {
            // Else it is forgotten by itself.
            let _ = self.store.delete_expect_revision(self.project, Some(revision)).await;
        }
    }

    async fn look(&self) -> Result<Key, Lost> {
        let entry = self.store.entry(self.project).await;
        let entry = entry.map_err(|error| format!("the servers' keys cannot be read: {error}"))?;
        let Some(entry) = entry.filter(|it| it.operation == Operation::Put) else {
            return Ok(Key::Free);
        };
        let text = &entry.value[..entry.value.len().min(LARGEST)];
        Ok(match serde_json::from_slice::<Presence>(text) {
            Ok(it) if it.instance == self.who.instance => Key::Own(entry.revision),
            Ok(it) => Key::Held(it.host.chars().take(64).collect(), entry.revision),
            Err(_) => Key::Held("?".to_owned(), entry.revision),
        })
    }

    async fn create(&self) -> Result<Option<u64>, Lost> {
        match self.store.create(self.project, self.value().into()).await {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.kind() == CreateErrorKind::AlreadyExists => Ok(None),
            Err(error) => Err(format!("this server's key cannot be written: {error}")),
        }
    }

    async fn update(&self, revision: u64) -> Result<Option<u64>, Lost> {
        match self.store.update(self.project, self.value().into(), revision).await {
            Ok(revision) => Ok(Some(revision)),
            Err(error) if error.kind() == UpdateErrorKind::WrongLastRevision => Ok(None),
            Err(error) => Err(format!("this server's key cannot be written: {error}")),
        }
    }

    fn value(&self) -> Vec<u8> {
        let presence = Presence {
            instance: self.who.instance.clone(),
            host: self.who.host.clone(),
            epoch: self.hub.epoch().to_owned(),
            head: self.hub.head(),
            sent: self.hub.sending().get().map_or(0, |sent| sent.up_to),
            started_at: self.started_at_ms,
            control: self.control,
        };
        // Texts and numbers: encoding cannot fail.
        serde_json::to_vec(&presence).unwrap_or_default()
    }
}

fn held_by(project: &str, host: &str) -> String {
    format!(
        "another server publishes as {project} (on {host:?}): end one of the two, or give this \
         project another name with project = in [nats]"
    )
}
