//! The wait for news of the server that works on a project.
//!
//! Most projects are this server's own: then there is nothing to wait for, and no stream grows by it.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::{Poll, ready};

use tokio::sync::watch::Receiver;

use crate::http::reach::{Reach, Reached};

type Known = Receiver<Option<Reached>>;
type Change = Pin<Box<dyn Future<Output = Option<Known>> + Send>>;

/// Tells whenever something else is known.
// Boxed twice: a pointer is all that it adds to each stream.
pub(super) struct Owner(Option<Box<Change>>);

impl Owner {
    /// Waits for what comes after what is known now.
    pub(super) fn new(reach: &Reach) -> Self {
        let known = reach.watch();
        let afar = known.borrow().is_some();
        Self(afar.then(|| Box::new(change(known))))
    }

    /// What is known next; never of a project of this server's own. Cancel-safe.
    pub(super) fn news(&mut self) -> impl Future<Output = Reached> {
        poll_fn(|cx| {
            loop {
                let Some(waiting) = &mut self.0 else { return Poll::Pending };
                let Some(mut receiver) = ready!(waiting.as_mut().as_mut().poll(cx)) else {
                    // Nobody listens for that server any more: the stream ends with its project.
                    self.0 = None;
                    continue;
                };
                let known = receiver.borrow_and_update().clone();
                **waiting = change(receiver);
                if let Some(known) = known {
                    return Poll::Ready(known);
                }
            }
        })
    }
}

fn change(mut known: Known) -> Change {
    Box::pin(async move { known.changed().await.ok().map(|()| known) })
}
