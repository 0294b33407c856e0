//! A publisher by hand: sends what a test wants to have in a team's stream.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_nats::HeaderMap;
use async_nats::jetstream::{self, stream};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use crate::support::nats::Nats;
use crate::support::server::binary;
use crate::support::{DEADLINE, Server, eventually};

/// The team of these tests.
pub(super) const TEAM: &str = "red";

/// A connection to NATS, and a stream for the team.
pub(super) struct Team {
    runtime: Runtime,
    client: async_nats::Client,
    context: jetstream::Context,
}

impl Team {
    /// Connects, and makes the stream.
    pub(super) fn on(nats: &Nats) -> Self {
        let runtime =
            tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        let runtime = runtime.unwrap();
        let url = nats.url();
        let client = runtime.block_on(async {
            let options = async_nats::ConnectOptions::new().retry_on_initial_connect();
            options.connect(url).await.unwrap()
        });
        let context = {
            let _inside = runtime.enter();
            jetstream::new(client.clone())
        };
        let team = Self { runtime, client, context };
        team.make_stream();
        team
    }

    fn config(subjects: String) -> stream::Config {
        stream::Config {
            name: format!("sprint-{TEAM}"),
            subjects: vec![subjects],
            duplicate_window: Duration::from_secs(120),
            allow_direct: true,
            ..stream::Config::default()
        }
    }

    /// From now on the stream takes all teams' events.
    pub(super) fn widen_stream(&self) {
        let config = Self::config("sprint.>".to_owned());
        self.runtime.block_on(self.context.update_stream(config)).unwrap();
    }

    pub(super) fn make_stream(&self) {
        let config = Self::config(format!("sprint.{TEAM}.*.*"));
        eventually("a stream", || {
            self.runtime.block_on(self.context.create_stream(config.clone())).ok()
        });
    }

    pub(super) fn delete_stream(&self) {
        let deleted = self.runtime.block_on(self.context.delete_stream(format!("sprint-{TEAM}")));
        deleted.unwrap();
    }

    /// Sends what a test wants; gives its sequence.
    pub(super) fn send(&self, subject: &str, headers: HeaderMap, text: Vec<u8>) -> u64 {
        self.runtime.block_on(async {
            let subject = subject.to_owned();
            let ack = self.context.publish_with_headers(subject, headers, text.into()).await;
            ack.unwrap().await.unwrap().sequence
        })
    }

    /// Says that a project's server is there, and how far it is.
    pub(super) fn beat(&self, project: &str, epoch: &str, sent: u64) {
        let value = json!({
            "instance": "i", "host": "ada", "epoch": epoch, "head": sent, "sent": sent,
            "started_at": 1, "control": false,
        });
        let bucket = format!("sprint-presence-{TEAM}");
        self.runtime.block_on(async {
            let store = if let Ok(store) = self.context.get_key_value(&bucket).await {
                store
            } else {
                // As `create_key_value` would, which a server of 2.9 does not understand.
                let config = stream::Config {
                    name: format!("KV_{bucket}"),
                    subjects: vec![format!("$KV.{bucket}.>")],
                    max_messages_per_subject: 1,
                    max_age: Duration::from_secs(15),
                    allow_rollup: true,
                    allow_direct: true,
                    ..stream::Config::default()
                };
                self.context.create_stream(config).await.unwrap();
                self.context.get_key_value(&bucket).await.unwrap()
            };
            store.put(project, value.to_string().into()).await.unwrap();
        });
    }

    /// Hears what a project is asked to send again.
    pub(super) fn asks(&self, project: &str) -> Asks<'_> {
        let subject = format!("sprint-again.{TEAM}.{project}");
        let subscribed = self.runtime.block_on(self.client.subscribe(subject)).unwrap();
        self.runtime.block_on(self.client.flush()).unwrap();
        Asks { team: self, subscribed }
    }
}

/// What is asked for.
pub(super) struct Asks<'a> {
    team: &'a Team,
    subscribed: async_nats::Subscriber,
}

impl Asks<'_> {
    /// The next ask.
    pub(super) fn next(&mut self) -> Value {
        use futures_util::StreamExt as _;
        let next = async { tokio::time::timeout(DEADLINE, self.subscribed.next()).await };
        let message = self.team.runtime.block_on(next).expect("an ask").unwrap();
        serde_json::from_slice(&message.payload).unwrap()
    }
}

/// A log that is sent.
pub(super) struct Publisher {
    pub(super) team: Arc<Team>,
    pub(super) project: String,
    pub(super) epoch: String,
    /// Its events, and beside each the id of the one before it.
    pub(super) log: Vec<(u64, Value)>,
}

impl Publisher {
    pub(super) fn new(team: &Arc<Team>, project: &str, epoch: &str) -> Self {
        let (team, project) = (Arc::clone(team), project.to_owned());
        Self { team, project, epoch: epoch.to_owned(), log: Vec::new() }
    }

    /// Makes further events.
    pub(super) fn more(&mut self, count: u64) {
        for _ in 0..count {
            let before = self.log.last().map_or(0, |(_, event)| event["id"].as_u64().unwrap());
            let id = before + 1;
            let event = json!({
                "id": id, "type": "command:progress", "timestamp": 1_700_000_000_000_u64 + id,
                "batch_id": null, "source": "csv",
                "payload": { "story_key": "1-1-first", "story_id": "1-1", "epic_id": "1",
                    "command": "dev-story", "task_id": format!("t{id}"), "status": "running",
                    "message": format!("{} {id}", self.project), "of": self.epoch },
            });
            self.log.push((before, event));
        }
    }

