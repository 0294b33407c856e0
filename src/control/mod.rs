//! Control from afar, both ends: a hub that asks, and a server that carries out.
//!
//! ```text
//!  browser ─► hub: guard ─► http::Afar ─► Caller ─► sprint-control.<team>.<project>.<verb>
//!                                                           │
//!  server: log (who asked for what) ◄── Control ◄───────────┘
//!                     own routes ◄──────────┘
//! ```
//!
//! - Off on both ends unless asked for. Who may publish on these subjects is for the credentials of
//!   NATS to say; a server that listens to them believes whoever can.
//! - Only what [`crate::nats::control::Verb`] lists is carried out, through the server's own routes.
//! - What changes something stands in the log before it is carried out.
//! - What comes late, twice, or to two servers of one name does nothing: see [`tickets`].

mod audit;
mod caller;
mod carrying_out;
mod server;
mod tickets;

pub use caller::{Caller, Callers};
pub use server::{Control, Parts};
