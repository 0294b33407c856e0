//! How long things take, counted by length.
//!
//! The one of the `prometheus` crate keeps all its counts in lines that every thread writes to; a
//! thousand streams write at once. So the counts are ours and only their text is the crate's.

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use prometheus::proto;

use super::PerThread;

/// Upper bounds, in seconds: from less than a commit on a quick disk to what nobody waits for.
pub const SECONDS: [f64; BOUNDS] =
    [0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0];

const BOUNDS: usize = 14;

/// The same in nanoseconds.
const NANOS: [u64; BOUNDS] = [
    100_000,
    250_000,
    500_000,
    1_000_000,
    2_500_000,
    5_000_000,
    10_000_000,
    25_000_000,
    50_000_000,
    100_000_000,
    250_000_000,
    500_000_000,
    1_000_000_000,
    5_000_000_000,
];

/// Lengths of time. Taking one down costs two additions in a line of this thread's own.
#[derive(Debug, Default)]
pub struct Histogram(PerThread<Counts>);

#[derive(Debug, Default)]
struct Counts {
    /// The last one holds what is longer than all bounds.
    buckets: [AtomicU64; BOUNDS + 1],
    nanos: AtomicU64,
}

impl Histogram {
    /// Takes one down.
    pub fn observe(&self, took: Duration) {
        let nanos = u64::try_from(took.as_nanos()).unwrap_or(u64::MAX);
        let counts = self.0.mine();
        let bucket = NANOS.partition_point(|bound| *bound < nanos);
        counts.buckets[bucket].fetch_add(1, Ordering::Relaxed);
        counts.nanos.fetch_add(nanos, Ordering::Relaxed);
    }

    /// All of it, in the library's form. The count is that of the buckets, whoever counts meanwhile.
    pub(super) fn read(&self) -> proto::Histogram {
        let mut counts = [0; BOUNDS + 1];
        let mut nanos = 0_u64;
        for part in self.0.all() {
            for (sum, bucket) in counts.iter_mut().zip(&part.buckets) {
                *sum += bucket.load(Ordering::Relaxed);
            }
            nanos = nanos.wrapping_add(part.nanos.load(Ordering::Relaxed));
        }
        let mut all = 0;
        let mut buckets = Vec::with_capacity(BOUNDS);
        for (bound, count) in SECONDS.iter().zip(counts) {
            all += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_upper_bound(*bound);
            bucket.set_cumulative_count(all);
            buckets.push(bucket);
        }
        let mut histogram = proto::Histogram::default();
        histogram.set_bucket(buckets);
        histogram.set_sample_count(all + counts[BOUNDS]);
        histogram.set_sample_sum(Duration::from_nanos(nanos).as_secs_f64());
        histogram
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_bounds_are_the_same_twice_and_rise() {
        for (seconds, nanos) in SECONDS.iter().zip(NANOS) {
            assert_eq!(Duration::from_secs_f64(*seconds), Duration::from_nanos(nanos));
        }
        assert!(NANOS.is_sorted_by(|a, b| a < b));
    }

    #[test]
    fn a_length_of_time_lies_in_every_bucket_that_reaches_it() {
        let histogram = Histogram::default();
        for nanos in [0, 100_000, 100_001, 1_000_000, 7_000_000_000] {
            histogram.observe(Duration::from_nanos(nanos));
        }
        let read = histogram.read();
        let counts: Vec<u64> =
            read.get_bucket().iter().map(proto::Bucket::cumulative_count).collect();
        assert_eq!(counts, [2, 3, 3, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4, 4]);
        assert_eq!(read.get_sample_count(), 5);
        assert!((read.get_sample_sum() - 7.001_200_001).abs() < 1e-9);
    }
}
