//! Control from afar, where a project's configuration asks for it.

use tracing::Instrument as _;

use super::core::Core;
use crate::config::Config;
use crate::control::{Control, Parts};
use crate::http::{Context, Indoors, Routes};

/// Begins to listen for orders; none where that is off. What cannot be used is told, and all else goes
/// on: who works on this machine needs none of it.
pub(super) async fn start(
    config: &Config,
    core: &Core,
    context: &Context,
    routes: &Routes,
) -> Option<Control> {
    let nats = config.nats.as_ref().filter(|nats| nats.control)?;
    let outbox = core.outbox()?;
    let parts = Parts {
        nats,
        project: outbox.project().to_owned(),
        indoors: Indoors::new(context, routes.clone()),
        hub: core.hub.clone(),
        owns: outbox.owns(),
    };
    let started = Control::start(parts).instrument(core.span()).await;
    started.inspect_err(|error| tracing::error!(%error, "control from afar cannot begin")).ok()
}
