//! What stands on a terminal, and what prepares one: `watch`, `doctor`, completions, the manual.

mod doctor;
mod pty;
mod shells;
mod watch;
