//! The feed: follows the server's stream over its restarts and tells what comes, in order.
//!
//! Bounded: where the screen does not keep up, the stream is read more slowly, and the server feeds
//! a slow reader from its log.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use serde::Deserialize;
use tokio::sync::mpsc::{Sender, error::SendError};
use tokio::time::{Instant, MissedTickBehavior, interval, sleep, timeout};

use crate::app::instance_lock::{self, Holder};
use crate::cli::client::{Server, Stream};
use crate::cli::log_pages::{Filter, Pages};
use crate::cli::place::Found;
use crate::domain::state::State;

use super::model::{Link, Told, line};
use super::opening::{self, Init, Owner};

/// Messages that wait for the screen.
pub(super) const WAITING: usize = 1024;

/// Between two tries at a server that is not there.
const PAUSE: Duration = Duration::from_millis(500);
/// The same when it refuses: a wrong token does not become right.
const LONG_PAUSE: Duration = Duration::from_secs(3);
/// A stream that is silent for so long is asked whether its server is still there…
const QUIET: Duration = Duration::from_millis(2500);
/// …and that long waited for: both together are less than five seconds.
const ANSWER: Duration = Duration::from_secs(2);
/// Every so many looks the server's health is asked for, however much comes.
const HEALTH: u32 = 6;
/// Lines that are shown of a database that nobody serves.
const NEWEST: u64 = 200;

/// Where to look for the server.
#[derive(Debug, Clone)]
pub(super) enum Whom {
    /// Whoever serves this project, found anew at each try.
    Project(Box<Found>),
    /// The server at one address.
    Server(Server),
}

/// The feed.
pub(super) struct Feed {
    whom: Whom,
    to: Sender<Told>,
    /// Whether agents are at work: set by whoever holds the state.
    at_work: Arc<AtomicBool>,
    /// Behind which event to go on, as the server gives ids out; empty = begin anew.
    cursor: String,
    health: Vec<String>,
    told_absent: bool,
}

/// The screen has gone: nothing is left to do.
type Gone = SendError<Told>;

/// What a look at the server found.
struct Seen {
    health: Option<Vec<String>>,
    signs: Option<HashMap<String, i64>>,
}

/// A message about the stream itself.
#[derive(Deserialize)]
struct Kind {
    #[serde(rename = "type")]
    kind: String,
}

impl Feed {
    pub(super) fn new(whom: Whom, to: Sender<Told>, at_work: Arc<AtomicBool>) -> Self {
        let (cursor, health) = (String::new(), Vec::new());
        Self { whom, to, at_work, cursor, health, told_absent: false }
    }

    /// Runs until nobody listens any more.
    pub(super) async fn run(mut self) {
        // The only error is that nobody listens.
        while self.turn().await.is_ok() {}
    }

    async fn turn(&mut self) -> Result<(), Gone> {
        let Some(server) = self.find().await? else {
            sleep(PAUSE).await;
            return Ok(());
        };
        self.told_absent = false;
        self.to.send(Told::Place(server.url.clone())).await?;
        let opened = server.stream("", &self.cursor).await;
        let mut pause = PAUSE;
        match opened {
            Ok(stream) => {
                self.to.send(Told::Link(Link::Live)).await?;
                self.health.clear();
                if !self.follow(&server, stream).await? {
                    return Ok(());
                }
                self.to.send(Told::Link(Link::Lost("the stream ended".to_owned()))).await?;
            }
            Err(error) => {
                let text = format!("{error:#}");
                if text.contains("refuses") {
                    pause = LONG_PAUSE;
                }
                self.to.send(Told::Link(Link::Lost(text))).await?;
            }
        }
        sleep(pause).await;
        Ok(())
    }

    /// The server, if there is one; else what was kept is shown once, and said to be just that.
    async fn find(&mut self) -> Result<Option<Server>, Gone> {
        let found = match &self.whom {
            Whom::Server(server) => return Ok(Some(server.clone())),
            Whom::Project(found) => found.clone(),
        };
        let folders = found.state_folders();
        let looked = tokio::task::spawn_blocking(move || {
            (Server::find(&folders), instance_lock::find_holder(&folders))
        });
        let (server, holder) = looked.await.unwrap_or_default();
        if server.is_some() {
            return Ok(server);
        }
        let why = match holder {
            Some(Holder { terminal: true, pid, .. }) => {
                format!("a batch runs in a terminal (process {pid}) and is shown there")
            }
            Some(_) => "the server is just starting".to_owned(),
            None => "no server is running: start one with  sprint-runner serve".to_owned(),
        };
        self.to.send(Told::Link(Link::Absent(why))).await?;
        if !self.told_absent {
            self.told_absent = true;
            // What was shown live stays; only who begins here knows nothing yet.
            if self.cursor.is_empty() {
                self.kept(*found).await?;
            }
        }
        Ok(None)
    }

    /// What the database holds, read-only.
    async fn kept(&mut self, found: Found) -> Result<(), Gone> {
        match kept(found).await {
            Ok(Some((state, events))) => {
                let lines = events.iter().filter_map(|json| line(json)).collect();
                self.to.send(Told::Opened(Box::new(state), lines)).await
            }
            Ok(None) => Ok(()),
            Err(error) => self.to.send(Told::Remark(format!("{error:#}"))).await,
        }
    }

