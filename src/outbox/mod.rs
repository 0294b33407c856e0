//! The log, sent to a team's stream on NATS: each event in its order, from where the last ack was.
//!
//! ```text
//!  hub ─► a reader's cursor ─► window (sent, not acked) ─► stream
//!   ▲                            │ acks, in order
//!   └── position, kept ◄─────────┘          presence ─► a key with a lifetime: the right to publish
//! ```
//!
//! - A reader of the log like any other: one task beside that of the connection, no thread, nothing in
//!   memory but what is on its way. While NATS is away events wait where they are: in the log.
//! - The position is kept in the log's own database and moves by acks alone, so that neither an outage
//!   nor the death of this process loses anything; what is sent twice the stream and its readers tell
//!   by its name.
//! - One server publishes as one project: who has the key. Another one waits, and says so.

mod again;
mod lease;
mod place;
mod publish;
mod running;
mod telling;
mod window;

use std::path::Path;
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout};
use tracing::Instrument as _;
use xxhash_rust::xxh3::Xxh3;

use crate::config::nats::{Nats, fitting_name};
use crate::hub::Hub;

use running::Running;

/// What cannot be told to NATS within so much time behind the end is left.
const LEAVE: Duration = Duration::from_millis(400);

/// What it works with.
#[derive(Debug)]
pub struct Parts {
    /// The log.
    pub hub: Hub,
    /// Where to, and as whom.
    pub nats: Nats,
    /// What the project is called where the configuration does not say: its name on this server, or
    /// its folder's.
    pub name: String,
    /// The folder of its state: with the machine it says which server this is.
    pub state: std::path::PathBuf,
    /// When the server began, in milliseconds since the epoch.
    pub started_at_ms: i64,
}

/// The running task.
#[derive(Debug)]
pub struct Outbox {
    /// Until when it may go on.
    stop: watch::Sender<Option<Instant>>,
    task: JoinHandle<()>,
    project: String,
    owns: watch::Receiver<bool>,
}

/// Which server this is.
#[derive(Debug, Clone)]
struct Who {
    /// The same after a restart.
    instance: String,
    /// The machine's name, for people.
    host: String,
}

impl Outbox {
    /// Begins to send.
    pub fn start(parts: Parts) -> Self {
        let (stop, stopped) = watch::channel(None);
        let (owning, owns) = watch::channel(false);
        let project = project_name(&parts.nats, &parts.name);
        let task = tokio::spawn(Running::new(parts, owning).run(stopped).in_current_span());
        Self { stop, task, project, owns }
    }

    /// What the project is called in its team.
    pub fn project(&self) -> &str {
        &self.project
    }

    /// Whether this server is the one that publishes the project just now.
    pub fn owns(&self) -> watch::Receiver<bool> {
        self.owns.clone()
    }

    /// Sends what is left as far as that goes in so much time; what does not is sent at the next
    /// start.
    pub async fn stop(mut self, within: Duration) {
        let until = Instant::now() + within.saturating_sub(LEAVE);
        self.stop.send_replace(Some(until));
        if timeout(within, &mut self.task).await.is_err() {
            self.task.abort();
        }
    }
}

/// What a project is called in its team.
pub fn project_name(nats: &Nats, name: &str) -> String {
    let named = nats.project.clone().or_else(|| fitting_name(name));
    // Of a name without any letter that fits.
    named.unwrap_or_else(|| {
        format!("project-{:08x}", xxhash_rust::xxh3::xxh3_64(name.as_bytes()) >> 32)
    })
}

/// This machine and this state folder.
fn who(state: &Path) -> Who {
    let host = rustix::system::uname().nodename().to_string_lossy().into_owned();
    // A container has the id of its image, and a name of its own.
    let machine = std::fs::read("/etc/machine-id").unwrap_or_default();
    let mut hash = Xxh3::new();
    for part in [&machine[..], host.as_bytes(), state.as_os_str().as_encoded_bytes()] {
        hash.update(&part.len().to_le_bytes());
        hash.update(part);
    }
    Who { instance: format!("{:016x}", hash.digest()), host: host.chars().take(255).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_the_same_one_after_a_restart_and_another_over_another_folder() {
        let one = who(Path::new("/a/.sprint-runner"));
        assert_eq!(one.instance, who(Path::new("/a/.sprint-runner")).instance);
        assert_ne!(one.instance, who(Path::new("/b/.sprint-runner")).instance);
        assert!(!one.host.is_empty());
    }
}
