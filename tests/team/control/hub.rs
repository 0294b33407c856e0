//! The HTTP side of a hub for one project of the team `red`, in this process.

use std::path::Path;
use std::sync::Arc;

use sprint_runner::config::nats::{NatsTable, Servers};
use sprint_runner::control::Caller;
use sprint_runner::domain::attribution::Rules;
use sprint_runner::http::{self, Afar, Guard, GuardSettings, Reach, Reached};
use sprint_runner::project::board::Board;
use sprint_runner::project::layout::{Layout, Named};
use sprint_runner::project::settings_store::SettingsStore;
use sprint_runner::store::Log;
use tokio::runtime::Runtime;
use warp::Filter as _;

use crate::support::http::{Response, connect, read_response};
use crate::support::nats::Nats;

/// What its own routes say: what is not asked from afar.
pub(super) const OWN: &str = "the hub's own";

pub(super) struct Hub {
    port: u16,
    reach: Reach,
    _runtime: Runtime,
    _dir: tempfile::TempDir,
}

impl Hub {
    /// One that asks, and hears the server.
    pub(super) fn new(nats: &Nats) -> Self {
        Self::at(&nats.url(), true)
    }

    /// `control`: whether it was started for that.
    pub(super) fn at(url: &str, control: bool) -> Self {
        let runtime = Runtime::new().unwrap();
        let dir = tempfile::tempdir().unwrap();
        let known =
            Reached { host: Some("tower".to_owned()), control: true, unreachable_since: None };
        let reach = Reach::afar(known);
        let port = runtime.block_on(serve(url, control, reach.clone(), dir.path()));
        Self { port, reach, _runtime: runtime, _dir: dir }
    }

    /// What it knows of the server.
    pub(super) fn knows(&self, unreachable_since: Option<i64>, control: bool) {
        self.reach.set(Reached { host: Some("tower".to_owned()), control, unreachable_since });
    }

    pub(super) fn get(&self, path: &str) -> Response {
        self.ask("GET", path, "", "")
    }

    pub(super) fn post(&self, path: &str, body: &str) -> Response {
        self.ask("POST", path, "Content-Type: application/json\r\n", body)
    }

    pub(super) fn put(&self, path: &str, body: &str) -> Response {
        self.ask("PUT", path, "Content-Type: application/json\r\n", body)
    }

    pub(super) fn ask(&self, method: &str, path: &str, headers: &str, body: &str) -> Response {
        ask(self.port, method, path, headers, body)
    }
}

/// A request with these header lines.
pub(super) fn ask(port: u16, method: &str, path: &str, headers: &str, body: &str) -> Response {
    use std::io::Write as _;
    let length = match body.len() {
        0 if method == "GET" || method == "HEAD" => String::new(),
        length => format!("Content-Length: {length}\r\n"),
    };
    let mut stream = connect(port);
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nConnection: close\r\n{headers}{length}\r\n"
    );
    stream.write_all(head.as_bytes()).unwrap();
    stream.write_all(body.as_bytes()).unwrap();
    read_response(&mut std::io::BufReader::new(stream), method == "HEAD")
        .unwrap_or_else(|| panic!("no answer to {method} {path}"))
}

async fn serve(url: &str, control: bool, reach: Reach, dir: &Path) -> u16 {
    let (log, queries) = Log::open(&dir.join("hub.db")).unwrap();
    let log = sprint_runner::hub::Hub::start(log, queries, Rules::default()).unwrap();
    let server = http::Server::bind("127.0.0.1:0".parse().unwrap()).unwrap();
    let port = server.local_addr().unwrap().port();
    let afar = if control {
        let table = NatsTable {
            url: Some(Servers::parse(url).unwrap()),
            team: Some("red".to_owned()),
            ..NatsTable::default()
        };
        let nats = table.resolved().unwrap();
        let client = sprint_runner::nats::connect(&nats, "hub").await.unwrap();
        Afar::through(Arc::new(Caller::new(client, "red", "lantern")), "lookout")
    } else {
        Afar::off()
    };
    let settings = GuardSettings { port, ..GuardSettings::default() };
    let context = http::Context {
        hub: log,
        board: Arc::new(Board::new(Layout::discover(dir, &Named::default()))),
        guard: Arc::new(Guard::new(&settings).unwrap()),
        streams: Arc::new(http::Streams::new()),
        settings: Arc::new(SettingsStore::open(dir).0),
        about: Arc::default(),
        read_only: false,
        assets: Arc::default(),
        started_at_ms: 0,
        downloads: http::Downloads::default(),
        limits: http::Limits::default(),
        notified: sprint_runner::notifications::Outcomes::default(),
        projects: Arc::default(),
        reach,
        afar: Some(afar),
    };
    let routes = warp::any().map(|| warp::Reply::into_response(OWN)).boxed();
    tokio::spawn(server.run(context, routes, std::future::pending()));
    port
}
