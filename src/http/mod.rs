//! HTTP: the guard before everything, the streams, the API and the page.
//!
//! ```text
//!  accept loop ─► connection ─► guard ─► /ws, /sse ─► stream (a cursor over the log)
//!                                   └──► warp routes ─► api, data, assets
//! ```
//!
//! - The guard runs before any route; there is no way around it.
//! - Every route ends with a reply. A rejection would make warp try the next route and answer with
//!   whatever that one thinks.
//! - The streams are served before warp sees the request: their bodies and sockets are ours, with
//!   buffers small enough for thousands of readers.
//!
//! To add a route: a file in `api/` that exports its filter, one line in `api/mod.rs`.

pub mod api;
mod assets;
pub mod context;
mod data;
pub mod error;
pub mod guard;
pub mod limits;
mod reply;
pub mod server;
pub mod stream;
