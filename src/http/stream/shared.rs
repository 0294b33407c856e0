//! What all streams of a server share: their end, their counts, what was encoded for all.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use tokio::sync::watch;

use crate::http::requests::Requests;

use super::chunk::Chunks;
use super::clients::Clients;
use super::init::Inits;

/// How far the server is with ending.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Phase {
    /// Not at all.
    Serving,
    /// Streams say goodbye, other connections end with their answer.
    Ending,
    /// The time is up: everything is dropped.
    Cut,
}

/// One a server.
#[derive(Debug)]
pub struct Streams {
    /// Figures for `/metrics` and `/healthz`.
    pub counts: Counts,
    /// The open streams, one by one.
    pub clients: Clients,
    /// Requests answered.
    pub requests: Requests,
    phase: watch::Sender<Phase>,
    pub(super) chunks: Chunks,
    pub(super) inits: Inits,
    opened: AtomicU64,
}

/// Figures; all but the first three only rise.
#[derive(Debug, Default)]
pub struct Counts {
    /// Sockets open now.
    pub connections: AtomicU64,
    /// SSE streams open now.
    pub sse: AtomicU64,
    /// `WebSocket`s open now.
    pub ws: AtomicU64,
    /// Connections refused over the cap.
    pub refused: AtomicU64,
    /// Connections closed because their reader stood still.
    pub slow: AtomicU64,
    /// `WebSocket`s closed because they gave no sign of life.
    pub silent: AtomicU64,
    /// No descriptor is left for a new connection.
    pub starved: AtomicBool,
}

impl Default for Streams {
    fn default() -> Self {
        Self {
            counts: Counts::default(),
            clients: Clients::default(),
            requests: Requests::default(),
            phase: watch::Sender::new(Phase::Serving),
            chunks: Chunks::default(),
            inits: Inits::default(),
            opened: AtomicU64::new(0),
        }
    }
}

impl Streams {
    /// With nothing open.
    pub fn new() -> Self {
        Self::default()
    }

    /// Moves on; never back.
    pub(in crate::http) fn enter(&self, phase: Phase) {
        self.phase.send_if_modified(|current| {
            let later = phase > *current;
            if later {
                *current = phase;
            }
            later
        });
    }

    pub(in crate::http) fn ending(&self) -> Ending {
        Ending(self.phase.subscribe())
    }

    /// A number for a new stream: from 1, each once.
    pub(super) fn number(&self) -> u64 {
        self.opened.fetch_add(1, Ordering::Relaxed) + 1
    }
}

/// Sees the server's end coming.
#[derive(Debug, Clone)]
pub(in crate::http) struct Ending(watch::Receiver<Phase>);

impl Ending {
    /// True from the moment the server ends.
    pub(in crate::http) fn has_begun(&self) -> bool {
        *self.0.borrow() >= Phase::Ending
    }

    /// Waits for a phase. Cancel-safe.
    pub(in crate::http) async fn reaches(&mut self, phase: Phase) {
        // The sender lives as long as the server: an error means that there is no server.
        let _ = self.0.wait_for(|current| *current >= phase).await;
    }
}

/// Counts one open thing for as long as it lives.
#[derive(Debug)]
pub(in crate::http) struct Open {
    streams: Arc<Streams>,
    figure: fn(&Counts) -> &AtomicU64,
}

impl Open {
    pub(in crate::http) fn new(streams: &Arc<Streams>, figure: fn(&Counts) -> &AtomicU64) -> Self {
        figure(&streams.counts).fetch_add(1, Ordering::Relaxed);
        Self { streams: Arc::clone(streams), figure }
    }

    /// The figures it is part of.
    pub(in crate::http) fn counts(&self) -> &Counts {
        &self.streams.counts
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        (self.figure)(&self.streams.counts).fetch_sub(1, Ordering::Relaxed);
    }
}
