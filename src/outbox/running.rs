//! The task: connects, takes the right to publish, sends, and begins anew whenever something was in
//! the way.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use async_nats::Client;
use async_nats::jetstream::{self, Context};
use tokio::sync::watch;
use tokio::time::{Instant, sleep, timeout};

use super::lease::Lease;
use super::publish::{Ended, Publish};
use super::telling::Telling;
use super::{LEAVE, Parts, Who, project_name, who};
use crate::nats::{self, Link, presence};

/// Between two attempts.
const PAUSE_LEAST: Duration = Duration::from_millis(100);
const PAUSE_MOST: Duration = Duration::from_secs(5);

/// A connection may take so long before anybody hears of it.
const QUIET: Duration = Duration::from_secs(2);

/// One log's task.
pub(super) struct Running {
    parts: Parts,
    project: String,
    who: Who,
    telling: Telling,
    pause: Duration,
    /// For others: whether this server has the right just now.
    owning: watch::Sender<bool>,
}

type Stop = watch::Receiver<Option<Instant>>;

impl Running {
    pub(super) fn new(parts: Parts, owning: watch::Sender<bool>) -> Self {
        let project = project_name(&parts.nats, &parts.name);
        let who = who(&parts.state);
        let telling = Telling::new(&parts.hub);
        Self { parts, project, who, telling, pause: PAUSE_LEAST, owning }
    }

    pub(super) async fn run(mut self, mut stop: Stop) {
        let name = format!("sprint-runner {}", self.project);
        let (client, link) = loop {
            match nats::connect_linked(&self.parts.nats, &name).await {
                Ok(connected) => break connected,
                Err(error) => _ = self.telling.trouble(&error.to_string()),
            }
            if !self.rest(&mut stop).await {
                return;
            }
        };
        let context = jetstream::new(client.clone());
        while let Ended::Trouble(what) = self.attempt(&client, &link, &context, &mut stop).await {
            if self.telling.trouble(&what) {
                self.pause = PAUSE_LEAST;
            }
            if !self.rest(&mut stop).await {
                break;
            }
        }
    }

    /// Waits a while, longer each time; whether to go on then.
    async fn rest(&mut self, stop: &mut Stop) -> bool {
        // Servers that lost the same connection are not to come back at the same moment.
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let pause = self.pause.mul_f64(0.5 + f64::from(now.subsec_micros() % 1000) / 1000.0);
        self.pause = (self.pause * 2).min(PAUSE_MOST);
        tokio::select! {
            () = sleep(pause) => stop.borrow().is_none(),
            () = ends(stop) => false,
        }
    }

    async fn attempt(
        &self,
        client: &Client,
        link: &Link,
        context: &Context,
        stop: &mut Stop,
    ) -> Ended {
        let mut changes = link.watch();
        let up = tokio::select! {
            up = timeout(QUIET, changes.wait_for(|known| known.up)) => up.is_ok(),
            () = ends(stop) => return Ended::Stopped,
        };
        if !up {
            return Ended::Trouble(self.away(link));
        }
        let times = link.get().times;
        let gone = async {
            // Its sender lives as long as the client.
            let _ = changes.wait_for(|known| !known.up || known.times != times).await;
        };
        match self.work((client, context), gone, stop).await {
            Some(Ended::Trouble(what)) => Ended::Trouble(match link.get().refused {
                Some(refused) => format!("{what} ({refused})"),
                None => what,
            }),
            Some(Ended::Stopped) => Ended::Stopped,
            None => Ended::Trouble(self.away(link)),
        }
    }

    fn away(&self, link: &Link) -> String {
        let at = self.parts.nats.servers.shown();
        match link.get().refused {
            None => format!("NATS at {at} cannot be reached"),
            Some(why) if why.contains("authorization") || why.contains("nonce") => format!(
                "NATS at {at} refuses this server ({why}): see credentials in [nats], or the user \
                 in its address"
            ),
            Some(why) => format!("NATS at {at} cannot be reached ({why})"),
        }
    }

    /// While the connection lasts; none when it is gone.
    async fn work(
        &self,
        (client, context): (&Client, &Context),
        gone: impl Future<Output = ()>,
        stop: &mut Stop,
    ) -> Option<Ended> {
        let (hub, nats) = (&self.parts.hub, &self.parts.nats);
        let begun = async {
            nats::open_stream(context, nats).await?;
            let lease = Lease {
                store: presence::open_bucket(context, nats).await?,
                project: &self.project,
                who: &self.who,
                hub,
                started_at_ms: self.parts.started_at_ms,
                control: nats.control,
            };
            let revision = lease.take(|what| _ = self.telling.trouble(what)).await?;
            // Once more: another one may have published until now.
            let stream = nats::open_stream(context, nats).await?;
            let names = (hub, nats, &self.project[..]);
            let publish = Publish::begin(names, &self.telling, context, &stream).await?;
            Ok::<_, String>((lease, revision, publish))
        };
        tokio::pin!(gone);
        let begun = tokio::select! {
            begun = begun => begun,
            () = &mut gone => return None,
            () = ends(stop) => return Some(Ended::Stopped),
        };
        let (lease, revision, mut publish) = match begun {
            Ok(begun) => begun,
            Err(what) => return Some(Ended::Trouble(what)),
        };
        self.owning.send_replace(true);
        let ended = tokio::select! {
            ended = publish.run(client, stop) => Some(ended),
            lost = lease.hold(revision) => Some(Ended::Trouble(lost)),
            () = &mut gone => None,
        };
        self.owning.send_replace(false);
        publish.keep().await;
        if matches!(ended, Some(Ended::Stopped)) {
            // Whoever reads the stream need not wait for its silence.
            let _ = timeout(LEAVE, lease.leave()).await;
        }
        ended
    }
}

async fn ends(stop: &mut Stop) {
    // One who can tell no more is gone as well.
    let _ = stop.wait_for(Option::is_some).await;
}
