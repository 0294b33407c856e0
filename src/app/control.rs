//! Control from afar, where a project's configuration asks for it.

use std::path::Path;

use tokio::sync::watch;
use tracing::Instrument as _;

use super::core::Core;
use crate::config::Config;
use crate::control::{Control, Parts};
use crate::http::{Context, Indoors, Routes};

/// Begins to listen for orders; none where that is off. What cannot be used is told, and all else goes
/// on: who works on this machine needs none of it.
pub(super) async fn start(
    config: &Config,
    served_as: Option<&str>,
    root: &Path,
    (core, context, routes): (&Core, &Context, &Routes),
) -> Option<Control> {
    let nats = config.nats.as_ref().filter(|nats| nats.control)?;
    let parts = Parts {
        nats,
        project: nats.project_name(served_as, root),
        indoors: Indoors::new(context, routes.clone()),
        hub: core.hub.clone(),
        owns: watch::Sender::new(true).subscribe(),
    };
    let started = Control::start(parts).instrument(core.span()).await;
    started.inspect_err(|error| tracing::error!(%error, "control from afar cannot begin")).ok()
}
