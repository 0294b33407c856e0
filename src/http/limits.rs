//! Every cap of the server, with its reason.

use std::time::Duration;

/// Caps that tests lower and nobody else changes.
#[derive(Debug, Clone, Copy)]
pub struct Limits {
    /// Sockets open at once. A page takes two or three; a thousand pages are a load test. Each
    /// costs 2 to 6 KiB here as a stream, 12 before, and a descriptor: 120 MiB at worst. One over it
    /// is closed without an answer: an `EventSource` that reads a 503 never tries again, one that is
    /// cut does.
    pub connections: usize,
    /// From a connection's first moment, or the end of its last answer, to the end of the next
    /// request's head: half-sent requests and idle keep-alive connections end here. Longer than a
    /// slow phone needs, short enough that 5,000 half-sent requests are gone before anybody minds.
    pub header: Duration,
    /// A request's body, once its head is there. 64 KiB take less on any line that is alive.
    pub body: Duration,
    /// A write that makes no progress: the peer does not read at all. Longer than a laptop's lid
    /// or a lift takes, and below `TCP_USER_TIMEOUT`, so that we say it and not the kernel.
    pub stall: Duration,
    /// How long a stream that is let go may take to read its close frame.
    pub farewell: Duration,
    /// From the wish to end until connections are cut, whatever they do. The promise is 5 s.
    pub shutdown: Duration,
    /// At most this between two signs of life on a stream; the setting may make it shorter. Proxies
    /// cut silent connections, nginx after 60 s, some after 30.
    pub heartbeat: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            connections: 10_000,
            header: Duration::from_secs(10),
            body: Duration::from_secs(10),
            stall: Duration::from_secs(20),
            farewell: Duration::from_secs(1),
            shutdown: Duration::from_millis(3_500),
            heartbeat: Duration::from_secs(15),
        }
    }
}

impl Limits {
    /// The same with room for this process's own files: of `descriptors` (the soft limit) most are
    /// the clients', the rest is what database, watching and agents go on with, however many come.
    /// One over the cap is closed at once; without descriptors it would wait for minutes.
    #[must_use]
    pub fn within(self, descriptors: Option<u64>) -> Self {
        let Some(descriptors) = descriptors else { return self };
        let room = descriptors - (descriptors / 2).min(OWN_DESCRIPTORS);
        let room = usize::try_from(room).unwrap_or(usize::MAX);
        Self { connections: self.connections.min(room), ..self }
    }
}

impl Limits {
    /// The same with room for the files of so many projects beside the first.
    #[must_use]
    pub fn beside(self, descriptors: Option<u64>, projects: usize) -> Self {
        let taken = (projects as u64).saturating_mul(FURTHER_PROJECT);
        self.within(descriptors.map(|all| all.saturating_sub(taken).max(all / 4)))
    }
}

/// What a project takes at rest: database, its readers, log, watched folders; and some agents.
const FURTHER_PROJECT: u64 = 48;

/// What is kept for ourselves: some 40 files at rest, [`DOWNLOADS`], one for each of the threads that
/// may block (64), and five for each of some agents.
const OWN_DESCRIPTORS: u64 = 192;

/// A request's body. The largest honest one, all nine settings, has 400 bytes.
pub const BODY_BYTES: usize = 64 * 1024;

/// A request's head, and what hyper keeps of an answer before it waits for the socket. 8 KiB is
/// what hyper reads at least; browsers stay below 4 KiB, with a long search below 12.
pub const HEAD_BYTES: usize = 16 * 1024;

/// Header lines in a request. Browsers send about 20.
pub const HEADERS: usize = 64;

/// A dead peer (no reset, no answer) is noticed by the kernel after this, also by an idle stream,
/// because heartbeats are data that must be acknowledged.
pub const USER_TIMEOUT: Duration = Duration::from_secs(30);

/// After a refusal before the body was read, the rest of it is thrown away for this long, so that
/// the client gets to read the answer instead of a reset.
pub const LINGER: Duration = Duration::from_secs(1);

/// No descriptor left: accepting pauses this long. Streams go on meanwhile.
pub const DESCRIPTORS_PAUSE: Duration = Duration::from_millis(100);

/// What a stream takes from the log at once: large enough that a replay is a matter of few
/// writes, small enough that a thousand slow readers hold little.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// A client's WebSocket message. The longest we understand has 60 bytes.
pub const MESSAGE_BYTES: usize = 64 * 1024;

/// What tungstenite reads at once, and keeps. Clients say little.
pub const WS_READ_BYTES: usize = 2 * 1024;

/// Events in `init`.
pub const INIT_EVENTS: u32 = 50;

/// Long files sent at once: each is a descriptor beyond its connection's, and one who reads slowly
/// holds it for long. A page opens one.
pub const DOWNLOADS: usize = 48;

/// Exports at once: each takes a thread and reads the whole log.
pub const EXPORTS: usize = 2;

/// Characters of a full-text search. More than a person types; a message pasted whole is found by
/// its beginning.
pub const SEARCH_CHARS: usize = 1000;

/// Patterns in one filter: more than there are event types.
pub const PATTERNS: usize = 64;

/// One pattern of a filter. The longest key seen in the wild has 90 bytes.
pub const PATTERN_BYTES: usize = 256;

/// A part of a path: what file systems allow.
pub const PATH_PART_BYTES: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_leave_descriptors_to_the_server() {
        let cap = |descriptors| Limits::default().within(descriptors).connections;
        assert_eq!(cap(None), 10_000);
        assert_eq!(cap(Some(1_048_576)), 10_000);
        assert_eq!(cap(Some(1024)), 832);
        assert_eq!(cap(Some(256)), 128);
        assert_eq!(cap(Some(1)), 1);
    }

    #[test]
    fn each_further_project_has_room_of_its_own() {
        let cap = |all, further| Limits::default().beside(Some(all), further).connections;
        assert_eq!(cap(1024, 0), 832);
        assert_eq!(cap(1024, 9), 1024 - 9 * 48 - 192);
        assert_eq!(cap(1024, 1000), 128);
        assert_eq!(cap(1_048_576, 9), 10_000);
    }
}
