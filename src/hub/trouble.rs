//! Why the log cannot be written, for as long as it cannot; told once when it begins and once when
//! it is over.

use std::time::{Duration, Instant};

use crate::store::StoreError;

/// It is over when nothing has failed for this long and something could be written since: on a
/// disk that is nearly full small things still pass while larger ones are refused.
const CALM: Duration = Duration::from_secs(2);

/// Causes told in one bout; a disk that fails in ever new ways must not fill the log with it.
const TOLD: usize = 8;

/// One bout of failures, if there is one.
#[derive(Debug, Default)]
pub(super) struct Trouble {
    bout: Option<Bout>,
}

#[derive(Debug)]
struct Bout {
    failed_at: Instant,
    /// Something was written since.
    written: bool,
    told: Vec<String>,
}

impl Trouble {
    /// Something could not be written. Gives what to show.
    pub(super) fn failed(&mut self, error: &StoreError, now: Instant) -> String {
        let plain = error.plain();
        let bout = self.bout.get_or_insert_with(|| Bout {
            failed_at: now,
            written: false,
            told: Vec::new(),
        });
        bout.failed_at = now;
        bout.written = false;
        if bout.told.len() < TOLD && !bout.told.contains(&plain) {
            tracing::error!(cause = %error, "the log cannot be written: {plain}");
            bout.told.push(plain.clone());
        }
        plain
    }

    /// Something was written. True when that ends the bout.
    pub(super) fn written(&mut self, now: Instant) -> bool {
        if let Some(bout) = &mut self.bout {
            bout.written = true;
        }
        self.is_over(now)
    }

    /// Whether it is there.
    pub(super) const fn is_there(&self) -> bool {
        self.bout.is_some()
    }

    /// Whether nothing has failed for a while, so that it is worth trying to write a trifle.
    pub(super) fn is_calm(&self, now: Instant) -> bool {
        self.bout.as_ref().is_some_and(|bout| now.duration_since(bout.failed_at) >= CALM)
    }

    fn is_over(&mut self, now: Instant) -> bool {
        let over = self.is_calm(now) && self.bout.as_ref().is_some_and(|bout| bout.written);
        if over {
            self.bout = None;
            tracing::info!("the log can be written again");
        }
        over
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Moved;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn it_ends_when_something_was_written_and_nothing_has_failed_for_a_while() {
        let mut trouble = Trouble::default();
        let start = Instant::now();
        assert!(!trouble.written(start), "nothing to end");
        let error = StoreError::Moved(Moved::Gone);
        assert!(trouble.failed(&error, start).contains("put it back"));
        assert!(!trouble.written(start + SECOND), "too early");
        trouble.failed(&error, start + SECOND);
        assert!(!trouble.is_calm(start + SECOND * 2));
        assert!(trouble.is_calm(start + SECOND * 3) && trouble.is_there());
        assert!(trouble.written(start + SECOND * 3));
        assert!(!trouble.is_there());
    }

    #[test]
    fn each_cause_is_told_once_and_few_of_them() {
        let mut trouble = Trouble::default();
        let now = Instant::now();
        for n in 0..20 {
            for _ in 0..3 {
                trouble.failed(&StoreError::BadQuery(n.to_string()), now);
            }
        }
        assert_eq!(trouble.bout.unwrap().told.len(), TOLD);
    }
}
