//! What a batch does to the project's files: one status written, finished stories archived, the
//! project context copied, `git status` asked.
//!
//! All of it blocks: call it off the reactor.

pub(super) mod archive;
pub(super) mod context;
pub(super) mod git;
pub(super) mod status;
