//! Agents: one process and all that descends from it, what it is told, what it prints, its log.

pub mod arguments;
pub mod context;
pub mod injection;
pub mod instructions;
pub mod log;
pub mod process;
pub mod prompt;
pub mod story_files;
