//! One agent's process and all that descends from it: started, read, measured, ended for good.
//!
//! Nothing here knows of workflow, prompts or JSON.
//!
//! **What belongs to an agent** is answered anew by every look at the table of processes: its
//! process group, whatever carries its [`Cookie`] in the environment, whatever was found to be its
//! own before, and all that descends from these. A number alone proves nothing, since the system
//! gives it out again: a process is its number *and* its start time ([`Identity`]), and a group
//! counts as long as one of it is known to be ours (the system gives no number away that is still
//! some group's). Signals go through a descriptor of the very process where the kernel has them.
//!
//! **Orphans.** The program makes itself a child subreaper when it starts its first agent, so what
//! an agent leaves behind becomes our child instead of vanishing to the system's first process:
//! it can be found, and somebody has to collect it once it is dead. That is done by process number
//! and never by waiting for "any child", which would take away exit codes that others wait for.
//! Collected is a dead child that lies in another process group than the program's own and is no
//! agent's leader; a leader is collected by the agent it belongs to. Every other child of this
//! program stays in its group, since nothing but this room makes groups: so it is never touched,
//! nor is tokio's own waiting, which goes by number as well.
//!
//! **No `PDEATHSIG`.** It is sent when the *thread* that started the child ends, and tokio's
//! threads come and go. What a crash of the server leaves is ended by [`end_leftovers`] at the next
//! start.

mod cookie;
mod end;
mod group;
mod leader;
mod leftovers;
mod lines;
mod look;
mod program;
mod reader;
mod reaper;
mod receipt;
mod signals;
mod start;
mod table;
#[cfg(test)]
mod tests;

use std::ffi::OsString;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use cookie::{COOKIE_VARIABLE, Cookie};
pub use group::{Group, Usage};
pub use leftovers::{end_leftovers, find_leftovers};
pub use lines::{Line, MAX_LINE, Stream};
pub use program::{SpawnError, find_program};
pub use reader::{Output, Process};
pub use receipt::Receipt;
pub use start::spawn;

/// What is to be started, and how.
#[derive(Debug, Clone)]
pub struct Launch {
    /// A name looked up in `PATH`, or a path; one with a slash counts from `folder`.
    pub program: OsString,
    /// Its arguments; no shell reads them.
    pub args: Vec<OsString>,
    /// The folder it runs in.
    pub folder: PathBuf,
    /// Variables set on top of ours.
    pub env: Vec<(OsString, OsString)>,
    /// Variables of ours that it must not see.
    pub unset: Vec<OsString>,
    /// What it reads on standard input, which is closed after that.
    pub stdin: Vec<u8>,
    /// Marks it and all that descends from it.
    pub cookie: Cookie,
}

/// A process for certain: numbers are given out again, a number with its start time is not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    /// Its number.
    pub pid: u32,
    /// When it started, in the kernel's ticks since boot.
    pub start: u64,
}

/// How the leader ended. Neither is known where somebody else collected it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Exit {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The signal that ended it.
    pub signal: Option<i32>,
}
