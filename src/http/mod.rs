//! The server: guard, API, streams, page.
//!
//! ```text
//!  server (accept, caps) ─► connection (socket) ─► hyper ─► service ─► guard ─┬─► stream: /ws, /sse
//!                                                                             └─► warp: api, assets
//! ```
//!
//! - The guard speaks before any route, streams included; every answer is dressed by it.
//! - Every cap stands in [`limits`] with its reason. Nothing that waits for a client is unbounded.
//! - Routes end in a reply, never in a rejection: warp would try the next route and answer a
//!   misleading 404 or 405. Their bodies are read before them, up to the cap.
//! - The end takes 5 s at most: streams are told, answers finished, the rest is cut.
//!
//! To add a route: a file in `api/` that exports its filter, one line where `api` joins them, what is
//! told of it in `openapi/paths/`, a row in `table` that names both.

pub mod api;
mod assets;
mod connection;
pub mod context;
mod data;
#[doc(hidden)]
pub mod doors;
pub mod error;
pub mod guard;
mod kept;
pub mod limits;
mod openapi;
mod past;
mod pipe;
mod query;
mod reply;
mod requests;
mod route;
pub mod server;
mod service;
mod socket;
pub mod stream;
mod table;
mod unix_listener;

pub use assets::Assets;
pub use context::{About, Context};
pub use data::Downloads;
pub use guard::{Guard, GuardSettings};
pub use limits::Limits;
pub use server::Server;
pub use service::Routes;
pub use stream::Streams;
