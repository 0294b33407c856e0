//! The composition root: starts the rooms in order, stops them in reverse.
//!
//! ```text
//!  state folder → lock → socket → store → hub → watcher → server
//! ```
//!
//! The socket is bound before the database is opened, so that a port in use is told at once; who
//! connects before the server runs waits in the kernel's queue.

pub mod instance_lock;
pub mod signals;
pub mod state_dir;

use crate::config::Config;
use crate::project::layout::Named;

/// The files that the configuration names.
pub fn named(config: &Config) -> Named {
    Named {
        status_file: config.status_file.clone(),
        csv_log: config.csv_log.clone(),
        orchestrator_log: config.orchestrator_log.clone(),
    }
}
