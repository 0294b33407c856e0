//! What counts as now when old events are purged: the machine's clock, as far as it can be believed.
//!
//! A clock that has jumped far ahead, or came up wrong, would make all events old, and what is purged
//! does not come back. Whether a machine rested for two months or its clock is wrong cannot be seen
//! from here. So the time by which events age never goes faster than [`SPEED`] times the time that
//! this program has been running; it is kept with the log. After a rest events stay for a while
//! longer; under a wrong clock there are days to notice it.

use std::time::{Duration, Instant};

/// Two months of rest are made up for in a week of running, and 90 days of events last nine days of
/// running under any clock.
const SPEED: i64 = 10;

/// A clock that is further ahead is told of.
const NOTABLE_MS: i64 = 24 * 3600 * 1000;

/// The time that a log has lived through.
#[derive(Debug)]
pub(super) struct Pace {
    reached_ms: i64,
    counted_until: Instant,
    told: bool,
}

impl Pace {
    /// Goes on from the time that was reached before.
    pub(super) const fn new(reached_ms: i64, now: Instant) -> Self {
        Self { reached_ms, counted_until: now, told: false }
    }

    /// What counts as now when the machine's clock says `clock_ms`.
    pub(super) fn now(&mut self, clock_ms: i64, now: Instant) -> i64 {
        let ran = now.saturating_duration_since(self.counted_until).as_millis();
        let ran = u64::try_from(ran).unwrap_or(u64::MAX);
        self.counted_until += Duration::from_millis(ran);
        let most = i64::try_from(ran).unwrap_or(i64::MAX).saturating_mul(SPEED);
        let most = self.reached_ms.saturating_add(most);
        // A clock that goes back takes nothing from what was lived through.
        self.reached_ms = self.reached_ms.max(clock_ms.min(most));
        let ahead = clock_ms.saturating_sub(self.reached_ms);
        if ahead > NOTABLE_MS && !self.told {
            tracing::warn!(
                days = ahead / NOTABLE_MS,
                "the clock is far ahead of what this log has seen: it rested, or the clock is \
                 wrong; old events are purged later until that is made up for"
            );
        }
        self.told = ahead > NOTABLE_MS;
        clock_ms.min(self.reached_ms)
    }

    /// The time reached, to go on from at the next start.
    pub(super) const fn reached_ms(&self) -> i64 {
        self.reached_ms
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const DAY: i64 = NOTABLE_MS;

    #[test]
    fn a_clock_that_goes_on_is_followed_one_that_jumps_is_not() {
        let begin = Instant::now();
        let mut pace = Pace::new(1000 * DAY, begin);
        let after = |days: f64| begin + Duration::from_secs_f64(days * 86_400.0);
        assert_eq!(pace.now(1000 * DAY, begin), 1000 * DAY);
        assert_eq!(pace.now(1001 * DAY, after(1.0)), 1001 * DAY);
        // It comes up in another century.
        assert_eq!(pace.now(40_000 * DAY, after(1.0)), 1001 * DAY);
        assert_eq!(pace.now(40_001 * DAY, after(2.0)), 1011 * DAY);
        // It is set right, and what it was has no say any more.
        assert_eq!(pace.now(1003 * DAY, after(3.0)), 1003 * DAY);
        assert_eq!(pace.now(0, after(4.0)), 0);
        assert_eq!(pace.now(1005 * DAY, after(5.0)), 1005 * DAY);
    }

    #[test]
    fn two_months_of_rest_are_made_up_for_in_a_week() {
        let begin = Instant::now();
        let mut pace = Pace::new(1000 * DAY, begin);
        for hour in 0..7 * 24 {
            let now = begin + Duration::from_secs(hour * 3600);
            pace.now(1060 * DAY + hour.cast_signed() * DAY / 24, now);
        }
        let now = begin + Duration::from_secs(7 * 86_400);
        assert_eq!(pace.now(1067 * DAY, now), 1067 * DAY);
    }

    #[test]
    fn many_looks_count_no_more_than_one() {
        let begin = Instant::now();
        let mut pace = Pace::new(0, begin);
        for look in 0..10_000 {
            pace.now(i64::MAX, begin + Duration::from_micros(look * 700));
        }
        let reached = pace.now(i64::MAX, begin + Duration::from_secs(7));
        assert_eq!(reached, 70_000);
    }
}
