//! What routes and streams share.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::hub::Hub;
use crate::project::board::Board;
use crate::project::settings_store::SettingsStore;

use super::guard::Guard;
use super::limits::Limits;
use super::stream::Streams;

/// Cheap to clone; one a server.
#[derive(Clone)]
pub struct Context {
    /// The log, its state and its readers.
    pub hub: Hub,
    /// What was last read in the files.
    pub board: Arc<Board>,
    /// Who may come in.
    pub guard: Arc<Guard>,
    /// What the streams share: their end, their counts, what was encoded for all of them.
    pub streams: Arc<Streams>,
    /// The nine settings.
    pub settings: Arc<SettingsStore>,
    /// Every control route is refused.
    pub read_only: bool,
    /// The page is served from here instead of from the binary.
    pub public_dir: Option<PathBuf>,
    /// When the server started, in milliseconds since the epoch.
    pub started_at_ms: i64,
    /// The caps.
    pub limits: Limits,
}

impl Context {
    /// The time between two signs of life on a stream: the setting, but never more than the cap;
    /// and a little less than either, because "at least every 15 s" must also hold on a busy machine.
    pub fn heartbeat(&self) -> Duration {
        let seconds = self.settings.get().websocket_heartbeat_seconds.max(1);
        let setting = Duration::from_secs(seconds.cast_unsigned());
        setting.min(self.limits.heartbeat) * 19 / 20
    }
}
