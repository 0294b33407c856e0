//! What the tests share: a project on disk, the server as a process, and plain clients.

pub(crate) mod bench;
pub(crate) mod heavy;
pub(crate) mod http;
pub(crate) mod metrics;
pub(crate) mod nats;
pub(crate) mod openapi;
pub(crate) mod process;
pub(crate) mod project;
pub(crate) mod server;
pub(crate) mod sse;
pub(crate) mod ws;

pub(crate) use project::Project;
pub(crate) use server::Server;

use std::time::{Duration, Instant};

/// How long anything may take before a test gives up waiting for it: on a machine with much else to
/// do, nothing that comes is too late.
pub(crate) const DEADLINE: Duration = Duration::from_secs(90);

/// How much longer than a behaviour promises something may take: the promise is for a machine that has
/// nothing else to do, and a test may run on one that has.
pub(crate) const LENIENCE: u32 = 4;

/// Asks again and again until the answer is there; panics at the deadline.
pub(crate) fn eventually<T>(what: &str, ask: impl FnMut() -> Option<T>) -> T {
    eventually_in(DEADLINE, what, ask)
}

/// The same for what is much work, such as a batch.
pub(crate) fn eventually_in<T>(
    deadline: Duration,
    what: &str,
    mut ask: impl FnMut() -> Option<T>,
) -> T {
    let start = Instant::now();
    loop {
        if let Some(answer) = ask() {
            return answer;
        }
        assert!(start.elapsed() < deadline, "waited in vain for {what}");
        std::thread::park_timeout(Duration::from_millis(5));
    }
}

/// A small seeded generator: a failing run can be told by its seed.
pub(crate) struct Dice(u64);

impl Dice {
    /// The same seed gives the same throws.
    pub(crate) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below `bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound.max(1) as u64) as usize
    }
}
