//! Where sending goes on: what was kept in the log's database, held against the stream.

use async_nats::HeaderMap;
use async_nats::jetstream::stream::{LastRawMessageErrorKind, RawMessageErrorKind, Stream};

use super::window::{Position, There, resume};
use crate::hub::{Hub, Publication};
use crate::nats::{StreamId, subject};

/// One position of one log in one stream.
#[derive(Debug)]
pub(super) struct Place {
    prefix: String,
    key: String,
    epoch: String,
    /// What is in the database.
    kept: Option<Position>,
    /// Keys of streams of this name that are no more.
    stale: Vec<String>,
}

impl Place {
    /// Of this stream. Reads the database.
    pub(super) async fn of(hub: &Hub, stream: &StreamId) -> Result<Self, String> {
        let prefix = format!("outbox/{}/", stream.name);
        let key = format!("{prefix}{}", stream.created);
        let (queries, asked) = (hub.queries().clone(), prefix.clone());
        let read = tokio::task::spawn_blocking(move || queries.kept(&asked)).await;
        let all = read
            .map_err(|error| error.to_string())
            .and_then(|read| read.map_err(|error| error.to_string()))
            .map_err(|error| format!("the log cannot be read: {error}"))?;
        let epoch = hub.epoch().to_owned();
        let kept = all.iter().find(|(known, _)| *known == key);
        let kept = kept.and_then(|(_, value)| parse(value, &epoch));
        let stale = all.into_iter().map(|(known, _)| known).filter(|known| *known != key).collect();
        Ok(Self { prefix, key, epoch, kept, stale })
    }

    /// Whether this is what is kept.
    pub(super) fn is(&self, position: Position) -> bool {
        self.kept.unwrap_or_default() == position
    }

    /// Keeps it, through the log's own door.
    pub(super) async fn keep(&mut self, hub: &Hub, position: Position) {
        if self.is(position) {
            return;
        }
        let value = format!("{} {} {}", position.id, position.sequence, self.epoch);
        let mut keep = vec![(self.key.clone(), Some(value.into_bytes()))];
        keep.extend(self.stale.iter().map(|key| (key.clone(), None)));
        match hub.publish(Publication::events(Vec::new()).keeping(keep)).await {
            Ok(_) => {
                self.kept = Some(position);
                self.stale.clear();
            }
            // It is told by the log itself; more than that is sent twice after a restart.
            Err(error) => tracing::debug!(%error, "{} is not kept", self.prefix),
        }
    }

    /// Behind which event to go on: a stream that is not what it was when the position was kept has
    /// lost something. The error is a sentence.
    pub(super) async fn find(
        &self,
        stream: &Stream,
        team: &str,
        project: &str,
    ) -> Result<Position, String> {
        // A log that was never sent here, or was put back from a copy.
        let Some(kept) = self.kept else { return Ok(Position::default()) };
        let there = self.there(stream, project, kept).await?;
        if matches!(there, There::Gone) || there == There::Ours(kept.id) {
            return Ok(kept);
        }
        let all = subject::events_of_project(team, project);
        let last = match stream.get_last_raw_message_by_subject(&all).await {
            Ok(message) => self
                .ours(project, &message.headers)
                .map(|id| Position { id, sequence: message.sequence }),
            Err(error) if error.kind() == LastRawMessageErrorKind::NoMessageFound => None,
            Err(error) => return Err(format!("the stream cannot be read: {error}")),
        };
        let found = resume(kept, there, last);
        tracing::warn!(
            kept = kept.id,
            found = found.id,
            "the team's stream has lost events that it had taken: they are sent again"
        );
        Ok(found)
    }

    async fn there(&self, stream: &Stream, project: &str, kept: Position) -> Result<There, String> {
        let state = &stream.cached_info().state;
        if kept.sequence > state.last_sequence {
            return Ok(There::Beyond);
        }
        if kept.sequence < state.first_sequence {
            return Ok(There::Gone);
        }
        match stream.get_raw_message(kept.sequence).await {
            Ok(message) => {
                Ok(self.ours(project, &message.headers).map_or(There::Other, There::Ours))
            }
            Err(error) if error.kind() == RawMessageErrorKind::NoMessageFound => Ok(There::Gone),
            Err(error) => Err(format!("the stream cannot be read: {error}")),
        }
    }

    /// The event that a message of this log carries.
    fn ours(&self, project: &str, headers: &HeaderMap) -> Option<u64> {
        let name = headers.get(async_nats::header::NATS_MESSAGE_ID)?.as_str();
        let mut parts = name.split(':');
        let ours = parts.next() == Some(project) && parts.next() == Some(&self.epoch);
        parts.next().filter(|_| ours)?.parse().ok()
    }
}

fn parse(value: &[u8], epoch: &str) -> Option<Position> {
    let mut parts = std::str::from_utf8(value).ok()?.split(' ');
    let (id, sequence) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
    (parts.next() == Some(epoch)).then_some(Position { id, sequence })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_position_of_a_log_that_was_put_back_counts_no_more() {
        let position = Position { id: 12, sequence: 340 };
        assert_eq!(parse(b"12 340 0badcafe", "0badcafe"), Some(position));
        for other in ["12 340 deadbeef", "12 340", "12", "", "x 1 0badcafe"] {
            assert_eq!(parse(other.as_bytes(), "0badcafe"), None, "{other}");
        }
    }
}
