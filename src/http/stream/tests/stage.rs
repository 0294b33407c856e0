//! A server over an empty log in a temporary folder.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::AtomicU64;
use std::time::Duration;

use serde_json::json;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;
use tokio::time::timeout;
use warp::Filter;
use warp::reply::Reply;

use crate::domain::attribution::Rules;
use crate::domain::event::{NewEvent, Source};
use crate::domain::payload::{CommandStart, ErrorEvent, Payload};
use crate::http::{Context, Guard, GuardSettings, Limits, Reach, Reached, Server, Streams};
use crate::hub::{Hub, Publication};
use crate::project::board::Board;
use crate::project::layout::Layout;
use crate::project::settings_store::SettingsStore;
use crate::store::Log;

/// Whatever a test waits for comes within this, or the test fails.
pub(super) const DEADLINE: Duration = Duration::from_secs(120);

pub(super) struct Stage {
    pub(super) hub: Hub,
    pub(super) context: Context,
    pub(super) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    server: Option<JoinHandle<()>>,
    _dir: tempfile::TempDir,
}

impl Stage {
    pub(super) fn new() -> Self {
        Self::with(|_| {})
    }

    pub(super) fn with(change: impl FnOnce(&mut Limits)) -> Self {
        Self::of(Reach::default(), change)
    }

    /// A project that another server works on.
    pub(super) fn afar(known: Reached) -> Self {
        Self::of(Reach::afar(known), |_| {})
    }

    fn of(reach: Reach, change: impl FnOnce(&mut Limits)) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let (log, queries) = Log::open(&dir.path().join("test.db")).unwrap();
        let hub = Hub::start(log, queries, Rules::default()).unwrap();
        let server = Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let address = server.local_addr().unwrap();
        let mut limits = Limits::default();
        change(&mut limits);
        let settings = GuardSettings { port: address.port(), ..GuardSettings::default() };
        let context = Context {
            notified: crate::notifications::Outcomes::default(),
            reach,
            afar: None,
            hub: hub.clone(),
            board: Arc::new(Board::new(layout(dir.path().to_owned()))),
            guard: Arc::new(Guard::new(&settings).unwrap()),
            streams: Arc::new(Streams::new()),
            settings: Arc::new(SettingsStore::open(dir.path()).0),
            about: Arc::default(),
            read_only: false,
            assets: Arc::default(),
            started_at_ms: 0,
            downloads: crate::http::Downloads::default(),
            limits,
            projects: Arc::default(),
        };
        // A route that gives its body back, as far as a test needs routes.
        let routes = warp::body::bytes()
            .map(|body: bytes::Bytes| format!("{} bytes", body.len()).into_response())
            .boxed();
        let (stop, stopped) = oneshot::channel::<()>();
        let run = server.run(context.clone(), routes, async {
            let _ = stopped.await;
        });
        let server = Some(tokio::spawn(run));
        Self { hub, context, address, stop: Some(stop), server, _dir: dir }
    }

    /// Ends the server and waits for it.
    pub(super) async fn end(&mut self) {
        drop(self.stop.take());
        if let Some(server) = self.server.take() {
            timeout(DEADLINE, server).await.expect("the server ends").expect("it does not panic");
        }
    }

    /// Appends `count` events whose messages are numbered from `from`.
    pub(super) async fn append(&self, from: u64, count: u64) {
        self.publish((from..from + count).map(|n| error_event(&format!("m{n}"))).collect()).await;
    }

    pub(super) async fn publish(&self, events: Vec<NewEvent>) {
        self.hub.publish(Publication::events(events)).await.unwrap();
    }

    /// Waits until a figure is `value`.
    pub(super) async fn figure(
        &self,
        value: u64,
        figure: fn(&crate::http::stream::Counts) -> &AtomicU64,
    ) {
        let reached = async {
            while figure(&self.context.streams.counts).load(std::sync::atomic::Ordering::Relaxed)
                != value
            {
                tokio::task::yield_now().await;
            }
        };
        timeout(DEADLINE, reached).await.expect("the figure is reached");
    }
}

impl Drop for Stage {
    fn drop(&mut self) {
        drop(self.stop.take());
        self.hub.shutdown();
    }
}

pub(super) fn error_event(message: &str) -> NewEvent {
    let payload = ErrorEvent { kind: "test".into(), message: message.into(), context: json!(null) };
    NewEvent::new(1_706_112_000_000, Source::Server, Payload::Error(payload))
}

pub(super) fn command_event(story: &str) -> NewEvent {
    let payload = CommandStart {
        story_key: format!("{story}-long-key"),
        story_id: story.into(),
        epic_id: "1".into(),
        command: "dev-story".into(),
        task_id: "setup".into(),
        ..CommandStart::default()
    };
    NewEvent::new(1_706_112_000_000, Source::Csv, Payload::CommandStart(payload))
}

fn layout(root: PathBuf) -> Layout {
    Layout {
        artifacts: root.clone(),
        status_file: root.join("sprint-status.yaml"),
        csv_logs: Vec::new(),
        orchestrator_logs: Vec::new(),
        orchestrator_sample: root.join("orchestrator-sample.md"),
        named: crate::project::layout::Named::default(),
        root,
    }
}
