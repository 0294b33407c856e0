//! `nats-server` for the rows of a team: one, or three that keep everything together; and messages
//! put into a stream by hand, where servers for all of them would be too many.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context as _, Result};
use async_nats::jetstream::{self, stream};
use sprint_runner::nats::message::Origin;
use sprint_runner::nats::subject;

use crate::http;
use crate::peers::found;
use crate::process::Running;

/// The team of every row.
pub(crate) const TEAM: &str = "figures";

/// Messages that wait for their acknowledgement.
const WINDOW: usize = 256;

/// Ends with this, and so does what it stored.
pub(crate) struct Nats {
    // Ended before their folder is removed.
    nodes: Vec<Running>,
    folder: PathBuf,
    pub(crate) replicas: usize,
    pub(crate) url: String,
}

impl Nats {
    /// One or three of them, over empty stores.
    pub(crate) fn start(scratch: &Path, count: usize) -> Result<Self> {
        let program = program().context("nats-server is not installed")?;
        let folder = scratch.join("nats");
        if folder.exists() {
            fs::remove_dir_all(&folder)?;
        }
        let mut ports = Vec::new();
        for _ in 0..count {
            ports.push((http::free_port()?, http::free_port()?));
        }
        let routes: Vec<_> =
            ports.iter().map(|(_, route)| format!("nats://127.0.0.1:{route}")).collect();
        let mut nodes = Vec::new();
        for (n, (port, route)) in ports.iter().enumerate() {
            let home = folder.join(n.to_string());
            fs::create_dir_all(&home)?;
            let mut text = format!(
                "server_name: node-{n}\nlisten: 127.0.0.1:{port}\nlog_file: \"{0}/log\"\n\
                 jetstream {{ store_dir: \"{0}/store\" }}\n",
                home.display()
            );
            if count > 1 {
                text.push_str(&format!(
                    "cluster {{ name: figures, listen: 127.0.0.1:{route}, routes: [{}] }}\n",
                    routes.join(", ")
                ));
            }
            fs::write(home.join("conf"), text)?;
            let mut command = Command::new(&program);
            command.arg("-c").arg(home.join("conf")).stdout(Stdio::null()).stderr(Stdio::null());
            nodes.push(Running::start(scratch, &mut command)?);
        }
        let urls: Vec<_> =
            ports.iter().map(|(port, _)| format!("nats://127.0.0.1:{port}")).collect();
        let nats = Self { nodes, folder, replicas: count, url: urls.join(",") };
        for (port, _) in &ports {
            http::until_listening(*port)?;
        }
        nats.make_stream()?;
        Ok(nats)
    }

    /// Makes the stream as the program would, so that the first event does not wait for it; in a
    /// cluster also waits for its leader.
    fn make_stream(&self) -> Result<()> {
        http::until("a stream", Duration::from_secs(60), || {
            Ok(block(async {
                let context = self.context().await?;
                let config = stream::Config {
                    name: format!("sprint-{TEAM}"),
                    subjects: vec![subject::events_of(TEAM)],
                    num_replicas: self.replicas,
                    duplicate_window: Duration::from_secs(120),
                    max_message_size: 1 << 20,
                    allow_direct: true,
                    ..stream::Config::default()
                };
                context.get_or_create_stream(config).await.map_err(anyhow::Error::from)
            })?
            .ok())
        })
    }

    async fn context(&self) -> Result<jetstream::Context> {
        let places: Vec<_> = self.url.split(',').map(str::to_owned).collect();
        Ok(jetstream::new(async_nats::connect(places).await?))
    }

    /// How many messages the stream holds.
    pub(crate) fn messages(&self) -> Result<u64> {
        block(async {
            let context = self.context().await?;
            let stream = context.get_stream(format!("sprint-{TEAM}")).await?;
            anyhow::Ok(stream.cached_info().state.messages)
        })?
    }

    /// Sends these events (lines of an export) as those of each of so many projects, without any
    /// server; the projects are called `m0`, `m1` ….
    pub(crate) fn send(&self, events: &[String], projects: usize) -> Result<()> {
        block(async {
            let context = self.context().await?;
            let mut acks = std::collections::VecDeque::new();
            for n in 0..projects {
                let name = format!("m{n}");
                let mut previous = 0;
                for event in events {
                    let json: serde_json::Value = serde_json::from_str(event)?;
                    let id = json["id"].as_u64().context("an id")?;
                    let kind = json["type"].as_str().context("a type")?;
                    let origin = Origin { epoch: "0a1b2c3d".to_owned(), id, previous };
                    let subject = subject::event(TEAM, &name, kind);
                    let headers = origin.headers(&name, None);
                    let text = event.clone().into();
                    acks.push_back(context.publish_with_headers(subject, headers, text).await?);
                    if acks.len() >= WINDOW
                        && let Some(ack) = acks.pop_front()
                    {
                        ack.await?;
                    }
                    previous = id;
                }
            }
            for ack in acks {
                ack.await?;
            }
            anyhow::Ok(())
        })?
    }
}

impl Drop for Nats {
    fn drop(&mut self) {
        self.nodes.clear();
        let _ = fs::remove_dir_all(&self.folder);
    }
}

/// Where it is installed.
pub(crate) fn program() -> Option<PathBuf> {
    found("nats-server")
}

fn block<T>(work: impl Future<Output = T>) -> Result<T> {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    Ok(runtime.block_on(work))
}
