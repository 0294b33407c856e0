//! The signals that end the server in order.

#[cfg(unix)]
use tokio::signal::unix::{Signal, SignalKind, signal};

/// Which signal came.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Signalled {
    /// Somebody asks: SIGTERM, or Ctrl-C.
    Asked,
    /// The terminal has gone: SIGHUP.
    HangUp,
}

/// Listens from the moment it is made: a signal that comes before [`Signals::recv`] is not lost.
pub struct Signals {
    #[cfg(unix)]
    terminate: Signal,
    #[cfg(unix)]
    interrupt: Option<Signal>,
    #[cfg(unix)]
    hangup: Option<Signal>,
}

#[cfg(unix)]
impl Signals {
    /// Begins to listen for SIGTERM, SIGINT (Ctrl-C) and SIGHUP (the terminal was closed). The
    /// latter two not where whoever started us had them ignored: that is what `nohup` is for.
    pub fn listen() -> std::io::Result<Self> {
        let ignored = ignored();
        let unless_ignored = |kind: SignalKind| {
            let bit = 1_u64 << (kind.as_raw_value() - 1);
            (ignored & bit == 0).then(|| signal(kind)).transpose()
        };
        Ok(Self {
            terminate: signal(SignalKind::terminate())?,
            interrupt: unless_ignored(SignalKind::interrupt())?,
            hangup: unless_ignored(SignalKind::hangup())?,
        })
    }

    /// Waits for the next one. Cancel-safe.
    pub async fn next(&mut self) -> Signalled {
        tokio::select! {
            _ = self.terminate.recv() => Signalled::Asked,
            () = of(&mut self.interrupt) => Signalled::Asked,
            () = of(&mut self.hangup) => Signalled::HangUp,
        }
    }
}

impl Signals {
    /// Waits for any. Cancel-safe.
    pub async fn recv(&mut self) {
        self.next().await;
    }
}

#[cfg(unix)]
async fn of(signal: &mut Option<Signal>) {
    match signal {
        Some(signal) => {
            signal.recv().await;
        }
        None => std::future::pending().await,
    }
}

/// The signals that are ignored already, as bits. Where the system does not tell, a hang-up counts
/// as ignored: then it is at least not caught, and does what whoever started us had it do.
#[cfg(unix)]
fn ignored() -> u64 {
    std::fs::read_to_string("/proc/self/status")
        .ok()
        .and_then(|status| {
            let mask = status.lines().find_map(|line| line.strip_prefix("SigIgn:"))?;
            u64::from_str_radix(mask.trim(), 16).ok()
        })
        .unwrap_or(1)
}

#[cfg(not(unix))]
impl Signals {
    /// Begins to listen for Ctrl-C.
    pub fn listen() -> std::io::Result<Self> {
        Ok(Self {})
    }

    /// Waits for the next one. Cancel-safe.
    pub async fn next(&mut self) -> Signalled {
        // Without a way to listen there is nothing to wait for either.
        if tokio::signal::ctrl_c().await.is_err() {
            std::future::pending::<()>().await;
        }
        Signalled::Asked
    }
}
