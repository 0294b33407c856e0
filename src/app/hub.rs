//! A hub: the projects of a team, each as its own server would show it, out of what they have sent.
//!
//! ```text
//!  cache folder → lock → socket → server → reading of the stream ─► each project: log, context, routes
//! ```

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context as _, anyhow};
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::instance_lock::InstanceLock;
use super::{PortChoice, STREAMS_END, Serving, about, bind, end, failed, guard, listen, now_ms};
use crate::agents::process::descriptors;
use crate::config::Config;
use crate::control::Callers;
use crate::http::{self, Member, Members, Project, Projects, Reach, Site, Standing};
use crate::hub::Hub;
use crate::project::board::Board;
use crate::project::layout::{Layout, Named};
use crate::project::settings_store::SettingsStore;
use crate::team::{MOST_PROJECTS, Parts, Reading, Stage};

/// How long the logs have to end, behind the streams.
const LOGS_END: Duration = Duration::from_secs(1);

/// Files that a project's log has open: the writer's database, its write-ahead log and what both
/// share, and a reader's.
const FILES_EACH: u64 = 6;

/// The running hub and all that is behind it.
pub struct HubApp {
    lock: InstanceLock,
    reading: Reading,
    serving: JoinHandle<()>,
    end_streams: oneshot::Sender<()>,
    url: String,
    token: Option<String>,
    token_is_new: bool,
}

impl HubApp {
    /// Starts everything. When it returns, the server answers.
    /// `control`: whether it may be asked to have something done by the servers.
    pub async fn start(config: &Config, cache: &Path, control: bool) -> anyhow::Result<Self> {
        let nats = config.nats.clone();
        let nats =
            nats.ok_or_else(|| anyhow!("a hub needs --nats URL, such as nats://nats:4222"))?;
        let read_only = config.read_only || !control;
        let config = Config { read_only, ..config.clone() };
        let nowhere = make(cache)?;
        let lock = InstanceLock::acquire(cache, &cache.join("hub.db"))?;
        let server = bind(&config, cache, PortChoice::Exactly)?;
        let address = server.local_addr();
        let (token, token_is_new) = listen::token(&config)?;
        let url = listen::place(&config, address);

        let descriptors = descriptors::raise();
        let most = most_projects(descriptors);
        let reserved = descriptors.map(|all| all - (most as u64 * FILES_EACH).min(all / 2));
        let limits = http::Limits::default().within(reserved);
        let standing = Arc::new(Standing::default());
        let callers = if read_only { None } else { Some(Callers::start(&nats).await?) };
        let shown = Arc::new(Shown {
            members: Arc::default(),
            projects: Arc::default(),
            assets: Arc::new(http::Assets::new(config.public.clone())),
            board: Arc::new(Board::new(Layout::discover(&nowhere, &Named::default()))),
            settings: Arc::new(SettingsStore::open(&nowhere).0),
            downloads: http::Downloads::default(),
            started_at_ms: now_ms(),
            limits,
            cache: cache.to_owned(),
            address,
            token: token.clone(),
            config: config.clone(),
            callers,
        });
        let site = Site::team(
            Arc::clone(&shown.members),
            Arc::clone(&shown.projects),
            Arc::clone(&standing),
            guard(&config, address, token.clone(), "")?,
            Arc::clone(&shown.assets),
            limits,
            shown.started_at_ms,
        );
        let cache = cache.to_owned();
        let stage: Arc<dyn Stage> = shown;
        let parts = Parts { nats, cache, stage, standing, most_projects: most };
        let reading = Reading::start(parts).await?;
        let (end_streams, ended) = oneshot::channel();
        let serving = tokio::spawn(server.run_site(site, async move {
            // A sender that is gone means the same.
            let _ = ended.await;
        }));
        Ok(Self { lock, reading, serving, end_streams, url, token, token_is_new })
    }
}

impl Serving for HubApp {
    fn url(&self) -> &str {
        &self.url
    }

