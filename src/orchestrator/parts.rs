//! What the orchestrator works with.

use std::path::PathBuf;
use std::sync::Arc;

use crate::config::agents::Agents;
use crate::hub::Hub;
use crate::project::board::Board;
use crate::project::settings_store::SettingsStore;
use crate::watch::Looker;

/// All of it shared; cheap to clone.
#[derive(Debug, Clone)]
pub struct Parts {
    /// The door for events.
    pub hub: Hub,
    /// Where the files lie, and what was last read in them.
    pub board: Arc<Board>,
    /// Has the files read right now.
    pub looker: Looker,
    /// The nine settings.
    pub settings: Arc<SettingsStore>,
    /// Which program does what.
    pub agents: Arc<Agents>,
    /// Where agents' logs and contexts are kept.
    pub state_dir: PathBuf,
    /// The server's address, where there is one: agents are told.
    pub url: Option<String>,
}

impl Parts {
    /// What marks the processes of this project, also for the server after this one.
    pub fn project_mark(&self) -> String {
        let path = std::fs::canonicalize(&self.state_dir);
        let path = path.unwrap_or_else(|_| self.state_dir.clone());
        format!("{:016x}", xxhash_rust::xxh3::xxh3_64(path.as_os_str().as_encoded_bytes()))
    }
}

/// Milliseconds since the epoch.
pub(super) fn now_ms() -> i64 {
    jiff::Timestamp::now().as_millisecond()
}
