//! Tells people elsewhere what needs them: rules over the log's events, to webhooks.
//!
//! ```text
//!  hub ─► occasion (pure) ─► desk (pure; stored beside the log) ─► message ─► bodies ─► post
//!  agents' silence ──┘
//! ```
//!
//! - A reader of the log like any other: one task, which holds up neither events nor batches.
//! - Only the configuration and the environment say where anything goes; no request changes that.
//! - At least once: what was taken is stored with the position in the log before it is sent, and
//!   every try of a delivery has the same id. What a target is told begins when it is first
//!   configured; nothing older is ever told.
//! - A secret is in no log, answer, error or agent's environment.
//!
//! To add a rule: a variant of [`Rule`](crate::config::notifications::Rule), its reading in
//! `occasion`, its sample in `sample`. To add a target: a variant of
//! [`Kind`](crate::config::notifications::Kind) and a file in `bodies/`.

mod bodies;
mod desk;
mod message;
mod notifier;
mod occasion;
mod post;
mod sample;
mod silence;
mod target;
mod text;

pub use notifier::{Notifier, Outcomes, Parts, TargetState};
pub use post::{Answer, Post};
pub use sample::{Sample, samples, send_sample};
pub use target::Target;
