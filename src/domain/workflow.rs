//! How a managed batch runs, as a pure state machine: `step(state, input) → (state, effects)`.
//!
//! ```text
//!  begin ─► project context ─► select ─► create + discovery ─► story review ─► tech spec ─► its review
//!                                ▲                                                             │
//!                                └── cycle end ◄── commit ◄── move files ◄── code review ◄── development
//! ```
//!
//! Invariants, held by the tests:
//!
//! - Every batch ends: each story is worked on at most once a batch, each loop within it is counted.
//! - Exactly one `batch:end`, and it comes last; after it there is neither run nor timer.
//! - A run is asked for only while nothing has stopped the batch; each gets exactly one end.
//! - No status is written before an agent of the story's cycle has started well.
//!
//! The executor (room `orchestrator`) carries effects out in their order and answers each of them
//! that has an answer with exactly one input. Nothing here reads a clock: the time comes along.

mod batch;
mod code_review;
mod command;
mod context;
mod cycle;
mod ending;
mod events;
mod input;
mod job;
mod runs;
mod select;
mod step;
#[cfg(test)]
mod tests;

pub use batch::{Batch, Rules};
pub use command::{Command, Groups};
pub use input::{ContextAge, Effect, Input, MoveReport, StopMode, TimerId, WriteFailure};
pub use job::{Cause, Job, Outcome, Report, RunId, Severity, TechSpecDecision, Usage, Verdict};
pub use select::{Candidate, Selection, select};
pub use step::step;
