//! Figures as Prometheus reads them: what counts where much happens, and the text of an answer.
//!
//! Nothing here is global: each room keeps its own figures, so that two servers in one process
//! never mix. What is known anyway (the folded state, open streams) is not counted a second time
//! but asked for when somebody wants to see it; an idle program therefore does no work for it.
//!
//! - A thread that counts writes into a cache line that few others write to ([`PerThread`]).
//! - A label's value comes from a list in the code, never from a file.

mod histogram;
mod page;
mod per_thread;

pub use histogram::{Histogram, SECONDS};
pub use page::{CONTENT_TYPE, Page, Series};
pub use per_thread::PerThread;
