//! What is done with the messages that came.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use async_nats::jetstream::Message;
use tokio::task::spawn_blocking;

use super::{Over, Reader};
use crate::http::{Reach, Reached};
use crate::nats::message::{self, Arrived};
use crate::store::Record;
use crate::team::again::Ask;
use crate::team::project::Project;
use crate::team::rule::{Place, Step, judge};

/// Between two words about messages that are no events.
const TOLD_EVERY: Duration = Duration::from_secs(60);

impl Reader {
    /// Applies messages, in their order; all of it is committed when this returns.
    pub(super) async fn take(&mut self, messages: Vec<Message>) -> Result<(), Over> {
        let (mut behind, mut last) = (0, None);
        for message in &messages {
            let Ok(info) = message.info() else { continue };
            let sequence = info.stream_sequence;
            let time = i64::try_from(info.published.unix_timestamp_nanos()).unwrap_or(0);
            if sequence <= last.map_or(self.sequence(), |(sequence, _)| sequence) {
                self.standing.repeats.fetch_add(1, Relaxed);
                self.doubtful = true;
                continue;
            }
            behind = info.pending;
            self.judge(message, sequence, time).await?;
            last = Some((sequence, time));
        }
        self.commit().await?;
        if let (Some(kept), Some(last)) = (&mut self.kept, last) {
            (kept.sequence, kept.time) = last;
        }
        self.standing.behind.store(behind, Relaxed);
        if behind == 0 {
            self.caught_up().await;
        }
        Ok(())
    }

    async fn judge(&mut self, message: &Message, sequence: u64, time: i64) -> Result<(), Over> {
        let headers = message.headers.as_ref();
        let read = message::read(&self.nats.team, &message.subject, headers, &message.payload);
        let arrived = match read {
            Ok(arrived) => arrived,
            Err(unfit) => {
                self.unfit(sequence, &unfit.to_string());
                return Ok(());
            }
        };
        let cut = self.kept.as_ref().is_some_and(|kept| kept.cut);
        let project = self.projects.get_mut(&arrived.project);
        let step = judge(project.as_ref().map(|it| &it.place), sequence, &arrived.origin, cut);
        match (step, project) {
            (Step::Apply, Some(project)) => {
                project.place.advance(sequence, time, arrived.origin.id);
                self.asks.came(&arrived.project);
                self.wait(sequence, arrived);
            }
            (Step::Begin | Step::Apply, project) => {
                if project.is_none() && self.projects.len() >= self.most {
                    self.unfit(sequence, "there are too many projects to show one more");
                    return Ok(());
                }
                self.begin(sequence, time, &arrived).await?;
                self.asks.came(&arrived.project);
                self.wait(sequence, arrived);
            }
            (Step::Repeat, _) => drop(self.standing.repeats.fetch_add(1, Relaxed)),
            (Step::Superseded, _) => {
                self.unfit(sequence, "it is of a log that was given up for another one");
            }
            (Step::Hole { after }, _) => {
                self.standing.held_back.fetch_add(1, Relaxed);
                let room = self.asks.open() < self.most || self.asks.is_open(&arrived.project);
                if room {
                    let ask = Ask { epoch: arrived.origin.epoch, after, seen: sequence };
                    self.asks.missing(&arrived.project, ask, Instant::now());
                }
            }
        }
        Ok(())
    }

    /// Its id is from now on its place in the stream.
    fn wait(&mut self, sequence: u64, arrived: Arrived) {
        let Arrived { project, mut event, payload, .. } = arrived;
        event.id = sequence;
        if let Some(waiting) = self.projects.get_mut(&project) {
            waiting.wait(Record { event, payload_json: payload });
            if !self.touched.contains(&project) {
                self.touched.insert(project);
            }
        }
    }

    /// Makes a log for a project, in the place of the one that it may have.
    async fn begin(&mut self, sequence: u64, time: i64, arrived: &Arrived) -> Result<(), Over> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let (name, origin) = (arrived.project.clone(), &arrived.origin);
        let epoch = kept.lineage.epoch(&name, &origin.epoch);
        // What waits for the former belongs into that one.
        self.commit().await?;
        let former = self.projects.remove(&name);
        let place = Place::behind(former.as_ref().map(|it| &it.place), sequence, time, origin);
        let reach = Reach::afar(Reached::default());
        let reach = reach.reading(Arc::clone(&self.standing.catching_up));
        let (cache, asked) = (Arc::clone(&self.cache), name.clone());
        let begun =
            spawn_blocking(move || Project::begin(cache.begin(&asked, &epoch)?, place, reach));
        let begun = begun.await.map_err(|error| Over::Trouble(error.to_string()));
        let begun = begun.and_then(|begun| {
            begun.map_err(|error| Over::Trouble(format!("a log cannot be made: {error}")))
        });
        let mut project = match begun {
            Ok(project) => project,
            Err(over) => {
                self.projects.extend(former.map(|former| (name, former)));
                return Err(over);
            }
        };
        if let Some(former) = former {
            tracing::info!(project = name, "the project begins anew: its server has another log");
            project.instead_of(former);
        }
        self.projects.insert(name, project);
        Ok(())
    }

    /// Commits what waits, all projects beside one another, and shows those that begin.
    async fn commit(&mut self) -> Result<(), Over> {
        let Some(kept) = &self.kept else { return Ok(()) };
        let (lineage, turn) = (kept.lineage.clone(), kept.turn);
        let mut pending = Vec::with_capacity(self.touched.len());
        for name in self.touched.drain() {
            let project = self.projects.get_mut(&name);
            let handed = project.and_then(|project| project.commit(&lineage, turn));
            pending.extend(handed.map(|(committed, count)| (name, committed, count)));
        }
        for (name, committed, count) in pending {
            committed
                .await
                .map_err(|error| Over::Trouble(format!("the cache cannot be written: {error}")))?;
            self.standing.applied.fetch_add(count as u64, Relaxed);
            let Some(project) = self.projects.get_mut(&name) else { continue };
            let is_new = !project.is_shown;
            let former = project.committed();
            if is_new && let Some(project) = self.projects.get(&name) {
                self.show(&name, project);
            }
            let stale = if is_new { self.stale.remove(&name) } else { None };
            for old in former.into_iter().chain(stale) {
                drop(spawn_blocking(move || old.remove()));
            }
        }
        Ok(())
    }

    /// Goes back to what is committed, where a session ended in between.
    pub(super) async fn go_back(&mut self) {
        self.touched.clear();
        let projects = std::mem::take(&mut self.projects);
        let back = spawn_blocking(move || {
            let mut all = Vec::with_capacity(projects.len());
            let mut is_lost = false;
            for (name, project) in projects {
                let was_shown = project.is_shown;
                let (project, removed) = project.back();
                is_lost |= was_shown && project.is_none();
                removed.into_iter().for_each(Project::remove);
                all.push((name, project));
            }
            (all, is_lost)
        });
        let (all, is_lost) = back.await.unwrap_or_default();
        for (name, project) in all {
            self.projects.extend(project.map(|project| (name, project)));
        }
        if let Some(kept) = self.kept.as_mut().filter(|_| is_lost) {
            (kept.sequence, kept.time) = (0, 0);
        }
    }

    fn unfit(&mut self, sequence: u64, why: &str) {
        self.standing.unfit.fetch_add(1, Relaxed);
        if self.unfit_told.is_none_or(|told| told.elapsed() >= TOLD_EVERY) {
            self.unfit_told = Some(Instant::now());
            tracing::warn!(
                sequence,
                "a message of the stream is left out: {why} (told at most once a minute)"
            );
        }
    }
}
