//! Agents: one process and all that descends from it, what it is told, what it prints, its log.

pub mod log;
pub mod process;
