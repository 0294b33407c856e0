//! What the two ends of a team's stream share: the server that sends its log, and the hub that reads
//! all of them. Nothing here knows of either.
//!
//! ```text
//!  serve ─► outbox ─► sprint.<team>.<project>.<type> ─► stream ─► hub ─► the same page, API, streams
//!              └────► presence (a key with a lifetime) ──────────► hub
//! ```

mod bucket;
mod connection;
pub mod control;
pub mod message;
pub mod presence;
mod stream;
pub mod subject;

pub use bucket::Bucket;
pub use connection::{Link, Linked, connect, connect_linked, connect_with};
pub use stream::{StreamId, find_stream, open_stream};
