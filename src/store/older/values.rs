//! Values of an older database as what they mean: SQLite lets anything stand in any column.

use std::borrow::Cow;

use rusqlite::types::ValueRef;
use xxhash_rust::xxh3::xxh3_64;

/// Below this a time is in seconds: as milliseconds it would lie before March 1973, as seconds it
/// reaches beyond the year 5000.
const SECONDS_BELOW: f64 = 1e11;

/// The end of the year 9999.
const LATEST_MS: i64 = 253_402_300_799_999;

/// A whole number; of a fraction its whole part.
pub(super) fn number(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(number) => Some(number),
        // Beyond this a double is not exact, and no row number.
        ValueRef::Real(number) if number.abs() < 9e15 => Some(number as i64),
        ValueRef::Text(text) => std::str::from_utf8(text).ok()?.trim().parse().ok(),
        _ => None,
    }
}

/// A time in milliseconds since the epoch, from milliseconds or seconds; `None` where it is neither.
pub(super) fn time(value: ValueRef<'_>) -> Option<i64> {
    match value {
        ValueRef::Integer(time) => time_of(time as f64),
        ValueRef::Real(time) => time_of(time),
        ValueRef::Text(text) => time_of(std::str::from_utf8(text).ok()?.trim().parse().ok()?),
        ValueRef::Null | ValueRef::Blob(_) => None,
    }
}

/// [`time`] of a number. Times are far below what a double holds exactly.
pub(super) fn time_of(time: f64) -> Option<i64> {
    let ms = if time.abs() < SECONDS_BELOW { (time * 1000.0).round() } else { time };
    let ms = ms as i64;
    (1..=LATEST_MS).contains(&ms).then_some(ms)
}

/// A text; empty for null. What is no UTF-8 is replaced by marks, which the second value tells.
pub(super) fn text(value: ValueRef<'_>) -> (Cow<'_, str>, bool) {
    match value {
        ValueRef::Null => (Cow::Borrowed(""), true),
        ValueRef::Integer(number) => (Cow::Owned(number.to_string()), true),
        ValueRef::Real(number) => (Cow::Owned(number.to_string()), true),
        ValueRef::Text(bytes) | ValueRef::Blob(bytes) => {
            (String::from_utf8_lossy(bytes), std::str::from_utf8(bytes).is_ok())
        }
    }
}

/// A text as it stands, for what need not be told.
pub(super) fn word(value: ValueRef<'_>) -> String {
    text(value).0.into_owned()
}

/// A time as what stays the same of it, whatever unit a later version of the file uses.
pub(super) fn stamp(value: ValueRef<'_>) -> String {
    time(value).map_or_else(|| word(value), |ms| ms.to_string())
}

/// A hash of parts: two lists of parts never run into the same bytes.
pub(super) fn digest(parts: &[&str]) -> i64 {
    let mut bytes = Vec::with_capacity(256);
    for part in parts {
        bytes.extend_from_slice(&(part.len() as u64).to_le_bytes());
        bytes.extend_from_slice(part.as_bytes());
    }
    xxh3_64(&bytes).cast_signed()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn seconds_and_milliseconds_are_told_by_their_size() {
        for (value, expected) in [
            (ValueRef::Integer(1_706_112_000), Some(1_706_112_000_000)),
            (ValueRef::Integer(1_706_112_000_123), Some(1_706_112_000_123)),
            (ValueRef::Real(1_706_112_000.25), Some(1_706_112_000_250)),
            (ValueRef::Text(b" 1706112000 "), Some(1_706_112_000_000)),
            (ValueRef::Integer(0), None),
            (ValueRef::Integer(-5), None),
            (ValueRef::Integer(i64::MAX), None),
            (ValueRef::Real(f64::NAN), None),
            (ValueRef::Real(f64::INFINITY), None),
            (ValueRef::Text(b"yesterday"), None),
            (ValueRef::Null, None),
        ] {
            assert_eq!(time(value), expected, "{value:?}");
        }
    }

    #[test]
    fn a_digest_keeps_parts_apart() {
        assert_ne!(digest(&["ab", "c"]), digest(&["a", "bc"]));
        assert_ne!(digest(&["a"]), digest(&["a", ""]));
        assert_eq!(digest(&["a", "b"]), digest(&["a", "b"]));
    }

    #[test]
    fn bytes_that_are_no_text_are_told() {
        assert_eq!(text(ValueRef::Text(b"a\xffb")), (Cow::Borrowed("a\u{fffd}b"), false));
        assert_eq!(text(ValueRef::Integer(7)), (Cow::Borrowed("7"), true));
        assert_eq!(number(ValueRef::Text(b"12")), Some(12));
        assert_eq!(number(ValueRef::Text(b"x")), None);
    }
}
