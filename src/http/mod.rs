//! The server: guard, API, streams, page.
//!
//! ```text
//!  server (accept, caps) ─► connection (socket) ─► hyper ─► service ─► guard ─┬─► stream: /ws, /sse
//!                                                  (site: /p/<name>/)         └─► warp: api, assets
//! ```
//!
//! - The guard speaks before any route, streams included; every answer is dressed by it.
//! - Every cap stands in [`limits`] with its reason. Nothing that waits for a client is unbounded.
//! - Routes end in a reply, never in a rejection: warp would try the next route and answer a
//!   misleading 404 or 405. Their bodies are read before them, up to the cap.
//! - Of several projects each is a whole server under its prefix, which is taken off before anything
//!   else looks at the path: no route, and no stream, knows of it ([`site`]).
//! - The end takes 5 s at most: streams are told, answers finished, the rest is cut.
//!
//! To add a route: a file in `api/` that exports its filter, one line where `api` joins them, what is
//! told of it in `openapi/paths/`, a row in `table` that names both.

pub mod afar;
pub mod api;
mod assets;
mod connection;
pub mod context;
mod data;
#[doc(hidden)]
pub mod doors;
pub mod error;
pub mod guard;
mod hall;
mod indoors;
mod kept;
pub mod limits;
mod openapi;
mod past;
mod pipe;
pub mod projects;
mod query;
mod reach;
mod reply;
mod requests;
mod route;
pub mod server;
mod service;
pub mod site;
mod socket;
mod standing;
pub mod stream;
mod table;
mod unix_listener;

pub use afar::Afar;
pub use assets::Assets;
pub use context::{About, Context};
pub use data::Downloads;
pub use guard::{Guard, GuardSettings};
pub use indoors::Indoors;
pub use limits::Limits;
pub use projects::{Project, Projects};
pub use reach::{Reach, Reached};
pub use server::Server;
pub use service::Routes;
pub use site::{Member, Members, Site};
pub use standing::Standing;
pub use stream::Streams;
