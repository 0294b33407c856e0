//! How many batches are under way in this program, whichever projects they are of.

use std::sync::atomic::{AtomicUsize, Ordering};

static COUNT: AtomicUsize = AtomicUsize::new(0);

/// A batch under way, until it is dropped: right before what it leaves behind is looked for.
#[derive(Debug)]
pub struct UnderWay(());

impl UnderWay {
    /// To be had before the batch's first agent starts.
    pub fn begin() -> Self {
        COUNT.fetch_add(1, Ordering::SeqCst);
        Self(())
    }
}

impl Drop for UnderWay {
    fn drop(&mut self) {
        COUNT.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Whether any is.
#[cfg_attr(not(unix), allow(dead_code))]
pub(super) fn any() -> bool {
    COUNT.load(Ordering::SeqCst) > 0
}
