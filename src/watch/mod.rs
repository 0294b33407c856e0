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

mod arm;
mod csv_log;
mod file;
mod lines;
mod look;
mod md_log;
mod memory;
pub mod once;
pub mod probe;
mod report;
mod sink;
mod sources;
mod status;
mod status_read;
mod status_report;
mod tail;
#[cfg(test)]
mod tests;

use std::cell::Cell;
use std::io;
use std::path::PathBuf;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use crate::domain::attribution::Rules;
use crate::hub::{Hub, PublishError};
use crate::project::board::Board;
use crate::project::layout::Named;

use arm::Armed;
pub use look::Looker;
use look::Looks;
use sink::HubSink;
use sources::Sources;

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
pub struct Watcher {
    stop: Arc<AtomicBool>,
    wake: SyncSender<()>,
    looks: Arc<Looks>,
    thread: Option<JoinHandle<()>>,
}

impl Watcher {
    /// Starts watching the project below `root`; events go to `hub`, what was read to `board`.
    ///
    /// # Errors
    /// When the thread cannot be started.
    pub fn start(hub: Hub, board: Arc<Board>, root: PathBuf, options: Options) -> io::Result<Self> {
        let stop = Arc::new(AtomicBool::new(false));
        let looks = Arc::new(Looks::default());
        // One place: a wake-up is a flag.
        let (wake, woken) = sync_channel(1);
        let thread = {
            let (wake, stop, looks) = (wake.clone(), Arc::clone(&stop), Arc::clone(&looks));
            let span = tracing::Span::current();
            thread::Builder::new().name("watch".to_owned()).spawn(move || {
                let _in = span.enter();
                let poll = options.poll;
                let looked_at = Rc::new(Cell::new(Instant::now()));
                let sink =
                    HubSink { hub, stop: Arc::clone(&stop), looked_at: Rc::clone(&looked_at) };
                let sources = Sources::new(sink, board, root, options);
                run(sources, Armed::new(wake), &woken, poll, &stop, (&looks, &looked_at));
            })?
        };
        Ok(Self { stop, wake, looks, thread: Some(thread) })
    }

    /// Waits until every file was read once and its events are committed; false when that took
    /// longer than `limit`.
    pub fn wait_first_read(&self, limit: Duration) -> bool {
        self.looks.wait(1, limit)
    }

    /// A handle that has the files looked at right now.
    pub fn looker(&self) -> Looker {
        Looker::new(self.wake.clone(), Arc::clone(&self.looks))
    }

    /// Ends the thread and waits for it; what is being committed is committed.
    pub fn shutdown(self) {
        drop(self);
    }
}

impl Drop for Watcher {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        // A full channel will wake it as well.
        let _ = self.wake.try_send(());
        if let Some(thread) = self.thread.take()
            && thread.join().is_err()
        {
            tracing::error!("the watching thread had panicked");
        }
    }
}

/// To find the places of all files anew costs more than to read some rows: in a burst of wake-ups it
/// is done this often, and once more behind the last.
const PLACES: Duration = Duration::from_millis(50);

fn run(
    mut sources: Sources<HubSink>,
    mut armed: Armed,
    woken: &Receiver<()>,
    poll: Duration,
    stop: &AtomicBool,
    (looks, looked_at): (&Looks, &Cell<Instant>),
) {
    let mut trouble: Option<String> = None;
    let mut found: Option<Instant> = None;
    while !stop.load(Ordering::Relaxed) {
        looked_at.set(Instant::now());
        let (begun, asked) = looks.begin();
        let whole = asked || found.is_none_or(|at| at.elapsed() >= PLACES);
        if whole {
            sources.find();
            // Armed before it is read: what is written in between makes another wake-up.
            armed.arm(&sources.paths());
            found = Some(Instant::now());
        }
        let poll = if whole { poll } else { poll.min(PLACES) };
        let wait = match sources.scan() {
            Ok(again) => {
                trouble = None;
                looks.end(begun);
                again.map_or(poll, |again| again.min(poll))
            }
            Err(PublishError::Closed) => return,
            Err(error) => {
                let error = error.to_string();
                if trouble.as_ref() != Some(&error) {
                    // The log tells why it cannot be written, and when it can again.
                    tracing::debug!(error, "what was read could not be stored; trying again");
                }
                trouble = Some(error);
                poll
            }
        };
        if woken.recv_timeout(wait) == Err(RecvTimeoutError::Disconnected) {
            return;
        }
    }
}