    fn new_token(&self) -> Option<&str> {
        self.token.as_deref().filter(|_| self.token_is_new)
    }

    fn kept_elsewhere(&self) -> Vec<&Path> {
        Vec::new()
    }

    async fn failed(&mut self) -> anyhow::Error {
        failed(&mut self.serving).await
    }

    async fn stop(self) {
        let Self { lock, reading, mut serving, end_streams, .. } = self;
        // Streams first: they need the logs.
        end(&mut serving, end_streams, STREAMS_END.saturating_sub(LOGS_END)).await;
        if timeout(LOGS_END, reading.stop()).await.is_err() {
            tracing::debug!("some logs were still being closed at the end; all is committed");
            lock.keep_to_the_end();
        }
    }
}

/// So many that clients have descriptors as well.
fn most_projects(descriptors: Option<u64>) -> usize {
    let room = descriptors.map_or(u64::MAX, |all| all / 2 / FILES_EACH);
    usize::try_from(room).unwrap_or(usize::MAX).clamp(1, MOST_PROJECTS)
}

/// Makes the folder, for this user alone, and in it one with nothing in it: the project's files are
/// on other machines, and none of this one's stands in for them.
fn make(cache: &Path) -> anyhow::Result<PathBuf> {
    let nowhere = cache.join("nowhere");
    let mut builder = std::fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder
        .create(&nowhere)
        .with_context(|| format!("cannot make the folder {}", cache.display()))?;
    Ok(nowhere)
}

/// Gives each project its place in the server.
struct Shown {
    members: Arc<Members>,
    projects: Arc<Projects>,
    assets: Arc<http::Assets>,
    board: Arc<Board>,
    settings: Arc<SettingsStore>,
    downloads: http::Downloads,
    started_at_ms: i64,
    limits: http::Limits,
    cache: PathBuf,
    address: Option<SocketAddr>,
    token: Option<String>,
    config: Config,
    /// None where nothing is to be done from here.
    callers: Option<Callers>,
}

impl Stage for Shown {
    fn show(&self, name: &str, hub: &Hub, reach: &Reach) {
        let home = format!("/p/{name}/");
        let guard = match guard(&self.config, self.address, self.token.clone(), &home) {
            Ok(guard) => guard,
            // The same lists were read at the start.
            Err(error) => return tracing::error!(project = name, "it cannot be shown: {error:#}"),
        };
        let streams = Arc::new(http::Streams::new());
        let about = about(&self.config, &self.cache, self.address, self.token.is_some());
        let inside = (
            hub.clone(),
            Arc::clone(&streams),
            crate::notifications::Outcomes::default(),
            reach.clone(),
        );
        let context = http::Context {
            hub: hub.clone(),
            board: Arc::clone(&self.board),
            guard: Arc::new(guard),
            streams,
            settings: Arc::clone(&self.settings),
            about: Arc::new(about),
            read_only: self.config.read_only,
            assets: Arc::clone(&self.assets),
            started_at_ms: self.started_at_ms,
            limits: self.limits,
            downloads: self.downloads.clone(),
            notified: inside.2.clone(),
            projects: Arc::clone(&self.projects),
            reach: reach.clone(),
            afar: Some(self.callers.as_ref().map_or_else(http::Afar::off, |to| to.to(name))),
        };
        let routes = http::api::routes_afar(&context);
        self.projects.put(Project::afar(name.to_owned(), inside));
        let span = tracing::error_span!(target: "project", "project", project = %name);
        self.members.put(Member { name: name.to_owned(), span, serves: Some((context, routes)) });
    }

    fn hide(&self, name: &str) {
        self.projects.remove(name);
        self.members.remove(name);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn projects_leave_descriptors_to_clients() {
        assert_eq!(most_projects(None), MOST_PROJECTS);
        assert_eq!(most_projects(Some(1 << 20)), MOST_PROJECTS);
        assert_eq!(most_projects(Some(1024)), 85);
        assert_eq!(most_projects(Some(1)), 1);
    }
}