    /// Tells one connection's events until it ends. False: to be opened anew at once.
    async fn follow(&mut self, server: &Server, mut stream: Stream) -> Result<bool, Gone> {
        let mut looks = interval(QUIET);
        looks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        let (mut heard, mut count, mut is_silent) = (Instant::now(), 0_u32, false);
        loop {
            tokio::select! {
                block = stream.next() => {
                    let Some(block) = block else { return Ok(true) };
                    heard = Instant::now();
                    if is_silent {
                        is_silent = false;
                        self.to.send(Told::Link(Link::Live)).await?;
                    }
                    if let Some(data) = &block.data && !self.message(data).await? {
                        return Ok(false);
                    }
                    // Behind what was told: what was not is asked for again.
                    if let Some(id) = block.id {
                        self.cursor = id;
                    }
                }
                _ = looks.tick() => {
                    let agents = self.at_work.load(Ordering::Relaxed);
                    let health = heard.elapsed() >= QUIET / 2 || count.is_multiple_of(HEALTH);
                    count = count.wrapping_add(1);
                    if !agents && !health {
                        continue;
                    }
                    let seen = look(server, agents, health).await;
                    let was_silent = std::mem::replace(&mut is_silent, seen.is_none());
                    if was_silent != is_silent {
                        let link = if is_silent { Link::Silent } else { Link::Live };
                        self.to.send(Told::Link(link)).await?;
                    }
                    self.saw(seen).await?;
                }
            }
        }
    }

    async fn saw(&mut self, seen: Option<Seen>) -> Result<(), Gone> {
        let Some(seen) = seen else {
            self.health.clear();
            return Ok(());
        };
        if let Some(signs) = seen.signs {
            self.to.send(Told::Signs(signs)).await?;
        }
        if let Some(health) = seen.health
            && health != self.health
        {
            self.health.clone_from(&health);
            self.to.send(Told::Health(health)).await?;
        }
        Ok(())
    }

    /// Tells one message. False: the stream has to be opened anew.
    async fn message(&mut self, data: &str) -> Result<bool, Gone> {
        // Almost all are events.
        if let Some(event) = opening::event(data) {
            self.to.send(Told::Event(Box::new(event), line(data))).await?;
            return Ok(true);
        }
        let kind = serde_json::from_str::<Kind>(data).map_or(String::new(), |message| message.kind);
        match kind.as_str() {
            "init" => match serde_json::from_str::<Init>(data) {
                Ok(init) => {
                    self.to.send(Told::Owner(init.owner())).await?;
                    let (state, events) = init.open();
                    let lines = events.iter().filter_map(|json| line(json)).collect();
                    self.to.send(Told::Opened(Box::new(state), lines)).await?;
                }
                Err(error) => {
                    let text = format!("the server's state cannot be understood: {error}");
                    self.to.send(Told::Remark(text)).await?;
                }
            },
            "server" => {
                let owner = serde_json::from_str::<Owner>(data).ok();
                self.to.send(Told::Owner(owner)).await?;
            }
            // What is missing is not in the state either: it is taken whole.
            "gap" => {
                self.cursor.clear();
                return Ok(false);
            }
            "reset" => {
                let text = "the log was begun anew: showing the new one".to_owned();
                self.to.send(Told::Remark(text)).await?;
            }
            _ => {}
        }
        Ok(true)
    }
}

/// Asks the server for what the stream does not carry; `None` when it does not answer.
async fn look(server: &Server, agents: bool, health: bool) -> Option<Seen> {
    #[derive(Deserialize)]
    struct Agents {
        agents: Vec<Agent>,
    }
    #[derive(Deserialize)]
    struct Agent {
        agent_id: String,
        last_output_at: Option<i64>,
    }
    #[derive(Deserialize)]
    struct Health {
        #[serde(default)]
        reasons: Vec<String>,
    }
    let mut seen = Seen { health: None, signs: None };
    if health {
        let body = timeout(ANSWER, server.get_within("/healthz", ANSWER)).await.ok()?.ok()?;
        seen.health = serde_json::from_slice(&body).ok().map(|it: Health| it.reasons);
    }
    if agents {
        let body = timeout(ANSWER, server.get_within("/api/agents", ANSWER)).await.ok()?.ok()?;
        let listed: Option<Agents> = serde_json::from_slice(&body).ok();
        let listed = listed.map_or(Vec::new(), |it| it.agents);
        let signs = listed.into_iter().filter_map(|it| Some((it.agent_id, it.last_output_at?)));
        seen.signs = Some(signs.collect());
    }
    Some(seen)
}

/// The state of a database that nobody serves, with its newest events; `None` without one.
async fn kept(found: Found) -> anyhow::Result<Option<(State, Vec<String>)>> {
    let Some(kept) = found.kept()? else { return Ok(None) };
    let filter = Filter::default();
    let Some(pages) = Pages::of_database(&found, &filter)? else { return Ok(None) };
    let page = pages.newest(NEWEST).await?;
    let head = page.end();
    let state = tokio::task::spawn_blocking(move || kept.queries.state_at(head)).await??;
    Ok(Some((state, page.events)))
}
