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
//! it can be found (at the end of its batch even without a cookie), and somebody has to collect it
//! once it is dead. That is done by process number
//! and never by waiting for "any child", which would take away exit codes that others wait for.
//! Collected is a dead child that lies in another process group than the program's own and is no
//! agent's leader; a leader is collected by the agent it belongs to. Every other child of this
//! program stays in its group, since nothing but this room makes groups: so it is never touched,
//! nor is tokio's own waiting, which goes by number as well.
//!
//! **No `PDEATHSIG`.** It is sent when the *thread* that started the child ends, and tokio's
//! threads come and go. What a crash of the server leaves is ended by [`end_leftovers`] at the next
//! start.
//!
//! Proven on Linux. Elsewhere on Unix there is no table to look into: groups are ended by their
//! number, and who left one is not found. Other systems start no agents.

mod cookie;
pub mod descriptors;
#[cfg(unix)]
mod end;
#[cfg(unix)]
mod group;
#[cfg(unix)]
mod leader;
#[cfg(unix)]
mod leftovers;
mod lines;
#[cfg(unix)]
mod look;
#[cfg(unix)]
mod program;
#[cfg(unix)]
mod reader;
#[cfg(unix)]
mod reaper;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod start;
#[cfg(unix)]
mod table;
#[cfg(all(test, target_os = "linux"))]
mod tests;
mod under_way;
#[cfg(not(unix))]
mod unsupported;

use std::ffi::OsString;
use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

pub use crate::domain::receipt::Receipt;
pub use cookie::{COOKIE_VARIABLE, Cookie};
// For the laws in `tests/laws/`: fuzzed as what stands between a child's pipe and all that reads it.
#[doc(hidden)]
pub use lines::Splitter;
pub use lines::{Line, MAX_LINE, Stream};
pub use under_way::UnderWay;
#[cfg(not(unix))]
pub use unsupported::{
    Group, Process, end_batch_leftovers, end_leftovers, find_leftovers, find_program, spawn,
};
#[cfg(unix)]
pub use {
    group::Group,
    leftovers::{end_batch_leftovers, end_leftovers, find_leftovers},
    program::find_program,
    reader::Process,
    start::spawn,
};

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

/// Why a program could not be started.
#[derive(Debug, thiserror::Error)]
pub enum SpawnError {
    /// There is no such program.
    #[error("{0}")]
    Missing(String),
    /// There is something, but the system cannot run it.
    #[error("{0}")]
    NotExecutable(String),
    /// Something else: the folder is missing, no more processes, arguments too long.
    #[error("{0}")]
    Other(#[from] io::Error),
}

/// What comes of an agent, in this order: lines, one exit, closed for ever.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Output {
    /// A line.
    Line(Line),
    /// The leader has ended, and all that it wrote has been given out.
    Exited(Exit),
    /// Nothing comes any more.
    Closed,
}

/// What an agent's living processes use together.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Usage {
    /// Processor time, with that of the children they have collected, in milliseconds.
    pub cpu_ms: u64,
    /// Memory held; pages that several share count once for each.
    pub rss_bytes: u64,
    /// How many they are.
    pub processes: u32,
}
