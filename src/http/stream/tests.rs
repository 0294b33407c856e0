//! The streams over the wire: a real hub over a real database, real sockets.

mod client;
mod delivery;
mod lifetime;
mod owner;
mod refusals;
mod stage;
