//! The stream that holds a team's events.

use std::time::Duration;

use async_nats::jetstream::Context;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::{Config, DiscardPolicy, RetentionPolicy, StorageType, Stream};

use super::message;
use super::subject;
use crate::config::nats::Nats;

/// Repeats within this time are left out by the server itself. It keeps every message's name for so
/// long in its memory.
const DUPLICATES: Duration = Duration::from_secs(120);

/// Which stream it is: one that is made again under the same name is another one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StreamId {
    /// Its name.
    pub name: String,
    /// When it was made, in nanoseconds since the epoch.
    pub created: i128,
}

impl StreamId {
    /// Of what was last heard of this stream.
    pub fn of(stream: &Stream) -> Self {
        let info = stream.cached_info();
        Self { name: info.config.name.clone(), created: info.created.unix_timestamp_nanos() }
    }
}

/// Finds the team's stream, or makes it where there is none. The error is a sentence.
pub async fn open_stream(context: &Context, nats: &Nats) -> Result<Stream, String> {
    if let Some(stream) = find_stream(context, nats).await? {
        return Ok(stream);
    }
    let made = context.create_stream(config(nats)).await;
    made.map_err(|error| format!("cannot make the stream {}: {error}", nats.stream))
}

/// Finds the team's stream; none where there is none. The error is a sentence.
pub async fn find_stream(context: &Context, nats: &Nats) -> Result<Option<Stream>, String> {
    let name = &nats.stream;
    let stream = match context.get_stream(name).await {
        Ok(stream) => stream,
        Err(error) => {
            let missing = match error.kind() {
                GetStreamErrorKind::JetStream(error) => error.code() == 404,
                _ => false,
            };
            let failed = || Err(format!("cannot reach the stream {name}: {error}"));
            return if missing { Ok(None) } else { failed() };
        }
    };
    let subjects = subject::events_of(&nats.team);
    let config = &stream.cached_info().config;
    if !config.subjects.iter().any(|known| covers(known, &subjects)) {
        let known = config.subjects.join(", ");
        return Err(format!(
            "the stream {name} holds {known}, not {subjects}: name another with stream = in [nats]"
        ));
    }
    Ok(Some(stream))
}

fn config(nats: &Nats) -> Config {
    Config {
        name: nats.stream.clone(),
        description: Some(format!("the sprints of the team {}", nats.team)),
        subjects: vec![subject::events_of(&nats.team)],
        retention: RetentionPolicy::Limits,
        storage: StorageType::File,
        discard: DiscardPolicy::Old,
        num_replicas: nats.replicas,
        max_age: nats
            .keep_days
            .map_or(Duration::ZERO, |days| Duration::from_secs_f64(days * 86_400.0)),
        duplicate_window: DUPLICATES,
        max_message_size: i32::try_from(message::LARGEST).unwrap_or(i32::MAX),
        allow_direct: true,
        ..Config::default()
    }
}

/// Whether a stream's subject takes all that `subjects` does.
fn covers(known: &str, subjects: &str) -> bool {
    let (mut known, mut subjects) = (known.split('.'), subjects.split('.'));
    loop {
        match (known.next(), subjects.next()) {
            (Some(">"), Some(_)) | (None, None) => return true,
            (Some("*"), Some(_)) => {}
            (Some(known), Some(subject)) if known == subject => {}
            _ => return false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stream_of_somebody_else_is_seen() {
        for good in ["sprint.red.*.*", "sprint.red.>", "sprint.>", ">", "*.red.*.*"] {
            assert!(covers(good, "sprint.red.*.*"), "{good}");
        }
        for bad in ["sprint.blue.>", "sprint.red.*", "sprint.red.*.x", "orders"] {
            assert!(!covers(bad, "sprint.red.*.*"), "{bad}");
        }
    }
}
