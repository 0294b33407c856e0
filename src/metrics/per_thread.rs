//! One thing several times, so that threads that count at once do not wait for each other's cache
//! line.

use std::sync::atomic::{AtomicUsize, Ordering};

/// More threads than this share places; two cores have two or three that count at once.
const PLACES: usize = 8;

/// The places; together they are the figure.
#[derive(Debug, Default)]
pub struct PerThread<T>([Place<T>; PLACES]);

/// Two lines of 64 bytes: processors fetch them in pairs.
#[derive(Debug, Default)]
#[repr(align(128))]
struct Place<T>(T);

static NEXT: AtomicUsize = AtomicUsize::new(0);

thread_local! {
    static MINE: usize = NEXT.fetch_add(1, Ordering::Relaxed) % PLACES;
}

impl<T> PerThread<T> {
    /// This thread's.
    pub fn mine(&self) -> &T {
        // A thread that is ending counts as the first.
        &self.0[MINE.try_with(|place| *place).unwrap_or(0)].0
    }

    /// All of them.
    pub fn all(&self) -> impl Iterator<Item = &T> {
        self.0.iter().map(|place| &place.0)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicU64;

    use super::*;

    #[test]
    fn what_many_threads_count_adds_up() {
        let figure = PerThread::<AtomicU64>::default();
        std::thread::scope(|scope| {
            for _ in 0..20 {
                scope.spawn(|| {
                    for _ in 0..1000 {
                        figure.mine().fetch_add(1, Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(figure.all().map(|one| one.load(Ordering::Relaxed)).sum::<u64>(), 20_000);
    }
}
