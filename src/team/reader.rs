//! The task that reads the team's stream into the projects' logs.

mod apply;
mod look;

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;
use std::time::{Duration, Instant};

use async_nats::connection::State;
use async_nats::jetstream::context::GetStreamErrorKind;
use async_nats::jetstream::stream::Stream;
use async_nats::{Client, jetstream};
use tokio::sync::watch;
use tokio::task::{JoinSet, spawn_blocking};
use tokio::time::{MissedTickBehavior, interval, sleep};

use super::Stage;
use super::again::Asks;
use super::cache::{Cache, Kept};
use super::consumer::{Came, Reads};
use super::generation;
use super::presence::Beats;
use super::project::Project;
use crate::config::nats::Nats;
use crate::http::{Reach, Reached, Standing};
use crate::nats::subject;

/// Between two looks at the clock: what is to be asked for, what is to be kept.
const TICK: Duration = Duration::from_secs(1);

/// Ticks between two looks at the stream itself.
const LOOK_TICKS: u32 = 5;

/// Between two tries.
const PAUSE: Duration = Duration::from_secs(1);

/// Why a session ends.
pub(super) enum Over {
    /// All is to be looked at anew: the stream is another one.
    Anew,
    /// Something is the matter; a sentence.
    Trouble(String),
}

pub(super) struct Reader {
    nats: Nats,
    client: Client,
    context: jetstream::Context,
    cache: Arc<Cache>,
    stage: Arc<dyn Stage>,
    standing: Arc<Standing>,
    beats: Arc<Beats>,
    most: usize,
    projects: HashMap<String, Project>,
    /// Shown until their successors are there, or all is read: they are made of what was thrown away.
    stale: HashMap<String, Project>,
    /// Projects with something to be committed.
    touched: HashSet<String>,
    kept: Option<Kept>,
    asks: Asks,
    /// All that the stream held was read.
    at_end: bool,
    /// How far it was read at the last look.
    looked_at: u64,
    /// A message came that was read already: the stream may be another one.
    doubtful: bool,
    unfit_told: Option<Instant>,
}

impl Reader {
    pub(super) fn new(
        nats: Nats,
        client: Client,
        cache: Arc<Cache>,
        stage: Arc<dyn Stage>,
        standing: Arc<Standing>,
        beats: Arc<Beats>,
        most: usize,
    ) -> Self {
        standing.catching_up.store(true, Relaxed);
        Self {
            context: jetstream::new(client.clone()),
            nats,
            client,
            cache,
            stage,
            standing,
            beats,
            most,
            projects: HashMap::new(),
            stale: HashMap::new(),
            touched: HashSet::new(),
            kept: None,
            asks: Asks::default(),
            at_end: false,
            looked_at: 0,
            doubtful: false,
            unfit_told: None,
        }
    }

    /// Shows what the cache holds.
    pub(super) async fn take_up(&mut self) -> anyhow::Result<()> {
        let (cache, most) = (Arc::clone(&self.cache), self.most);
        let catching_up = Arc::clone(&self.standing.catching_up);
        let read = spawn_blocking(move || {
            let kept = cache.kept();
            let mut first = None;
            let mut started = Vec::new();
            for found in cache.found(kept.as_ref()).into_iter().take(most) {
                first.get_or_insert_with(|| found.stored.clone());
                let reach = Reach::afar(Reached::default()).reading(Arc::clone(&catching_up));
                let name = found.name.clone();
                match Project::take_up(found, reach) {
                    Ok(project) => started.push((name, project)),
                    Err(error) => tracing::warn!(project = name, %error, "a log is read anew"),
                }
            }
            (kept, first, started)
        });
        let (kept, first, started) = read.await?;
        // Without its word the stream is read from the beginning: what is there is not applied again.
        let kept = kept.or_else(|| {
            let (lineage, turn) = first.map(|stored| (stored.lineage, stored.turn))?;
            Some(Kept { lineage, turn, cut: false, sequence: 0, time: 0, projects: 0 })
        });
        let all = started.len();
        self.kept = kept.map(|kept| {
            // One that is not there any more comes out of the stream again.
            if kept.projects == all { kept } else { Kept { sequence: 0, time: 0, ..kept } }
        });
        for (name, project) in started {
            self.show(&name, &project);
            self.projects.insert(name, project);
        }
        Ok(())
    }

    fn show(&self, name: &str, project: &Project) {
        self.beats.show(name, &project.reach, project.place.time / 1_000_000);
        self.stage.show(name, &project.hub, &project.reach);
    }

