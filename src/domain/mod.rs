//! The sprint's vocabulary and rules, pure: no tokio, no files, no clock, no environment.

pub mod attribution;
pub mod diff;
pub mod event;
pub mod issue;
pub mod key;
pub mod payload;
pub mod reading;
pub mod receipt;
pub mod settings;
pub mod state;
pub mod status;
pub mod twins;
pub mod words;
pub mod workflow;
