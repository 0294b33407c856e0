//! Looks at the stream itself: whether it is still the one that was read, and whether all was read.

use std::sync::atomic::Ordering::Relaxed;
use std::time::Instant;

use async_nats::jetstream::kv::Store;
use async_nats::jetstream::stream::{Info, Stream};
use tokio::task::spawn_blocking;

use super::{Over, Reader};
use crate::team::again::Ask;
use crate::team::cache::Kept;
use crate::team::generation;
use crate::team::lineage::Lineage;
use crate::team::rule::Place;

impl Reader {
    /// Looks; what is made of another stream is thrown away. Returns whether something is there that
    /// does not come by itself.
    pub(super) async fn look(&mut self, stream: &Stream, store: &Store) -> Result<bool, Over> {
        // Before the stream: what they say was taken by it is in it.
        let present = self.beats.present();
        let info = stream.get_info().await;
        let info = info.map_err(|error| Over::Trouble(format!("the stream is gone: {error}")))?;
        let lineage = Lineage {
            stream: info.config.name.clone(),
            created: i64::try_from(info.created.unix_timestamp_nanos()).unwrap_or(0),
            generation: generation::read(store).await.map_err(Over::Trouble)?,
        };
        let Some(kept) = self.kept.clone() else {
            self.begin_reading(lineage, 0, &info).await;
            return Ok(false);
        };
        if kept.lineage != lineage {
            tracing::warn!("the team's stream is another one: all is read anew");
            return Err(self.throw_away(lineage, &info).await);
        }
        if is_rewound(stream, &kept, &self.newest(&kept), &info).await {
            tracing::warn!("the team's stream was rewound: all hubs read it anew");
            generation::bump(store, lineage.generation).await.map_err(Over::Trouble)?;
            let generation = generation::read(store).await.map_err(Over::Trouble)?;
            return Err(self.throw_away(Lineage { generation, ..lineage }, &info).await);
        }
        let first = info.state.first_sequence;
        if kept.sequence > 0 && first > kept.sequence + 1 {
            tracing::warn!(
                first,
                "the stream does not hold what follows any more: it is read anew"
            );
            return Err(self.throw_away(lineage, &info).await);
        }
        let last = info.state.last_sequence;
        let stands_still = kept.sequence == self.looked_at;
        self.looked_at = kept.sequence;
        if kept.sequence >= last || (self.at_end && stands_still) {
            self.find_holes_at_the_end(&present, last);
        }
        Ok(stands_still && kept.sequence < last)
    }

    /// The last message that is known to be in a log, or to have been read.
    fn newest(&self, kept: &Kept) -> (u64, i64) {
        let places = self.projects.values().map(|project| (project.place.at, project.place.time));
        places.chain([(kept.sequence, kept.time)]).max().unwrap_or_default()
    }

    async fn begin_reading(&mut self, lineage: Lineage, turn: u64, info: &Info) {
        let cut = info.state.first_sequence > 1;
        self.kept = Some(Kept { lineage, turn, cut, sequence: 0, time: 0, projects: 0 });
        self.keep().await;
    }

    /// Reads all anew. What was shown stays until its successor is there, or all is read.
    async fn throw_away(&mut self, lineage: Lineage, info: &Info) -> Over {
        self.standing.rebuilt.fetch_add(1, Relaxed);
        self.standing.catching_up.store(true, Relaxed);
        self.at_end = false;
        self.looked_at = 0;
        self.asks.forget();
        self.touched.clear();
        for (name, project) in self.projects.drain() {
            if let Some(older) = self.stale.insert(name, project) {
                drop(spawn_blocking(move || older.remove()));
            }
        }
        let turn = self.kept.as_ref().map_or(0, |kept| kept.turn);
        self.begin_reading(lineage, turn + 1, info).await;
        Over::Anew
    }

    /// All that the stream holds was read.
    pub(super) async fn caught_up(&mut self) {
        self.at_end = true;
        self.standing.behind.store(0, Relaxed);
        if !self.standing.catching_up.swap(false, Relaxed) && self.stale.is_empty() {
            return;
        }
        let stale: Vec<_> = self.stale.drain().collect();
        for (name, project) in stale {
            if !self.projects.contains_key(&name) {
                self.beats.hide(&name);
                self.stage.hide(&name);
            }
            drop(spawn_blocking(move || project.remove()));
        }
        self.keep().await;
    }

    /// What publishers say that the stream has taken, and what is not there.
    fn find_holes_at_the_end(
        &mut self,
        present: &[(String, crate::nats::presence::Presence)],
        last: u64,
    ) {
        for (name, presence) in present {
            let place = self.projects.get(name).map(|project| &project.place);
            let after = match place {
                Some(Place { epoch, last, .. }) if *epoch == presence.epoch => *last,
                Some(place) if place.superseded.contains(&presence.epoch) => continue,
                _ => 0,
            };
            if presence.sent > after && !self.asks.is_open(name) && self.asks.open() < self.most {
                let ask = Ask { epoch: presence.epoch.clone(), after, seen: last };
                self.asks.missing(name, ask, Instant::now());
            }
        }
    }
}

/// Whether the message that was read is not the one that stands there now.
async fn is_rewound(stream: &Stream, kept: &Kept, newest: &(u64, i64), info: &Info) -> bool {
    let (sequence, time) = *newest;
    if info.state.last_sequence < sequence.max(kept.sequence) {
        return true;
    }
    if sequence == 0 || sequence < info.state.first_sequence {
        return false;
    }
    // One that was deleted says nothing.
    let Ok(message) = stream.get_raw_message(sequence).await else { return false };
    i64::try_from(message.time.unix_timestamp_nanos()).is_ok_and(|now| now != time)
}
