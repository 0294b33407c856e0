//! The heart of a running program: state folder, lock, log, hub, watcher, settings, orchestrator;
//! all but HTTP. `serve` puts a server around it, `run` uses it as it is.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use tokio::task::JoinError;
use tokio::time::timeout;
use tracing::{Instrument as _, Span};

use crate::config::Config;
use crate::domain::attribution::Rules;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{ErrorEvent, Payload};
use crate::hub::{Hub, Publication};
use crate::notifications::{self, Notifier, Outcomes};
use crate::orchestrator::{self, Orchestrator};
use crate::outbox::{self, Outbox};
use crate::project::board::Board;
use crate::project::layout::Layout;
use crate::project::settings_store::SettingsStore;
use crate::store::{Log, Queries};
use crate::watch::{self, Watcher};

use super::instance_lock::InstanceLock;
use super::private;
use super::state_dir::StateDir;
use super::{named, now_ms};

/// How long the first reading of the files may hold the start up. On a new log it is worth waiting
/// for: without it the first answer knows no sprint. Else the stored state is there, the status
/// file is read within moments, and comparing long logs goes on meanwhile.
const FIRST_READ_OF_ALL: Duration = Duration::from_secs(1);
const FIRST_READ: Duration = Duration::from_millis(50);

/// How long agents have to end, and then the threads.
pub(super) const AGENTS_END: Duration = Duration::from_millis(3500);
const THREADS_END: Duration = Duration::from_secs(1);

/// The project is ours, nothing is opened yet.
pub struct Claim {
    /// Where the state is kept.
    pub state: StateDir,
    /// Held until the end.
    pub lock: InstanceLock,
    pub(super) database: PathBuf,
    root: PathBuf,
}

impl Claim {
    /// Makes the state folder and takes the lock; refuses while somebody else holds it.
    pub fn take(root: &Path, config: &Config) -> anyhow::Result<Self> {
        let state = StateDir::prepare(root, config)?;
        let database = StateDir::database(&state.path, config);
        // Before any of them is open: closing a database file lets go of the locks on it.
        private::make_private(&state.path, config.state.is_none(), &database);
        let lock = InstanceLock::acquire(&state.path, &database)?;
        Ok(Self { state, lock, database, root: root.to_owned() })
    }

    /// Opens the log, making it, or making it out of an older database, where that is what is there.
    /// For commands that need nothing else of [`Core`].
    pub fn open_log(&self) -> anyhow::Result<(Log, Queries)> {
        let (mut log, queries) = Log::open(&self.database)
            .with_context(|| format!("cannot open the database {}", self.database.display()))?;
        log.leave_out_batches(orchestrator::newest_batch(&self.state.path));
        Ok((log, queries))
    }

    /// Where the database lies.
    pub fn database(&self) -> &Path {
        &self.database
    }
}

/// Everything that is behind a server, and enough to run a batch without one.
pub struct Core {
    /// The lock, to be told where the server is.
    pub lock: InstanceLock,
    /// Where the state is kept.
    pub state: StateDir,
    /// The database.
    pub database: PathBuf,
    /// The door for events.
    pub hub: Hub,
    /// Where the files lie, and what was last read in them.
    pub board: Arc<Board>,
    /// The nine settings.
    pub settings: Arc<SettingsStore>,
    /// Runs batches.
    pub orchestrator: Orchestrator,
    notifier: Option<Notifier>,
    outbox: Option<Outbox>,
    watcher: Watcher,
    /// What all that is told of it stands in.
    span: Span,
}

