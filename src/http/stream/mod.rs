//! The live streams.

use std::sync::atomic::AtomicU64;

/// What all streams of a server share.
#[derive(Debug, Default)]
pub struct Streams {
    /// Figures for `/metrics` and `/healthz`.
    pub counts: Counts,
}

impl Streams {
    /// With nothing open.
    pub fn new() -> Self {
        Self::default()
    }
}

/// Figures; all but the first three only rise.
#[derive(Debug, Default)]
pub struct Counts {
    /// Sockets open now.
    pub connections: AtomicU64,
    /// SSE streams open now.
    pub sse: AtomicU64,
    /// WebSockets open now.
    pub ws: AtomicU64,
    /// Connections refused over the cap.
    pub refused: AtomicU64,
    /// Streams closed because their reader stood still.
    pub slow: AtomicU64,
    /// Events written to streams.
    pub delivered: AtomicU64,
}
