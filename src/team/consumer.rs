//! Reads the stream in order: asks for so much at once, and for more when that is committed.
//!
//! The library's ordered consumer asks for 200 messages of any size ahead of time, and takes half a
//! minute to see that it is gone. This one asks for no more than fits into [`CHUNK_BYTES`], which is
//! all that is in memory, and is made anew wherever a message is missing.

use std::time::Duration;

use async_nats::jetstream::Message;
use async_nats::jetstream::consumer::pull::{Batch, Config};
use async_nats::jetstream::consumer::{AckPolicy, Consumer, DeliverPolicy};
use async_nats::jetstream::stream::Stream;
use futures_util::{FutureExt as _, StreamExt as _};

use crate::nats::subject;

/// Messages asked for at once, and their bytes.
const CHUNK: usize = 4096;
const CHUNK_BYTES: usize = 8 * 1024 * 1024;

/// How long the server keeps an ask that it has nothing for.
const EXPIRES: Duration = Duration::from_secs(5);

/// A consumer that nobody asks is forgotten by the server.
const FORGOTTEN: Duration = Duration::from_secs(30);

/// A place in the stream that is read from.
pub(super) struct Reads {
    consumer: Consumer<Config>,
    batch: Option<Batch>,
    /// The number that the next message has by this consumer.
    next: u64,
}

/// What came.
pub(super) enum Came {
    /// Messages in order, one at least.
    Messages(Vec<Message>),
    /// Nothing for a while.
    Nothing,
    /// It is to be made anew.
    Broken,
}

impl Reads {
    /// Reads what is behind a message. The error is a sentence.
    pub(super) async fn behind(stream: &Stream, team: &str, sequence: u64) -> Result<Self, String> {
        let config = Config {
            description: Some("a hub of the team".to_owned()),
            deliver_policy: DeliverPolicy::ByStartSequence { start_sequence: sequence + 1 },
            ack_policy: AckPolicy::None,
            filter_subject: subject::events_of(team),
            inactive_threshold: FORGOTTEN,
            memory_storage: true,
            num_replicas: 1,
            ..Config::default()
        };
        let made = stream.create_consumer(config).await;
        let consumer = made.map_err(|error| format!("the stream cannot be read: {error}"))?;
        Ok(Self { consumer, batch: None, next: 1 })
    }

    /// What comes next. Cancel-safe: what was not given out comes at the next call.
    pub(super) async fn next(&mut self) -> Came {
        let batch = match &mut self.batch {
            Some(batch) => batch,
            none => {
                let asked = self.consumer.batch().max_messages(CHUNK).max_bytes(CHUNK_BYTES);
                match asked.expires(EXPIRES).messages().await {
                    Ok(batch) => none.insert(batch),
                    Err(_) => return Came::Broken,
                }
            }
        };
        let mut message = batch.next().await;
        let mut messages = Vec::new();
        loop {
            let Some(Ok(one)) = message else {
                // The ask is used up; larger messages use it up early, which the server calls an
                // error.
                let is_over = message.is_none();
                self.batch = None;
                if messages.is_empty() {
                    return if is_over { Came::Nothing } else { Came::Broken };
                }
                break;
            };
            // One was lost on the way: the server does not send it again by itself.
            if one.info().map_or(0, |info| info.consumer_sequence) != self.next {
                self.batch = None;
                break;
            }
            self.next += 1;
            messages.push(one);
            if messages.len() >= CHUNK {
                break;
            }
            let Some(more) = batch.next().now_or_never() else { break };
            message = more;
        }
        if messages.is_empty() { Came::Broken } else { Came::Messages(messages) }
    }
}
