//! What routes and streams share.

use std::sync::Arc;
use std::time::Duration;

use crate::hub::Hub;
use crate::notifications::Outcomes;
use crate::project::board::Board;
use crate::project::settings_store::SettingsStore;

use super::afar::Afar;
use super::assets::Assets;
use super::data::Downloads;
use super::guard::Guard;
use super::limits::Limits;
use super::projects::Projects;
use super::reach::Reach;
use super::stream::Streams;

/// What of its configuration the server tells its page; never a path of the machine.
#[derive(Debug, Clone, Default)]
pub struct About {
    /// The port that is listened on.
    pub port: u16,
    /// Who named it instead of the setting: `flag`, `environment` or `file`.
    pub port_from: Option<&'static str>,
    /// Whether other machines can connect.
    pub on_network: bool,
    /// Whether clients have to know a token.
    pub token: bool,
    /// The silence that ends an observed batch.
    pub observed_idle_minutes: f64,
    /// What a process has between being told to end and being killed.
    pub stop_grace_seconds: f64,
}

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
    /// What the page may know of the configuration.
    pub about: Arc<About>,
    /// Every control route is refused.
    pub read_only: bool,
    /// The page's files.
    pub assets: Arc<Assets>,
    /// When the server started, in milliseconds since the epoch.
    pub started_at_ms: i64,
    /// How many files may be sent at once.
    pub downloads: Downloads,
    /// The caps.
    pub limits: Limits,
    /// What became of the notifications.
    pub notified: Outcomes,
    /// All projects of this server, this one among them.
    pub projects: Arc<Projects>,
    /// Whether the server that works on it is heard, where that is another one.
    pub reach: Reach,
    /// How that server is asked to do something; none for a project of this server's own.
    pub afar: Option<Afar>,
}

impl std::fmt::Debug for Context {
    // Handles; what is behind them is no line of a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Context").finish_non_exhaustive()
    }
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
