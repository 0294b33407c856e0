//! Where there are no process groups no agents are started, and the rest has nothing to do.

use std::ffi::OsStr;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::{Identity, Launch, Output, Receipt, SpawnError, Usage};

/// A running agent; there is none here.
#[derive(Debug)]
pub enum Process {}

/// An agent's processes; there are none here.
#[derive(Debug, Clone)]
pub enum Group {}

/// Finds nothing that could be started.
pub fn find_program(_: &OsStr, _: &Path) -> Result<PathBuf, SpawnError> {
    let text = "agents can be run on Linux and other Unix systems only";
    Err(SpawnError::Other(io::Error::new(io::ErrorKind::Unsupported, text)))
}

/// Starts nothing.
pub fn spawn(launch: Launch) -> Result<Process, SpawnError> {
    let refusal = find_program(&launch.program, &launch.folder);
    Err(refusal.err().unwrap_or(SpawnError::Other(io::ErrorKind::Unsupported.into())))
}

/// Ends nothing.
#[allow(clippy::unused_async)] // as where there is something to wait for
pub async fn end_leftovers(_: &str, _: Duration) -> Receipt {
    Receipt::default()
}

/// Ends nothing.
#[allow(clippy::unused_async)] // as where there is something to wait for
pub async fn end_batch_leftovers(_: &str, _: Duration) -> Receipt {
    Receipt::default()
}

/// Finds nothing.
#[allow(clippy::unused_async)] // as where there is something to wait for
pub async fn find_leftovers(_: &str) -> Vec<Identity> {
    Vec::new()
}

#[allow(clippy::unused_async)] // as where there is something to wait for
impl Process {
    /// The leader's number.
    pub fn pid(&self) -> u32 {
        match *self {}
    }

    /// The leader, for certain.
    pub fn identity(&self) -> Identity {
        match *self {}
    }

    /// A handle to stop and to measure with.
    pub fn group(&self) -> Group {
        match *self {}
    }

    /// What comes next.
    pub async fn next(&mut self) -> Output {
        match *self {}
    }
}

#[allow(clippy::unused_async)] // as where there is something to wait for
impl Group {
    /// Ends them all.
    pub async fn stop(&self, _: Duration) -> Receipt {
        match *self {}
    }

    /// Who still lives besides the leader.
    pub async fn leftovers(&self) -> Vec<Identity> {
        match *self {}
    }

    /// What they use just now.
    pub async fn usage(&self) -> Usage {
        match *self {}
    }
}