impl Core {
    /// Opens the log and starts everything on it. `name`: what the project is called beside others of
    /// this server; `url`: the server's address, where there will be one. What its tasks and threads
    /// tell stands in the span that this is called in.
    pub async fn start(
        claim: Claim,
        config: &Config,
        name: Option<&str>,
        url: Option<String>,
    ) -> anyhow::Result<Self> {
        let rules = Rules { observed_idle_ms: config.observed_idle_ms() };
        // Where it has to be made out of an older one, that takes its time.
        let opening = off_the_runtime(move || (claim.open_log(), claim));
        let (opened, claim) = opening.await.context("cannot open the database")?;
        let (log, queries) = opened?;
        if let Some(adopted) = log.adopted() {
            adopted.tally.lines().iter().for_each(|line| tracing::info!("{line}"));
        }
        let Claim { state, lock, database, root } = claim;
        let hub = Hub::start(log, queries, rules).context("cannot start on the database")?;
        hub.keep_for(config.retention_ms());
        let (head, begun_ms) = (hub.head(), super::now_ms());
        let board = Arc::new(Board::new(Layout::discover(&root, &named(config))));
        let options = watch::Options { named: named(config), rules, ..watch::Options::default() };
        let folder = root.file_name().map(|name| name.to_string_lossy().into_owned());
        let folder = folder.unwrap_or_else(|| "sprint".to_owned());
        let watcher = Watcher::start(hub.clone(), Arc::clone(&board), root, options)
            .context("cannot start watching")?;
        let patience = if hub.head() == 0 { FIRST_READ_OF_ALL } else { FIRST_READ };
        let watcher = first_read(watcher, patience).await?;

        let (settings, trouble) = SettingsStore::open(&state.path);
        if let Some(message) = trouble {
            tell_trouble(&hub, message);
        }
        let settings = Arc::new(settings);
        let orchestrator = Orchestrator::start_up(orchestrator::Parts {
            hub: hub.clone(),
            board: Arc::clone(&board),
            looker: watcher.looker(),
            settings: Arc::clone(&settings),
            agents: Arc::new(config.agents.clone()),
            state_dir: state.path.clone(),
            url,
        });
        let outbox = config.nats.clone().map(|nats| {
            Outbox::start(outbox::Parts {
                hub: hub.clone(),
                nats,
                name: name.unwrap_or(&folder).to_owned(),
                state: state.path.clone(),
                started_at_ms: begun_ms,
            })
        });
        let notifier = Notifier::start(notifications::Parts {
            hub: hub.clone(),
            orchestrator: orchestrator.clone(),
            targets: config.notifications.clone(),
            public_url: config.public_url.clone(),
            folder,
            idle_ms: config.observed_idle_ms(),
            head,
            begun_ms,
        });
        let span = Span::current();
        Ok(Self {
            lock,
            state,
            database,
            hub,
            board,
            settings,
            orchestrator,
            notifier,
            outbox,
            watcher,
            span,
        })
    }

    /// What sends its log to a team, where there is one.
    pub(super) const fn outbox(&self) -> Option<&Outbox> {
        self.outbox.as_ref()
    }

    /// What all that is told of it stands in.
    pub(super) fn span(&self) -> Span {
        self.span.clone()
    }

    /// What became of the notifications.
    pub fn notified(&self) -> Outcomes {
        self.notifier.as_ref().map(|notifier| notifier.outcomes.clone()).unwrap_or_default()
    }

    /// Sends the notifications that are left, in bounded time; after the agents, which may have
    /// something to tell.
    async fn end_notifications(&mut self, within: Duration) {
        if let Some(notifier) = self.notifier.take() {
            notifier.stop(within).instrument(self.span.clone()).await;
        }
    }

    /// Tells people and the team what is left, in bounded time.
    pub async fn end_words(&mut self, within: Duration) {
        let outbox = self.outbox.take();
        let sent = async {
            if let Some(outbox) = outbox {
                outbox.stop(within).await;
            }
        };
        let span = self.span.clone();
        tokio::join!(self.end_notifications(within), sent.instrument(span));
    }

    /// Ends the batch and its agents, in bounded time.
    pub async fn end_agents(&self) {
        if timeout(AGENTS_END, self.orchestrator.shutdown()).await.is_err() {
            let _in = self.span.enter();
            tracing::warn!("the batch could not be ended in time; the next start closes it");
        }
    }

    /// Ends the threads, in bounded time; after the agents and everybody who reads.
    pub async fn close(self) {
        let Self { lock, hub, watcher, span, .. } = self;
        let inside = span.clone();
        let threads = tokio::task::spawn_blocking(move || {
            let _in = inside.enter();
            watcher.shutdown();
            hub.shutdown();
        });
        if timeout(THREADS_END, threads).await.is_err() {
            let _in = span.enter();
            tracing::warn!(
                "the files were still being read at the end; all that was shown is stored"
            );
            // Until the process has gone, that thread may still commit: nobody else may start yet.
            lock.keep_to_the_end();
        }
    }
}

fn tell_trouble(hub: &Hub, message: String) {
    tracing::warn!("{message}");
    let event = Payload::Error(ErrorEvent {
        kind: "settings".to_owned(),
        message,
        context: serde_json::json!({ "file": "settings.json" }),
    });
    let event = NewEvent::new(now_ms(), Source::Server, event);
    // Whether or not anybody waits, it is appended.
    drop(hub.submit(Publication::events(vec![event])));
}

/// Lets the files be read once, so that the first answer already knows the sprint.
async fn first_read(watcher: Watcher, patience: Duration) -> anyhow::Result<Watcher> {
    off_the_runtime(move || {
        if !watcher.wait_first_read(patience) {
            tracing::debug!("the logs are long: they are being read meanwhile");
        }
        watcher
    })
    .await
    .context("cannot read the project's files")
}

/// What blocks, within the span of whoever asks for it.
async fn off_the_runtime<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, JoinError> {
    let span = Span::current();
    tokio::task::spawn_blocking(move || span.in_scope(work)).await
}