    /// Takes the events of a real log, as `export` tells them.
    pub(super) fn take(&mut self, lines: &str) {
        for line in lines.lines() {
            let before = self.log.last().map_or(0, |(_, event)| event["id"].as_u64().unwrap());
            self.log.push((before, serde_json::from_str(line).unwrap()));
        }
    }

    /// Sends one, by its place in the log; gives its sequence. `again`: so that the stream does not
    /// take it for a repeat.
    pub(super) fn send(&self, at: usize, again: Option<&str>) -> u64 {
        let (subject, headers, text) = self.message(at, again);
        self.team.send(&subject, headers, text)
    }

    fn message(&self, at: usize, again: Option<&str>) -> (String, HeaderMap, Vec<u8>) {
        let (previous, event) = &self.log[at];
        let id = event["id"].as_u64().unwrap();
        let again = again.map(|again| format!(":{again}")).unwrap_or_default();
        let mut headers = HeaderMap::new();
        headers.insert("Nats-Msg-Id", format!("{}:{}:{id}{again}", self.project, self.epoch));
        headers.insert("Sprint-Epoch", self.epoch.as_str());
        headers.insert("Sprint-Previous", previous.to_string());
        let kind = event["type"].as_str().unwrap();
        let subject = format!("sprint.{TEAM}.{}.{kind}", self.project);
        (subject, headers, event.to_string().into_bytes())
    }

    /// Makes events and sends them without waiting for each; gives the sequence of the last.
    pub(super) fn publish_many(&mut self, count: u64) -> u64 {
        let from = self.log.len();
        self.more(count);
        let last = self.log.len() - 1;
        self.team.runtime.block_on(async {
            for at in from..last {
                let (subject, headers, text) = self.message(at, None);
                self.team.client.publish_with_headers(subject, headers, text.into()).await.unwrap();
            }
        });
        // Acknowledged behind all of them.
        let sequence = self.send(last, None);
        // What was sent is not needed any more.
        self.log.drain(..last);
        sequence
    }

    /// Makes events and sends them; gives the sequence of the last.
    pub(super) fn publish(&mut self, count: u64) -> u64 {
        let from = self.log.len();
        self.more(count);
        (from..self.log.len()).map(|at| self.send(at, None)).reduce(|_, last| last).unwrap()
    }
}

/// A hub with a cache of its own.
pub(super) struct Hub {
    pub(super) server: Option<Server>,
    url: String,
    cache: PathBuf,
    dir: tempfile::TempDir,
}

impl Hub {
    pub(super) fn on(nats: &Nats) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let cache = dir.path().join("cache");
        let mut hub = Self { server: None, url: nats.url(), cache, dir };
        hub.start();
        hub
    }

    pub(super) fn start(&mut self) {
        let mut command = binary();
        command.args(["hub", "--port", "0", "--team", TEAM, "--nats", &self.url]);
        command.arg("--cache").arg(&self.cache).current_dir(self.dir.path());
        self.server = Some(Server::spawn(command));
    }

    pub(super) fn server(&self) -> &Server {
        self.server.as_ref().unwrap()
    }

    pub(super) fn port(&self) -> u16 {
        self.server().port()
    }

    /// `kill -9`.
    pub(super) fn kill(&mut self) {
        self.server.take().unwrap().kill();
    }

    pub(super) fn cache(&self) -> &Path {
        &self.cache
    }

    /// All events of a project.
    pub(super) fn log(&self, project: &str) -> Vec<Value> {
        let mut events = Vec::new();
        let mut after = 0;
        loop {
            let page =
                self.server().get(&format!("/p/{project}/api/events?after={after}&limit=1000"));
            if page.status != 200 {
                return events;
            }
            let page = page.json();
            events.extend(page["events"].as_array().unwrap().iter().cloned());
            match page["next"].as_u64() {
                Some(next) => after = next,
                None => return events,
            }
        }
    }

    /// Waits until a project's log ends with this event of the stream, and gives it.
    pub(super) fn until(&self, project: &str, sequence: u64) -> Vec<Value> {
        eventually(&format!("{project} up to {sequence}"), || {
            let health = self.server().get(&format!("/p/{project}/healthz"));
            let head = (health.status == 200).then(|| health.json()["head"].as_u64())??;
            (head >= sequence).then(|| self.log(project))
        })
    }

    /// The name of a project's log.
    pub(super) fn epoch(&self, project: &str) -> Option<String> {
        let health = self.server().get(&format!("/p/{project}/healthz"));
        (health.status == 200).then(|| health.json()["epoch"].as_str().map(str::to_owned))?
    }

    /// What it says of its stream, from `/metrics`.
    pub(super) fn figure(&self, line: &str) -> Option<f64> {
        let text = self.server().get("/metrics").text();
        let found = text.lines().find_map(|it| it.strip_prefix(line)?.strip_prefix(' '))?;
        found.parse().ok()
    }
}

/// What the publisher's log has under other ids.
pub(super) fn without_ids(events: &[Value]) -> Vec<Value> {
    events
        .iter()
        .map(|event| {
            let mut event = event.clone();
            event.as_object_mut().unwrap().remove("id");
            event
        })
        .collect()
}

/// The same of a publisher's log.
pub(super) fn told(publisher: &Publisher) -> Vec<Value> {
    let events: Vec<Value> = publisher.log.iter().map(|(_, event)| event.clone()).collect();
    without_ids(&events)
}
