//! Lengths of time of the file: a number of minutes or seconds, fractions are fine.

use std::time::Duration;

use serde::{Deserialize, Deserializer, de::Error};

/// A year; longer waits are slips of the pen.
const LONGEST_SECONDS: f64 = 525_600.0 * 60.0;

/// Reads `number` times `unit` seconds; with `zero`, no time at all is fine as well.
fn duration(number: f64, unit: f64, key: &str, zero: bool) -> Result<Duration, String> {
    let fits = (number > 0.0 || zero && number == 0.0) && number * unit <= LONGEST_SECONDS;
    let read = fits.then(|| Duration::try_from_secs_f64(number * unit).ok()).flatten();
    read.ok_or_else(|| {
        let least = if zero { "at least 0" } else { "more than 0" };
        format!("{key} must be {least} and at most {}", LONGEST_SECONDS / unit)
    })
}

macro_rules! readers {
    ($($key:ident: $unit:literal, zero $zero:literal;)*) => {$(
        pub(super) fn $key<'de, D: Deserializer<'de>>(from: D) -> Result<Option<Duration>, D::Error> {
            let number = f64::deserialize(from)?;
            duration(number, $unit, stringify!($key), $zero).map(Some).map_err(D::Error::custom)
        }
    )*};
}

readers! {
    timeout_minutes: 60.0, zero false;
    idle_minutes: 60.0, zero false;
    stop_grace_seconds: 1.0, zero true;
    timeout_grace_seconds: 1.0, zero true;
    result_grace_seconds: 1.0, zero true;
    retry_seconds: 1.0, zero true;
    usage_limit_wait_minutes: 60.0, zero false;
    cool_down_minutes: 60.0, zero true;
    settle_seconds: 1.0, zero true;
    max_age_hours: 3600.0, zero false;
    give_up_hours: 3600.0, zero false;
    silent_minutes: 60.0, zero false;
}
