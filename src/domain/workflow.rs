//! How a managed batch runs: the commands, what an agent is sent to do, what became of it.

mod command;
mod job;

pub use command::{Command, Groups};
pub use job::{Cause, Job, Outcome, RunId, Severity, TechSpecDecision, Usage, Verdict};