    /// Reads until the end.
    pub(super) async fn run(mut self, mut ended: watch::Receiver<bool>) {
        loop {
            let over = tokio::select! {
                over = self.session() => over,
                _ = ended.wait_for(|ended| *ended) => break,
            };
            if let Over::Trouble(what) = over {
                self.tell(Some(&what));
                tokio::select! {
                    () = sleep(PAUSE) => {}
                    _ = ended.wait_for(|ended| *ended) => break,
                }
            }
        }
        self.keep().await;
        let mut ending = JoinSet::new();
        for (_, project) in self.projects.drain() {
            ending.spawn_blocking(move || project.end());
        }
        for (_, project) in self.stale.drain() {
            ending.spawn_blocking(move || project.remove());
        }
        while ending.join_next().await.is_some() {}
    }

    async fn session(&mut self) -> Over {
        match self.read().await {
            Ok(never) => match never {},
            Err(over) => over,
        }
    }

    /// Reads for as long as all is well.
    async fn read(&mut self) -> Result<std::convert::Infallible, Over> {
        self.check_connection()?;
        let stream = self.stream().await?;
        let replicas = stream.cached_info().config.num_replicas;
        let opened = generation::open(&self.context, &self.nats.team, replicas).await;
        let generation = opened.map_err(Over::Trouble)?;
        self.go_back().await;
        self.look(&stream, &generation).await?;
        let mut ticks = interval(TICK);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let mut ticked = 0;
        loop {
            let made = Reads::behind(&stream, &self.nats.team, self.sequence()).await;
            let mut reads = made.map_err(Over::Trouble)?;
            self.tell(None);
            let connects = self.connects();
            let mut is_fresh = true;
            loop {
                tokio::select! {
                    biased;
                    _ = ticks.tick() => {
                        ticked += 1;
                        self.tick().await?;
                        let is_stuck = ticked % LOOK_TICKS == 0
                            && self.look(&stream, &generation).await?;
                        if is_stuck || self.connects() != connects {
                            break;
                        }
                    }
                    came = reads.next() => match came {
                        Came::Messages(messages) => {
                            is_fresh = false;
                            self.take(messages).await?;
                            if std::mem::take(&mut self.doubtful) {
                                self.look(&stream, &generation).await?;
                            }
                        }
                        Came::Nothing => self.caught_up().await,
                        Came::Broken => {
                            if is_fresh {
                                sleep(PAUSE / 10).await;
                            }
                            break;
                        }
                    }
                }
            }
        }
    }

    /// The team's stream. A hub makes none: whoever publishes knows how it is to be kept.
    async fn stream(&self) -> Result<Stream, Over> {
        let name = &self.nats.stream;
        self.context.get_stream(name).await.map_err(|error| {
            let is_missing = matches!(
                error.kind(), GetStreamErrorKind::JetStream(error) if error.code() == 404
            );
            Over::Trouble(if is_missing {
                format!("there is no stream {name} yet: the first server of the team makes it")
            } else {
                format!("the stream {name} cannot be reached: {error}")
            })
        })
    }

    /// What is due each second.
    async fn tick(&mut self) -> Result<(), Over> {
        self.check_connection()?;
        for (project, ask) in self.asks.due(Instant::now()) {
            let subject = subject::again(&self.nats.team, &project);
            // A text and two numbers: encoding cannot fail.
            let text = serde_json::to_vec(&ask).unwrap_or_default();
            tracing::info!(project, after = ask.after, "events are missing: asked for them again");
            self.standing.asked.fetch_add(1, Relaxed);
            let asked = self.client.publish(subject, text.into()).await;
            asked.map_err(|error| Over::Trouble(format!("nothing can be asked: {error}")))?;
        }
        self.standing.holes.store(self.asks.open() as u64, Relaxed);
        self.keep().await;
        Ok(())
    }

    fn check_connection(&self) -> Result<(), Over> {
        if self.client.connection_state() == State::Connected {
            return Ok(());
        }
        let place = self.nats.servers.shown();
        Err(Over::Trouble(format!("NATS at {place} cannot be reached; it is tried again")))
    }

    fn connects(&self) -> u64 {
        self.client.statistics().connects.load(Relaxed)
    }

    fn sequence(&self) -> u64 {
        self.kept.as_ref().map_or(0, |kept| kept.sequence)
    }

    fn tell(&self, trouble: Option<&str>) {
        if self.standing.set_trouble(trouble) {
            if let Some(what) = trouble {
                tracing::warn!("{what}");
            } else {
                tracing::info!("the team's stream is being read");
            }
        }
    }

    async fn keep(&mut self) {
        let Some(mut kept) = self.kept.clone() else { return };
        kept.projects = self.projects.len();
        let cache = Arc::clone(&self.cache);
        // It fails only where the program ends.
        let _ = spawn_blocking(move || cache.keep(&kept)).await;
    }
}
