//! When a limit ends, where its message says so beyond doubt.
//!
//! A clock time counts only in UTC: of any other zone this reader knows nothing, and to wake up
//! hours late or early is worse than to look again now and then.

use jiff::civil;
use jiff::tz::TimeZone;

const SECOND_MS: i64 = 1000;
const DAY_MS: i64 = 86_400_000;
/// No limit holds longer; a later time is a misreading.
const LONGEST_MS: i64 = 400 * DAY_MS;

/// Stand before a unix time.
const UNIX_KEYS: [&str; 4] = ["limit reached|", "resets_at", "resetsat", "reset_at"];
/// Stand before a span of time.
const SPAN_KEYS: [&str; 6] =
    ["resets in", "reset in", "reset after", "resets after", "try again in", "retry in"];
/// Stand before a time of the day.
const CLOCK_KEYS: [&str; 4] = ["resets at", "reset at", "resets", "try again at"];

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];

/// When the limit ends, by whichever way the text says so.
pub(in crate::parse::agent) fn of(text: &str, now_ms: Option<i64>) -> Option<i64> {
    let text = text.to_lowercase();
    let unix = UNIX_KEYS.iter().find_map(|key| digits(after(&text, key)?));
    if let Some(at) = unix.and_then(|at| ahead(at, now_ms)) {
        return Some(at);
    }
    let now = now_ms?;
    let seconds = after(&text, "resets_in_seconds").and_then(digits);
    let span = seconds
        .and_then(|seconds| seconds.checked_mul(SECOND_MS))
        .or_else(|| SPAN_KEYS.iter().find_map(|key| span_ms(after(&text, key)?)));
    if let Some(span) = span {
        return (1..LONGEST_MS).contains(&span).then(|| now.saturating_add(span));
    }
    CLOCK_KEYS.iter().find_map(|key| clock_ms(after(&text, key)?, now))
}

/// A unix time in seconds or milliseconds as milliseconds, if it lies ahead and is no misreading.
pub(in crate::parse::agent) fn ahead(at: i64, now_ms: Option<i64>) -> Option<i64> {
    let at = match at {
        1_000_000_000..100_000_000_000 => at * SECOND_MS,
        1_000_000_000_000..100_000_000_000_000 => at,
        _ => return None,
    };
    match now_ms {
        Some(now) => (at > now && at - LONGEST_MS < now).then_some(at),
        None => Some(at),
    }
}

fn after<'a>(text: &'a str, key: &str) -> Option<&'a str> {
    text.find(key).map(|at| &text[at + key.len()..])
}

/// The number that follows, over a few marks such as `": `.
fn digits(text: &str) -> Option<i64> {
    let text = text.trim_start_matches(['"', '\'', ':', ' ', '=', '\\']);
    let end = text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len());
    text[..end].parse().ok()
}

/// `2h 5m`, `5 days 22 hours 11 minutes`, `8h44m7s`, `11.054s`.
fn span_ms(text: &str) -> Option<i64> {
    let mut rest = text;
    let mut total: Option<f64> = None;
    loop {
        rest = rest.trim_start_matches([' ', ',', '~', '\n']);
        rest = rest.strip_prefix("and ").unwrap_or(rest);
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let Ok(number) = rest[..end].parse::<f64>() else { break };
        rest = rest[end..].trim_start();
        let end = rest.find(|c: char| !c.is_ascii_lowercase()).unwrap_or(rest.len());
        let unit = match &rest[..end] {
            "ms" => 1.0,
            "s" | "sec" | "secs" | "second" | "seconds" => 1e3,
            "m" | "min" | "mins" | "minute" | "minutes" => 60e3,
            "h" | "hr" | "hrs" | "hour" | "hours" => 3_600e3,
            "d" | "day" | "days" => 86_400e3,
            _ => break,
        };
        rest = &rest[end..];
        total = Some(total.unwrap_or(0.0) + number * unit);
    }
    // Whatever is beyond a float's whole numbers is beyond the longest limit as well.
    total.map(|ms| ms.ceil() as i64)
}

/// ` 3am (utc)`, ` feb 16, 11:30am (utc)`: the next such time.
fn clock_ms(text: &str, now_ms: i64) -> Option<i64> {
    let (when, zone) = text.split_once('(')?;
    if when.len() > 40 || !matches!(zone.split(')').next()?, "utc" | "etc/utc" | "gmt") {
        return None;
    }
    let words: Vec<&str> = when.split([' ', ',']).filter(|word| !word.is_empty()).collect();
    let now = jiff::Timestamp::from_millisecond(now_ms).ok()?;
    let today = now.to_zoned(TimeZone::UTC).date();
    let at = |date: civil::Date, time: civil::Time| {
        let zoned = date.to_datetime(time).to_zoned(TimeZone::UTC).ok()?;
        Some(zoned.timestamp().as_millisecond())
    };
    match words.as_slice() {
        [time] => {
            let time = clock(time)?;
            at(today, time).filter(|at| *at > now_ms).or_else(|| at(today.tomorrow().ok()?, time))
        }
        [month, day, time] | [month, day, "at", time] => {
            let month = MONTHS.iter().position(|name| month.starts_with(name))? as i8 + 1;
            let time = clock(time)?;
            let day = day.parse().ok()?;
            let years = [today.year(), today.year().checked_add(1)?];
            years
                .into_iter()
                .filter_map(|year| at(civil::Date::new(year, month, day).ok()?, time))
                .find(|at| *at > now_ms)
                .filter(|at| at - LONGEST_MS < now_ms)
        }
        _ => None,
    }
}

/// `3am`, `11:30pm`.
fn clock(word: &str) -> Option<civil::Time> {
    let (time, noon) = match (word.strip_suffix("am"), word.strip_suffix("pm")) {
        (Some(time), _) => (time, 0),
        (_, Some(time)) => (time, 12),
        _ => return None,
    };
    let (hour, minute) = time.split_once(':').unwrap_or((time, "0"));
    let hour: i8 = hour.parse().ok().filter(|hour| (1..=12).contains(hour))?;
    civil::Time::new(hour % 12 + noon, minute.parse().ok()?, 0, 0).ok()
}
