//! The server's room.

pub mod context;
pub mod error;
pub mod guard;
pub mod limits;
pub mod server;
pub mod stream;
