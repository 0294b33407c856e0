//! The team's stream, where the configuration names one: whether NATS answers, and what is there.
//! Nothing is made there.

use std::time::Duration;

use tokio::runtime::Handle;
use tokio::time::timeout;

use crate::config::nats::Nats;
use crate::nats::{connect_linked, find_stream};

use super::Here;
use super::check::Check;

/// Who does not answer by then is told as away.
const ANSWER: Duration = Duration::from_secs(4);

pub(super) fn checks(here: &Here) -> Vec<Check> {
    here.config.nats.iter().map(|nats| Handle::current().block_on(look(nats))).collect()
}

async fn look(nats: &Nats) -> Check {
    let at = nats.servers.shown();
    let (client, link) = match connect_linked(nats, "sprint-runner doctor").await {
        Ok(connected) => connected,
        Err(error) => return Check::fail("team", &error.to_string(), "see [nats]"),
    };
    let mut changes = link.watch();
    if timeout(ANSWER, changes.wait_for(|known| known.up)).await.is_err() {
        let why = link.get().refused.map(|why| format!(": {why}")).unwrap_or_default();
        return Check::warn(
            "team",
            &format!("NATS at {at} cannot be reached{why}"),
            "events wait in the log until it can: look at the address and the credentials in [nats]",
        );
    }
    let context = async_nats::jetstream::new(client);
    match timeout(ANSWER, find_stream(&context, nats)).await {
        Ok(Ok(Some(stream))) => {
            let held = stream.cached_info().state.messages;
            Check::ok("team", &format!("NATS at {at}, stream {} with {held} events", nats.stream))
        }
        Ok(Ok(None)) => {
            Check::ok("team", &format!("NATS at {at}, stream {} to be made", nats.stream))
        }
        Ok(Err(what)) => Check::fail("team", &what, "see stream in [nats] and its permissions"),
        Err(_) => Check::warn("team", &format!("JetStream at {at} does not answer"), "is it on?"),
    }
}
